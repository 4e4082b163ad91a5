"""Pool codes in the database; whoever takes one skips those that another batch is taking."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import fetch, run


class SealedCode(NamedTuple):
    """A code that no table shows in the clear."""

    id: UUID
    ciphertext: bytes
    code_hmac: bytes


async def lock_pools(conn: AsyncConnection, merchant_id: UUID) -> None:
    """Let one import of a merchant follow the other: the codes of its rewards are looked at."""
    await run(conn, "SELECT FROM merchant WHERE id = :id FOR NO KEY UPDATE", id=merchant_id)


async def known_codes(
    conn: AsyncConnection, merchant_id: UUID, code_hmacs: Sequence[bytes]
) -> set[bytes]:
    """Which of these a reward of the merchant has or has given out; the index of each is probed."""
    rows = await fetch(
        conn,
        "SELECT code_hmac FROM pool_code WHERE code_hmac = ANY(CAST(:hmacs AS bytea[]))"
        " AND reward_id IN (SELECT id FROM reward WHERE merchant_id = :merchant)",
        hmacs=list(code_hmacs),
        merchant=merchant_id,
    )
    return {row.code_hmac for row in rows}


async def insert_pool_codes(
    conn: AsyncConnection, reward_id: UUID, codes: Sequence[SealedCode], now: datetime
) -> set[bytes]:
    """Write codes that were not imported before; gives the fingerprints of the new ones."""
    if not codes:
        return set()
    rows = await fetch(
        conn,
        "INSERT INTO pool_code (id, reward_id, ciphertext, code_hmac, imported_at)"
        " SELECT id, :reward, sealed, found, :now FROM unnest(CAST(:ids AS uuid[]),"
        " CAST(:sealed AS bytea[]), CAST(:found AS bytea[])) AS given(id, sealed, found)"
        " ORDER BY found ON CONFLICT DO NOTHING RETURNING code_hmac",
        reward=reward_id,
        ids=[each.id for each in codes],
        sealed=[each.ciphertext for each in codes],
        found=[each.code_hmac for each in codes],
        now=now,
    )
    return {row.code_hmac for row in rows}


async def pool_rewards(conn: AsyncConnection, reward_ids: Iterable[UUID]) -> set[UUID]:
    """Which of these rewards are paid out with pool codes."""
    rows = await fetch(
        conn,
        "SELECT id FROM reward WHERE id = ANY(CAST(:ids AS uuid[])) AND fulfilment = 'pool'",
        ids=sorted(set(reward_ids)),
    )
    return {row.id for row in rows}


async def take_pool_codes(
    conn: AsyncConnection, wanted: Sequence[tuple[UUID, UUID]], now: datetime
) -> bool:
    """Give each (voucher, reward) one free code, oldest first; False when some found none.

    Stock was taken before, so there are enough; what is locked belongs to stock that others took.
    """
    taken = await run(
        conn,
        "WITH wanted AS (SELECT voucher_id, reward_id,"
        " row_number() OVER (PARTITION BY reward_id ORDER BY voucher_id) AS place"
        " FROM unnest(CAST(:vouchers AS uuid[]), CAST(:rewards AS uuid[]))"
        " AS given(voucher_id, reward_id)), needed AS ("
        "SELECT reward_id, count(*) AS pieces FROM wanted GROUP BY reward_id), free AS ("
        "SELECT code.id, needed.reward_id,"
        " row_number() OVER (PARTITION BY needed.reward_id ORDER BY code.id) AS place"
        " FROM needed CROSS JOIN LATERAL (SELECT id FROM pool_code"
        " WHERE pool_code.reward_id = needed.reward_id AND voucher_id IS NULL"
        " ORDER BY id LIMIT needed.pieces FOR UPDATE SKIP LOCKED) AS code)"
        " UPDATE pool_code SET voucher_id = wanted.voucher_id, taken_at = :now"
        " FROM wanted JOIN free USING (reward_id, place) WHERE pool_code.id = free.id",
        vouchers=[voucher_id for voucher_id, _ in wanted],
        rewards=[reward_id for _, reward_id in wanted],
        now=now,
    )
    return taken == len(wanted)
