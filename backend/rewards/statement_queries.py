"""Settlement statements; lines are taken by a statement that skips what has a line already."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import fetch, fetch_one, run
from backend.ids import LAST_ID


class Totals(NamedTuple):
    """Sums over lines; what is due is settled less undone."""

    settled_count: int
    settled_points: int
    undone_count: int
    undone_points: int


# What follows `lines`, the rows that were taken in the same statement.
TOTALS = (
    " SELECT count(*) FILTER (WHERE points > 0) AS settled_count,"
    " coalesce(sum(points) FILTER (WHERE points > 0), 0)::bigint AS settled_points,"
    " count(*) FILTER (WHERE points < 0) AS undone_count,"
    " coalesce(-sum(points) FILTER (WHERE points < 0), 0)::bigint AS undone_points FROM lines"
)


async def lock_merchant(
    conn: AsyncConnection, merchant_id: UUID
) -> tuple[datetime, date | None] | None:
    """When a merchant was made and the last day that a statement covers, its row locked.

    None for an unknown merchant.
    """
    row = await fetch_one(
        conn, "SELECT created_at FROM merchant WHERE id = :id FOR UPDATE", id=merchant_id
    )
    if row is None:
        return None
    last = await fetch_one(
        conn,
        "SELECT max(last_day) AS day FROM settlement_statement WHERE merchant_id = :id",
        id=merchant_id,
    )
    return row.created_at, last.day if last else None


async def take_statement_lines(
    conn: AsyncConnection,
    statement_id: UUID,
    merchant_id: UUID,
    *,
    since: datetime,
    until: datetime,
) -> Totals:
    """Put all that no earlier statement has, up to `until`, into a statement.

    `since` only bounds the search: it lies before the first day, for what committed late.
    """
    row = await fetch_one(
        conn,
        "WITH causes AS (SELECT id, points FROM settlement WHERE merchant_id = :merchant"
        " AND settled_at >= :since AND settled_at < :until UNION ALL"
        " SELECT id, -points FROM settlement_undo WHERE merchant_id = :merchant"
        " AND undone_at >= :since AND undone_at < :until), lines AS ("
        "INSERT INTO statement_line (cause_id, statement_id, points)"
        " SELECT id, :statement, points FROM causes"
        " WHERE NOT EXISTS (SELECT FROM statement_line WHERE cause_id = causes.id)"
        " RETURNING points)" + TOTALS,
        statement=statement_id,
        merchant=merchant_id,
        since=since,
        until=until,
    )
    assert row is not None, "an aggregate has a row"
    return Totals._make(row)


async def insert_statement(
    conn: AsyncConnection,
    statement_id: UUID,
    merchant_id: UUID,
    *,
    days: tuple[date, date],
    totals: Totals,
    now: datetime,
) -> None:
    """Write a draft with the totals of its lines."""
    await run(
        conn,
        "INSERT INTO settlement_statement (id, merchant_id, first_day, last_day, status,"
        " settled_count, settled_points, undone_count, undone_points, made_at) VALUES (:id,"
        " :merchant, :first_day, :last_day, 'draft', :settled_count, :settled_points,"
        " :undone_count, :undone_points, :now)",
        id=statement_id,
        merchant=merchant_id,
        first_day=days[0],
        last_day=days[1],
        now=now,
        **totals._asdict(),
    )


_SHOWN = (
    "SELECT settlement_statement.*, name_zh, name_en FROM settlement_statement"
    " JOIN merchant ON merchant.id = merchant_id"
)


async def lock_statement(conn: AsyncConnection, statement_id: UUID) -> Row[Any] | None:
    """One statement, locked: of two that move it on, the second sees the first."""
    return await fetch_one(
        conn,
        f"{_SHOWN} WHERE settlement_statement.id = :id FOR UPDATE OF settlement_statement",
        id=statement_id,
    )


async def shown_statement(conn: AsyncConnection, statement_id: UUID) -> Row[Any] | None:
    """One statement with the merchant's name."""
    return await fetch_one(conn, f"{_SHOWN} WHERE settlement_statement.id = :id", id=statement_id)


async def shown_statements(
    conn: AsyncConnection, merchant_id: UUID | None, *, before_id: UUID | None, limit: int
) -> Sequence[Row[Any]]:
    """Statements of one merchant or of all, newest first."""
    return await fetch(
        conn,
        f"{_SHOWN} WHERE settlement_statement.id < :before"
        " AND (CAST(:merchant AS uuid) IS NULL OR merchant_id = :merchant)"
        " ORDER BY settlement_statement.id DESC LIMIT :limit",
        merchant=merchant_id,
        before=before_id or LAST_ID,
        limit=limit,
    )


