"""The statements of decisions, appeals and leases; the caller holds the lock of the accounts."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.checkins.domain import Status
from backend.db import copy_rows, fetch, run
from backend.review.domain import Appeal, Case, Decision, Label, Lease, Outcome


async def accounts_of(conn: AsyncConnection, check_in_ids: Iterable[UUID]) -> Mapping[UUID, UUID]:
    """Whose these check-ins are; an account never changes, so it is read before it is locked."""
    rows = await fetch(
        conn,
        "SELECT id, account_id FROM check_in WHERE id = ANY(CAST(:ids AS uuid[]))",
        ids=sorted(set(check_in_ids)),
    )
    return {row.id: row.account_id for row in rows}


async def load_cases(conn: AsyncConnection, check_in_ids: Sequence[UUID]) -> dict[UUID, Case]:
    """These cases as they stand; unknown ones are missing."""
    decisions = await decisions_of(conn, check_in_ids)
    rows = await fetch(
        conn,
        "SELECT check_in.id, check_in.account_id, action, check_in.status, check_in.reason,"
        " appeal_until, in_review_since, model_sha256,"
        " EXISTS (SELECT FROM near_match WHERE yields = check_in.id"
        " AND check_in.id IN (first_id, second_id)) AS has_look_alike,"
        " appeal.text, appeal.reason AS appealed_reason, appealed_at,"
        " review_lease.reviewer, expires_at"
        " FROM check_in LEFT JOIN score ON score.check_in_id = check_in.id"
        " LEFT JOIN appeal ON appeal.check_in_id = check_in.id"
        " LEFT JOIN review_lease ON review_lease.check_in_id = check_in.id"
        " WHERE check_in.id = ANY(CAST(:ids AS uuid[]))",
        ids=list(check_in_ids),
    )
    return {row.id: _case(row, decisions.get(row.id, ())) for row in rows}


def _case(row: Row[Any], decisions: Sequence[Decision]) -> Case:
    appealed = row.appealed_at is not None
    leased = row.expires_at is not None
    return Case(
        row.id,
        row.account_id,
        row.action,
        Status(row.status),
        row.reason,
        row.appeal_until,
        row.in_review_since,
        row.model_sha256,
        row.has_look_alike,
        Appeal(row.id, row.text, row.appealed_reason, row.appealed_at) if appealed else None,
        Lease(row.id, row.reviewer, row.expires_at) if leased else None,
        decisions,
    )


async def decisions_of(
    conn: AsyncConnection, check_in_ids: Sequence[UUID]
) -> Mapping[UUID, Sequence[Decision]]:
    """What was decided of these check-ins, the decision on an appeal last."""
    rows = await fetch(
        conn,
        f"SELECT {', '.join(Decision._fields)} FROM review_decision"
        " WHERE check_in_id = ANY(CAST(:ids AS uuid[])) ORDER BY check_in_id, is_on_appeal",
        ids=list(check_in_ids),
    )
    found: dict[UUID, list[Decision]] = defaultdict(list)
    for row in rows:
        decision = Decision._make(row)
        found[decision.check_in_id].append(
            decision._replace(outcome=Outcome(decision.outcome), label=Label(decision.label))
        )
    return found


async def insert_decisions(conn: AsyncConnection, decisions: Sequence[Decision]) -> None:
    """Write decisions; a second one of the same round is a class 23 error."""
    await copy_rows(conn, "review_decision", Decision._fields, decisions)


async def insert_appeals(conn: AsyncConnection, appeals: Sequence[Appeal]) -> None:
    """Write appeals; a second one of a check-in is a class 23 error."""
    await copy_rows(conn, "appeal", Appeal._fields, appeals)


async def keep_leases(conn: AsyncConnection, leases: Sequence[Lease]) -> None:
    """Write leases over those that were there."""
    if not leases:
        return
    await run(
        conn,
        "INSERT INTO review_lease (check_in_id, reviewer, expires_at)"
        " SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:reviewers AS text[]),"
        " CAST(:ends AS timestamptz[])) ON CONFLICT (check_in_id) DO UPDATE"
        " SET reviewer = excluded.reviewer, expires_at = excluded.expires_at",
        ids=[lease.check_in_id for lease in leases],
        reviewers=[lease.reviewer for lease in leases],
        ends=[lease.expires_at for lease in leases],
    )


async def end_leases(conn: AsyncConnection, check_in_ids: Sequence[UUID]) -> None:
    """Forget who looked at these check-ins."""
    await run(
        conn,
        "DELETE FROM review_lease WHERE check_in_id = ANY(CAST(:ids AS uuid[]))",
        ids=list(check_in_ids),
    )
