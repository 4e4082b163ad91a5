"""Member codes and the requests that cashiers make with them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import fetch, fetch_one, run
from backend.ids import LAST_ID


class MemberCode(NamedTuple):
    """What an account's codes are made of."""

    account_id: UUID
    handle: str
    secret: bytes
    made_at: datetime
    used_step: int


class Request(NamedTuple):
    """A cashier asks a member to confirm a reward.

    Attributes:
        region: Of the store, where it is known.
    """

    id: UUID
    account_id: UUID
    merchant_id: UUID
    reward_id: UUID
    store_id: UUID | None
    till_id: UUID | None
    requested_by: str
    status: str
    expires_at: datetime
    voucher_id: UUID | None
    region: str | None


async def renew_member_code(
    conn: AsyncConnection, fresh: MemberCode, *, older_than: datetime
) -> MemberCode:
    """The account's code material: `fresh`, unless there is some that is not old yet."""
    await run(
        conn,
        "INSERT INTO member_code AS kept (account_id, handle, secret, made_at)"
        " VALUES (:account, :handle, :secret, :now) ON CONFLICT (account_id) DO UPDATE"
        " SET handle = excluded.handle, secret = excluded.secret, made_at = excluded.made_at,"
        " used_step = 0 WHERE kept.made_at < :older_than",
        account=fresh.account_id,
        handle=fresh.handle,
        secret=fresh.secret,
        now=fresh.made_at,
        older_than=older_than,
    )
    row = await fetch_one(
        conn,
        "SELECT account_id, handle, secret, made_at, used_step FROM member_code"
        " WHERE account_id = :account",
        account=fresh.account_id,
    )
    assert row is not None, "it was just written, or was there"
    return MemberCode._make(row)


async def lock_member_code(conn: AsyncConnection, handle: str) -> MemberCode | None:
    """The code material behind a handle, locked: of two scans of one code the second waits."""
    row = await fetch_one(
        conn,
        "SELECT account_id, handle, secret, made_at, used_step FROM member_code"
        " WHERE handle = :handle FOR UPDATE",
        handle=handle,
    )
    return MemberCode._make(row) if row else None


async def use_step(conn: AsyncConnection, account_id: UUID, step: int) -> None:
    """Remember the step whose code was taken, of locked code material."""
    await run(
        conn,
        "UPDATE member_code SET used_step = :step WHERE account_id = :account",
        account=account_id,
        step=step,
    )


async def insert_request(conn: AsyncConnection, request: Request, now: datetime) -> None:
    """Write a pending request."""
    await run(
        conn,
        "INSERT INTO settlement_request (id, account_id, merchant_id, reward_id, store_id, till_id,"
        " requested_by, status, requested_at, expires_at) VALUES (:id, :account, :merchant,"
        " :reward, :store, :till, :by, 'pending', :now, :until)",
        id=request.id,
        account=request.account_id,
        merchant=request.merchant_id,
        reward=request.reward_id,
        store=request.store_id,
        till=request.till_id,
        by=request.requested_by,
        now=now,
        until=request.expires_at,
    )


async def requests_by_id(conn: AsyncConnection, ids: Iterable[UUID]) -> Mapping[UUID, Request]:
    """Requests by id; whoever decides one holds its account's lock."""
    rows = await fetch(
        conn,
        "SELECT settlement_request.id, account_id, settlement_request.merchant_id, reward_id,"
        " store_id, till_id, requested_by, status, expires_at, voucher_id, region"
        " FROM settlement_request LEFT JOIN store ON store.id = store_id"
        " WHERE settlement_request.id = ANY(CAST(:ids AS uuid[]))",
        ids=sorted(set(ids)),
    )
    return {row.id: Request._make(row) for row in rows}


async def confirm_requests(
    conn: AsyncConnection, confirmed: Mapping[UUID, UUID], now: datetime
) -> None:
    """Write the voucher that each confirmed request has settled."""
    if not confirmed:
        return
    await run(
        conn,
        "UPDATE settlement_request SET status = 'confirmed', decided_at = :now,"
        " voucher_id = given.voucher FROM unnest(CAST(:ids AS uuid[]), CAST(:vouchers AS uuid[]))"
        " AS given(id, voucher) WHERE settlement_request.id = given.id",
        ids=list(confirmed),
        vouchers=list(confirmed.values()),
        now=now,
    )


async def decline_request(conn: AsyncConnection, request_id: UUID, now: datetime) -> None:
    """Write that the member declined; the account is locked."""
    await run(
        conn,
        "UPDATE settlement_request SET status = 'declined', decided_at = :now WHERE id = :id",
        id=request_id,
        now=now,
    )


_SHOWN = (
    "SELECT settlement_request.*, reward.name_zh AS reward_zh, reward.name_en AS reward_en,"
    " reward.points, merchant.name_zh AS merchant_zh, merchant.name_en AS merchant_en,"
    " settlement.id AS settlement_id FROM settlement_request"
    " JOIN reward ON reward.id = settlement_request.reward_id"
    " JOIN merchant ON merchant.id = settlement_request.merchant_id"
    " LEFT JOIN settlement ON settlement.voucher_id = settlement_request.voucher_id"
)


async def shown_request(conn: AsyncConnection, request_id: UUID) -> Row[Any] | None:
    """One request with the names that people read."""
    return await fetch_one(conn, f"{_SHOWN} WHERE settlement_request.id = :id", id=request_id)


async def shown_requests(
    conn: AsyncConnection, account_id: UUID, *, before_id: UUID | None, limit: int
) -> Sequence[Row[Any]]:
    """An account's requests, newest first."""
    return await fetch(
        conn,
        f"{_SHOWN} WHERE account_id = :account AND settlement_request.id < :before"
        " ORDER BY settlement_request.id DESC LIMIT :limit",
        account=account_id,
        before=before_id or LAST_ID,
        limit=limit,
    )
