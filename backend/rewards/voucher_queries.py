"""Vouchers, settlements and what took them back; whoever changes one holds its account's lock."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import fetch, fetch_one, run
from backend.ids import LAST_ID
from backend.rewards.domain import VoucherStatus

_VOUCHER = (
    "id, account_id, reward_id, merchant_id, points, status, code, digits, issued_at, expires_at,"
    " ended_at"
)


class Voucher(NamedTuple):
    """What a member has for her points; its id is the id of its hold."""

    id: UUID
    account_id: UUID
    reward_id: UUID
    merchant_id: UUID
    points: int
    status: VoucherStatus
    code: str
    digits: str
    issued_at: datetime
    expires_at: datetime
    ended_at: datetime | None


async def insert_vouchers(conn: AsyncConnection, vouchers: Sequence[Voucher]) -> bool:
    """Write new vouchers; False when some twelve digits are in use by a live voucher."""
    if not vouchers:
        return True
    columns = list(zip(*vouchers, strict=True))
    written = await run(
        conn,
        f"INSERT INTO voucher ({_VOUCHER}) SELECT *, NULL FROM unnest(CAST(:ids AS uuid[]),"
        " CAST(:accounts AS uuid[]), CAST(:rewards AS uuid[]), CAST(:merchants AS uuid[]),"
        " CAST(:points AS bigint[]), CAST(:statuses AS text[]), CAST(:codes AS text[]),"
        " CAST(:digits AS text[]), CAST(:issued AS timestamptz[]), CAST(:expires AS timestamptz[]))"
        " ON CONFLICT DO NOTHING",
        ids=columns[0],
        accounts=columns[1],
        rewards=columns[2],
        merchants=columns[3],
        points=columns[4],
        statuses=columns[5],
        codes=columns[6],
        digits=columns[7],
        issued=columns[8],
        expires=columns[9],
    )
    return written == len(vouchers)


async def vouchers_by_id(conn: AsyncConnection, ids: Iterable[UUID]) -> Mapping[UUID, Voucher]:
    """Vouchers by id, as they are now; unknown ones are missing."""
    rows = await fetch(
        conn,
        f"SELECT {_VOUCHER} FROM voucher WHERE id = ANY(CAST(:ids AS uuid[]))",
        ids=sorted(set(ids)),
    )
    return {row.id: _voucher(row) for row in rows}


async def vouchers_by_code(conn: AsyncConnection, codes: Iterable[str]) -> Mapping[str, Voucher]:
    """Vouchers by their code or twelve digits, without locking: whose accounts must be locked.

    Digits name the live voucher, else the last one that had them, so that a cashier who types the
    same digits again hears what became of it.
    """
    asked = sorted(set(codes))
    rows = await fetch(
        conn,
        f"SELECT {_VOUCHER} FROM voucher WHERE code = ANY(CAST(:codes AS text[]))"
        f" UNION ALL SELECT {_VOUCHER} FROM voucher WHERE digits = ANY(CAST(:codes AS text[]))"
        " ORDER BY id",
        codes=asked,
    )
    found: dict[str, Voucher] = {}
    for row in sorted(rows, key=lambda row: row.status == VoucherStatus.ISSUED):
        found[row.code] = found[row.digits] = _voucher(row)
    return found


async def end_vouchers(
    conn: AsyncConnection, ends: Sequence[tuple[UUID, VoucherStatus]], now: datetime
) -> None:
    """Write the new status of vouchers whose accounts are locked."""
    if not ends:
        return
    await run(
        conn,
        "UPDATE voucher SET status = given.status, ended_at = :now"
        " FROM unnest(CAST(:ids AS uuid[]), CAST(:statuses AS text[])) AS given(id, status)"
        " WHERE voucher.id = given.id",
        ids=[voucher_id for voucher_id, _ in ends],
        statuses=[status for _, status in ends],
        now=now,
    )


async def due_vouchers(conn: AsyncConnection, now: datetime, *, limit: int) -> Sequence[UUID]:
    """Vouchers that nobody used in time, oldest first."""
    rows = await fetch(
        conn,
        "SELECT id FROM voucher WHERE status = 'issued' AND expires_at <= :now"
        " ORDER BY expires_at LIMIT :limit",
        now=now,
        limit=limit,
    )
    return [row.id for row in rows]


# What a member is shown, with the names of the reward and the merchant.
_SHOWN = (
    "SELECT voucher.*, reward.name_zh AS reward_zh, reward.name_en AS reward_en, fulfilment,"
    " merchant.name_zh AS merchant_zh, merchant.name_en AS merchant_en,"
    " pool_code.id AS pool_code_id, ciphertext, partner_call.reference AS partner_reference"
    " FROM voucher JOIN reward ON reward.id = reward_id"
    " JOIN merchant ON merchant.id = voucher.merchant_id"
    " LEFT JOIN pool_code ON pool_code.voucher_id = voucher.id"
    " LEFT JOIN partner_call ON partner_call.voucher_id = voucher.id"
)


async def shown_voucher(conn: AsyncConnection, voucher_id: UUID) -> Row[Any] | None:
    """One voucher with the names that people read."""
    return await fetch_one(conn, f"{_SHOWN} WHERE voucher.id = :id", id=voucher_id)


async def shown_vouchers(
    conn: AsyncConnection,
    account_id: UUID,
    *,
    status: str | None,
    before_id: UUID | None,
    limit: int,
) -> Sequence[Row[Any]]:
    """An account's vouchers, newest first; of one status, if that is given."""
    return await fetch(
        conn,
        f"{_SHOWN} WHERE account_id = :account AND voucher.id < :before"
        " AND (CAST(:status AS text) IS NULL OR voucher.status = :status)"
        " ORDER BY voucher.id DESC LIMIT :limit",
        account=account_id,
        before=before_id or LAST_ID,
        status=status,
        limit=limit,
    )


def _voucher(row: Row[Any]) -> Voucher:
    return Voucher._make(row)._replace(status=VoucherStatus(row.status))
