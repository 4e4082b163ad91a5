"""The statements of check-ins; each takes part in the caller's transaction.

Two orders keep writers apart. Whoever holds an account's lock may move that account's check-ins.
The score step holds no account, and locks the rows themselves in id order, those alone that are
still `received`.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.checkins.domain import (
    DECIDED,
    STOPPED,
    AcceptedPhoto,
    Change,
    CheckIn,
    MealWindow,
    Status,
    WindowUse,
)
from backend.db import clock, copy_rows, fetch, fetch_one, run
from backend.ids import LAST_ID

OUTCOME_CHANNEL = "tanhui_outcome"  # whoever waits for a check-in looks again
RATE_WINDOW_S = 30  # long enough for a steady figure, short enough to notice a lunch rush

_encode = msgspec.json.Encoder().encode
_COLUMNS = ", ".join(CheckIn._fields)


class Received(NamedTuple):
    """Check-ins that wait for their score, locked until the transaction ends, and the time."""

    ids: frozenset[UUID]
    now: datetime


async def insert_check_ins(conn: AsyncConnection, check_ins: Sequence[CheckIn]) -> None:
    """Write new check-ins; a natural key that the account used before is a class 23 error."""
    rows = [
        each._replace(quantities=_encode(each.quantities).decode())  # type: ignore[arg-type]
        for each in check_ins
    ]
    await copy_rows(conn, "check_in", CheckIn._fields, rows)


_SETTLE = (
    "UPDATE check_in SET status = given.status, reason = given.reason,"
    " quantities = coalesce(CAST(given.quantities AS jsonb), check_in.quantities),"
    " action = coalesce(given.action, check_in.action),"
    " decided_at = CASE WHEN given.status = ANY(CAST(:decided AS text[]))"
    " THEN CAST(:now AS timestamptz) END,"
    " stopped_at = CASE WHEN given.status = ANY(CAST(:stopped AS text[]))"
    " THEN CAST(:now AS timestamptz) END,"
    " in_review_since = CASE WHEN given.status = 'in_review'"
    " THEN CAST(:now AS timestamptz) END,"
    " appeal_until = given.appeal_until, evidence_until = given.evidence_until"
    " FROM unnest(CAST(:ids AS uuid[]), CAST(:was AS text[]), CAST(:statuses AS text[]),"
    " CAST(:reasons AS text[]), CAST(:quantities AS text[]), CAST(:actions AS text[]),"
    " CAST(:appeals AS timestamptz[]), CAST(:evidences AS timestamptz[]))"
    " AS given(id, was, status, reason, quantities, action, appeal_until, evidence_until)"
    " WHERE check_in.id = given.id AND check_in.status = given.was RETURNING check_in.id"
)


async def settle_check_ins(
    conn: AsyncConnection, changes: Sequence[Change], now: datetime
) -> set[UUID]:
    """Move check-ins on and return the ids of those that really moved.

    The caller holds the lock of their accounts, or of the rows themselves. A second call moves
    nothing, because each change names the status that it starts from.
    """
    if not changes:
        return set()
    rows = await fetch(
        conn,
        _SETTLE,
        decided=sorted(DECIDED),
        stopped=sorted(STOPPED),
        now=now,
        ids=[change.check_in_id for change in changes],
        was=[change.was for change in changes],
        statuses=[change.status for change in changes],
        reasons=[change.reason for change in changes],
        quantities=[
            None if change.quantities is None else _encode(change.quantities).decode()
            for change in changes
        ],
        actions=[change.action for change in changes],
        appeals=[change.appeal_until for change in changes],
        evidences=[change.evidence_until for change in changes],
    )
    return {row.id for row in rows}


async def settle_alike(
    conn: AsyncConnection, ids: Sequence[UUID], change: Change, now: datetime
) -> int:
    """Give many check-ins one status and reason; return how many moved.

    The same as `settle_check_ins` at a third of its cost, for the one step that credits thousands.
    """
    return await run(
        conn,
        "UPDATE check_in SET status = :status, reason = :reason, decided_at = :now,"
        " stopped_at = CASE WHEN :stops THEN CAST(:now AS timestamptz) END"
        " WHERE id = ANY(CAST(:ids AS uuid[])) AND status = :was",
        ids=list(ids),
        was=change.was,
        status=change.status,
        reason=change.reason,
        stops=change.status in STOPPED,
        now=now,
    )


async def lock_received(
    conn: AsyncConnection, ids: Iterable[UUID], *, clock_shift_s: int = 0
) -> Received:
    """Lock, in id order, those of these check-ins that nobody scored yet."""
    rows = await fetch(
        conn,
        "SELECT id FROM check_in WHERE id = ANY(CAST(:ids AS uuid[])) AND status = 'received'"
        " ORDER BY id FOR NO KEY UPDATE",
        ids=sorted(set(ids)),
    )
    return Received(frozenset(row.id for row in rows), await clock(conn, clock_shift_s))


async def get_check_in(conn: AsyncConnection, check_in_id: UUID) -> CheckIn | None:
    """One check-in, or None."""
    return (await check_ins_by_id(conn, [check_in_id])).get(check_in_id)


async def check_ins_by_id(conn: AsyncConnection, ids: Sequence[UUID]) -> Mapping[UUID, CheckIn]:
    """These check-ins; those that do not exist are missing."""
    rows = await fetch(
        conn,
        f"SELECT {_COLUMNS} FROM check_in WHERE id = ANY(CAST(:ids AS uuid[]))",
        ids=list(ids),
    )
    return {row.id: CheckIn._make(row) for row in rows}


async def accepted_photos(conn: AsyncConnection, ids: Sequence[UUID]) -> list[AcceptedPhoto]:
    """Those of these check-ins that are accepted and not credited, in no given order."""
    rows = await fetch(
        conn,
        "SELECT id, account_id, action, natural_key, occurred_at, quantities, tier, region,"
        " meal_window FROM check_in WHERE id = ANY(CAST(:ids AS uuid[])) AND status = 'scored'",
        ids=list(ids),
    )
    return [AcceptedPhoto._make(row) for row in rows]


async def find_by_natural_key(
    conn: AsyncConnection, account_id: UUID, natural_key: str
) -> CheckIn | None:
    """The check-in that a phone asks for by what it photographed or scanned."""
    pair = (account_id, natural_key)
    return (await find_by_natural_keys(conn, [pair])).get(pair)


async def find_by_natural_keys(
    conn: AsyncConnection, pairs: Sequence[tuple[UUID, str]]
) -> dict[tuple[UUID, str], CheckIn]:
    """Check-ins by account and natural key; unknown ones are missing."""
    rows = await fetch(
        conn,
        f"SELECT {_COLUMNS} FROM unnest(CAST(:accounts AS uuid[]), CAST(:keys AS text[]))"
        " AS asked(account_id, natural_key) JOIN check_in USING (account_id, natural_key)",
        accounts=[account_id for account_id, _ in pairs],
        keys=[natural_key for _, natural_key in pairs],
    )
    return {(row.account_id, row.natural_key): CheckIn._make(row) for row in rows}


async def list_check_ins(
    conn: AsyncConnection, account_id: UUID, *, before_id: UUID | None, limit: int
) -> list[CheckIn]:
    """Check-ins of an account, newest first, beginning after `before_id`."""
    rows = await fetch(
        conn,
        f"SELECT {_COLUMNS} FROM check_in WHERE account_id = :account_id AND id < :before"
        " ORDER BY id DESC LIMIT :limit",
        account_id=account_id,
        before=before_id or LAST_ID,
        limit=limit,
    )
    return [CheckIn._make(row) for row in rows]


async def statuses_of(conn: AsyncConnection, ids: Sequence[UUID]) -> Mapping[UUID, Status]:
    """Where these check-ins are; one probe of the primary key each, for all who wait at once."""
    rows = await fetch(
        conn,
        "SELECT id, status FROM check_in WHERE id = ANY(CAST(:ids AS uuid[]))",
        ids=list(ids),
    )
    return {row.id: Status(row.status) for row in rows}


async def announce_outcomes(conn: AsyncConnection) -> None:
    """Wake all who wait for an outcome, after commit; one notification per batch."""
    await run(conn, f"NOTIFY {OUTCOME_CHANNEL}")


async def meal_windows(conn: AsyncConnection) -> list[MealWindow]:
    """The programme's meal windows in the order of the day."""
    rows = await fetch(
        conn,
        "SELECT id, name_zh, name_en, opens_minute, closes_minute FROM meal_window"
        " ORDER BY opens_minute, id",
    )
    return [MealWindow._make(row) for row in rows]


