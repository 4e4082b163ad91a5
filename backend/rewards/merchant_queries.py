"""Merchants, stores and tills; one statement per function."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import fetch, fetch_one, run
from backend.ids import LAST_ID


class Till(NamedTuple):
    """An enrolled till, and where it stands."""

    id: UUID
    merchant_id: UUID
    store_id: UUID


async def key_of_till(conn: AsyncConnection, merchant_id: UUID, till_id: UUID) -> str | None:
    """The key of an enrolled till of this merchant."""
    row = await fetch_one(
        conn,
        "SELECT key_id FROM till WHERE id = :id AND merchant_id = :merchant",
        id=till_id,
        merchant=merchant_id,
    )
    return row.key_id if row else None


async def till_of_key(conn: AsyncConnection, key_id: str) -> Till | None:
    """The till that a key was issued to at its enrolment."""
    row = await fetch_one(
        conn, "SELECT id, merchant_id, store_id FROM till WHERE key_id = :key", key=key_id
    )
    return Till._make(row) if row else None


class Counter(NamedTuple):
    """Who settles, for which merchant, and where, as far as that is known.

    Attributes:
        settled_by: Principal: a signed-in person, or the key of a till.
    """

    settled_by: str
    merchant_id: UUID
    store_id: UUID | None
    till_id: UUID | None


async def insert_merchant(
    conn: AsyncConnection, merchant_id: UUID, *, name_zh: str, name_en: str
) -> None:
    """Write a merchant whose account is there."""
    await run(
        conn,
        "INSERT INTO merchant (id, name_zh, name_en) VALUES (:id, :zh, :en)",
        id=merchant_id,
        zh=name_zh,
        en=name_en,
    )


async def insert_store(
    conn: AsyncConnection,
    store_id: UUID,
    merchant_id: UUID,
    *,
    name_zh: str,
    name_en: str,
    region: str,
) -> None:
    """Write a store."""
    await run(
        conn,
        "INSERT INTO store (id, merchant_id, name_zh, name_en, region)"
        " VALUES (:id, :merchant, :zh, :en, :region)",
        id=store_id,
        merchant=merchant_id,
        zh=name_zh,
        en=name_en,
        region=region,
    )


async def insert_till(
    conn: AsyncConnection,
    till: Till,
    *,
    name: str,
    code_sha256: bytes,
    code_expires_at: datetime,
) -> bool:
    """Write a till that waits for its enrolment; False when the store is not this merchant's."""
    written = await run(
        conn,
        "INSERT INTO till (id, merchant_id, store_id, name, code_sha256, code_expires_at)"
        " SELECT :id, merchant_id, id, :name, :code, :until FROM store"
        " WHERE id = :store AND merchant_id = :merchant",
        id=till.id,
        merchant=till.merchant_id,
        store=till.store_id,
        name=name,
        code=code_sha256,
        until=code_expires_at,
    )
    return written == 1


async def lock_waiting_till(
    conn: AsyncConnection, merchant_id: UUID, code_sha256: bytes, now: datetime
) -> UUID | None:
    """The till of this merchant that waits for this code, locked; None when there is none."""
    row = await fetch_one(
        conn,
        "SELECT id FROM till WHERE code_sha256 = :code AND merchant_id = :merchant"
        " AND key_id IS NULL AND code_expires_at > :now FOR UPDATE",
        code=code_sha256,
        merchant=merchant_id,
        now=now,
    )
    return row.id if row else None


async def enrol_till(conn: AsyncConnection, till_id: UUID, key_id: str, now: datetime) -> None:
    """Bind a key to a locked till."""
    await run(
        conn,
        "UPDATE till SET key_id = :key, enrolled_at = :now WHERE id = :id",
        id=till_id,
        key=key_id,
        now=now,
    )


# What a list shows of each kind; the names are this code's own and never a caller's.
_LISTED = {
    "merchant": "id, name_zh, name_en, is_active, created_at",
    "store": "id, name_zh, name_en, region, created_at",
    "till": "id, store_id, name, enrolled_at, code_expires_at, created_at",
}


async def list_of(
    conn: AsyncConnection,
    table: str,
    *,
    merchant_id: UUID | None,
    before_id: UUID | None,
    limit: int,
) -> Sequence[Row[Any]]:
    """Rows of one kind, newest first; of one merchant, or merchants themselves."""
    of_merchant = "" if merchant_id is None else "merchant_id = :merchant AND "
    return await fetch(
        conn,
        f"SELECT {_LISTED[table]} FROM {table} WHERE {of_merchant} id < :before"
        " ORDER BY id DESC LIMIT :limit",
        before=before_id or LAST_ID,
        limit=limit,
        **({} if merchant_id is None else {"merchant": merchant_id}),
    )


async def find_one(
    conn: AsyncConnection, table: str, id: UUID, merchant_id: UUID | None = None
) -> Row[Any] | None:
    """One row of a kind; of one merchant, when that is given."""
    of_merchant = "" if merchant_id is None else " AND merchant_id = :merchant"
    return await fetch_one(
        conn,
        f"SELECT {_LISTED[table]} FROM {table} WHERE id = :id{of_merchant}",
        id=id,
        **({} if merchant_id is None else {"merchant": merchant_id}),
    )


async def points_of_merchant(conn: AsyncConnection, merchant_id: UUID) -> int:
    """Points settled with a merchant, net of what was undone; pending deltas included."""
    row = await fetch_one(
        conn,
        "SELECT coalesce(sum(amount), 0)::bigint AS points FROM ("
        "SELECT posted AS amount FROM account_lot WHERE account_id = :id"
        " UNION ALL SELECT amount FROM account_delta WHERE account_id = :id) AS parts",
        id=merchant_id,
    )
    return int(row.points) if row else 0
