"""Writing notices once, and reading them page by page."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import fetch, fetch_one, run
from backend.ids import LAST_ID, uuid7
from backend.notices.domain import Notice, Stored

_encode = msgspec.json.Encoder().encode
_COLUMNS = ", ".join(Stored._fields)


async def insert_notices(conn: AsyncConnection, notices: Sequence[Notice], now: datetime) -> int:
    """Write notices; what an account was told before about a subject is not told again."""
    if not notices:
        return 0
    return await run(
        conn,
        "INSERT INTO notice (id, account_id, kind, subject, arguments, created_at)"
        " SELECT id, account_id, kind, subject, CAST(arguments AS jsonb), :now FROM unnest("
        "CAST(:ids AS uuid[]), CAST(:accounts AS uuid[]), CAST(:kinds AS text[]),"
        " CAST(:subjects AS text[]), CAST(:arguments AS text[]))"
        " AS given(id, account_id, kind, subject, arguments) ON CONFLICT DO NOTHING",
        ids=[uuid7() for _ in notices],
        accounts=[each.account_id for each in notices],
        kinds=[each.kind for each in notices],
        subjects=[each.subject for each in notices],
        arguments=[_encode(each.arguments).decode() for each in notices],
        now=now,
    )


async def notices_of(
    conn: AsyncConnection,
    account_id: UUID,
    *,
    before_id: UUID | None,
    unread_only: bool,
    limit: int,
) -> list[Stored]:
    """Notices of an account, newest first."""
    rows = await fetch(
        conn,
        f"SELECT {_COLUMNS} FROM notice WHERE account_id = :account AND id < :before"
        " AND (read_at IS NULL OR NOT CAST(:unread_only AS boolean)) ORDER BY id DESC LIMIT :limit",
        account=account_id,
        before=before_id or LAST_ID,
        unread_only=unread_only,
        limit=limit,
    )
    return [Stored._make(row) for row in rows]


async def unread_count(conn: AsyncConnection, account_id: UUID) -> int:
    """How many notices the account has not read."""
    row = await fetch_one(
        conn,
        "SELECT count(*) AS unread FROM notice WHERE account_id = :account AND read_at IS NULL",
        account=account_id,
    )
    return int(row.unread) if row else 0


async def mark_read(
    conn: AsyncConnection, account_id: UUID, notice_id: UUID, now: datetime
) -> Stored | None:
    """Note when a notice was first read; None when the account has no such notice."""
    row = await fetch_one(
        conn,
        "UPDATE notice SET read_at = coalesce(read_at, greatest(:now, created_at))"
        f" WHERE id = :id AND account_id = :account RETURNING {_COLUMNS}",
        id=notice_id,
        account=account_id,
        now=now,
    )
    return Stored._make(row) if row else None


async def expired_by_id(conn: AsyncConnection, ids: Sequence[UUID]) -> Sequence[Row[Any]]:
    """Expiries among these ids: id, account_id, points, expires_on."""
    return await fetch(
        conn,
        "SELECT expiry.id, account_id, points, expires_on FROM expiry JOIN lot ON lot.id = lot_id"
        " WHERE expiry.id = ANY(CAST(:ids AS uuid[]))",
        ids=list(ids),
    )


async def credits_by_id(conn: AsyncConnection, ids: Sequence[UUID]) -> Sequence[Row[Any]]:
    """Credits among these ids: id, account_id, action, points, occurred_on."""
    return await fetch(
        conn,
        "SELECT id, account_id, action, points, occurred_on FROM credit"
        " WHERE id = ANY(CAST(:ids AS uuid[]))",
        ids=list(ids),
    )


async def stops_by_id(conn: AsyncConnection, ids: Sequence[UUID]) -> Sequence[Row[Any]]:
    """Funds with an announced stop among these ids: id, name_zh, name_en, stops_on."""
    return await fetch(
        conn,
        "SELECT id, name_zh, name_en, stops_on FROM fund WHERE stops_on IS NOT NULL"
        " AND id = ANY(CAST(:ids AS uuid[]))",
        ids=list(ids),
    )


async def calls_by_id(conn: AsyncConnection, ids: Sequence[UUID]) -> Sequence[Row[Any]]:
    """Calls of partners that are not under way among these vouchers, as they are now."""
    return await fetch(
        conn,
        "SELECT voucher.id, account_id, partner_call.status, reference, voucher.points,"
        " reward.name_zh, reward.name_en FROM partner_call JOIN voucher ON voucher.id = voucher_id"
        " JOIN reward ON reward.id = voucher.reward_id WHERE partner_call.status <> 'calling'"
        " AND voucher_id = ANY(CAST(:ids AS uuid[]))",
        ids=list(ids),
    )


async def members_after(conn: AsyncConnection, after: UUID, *, limit: int) -> list[UUID]:
    """Accounts of members in order of their ids."""
    rows = await fetch(
        conn,
        "SELECT id FROM account WHERE id > :after AND kind = 'member' ORDER BY id LIMIT :limit",
        after=after,
        limit=limit,
    )
    return [row.id for row in rows]
