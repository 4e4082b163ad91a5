"""Shifts: what a cashier has settled and undone is taken once, and handed over frozen."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import fetch, fetch_one, run
from backend.ids import LAST_ID
from backend.rewards.statement_queries import TOTALS, Totals


async def lock_cashier(conn: AsyncConnection, cashier: str) -> None:
    """Lock the person or the till behind a principal: two closings of one shift follow each other.

    The roles of both rows change seldom, so nothing else waits.
    """
    await fetch(
        conn, "SELECT 1 FROM merchant_staff WHERE subject = :cashier FOR UPDATE", cashier=cashier
    )
    await fetch(
        conn,
        "SELECT 1 FROM till WHERE key_id = :key FOR UPDATE",
        key=cashier.removeprefix("key:"),
    )


async def take_shift_lines(
    conn: AsyncConnection, shift_id: UUID, merchant_id: UUID, cashier: str
) -> Totals:
    """Put all that the cashier has settled and undone, and not yet handed over, into a shift."""
    row = await fetch_one(
        conn,
        "WITH causes AS (SELECT id, points FROM settlement"
        " WHERE merchant_id = :merchant AND settled_by = :cashier"
        " UNION ALL SELECT id, -points FROM settlement_undo"
        " WHERE merchant_id = :merchant AND undone_by = :cashier), lines AS ("
        "INSERT INTO shift_line (cause_id, shift_id, points) SELECT id, :shift, points FROM causes"
        " WHERE NOT EXISTS (SELECT FROM shift_line WHERE cause_id = causes.id) RETURNING points)"
        + TOTALS,
        shift=shift_id,
        merchant=merchant_id,
        cashier=cashier,
    )
    assert row is not None, "an aggregate has a row"
    return Totals._make(row)


async def insert_shift(
    conn: AsyncConnection,
    shift_id: UUID,
    merchant_id: UUID,
    *,
    cashier: str,
    totals: Totals,
    now: datetime,
) -> None:
    """Write a closed shift; it never changes."""
    await run(
        conn,
        "INSERT INTO shift (id, merchant_id, cashier, closed_at, settled_count, settled_points,"
        " undone_count, undone_points) VALUES (:id, :merchant, :cashier, :now, :settled_count,"
        " :settled_points, :undone_count, :undone_points)",
        id=shift_id,
        merchant=merchant_id,
        cashier=cashier,
        now=now,
        **totals._asdict(),
    )


async def shown_shifts(
    conn: AsyncConnection,
    merchant_id: UUID,
    *,
    cashier: str | None,
    before_id: UUID | None,
    limit: int,
) -> Sequence[Row[Any]]:
    """Closed shifts of a merchant, or of one cashier, newest first."""
    return await fetch(
        conn,
        "SELECT shift.*, coalesce(merchant_staff.name, till.name) AS name FROM shift"
        " LEFT JOIN merchant_staff ON subject = cashier"
        " LEFT JOIN till ON 'key:' || key_id = cashier"
        " WHERE shift.merchant_id = :merchant AND shift.id < :before"
        " AND (CAST(:cashier AS text) IS NULL OR cashier = :cashier)"
        " ORDER BY shift.id DESC LIMIT :limit",
        merchant=merchant_id,
        cashier=cashier,
        before=before_id or LAST_ID,
        limit=limit,
    )
