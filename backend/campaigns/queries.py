"""Drawing from a fund without waiting for other batches, and putting points back."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.campaigns.domain import FUND_SLICES
from backend.db import fetch, fetch_one, run

# While points wait for a fund, nothing overtakes them: one probe of an index that is empty in good
# times.
_NOBODY_WAITS = (
    "NOT EXISTS (SELECT FROM pending_points WHERE pending_points.fund_id = :fund AND NOT is_funded)"
)


async def draw(conn: AsyncConnection, fund_id: UUID, amount: int) -> int:
    """Take `amount` points out of the fund, or as many as are left; return how many.

    Nothing is given while points wait in the fund's queue. One slice that nobody holds is tried
    first. Only when none has enough are all slices locked, in order, and drained. Called after the
    account locks, so the order of locks is the same everywhere.
    """
    if amount <= 0:
        return 0
    row = await fetch_one(
        conn,
        "UPDATE fund_slice SET available = available - :amount WHERE fund_id = :fund AND slice ="
        " (SELECT slice FROM fund_slice WHERE fund_id = :fund AND available >= :amount"
        f" AND {_NOBODY_WAITS} ORDER BY random() LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED)"
        " RETURNING slice",
        fund=fund_id,
        amount=amount,
    )
    if row is not None:
        return amount
    queue = await fetch_one(conn, f"SELECT {_NOBODY_WAITS} AS is_empty", fund=fund_id)
    return await drain(conn, fund_id, amount) if queue and queue.is_empty else 0


async def drain(conn: AsyncConnection, fund_id: UUID, amount: int) -> int:
    """Take up to `amount` points from all slices together; return how many there were."""
    if amount <= 0:
        return 0
    rows = await fetch(
        conn,
        "SELECT slice, available FROM fund_slice WHERE fund_id = :fund ORDER BY slice FOR NO"
        " KEY UPDATE",
        fund=fund_id,
    )
    missing = amount
    for row in rows:
        part = min(missing, row.available)
        if part:
            await _add(conn, fund_id, row.slice, -part)
            missing -= part
    return amount - missing


async def give_back(conn: AsyncConnection, fund_id: UUID, amount: int) -> None:
    """Return points to a slice that nobody holds, or to the first one when all are held."""
    if amount <= 0:
        return
    row = await fetch_one(
        conn,
        "SELECT slice FROM fund_slice WHERE fund_id = :fund ORDER BY available LIMIT 1"
        " FOR NO KEY UPDATE SKIP LOCKED",
        fund=fund_id,
    )
    await _add(conn, fund_id, row.slice if row else 0, amount)


async def _add(conn: AsyncConnection, fund_id: UUID, number: int, amount: int) -> None:
    await run(
        conn,
        "UPDATE fund_slice SET available = available + :amount WHERE fund_id = :fund AND slice"
        " = :number",
        fund=fund_id,
        number=number,
        amount=amount,
    )


async def top_up(conn: AsyncConnection, fund_id: UUID, amount: int) -> bool:
    """Raise the budget by `amount` points, spread evenly; False when there is no such fund."""
    is_there = await run(
        conn,
        "UPDATE fund SET budget = budget + :amount WHERE id = :id",
        id=fund_id,
        amount=amount,
    )
    share, rest = divmod(amount, FUND_SLICES)
    await run(
        conn,
        "UPDATE fund_slice SET available = available + :share + CASE WHEN slice = 0 THEN :rest"
        " ELSE 0 END"
        " WHERE fund_id = :id",
        id=fund_id,
        share=share,
        rest=rest,
    )
    return bool(is_there)


async def release(conn: AsyncConnection, fund_id: UUID, amount: int) -> bool:
    """Lower the budget by `amount` points that nobody has; False when fewer are left, or some wait.

    The caller rolls back on False: what was taken out of slices by then is not kept.
    """
    await run(
        conn,
        "UPDATE fund SET budget = greatest(budget - :amount, 0) WHERE id = :id",
        id=fund_id,
        amount=amount,
    )
    queue = await fetch_one(conn, f"SELECT {_NOBODY_WAITS} AS is_empty", fund=fund_id)
    return bool(queue and queue.is_empty) and await drain(conn, fund_id, amount) == amount


async def available_points(conn: AsyncConnection, fund_id: UUID) -> int:
    """What is left of a fund's budget."""
    row = await fetch_one(
        conn,
        "SELECT coalesce(sum(available), 0)::bigint AS available FROM fund_slice"
        " WHERE fund_id = :id",
        id=fund_id,
    )
    return int(row.available) if row else 0


async def funds(conn: AsyncConnection) -> Sequence[Row[Any]]:
    """Each fund with its budget and what is left of it."""
    return await fetch(
        conn,
        "SELECT fund.id, name_zh, name_en, budget, sum(available)::bigint AS available FROM fund"
        " JOIN fund_slice ON fund_id = fund.id GROUP BY fund.id ORDER BY fund.id",
    )
