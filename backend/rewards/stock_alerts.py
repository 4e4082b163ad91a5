"""Low stock, told once per crossing: the pieces, or the codes of a pool, have run low.

A duty looks now and then. An alert is open until the stock is above its mark again; while it is
open nobody is told a second time, by constraint.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import fetch, run
from backend.events import STOCK_LOW, Event
from backend.ids import LAST_ID
from backend.outbox import append

_LEVELS = (
    "SELECT reward.id, merchant_id, low_stock_at, sum(available)::bigint AS pieces_left FROM reward"
    " JOIN reward_stock ON reward_id = reward.id WHERE low_stock_at IS NOT NULL AND is_offered"
    " GROUP BY reward.id"
)


async def watch_stock(conn: AsyncConnection, now: datetime) -> int:
    """Close alerts of stock that is above its mark, and raise new ones; return how many are new.

    A second look raises nothing. Appends `StockLow` once.
    """
    await run(
        conn,
        f"UPDATE stock_alert SET recovered_at = :now FROM ({_LEVELS}) AS level"
        " WHERE level.id = reward_id AND recovered_at IS NULL"
        " AND level.pieces_left > level.low_stock_at",
        now=now,
    )
    rows = await fetch(
        conn,
        "INSERT INTO stock_alert (id, reward_id, merchant_id, pieces_left, low_stock_at, raised_at)"
        f" SELECT uuidv7(), id, merchant_id, pieces_left, low_stock_at, :now FROM ({_LEVELS}) AS"
        " level WHERE pieces_left <= low_stock_at ORDER BY id ON CONFLICT DO NOTHING RETURNING id",
        now=now,
    )
    await append(conn, [Event(STOCK_LOW, [row.id for row in rows])] if rows else [])
    return len(rows)


async def alerts_of(
    conn: AsyncConnection, merchant_id: UUID, *, before_id: UUID | None, limit: int
) -> Sequence[Row[Any]]:
    """A merchant's alerts, newest first, with the name of the reward."""
    return await fetch(
        conn,
        "SELECT stock_alert.id, reward_id, name_zh, name_en, pieces_left, stock_alert.low_stock_at,"
        " raised_at, recovered_at FROM stock_alert JOIN reward ON reward.id = reward_id"
        " WHERE stock_alert.merchant_id = :merchant AND stock_alert.id < :before"
        " ORDER BY stock_alert.id DESC LIMIT :limit",
        merchant=merchant_id,
        before=before_id or LAST_ID,
        limit=limit,
    )