async def move_statement(
    conn: AsyncConnection, statement_id: UUID, changes: Mapping[str, Any]
) -> None:
    """Write the new status of a locked statement, with who and when."""
    assignments = ", ".join(f"{name} = :{name}" for name in changes)
    await run(
        conn,
        f"UPDATE settlement_statement SET {assignments} WHERE id = :id",
        id=statement_id,
        **changes,
    )


async def lines_of(
    conn: AsyncConnection, statement_id: UUID, *, after_id: UUID | None, limit: int
) -> Sequence[Row[Any]]:
    """Lines of a statement by cause: a settlement, or the undo of one with its reason."""
    return await fetch(
        conn,
        "SELECT cause_id, line.points, settlement.id AS settlement_id,"
        " coalesce(undone_at, settled_at) AS booked_at, settled_at, ticket, reason,"
        " store.name_zh AS store, till.name AS till, reward.name_zh AS reward_zh,"
        " reward.name_en AS reward_en FROM statement_line AS line"
        " LEFT JOIN settlement_undo AS undo ON undo.id = cause_id"
        " JOIN settlement ON settlement.id = coalesce(settlement_id, cause_id)"
        " JOIN reward ON reward.id = reward_id LEFT JOIN store ON store.id = settlement.store_id"
        " LEFT JOIN till ON till.id = till_id"
        " WHERE statement_id = :statement AND cause_id > :after ORDER BY cause_id LIMIT :limit",
        statement=statement_id,
        after=after_id or UUID(int=0),
        limit=limit,
    )


async def paid_by_funds(
    conn: AsyncConnection, *, since: datetime, until: datetime, limit: int
) -> Sequence[Row[Any]]:
    """Points that each fund has paid to each merchant for each reward, and donations by project."""
    return await fetch(
        conn,
        "WITH moved AS (SELECT transfer.lot_id, settlement.merchant_id AS payee,"
        " settlement.reward_id, amount"
        " FROM merchant JOIN settlement ON merchant_id = merchant.id AND settled_at >= :since"
        " AND settled_at < :until JOIN voucher ON voucher.id = voucher_id"
        " JOIN transfer ON transfer.account_id = voucher.account_id"
        " AND cause_id = settlement.id AND purpose = 'settle'"
        " UNION ALL SELECT transfer.lot_id, undo.merchant_id, settlement.reward_id, -amount"
        " FROM merchant JOIN settlement_undo AS undo ON undo.merchant_id = merchant.id"
        " AND undone_at >= :since AND undone_at < :until"
        " JOIN settlement ON settlement.id = settlement_id"
        " JOIN voucher ON voucher.id = voucher_id"
        " JOIN transfer ON transfer.account_id = voucher.account_id"
        " AND cause_id = undo.id AND purpose = 'refund'"
        " UNION ALL SELECT transfer.lot_id, project_id, NULL, amount FROM donation"
        " JOIN transfer ON transfer.account_id = donation.account_id"
        " AND cause_id = donation.id AND purpose = 'settle'"
        " WHERE donated_at >= :since AND donated_at < :until)"
        " SELECT fund.id AS fund_id, fund.name_zh AS fund_zh, fund.name_en AS fund_en, payee,"
        " coalesce(merchant.name_zh, project.name_zh) AS payee_zh,"
        " coalesce(merchant.name_en, project.name_en) AS payee_en, moved.reward_id,"
        " reward.name_zh AS reward_zh, reward.name_en AS reward_en,"
        " coalesce(sum(amount) FILTER (WHERE amount > 0), 0)::bigint AS paid_points,"
        " coalesce(-sum(amount) FILTER (WHERE amount < 0), 0)::bigint AS returned_points"
        " FROM moved JOIN lot ON lot.id = lot_id JOIN fund ON fund.id = lot.fund_id"
        " LEFT JOIN merchant ON merchant.id = payee"
        " LEFT JOIN charity_project AS project ON project.id = payee"
        " LEFT JOIN reward ON reward.id = moved.reward_id"
        " GROUP BY fund.id, payee, merchant.id, project.id, moved.reward_id, reward.id"
        " ORDER BY fund.id, payee, moved.reward_id LIMIT :limit",
        since=since,
        until=until,
        limit=limit,
    )