async def count_in_window(
    conn: AsyncConnection, pairs: Sequence[tuple[UUID, str]]
) -> Mapping[tuple[UUID, str], WindowUse]:
    """What these accounts did in these meal windows; pairs without any photo have zeros."""
    rows = await fetch(
        conn,
        "SELECT account_id, meal_window, status, count(*) AS photos FROM check_in"
        " JOIN unnest(CAST(:accounts AS uuid[]), CAST(:windows AS text[]))"
        " AS asked(account_id, meal_window) USING (account_id, meal_window)"
        " GROUP BY account_id, meal_window, status",
        accounts=[account_id for account_id, _ in set(pairs)],
        windows=[window for _, window in set(pairs)],
    )
    counts: dict[tuple[UUID, str], Counter[str]] = {pair: Counter() for pair in pairs}
    for row in rows:
        counts[row.account_id, row.meal_window][row.status] = row.photos
    return {
        pair: WindowUse(
            rejected=count[Status.REJECTED],
            undecided=count[Status.RECEIVED] + count[Status.SCORED] + count[Status.IN_REVIEW],
            credited=count[Status.CREDITED],
        )
        for pair, count in counts.items()
    }


async def scored_per_second(conn: AsyncConnection, *, clock_shift_s: int = 0) -> float:
    """Photos scored per second of late, for the time that a new one can expect to wait.

    Bounded by the key, since check-ins that are scored were mostly received minutes ago, and
    `score` grows for ever.
    """
    row = await fetch_one(
        conn,
        "SELECT count(*) AS scored FROM score WHERE check_in_id >= uuidv7(interval '-10 minutes')"
        " AND scored_at > clock_timestamp() + make_interval(secs => :since)",
        since=clock_shift_s - RATE_WINDOW_S,
    )
    return row.scored / RATE_WINDOW_S if row else 0.0
