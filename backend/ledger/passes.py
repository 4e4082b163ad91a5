"""Walking all accounts that have points in one lot, in portions, with progress that survives.

A pass is one row per lot and task. Whoever takes it holds its row until the transaction ends, so
two processors never walk the same portion, and a restart goes on where the last commit was.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import fetch, fetch_one, run

EXPIRE = "expire"

# Vouchers live a month at most, and what they release expires at once; this finds what was missed.
AGAIN_AFTER = timedelta(hours=1)
_NOBODY = UUID(int=0)


class Pass(NamedTuple):
    """A walk through one lot that is under way.

    Attributes:
        days: Days before the expiry of a reminder; 0 for the expiry itself.
    """

    lot_id: int
    task: str
    fund_id: UUID
    expires_on: date
    after_id: UUID | None
    days: int


class Holder(NamedTuple):
    """A member with points in the lot."""

    account_id: UUID
    posted: int
    held: int


# Days before the expiry: to plan, to act, at the last moment. Each counts until the next one: after
# an outage the one that is due is sent, not all of them.
_TASKS = """
(VALUES ('remind_60', 60, 15), ('remind_15', 15, 3), ('remind_3', 3, -1))
  AS reminder(task, days, until_days)
"""


async def take_reminder_pass(conn: AsyncConnection, now: datetime, today: date) -> Pass | None:
    """The next lot whose holders are to be reminded, or None; its row stays locked."""
    await run(
        conn,
        "INSERT INTO lot_pass (lot_id, task, due_at) SELECT lot.id, task, :now FROM lot"
        f" CROSS JOIN {_TASKS} WHERE expires_on - days <= :today AND :today < expires_on -"
        " until_days ON CONFLICT DO NOTHING",
        now=now,
        today=today,
    )
    row = await fetch_one(
        conn,
        "SELECT lot_id, lot_pass.task, fund_id, expires_on, after_id, days FROM lot_pass"
        f" JOIN lot ON lot.id = lot_id JOIN {_TASKS} ON reminder.task = lot_pass.task"
        " WHERE finished_at IS NULL AND due_at <= :now AND :today <= expires_on"
        " ORDER BY lot_id, lot_pass.task LIMIT 1 FOR UPDATE OF lot_pass SKIP LOCKED",
        now=now,
        today=today,
    )
    return Pass._make(row) if row else None


async def take_expiry_pass(conn: AsyncConnection, now: datetime, today: date) -> Pass | None:
    """The next lot whose last day is over, or None; its row stays locked."""
    await run(
        conn,
        "INSERT INTO lot_pass (lot_id, task, due_at) SELECT id, 'expire', :now FROM lot"
        " WHERE expires_on < :today ON CONFLICT DO NOTHING",
        now=now,
        today=today,
    )
    row = await fetch_one(
        conn,
        "SELECT lot_id, task, fund_id, expires_on, after_id, 0 AS days FROM lot_pass"
        " JOIN lot ON lot.id = lot_id WHERE task = 'expire' AND finished_at IS NULL"
        " AND due_at <= :now AND expires_on < :today ORDER BY lot_id LIMIT 1"
        " FOR UPDATE OF lot_pass SKIP LOCKED",
        now=now,
        today=today,
    )
    return Pass._make(row) if row else None


async def next_holders(conn: AsyncConnection, walk: Pass, *, limit: int) -> list[Holder]:
    """Members after the last one seen who have points in the lot; merchants keep theirs."""
    rows = await fetch(
        conn,
        "SELECT account_id, posted, held FROM account_lot JOIN account ON account.id = account_id"
        " WHERE lot_id = :lot AND lot_id <> 0 AND account_id > :after AND posted > 0"
        " AND kind = 'member' ORDER BY account_id LIMIT :limit",
        lot=walk.lot_id,
        after=walk.after_id or _NOBODY,
        limit=limit,
    )
    return [Holder._make(row) for row in rows]


async def advance(
    conn: AsyncConnection, walk: Pass, seen: Sequence[Holder], *, points: int
) -> None:
    """Remember how far the walk has come, and what it did."""
    await run(
        conn,
        "UPDATE lot_pass SET after_id = :after, accounts = accounts + :accounts,"
        " points = points + :points, held = held + :held WHERE lot_id = :lot AND task = :task",
        lot=walk.lot_id,
        task=walk.task,
        after=seen[-1].account_id,
        accounts=len(seen),
        points=points,
        held=sum(each.held for each in seen) if walk.task == EXPIRE else 0,
    )


async def finish(conn: AsyncConnection, walk: Pass, now: datetime) -> None:
    """Close a walk, or begin it again later when it met points that were held."""
    await run(
        conn,
        "UPDATE lot_pass SET after_id = NULL, held = 0,"
        " due_at = CASE WHEN held > 0 THEN :again ELSE due_at END,"
        " finished_at = CASE WHEN held > 0 THEN NULL ELSE CAST(:now AS timestamptz) END"
        " WHERE lot_id = :lot AND task = :task",
        lot=walk.lot_id,
        task=walk.task,
        now=now,
        again=now + AGAIN_AFTER,
    )


class Expired(NamedTuple):
    """Points of one account in one lot whose last day is over, and that nobody holds."""

    account_id: UUID
    lot_id: int
    fund_id: UUID
    expires_on: date
    points: int


async def expired_points(
    conn: AsyncConnection, account_ids: Sequence[UUID], today: date
) -> list[Expired]:
    """What these locked accounts have available in lots that have expired."""
    rows = await fetch(
        conn,
        "SELECT account_id, lot_id, fund_id, expires_on, posted - held FROM account_lot"
        " JOIN lot ON lot.id = lot_id JOIN account ON account.id = account_id"
        " WHERE account_id = ANY(CAST(:ids AS uuid[])) AND posted > held AND expires_on < :today"
        " AND kind = 'member' ORDER BY account_id, lot_id",
        ids=list(account_ids),
        today=today,
    )
    return [Expired._make(row) for row in rows]


async def insert_expiries(
    conn: AsyncConnection, expiries: Sequence[tuple[UUID, Expired]], now: datetime
) -> None:
    """Write the causes of expiry transfers."""
    await run(
        conn,
        "INSERT INTO expiry (id, account_id, lot_id, points, expired_at) SELECT *, :now FROM"
        " unnest(CAST(:ids AS uuid[]), CAST(:accounts AS uuid[]), CAST(:lots AS bigint[]),"
        " CAST(:points AS bigint[]))",
        ids=[cause_id for cause_id, _ in expiries],
        accounts=[each.account_id for _, each in expiries],
        lots=[each.lot_id for _, each in expiries],
        points=[each.points for _, each in expiries],
        now=now,
    )
