"""Points without a transfer yet: they vest, or they wait for money.

A row is guarded by the lock of its account. Its points were drawn from the fund when the credit was
booked (`is_funded`), or they stand in the queue of a short fund, first come first.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import copy_rows, fetch, fetch_one, run


class Pending(NamedTuple):
    """The points of one credit; the fields are the columns of `pending_points`."""

    credit_id: UUID
    account_id: UUID
    fund_id: UUID
    lot_id: int
    points: int
    occurred_on: date
    due_at: datetime
    is_funded: bool
    arrived_at: datetime


_COLUMNS = ", ".join(Pending._fields)


async def pending_of(conn: AsyncConnection, credit_ids: Iterable[UUID]) -> Mapping[UUID, Pending]:
    """What these credits still wait for, by credit."""
    rows = await fetch(
        conn,
        f"SELECT {_COLUMNS} FROM pending_points WHERE credit_id = ANY(CAST(:ids AS uuid[]))",
        ids=list(credit_ids),
    )
    return {row.credit_id: Pending._make(row) for row in rows}


async def replace_pending(
    conn: AsyncConnection, gone: Sequence[UUID], come: Sequence[Pending]
) -> None:
    """Forget what these credits waited for, and remember what others wait for."""
    if gone:
        await run(
            conn,
            "DELETE FROM pending_points WHERE credit_id = ANY(CAST(:ids AS uuid[]))",
            ids=list(gone),
        )
    await copy_rows(conn, "pending_points", Pending._fields, come)


async def due_points(conn: AsyncConnection, now: datetime, *, limit: int) -> Sequence[Row[Any]]:
    """Funded points that are due: credit_id, account_id. Nothing is locked; look again later."""
    return await fetch(
        conn,
        "SELECT credit_id, account_id FROM pending_points WHERE is_funded AND due_at <= :now"
        " ORDER BY due_at LIMIT :limit",
        now=now,
        limit=limit,
    )


async def take_due(
    conn: AsyncConnection, credit_ids: Sequence[UUID], now: datetime
) -> list[Pending]:
    """Delete what is still due of these and return it; the accounts must be locked."""
    rows = await fetch(
        conn,
        "DELETE FROM pending_points WHERE credit_id = ANY(CAST(:ids AS uuid[])) AND is_funded"
        f" AND due_at <= :now RETURNING {_COLUMNS}",
        ids=list(credit_ids),
        now=now,
    )
    return sorted(Pending._make(row) for row in rows)


async def queue_head(conn: AsyncConnection, fund_id: UUID, *, limit: int) -> Sequence[Row[Any]]:
    """The first in the queue of a fund: credit_id, account_id."""
    return await fetch(
        conn,
        "SELECT credit_id, account_id FROM pending_points WHERE fund_id = :fund AND NOT is_funded"
        " ORDER BY arrived_at, credit_id LIMIT :limit",
        fund=fund_id,
        limit=limit,
    )


async def still_queued(conn: AsyncConnection, credit_ids: Sequence[UUID]) -> list[Pending]:
    """Which of these still wait for money, in their order; the accounts must be locked."""
    rows = await fetch(
        conn,
        f"SELECT {_COLUMNS} FROM pending_points WHERE credit_id = ANY(CAST(:ids AS uuid[]))"
        " AND NOT is_funded ORDER BY arrived_at, credit_id",
        ids=list(credit_ids),
    )
    return [Pending._make(row) for row in rows]


async def mark_funded(conn: AsyncConnection, credit_ids: Sequence[UUID]) -> None:
    """Note that the fund has given these points; they are paid when they are due."""
    await run(
        conn,
        "UPDATE pending_points SET is_funded = true WHERE credit_id = ANY(CAST(:ids AS uuid[]))",
        ids=list(credit_ids),
    )


async def fundable_queues(conn: AsyncConnection) -> list[UUID]:
    """Funds that can pay at least the first in their queue; one index probe per fund."""
    rows = await fetch(
        conn,
        "SELECT fund.id FROM fund CROSS JOIN LATERAL (SELECT points FROM pending_points"
        " WHERE fund_id = fund.id AND NOT is_funded ORDER BY arrived_at, credit_id LIMIT 1) AS head"
        " WHERE points <= (SELECT sum(available) FROM fund_slice WHERE fund_id = fund.id)"
        " ORDER BY fund.id",
    )
    return [row.id for row in rows]


async def points_pending(conn: AsyncConnection, account_id: UUID) -> int:
    """Points of an account that are not paid yet, vesting or waiting for money."""
    row = await fetch_one(
        conn,
        "SELECT coalesce(sum(points), 0)::bigint AS points FROM pending_points"
        " WHERE account_id = :id",
        id=account_id,
    )
    return int(row.points) if row else 0
