"""Calls of partners' systems: leased fairly, closed fenced.

Whoever closes a call holds the lock of its member's account and then that of its row; whoever
leases takes the row alone and skips those that are locked, so that no two of them deadlock.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import fetch, fetch_one, run
from backend.ids import LAST_ID
from backend.rewards.call_domain import ASKED_FOR, Call, CallStatus


class CallRow(NamedTuple):
    """A locked call as decisions see it.

    Attributes:
        words: The reference of a call that was fulfilled, the reason of one that was refused.
    """

    voucher_id: UUID
    merchant_id: UUID
    status: CallStatus
    attempts: int
    words: str | None


class Closing(NamedTuple):
    """What becomes of a call; `due_at` moves only while it goes on."""

    voucher_id: UUID
    status: CallStatus
    due_at: datetime | None = None
    error: str | None = None
    response_code: int | None = None
    reference: str | None = None
    reason: str | None = None
    decided_by: str | None = None


async def insert_calls(
    conn: AsyncConnection, wanted: Sequence[tuple[UUID, UUID, bytes | None]]
) -> int:
    """Write calls (voucher, merchant, sealed recipient), due at once; returns how many.

    A merchant without an endpoint gets none.
    """
    return await run(
        conn,
        "INSERT INTO partner_call (voucher_id, merchant_id, url, recipient, status, due_at,"
        " ask_until, created_at) SELECT voucher_id, merchant_id, url, recipient, 'calling', now(),"
        " now() + make_interval(secs => :asked_for_s), now() FROM unnest(CAST(:vouchers AS uuid[]),"
        " CAST(:merchants AS uuid[]), CAST(:recipients AS bytea[])) AS given(voucher_id,"
        " merchant_id, recipient) JOIN call_endpoint USING (merchant_id)",
        vouchers=[voucher_id for voucher_id, _, _ in wanted],
        merchants=[merchant_id for _, merchant_id, _ in wanted],
        recipients=[recipient for _, _, recipient in wanted],
        asked_for_s=ASKED_FOR.total_seconds(),
    )


async def lease_calls(
    conn: AsyncConnection, *, at_once: int, limit: int, lease_s: float
) -> list[Call]:
    """Lease due calls, at most `at_once` under way for one merchant."""
    rows = await fetch(
        conn,
        "WITH due AS MATERIALIZED (SELECT waiting.voucher_id FROM call_endpoint AS endpoint"
        " CROSS JOIN LATERAL (SELECT greatest(:at_once - CAST(count(*) AS integer), 0) AS room"
        " FROM partner_call WHERE merchant_id = endpoint.merchant_id AND status = 'calling'"
        " AND leased_until > now()) AS has CROSS JOIN LATERAL (SELECT voucher_id FROM partner_call"
        " WHERE merchant_id = endpoint.merchant_id AND status = 'calling' AND due_at <= now()"
        " ORDER BY due_at, voucher_id LIMIT has.room FOR UPDATE SKIP LOCKED) AS waiting"
        " LIMIT :limit)"
        " UPDATE partner_call AS taken SET attempts = attempts + 1,"
        " leased_until = now() + make_interval(secs => :lease_s),"
        " due_at = now() + make_interval(secs => :lease_s)"
        " FROM due, voucher, call_endpoint AS endpoint WHERE taken.voucher_id = due.voucher_id"
        " AND voucher.id = taken.voucher_id AND endpoint.merchant_id = taken.merchant_id"
        " RETURNING taken.voucher_id, account_id, taken.merchant_id, reward_id, points, taken.url,"
        " recipient, attempts, attempts_before, ask_until, taken.created_at, now() AS now, secret,"
        " CASE WHEN previous_until > now() THEN previous_secret END AS previous",
        at_once=at_once,
        limit=limit,
        lease_s=lease_s,
    )
    return [
        Call._make([*row[:-2], [each for each in (row.secret, row.previous) if each]])
        for row in rows
    ]


async def release_calls(conn: AsyncConnection, calls: Sequence[Call]) -> None:
    """Give leases back that are still ours, due at once; their attempt numbers stay used up."""
    await run(
        conn,
        "UPDATE partner_call AS kept SET leased_until = NULL, due_at = now()"
        " FROM unnest(CAST(:ids AS uuid[]), CAST(:attempts AS integer[])) AS ours(id, attempts)"
        " WHERE kept.voucher_id = ours.id AND kept.attempts = ours.attempts"
        " AND kept.leased_until IS NOT NULL",
        ids=[each.voucher_id for each in calls],
        attempts=[each.attempts for each in calls],
    )


async def lock_calls(conn: AsyncConnection, voucher_ids: Iterable[UUID]) -> Mapping[UUID, CallRow]:
    """Lock calls in the order of their ids, after the accounts of their members."""
    rows = await fetch(
        conn,
        "SELECT voucher_id, merchant_id, status, attempts,"
        " coalesce(reference, reason) AS words FROM partner_call"
        " WHERE voucher_id = ANY(CAST(:ids AS uuid[])) ORDER BY voucher_id FOR UPDATE",
        ids=sorted(set(voucher_ids)),
    )
    return {
        row.voucher_id: CallRow._make(row)._replace(status=CallStatus(row.status)) for row in rows
    }


async def close_calls(conn: AsyncConnection, closings: Sequence[Closing], now: datetime) -> None:
    """Write what came of locked calls; the recipient is forgotten with the end."""
    if not closings:
        return
    columns = dict(zip(Closing._fields, zip(*closings, strict=True), strict=True))
    await run(
        conn,
        "UPDATE partner_call AS kept SET status = given.status, leased_until = NULL,"
        " due_at = coalesce(given.due_at, kept.due_at), error = given.error,"
        " response_code = coalesce(given.response_code, kept.response_code),"
        " reference = given.reference, reason = given.reason, decided_by = given.decided_by,"
        " recipient = CASE WHEN given.is_end THEN NULL ELSE kept.recipient END,"
        " ended_at = CASE WHEN given.is_end THEN CAST(:now AS timestamptz) END"
        " FROM (SELECT *, status IN ('fulfilled', 'refused') AS is_end FROM"
        " unnest(CAST(:voucher_id AS uuid[]), CAST(:status AS text[]),"
        " CAST(:due_at AS timestamptz[]), CAST(:error AS text[]),"
        " CAST(:response_code AS smallint[]), CAST(:reference AS text[]), CAST(:reason AS text[]),"
        " CAST(:decided_by AS text[])) AS rows(voucher_id, status, due_at, error, response_code,"
        " reference, reason, decided_by)) AS given WHERE kept.voucher_id = given.voucher_id",
        now=now,
        **columns,
    )


async def reopen_call(conn: AsyncConnection, voucher_id: UUID) -> None:
    """Have a locked call asked again, for as long as the first time."""
    await run(
        conn,
        "UPDATE partner_call SET status = 'calling', attempts_before = attempts, due_at = now(),"
        " ask_until = now() + make_interval(secs => :asked_for_s) WHERE voucher_id = :id",
        id=voucher_id,
        asked_for_s=ASKED_FOR.total_seconds(),
    )


# What staff are shown: never who the member is, nor the recipient.
_SHOWN = (
    "SELECT partner_call.*, reward_id, voucher.points, reward.name_zh AS reward_zh,"
    " reward.name_en AS reward_en FROM partner_call JOIN voucher ON voucher.id = voucher_id"
    " JOIN reward ON reward.id = reward_id"
)


async def shown_call(conn: AsyncConnection, voucher_id: UUID) -> Row[Any] | None:
    """One call with its reward."""
    return await fetch_one(conn, f"{_SHOWN} WHERE voucher_id = :id", id=voucher_id)


async def shown_calls(
    conn: AsyncConnection,
    *,
    merchant_id: UUID | None,
    status: str | None,
    before_id: UUID | None,
    limit: int,
) -> Sequence[Row[Any]]:
    """Calls, newest first; of one merchant and of one status, where these are given."""
    return await fetch(
        conn,
        f"{_SHOWN} WHERE (CAST(:merchant AS uuid) IS NULL OR partner_call.merchant_id = :merchant)"
        " AND (CAST(:status AS text) IS NULL OR partner_call.status = :status)"
        " AND voucher_id < :before ORDER BY voucher_id DESC LIMIT :limit",
        merchant=merchant_id,
        status=status,
        before=before_id or LAST_ID,
        limit=limit,
    )
