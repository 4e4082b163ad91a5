"""Importing pool codes, and giving one to each voucher of such a reward."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.batches import BatchRaced
from backend.errors import NotFound
from backend.ids import uuid7
from backend.rewards.merchant_queries import Counter
from backend.rewards.pool_codes import PoolKeys, RowError, read_codes
from backend.rewards.pool_queries import (
    SealedCode,
    insert_pool_codes,
    known_codes,
    lock_pools,
    pool_rewards,
    take_pool_codes,
)
from backend.rewards.refusals import RewardTermsNotClear
from backend.rewards.reward_queries import change_reward, offer_of
from backend.rewards.settle import settle_vouchers, settlement_of
from backend.rewards.voucher_queries import Voucher

POOL = "pool"


class Imported(NamedTuple):
    """How many codes are new, and what was wrong with which line."""

    codes: int
    errors: Sequence[RowError]


async def import_codes(
    conn: AsyncConnection,
    text: str,
    *,
    reward_id: UUID,
    merchant_id: UUID,
    keys: PoolKeys,
    now: datetime,
) -> Imported:
    """Add the good lines of a file to the pool; the same file again adds nothing.

    Nor does it for another reward of the merchant: a code that two pools had would be given twice.

    Raises:
        NotFound: Not this merchant's reward.
        RewardTermsNotClear: Its vouchers carry codes of our own.
    """
    offer = await offer_of(conn, reward_id, merchant_id)
    if offer is None:
        raise NotFound
    if offer.fulfilment != POOL:
        raise RewardTermsNotClear
    codes, errors = read_codes(text)
    found = {keys.fingerprint(code): (code, line) for code, line in codes.items()}
    await lock_pools(conn, merchant_id)
    known_before = await known_codes(conn, merchant_id, list(found))
    sealed = []
    for fingerprint, (code, _) in found.items():
        if fingerprint not in known_before:
            code_id = uuid7()
            sealed.append(SealedCode(code_id, keys.sealed(code_id, code), fingerprint))
    fresh = await insert_pool_codes(conn, reward_id, sealed, now)
    known = [RowError(line, "known") for key, (_, line) in found.items() if key not in fresh]
    await change_reward(
        conn, reward_id, merchant_id, add_stock=len(fresh), is_offered=None, valid_until=None
    )
    return Imported(len(fresh), sorted([*errors, *known]))


async def deliver_pool_codes(
    conn: AsyncConnection, issued: Sequence[Voucher], now: datetime
) -> None:
    """Give vouchers of pool rewards their codes and settle them: the member has what she paid for.

    Raises:
        BatchRaced: A code is missing that the stock has promised.
    """
    pools = await pool_rewards(conn, [each.reward_id for each in issued]) if issued else set()
    mine = [each for each in issued if each.reward_id in pools]
    if not mine:
        return
    if not await take_pool_codes(conn, [(each.id, each.reward_id) for each in mine], now):
        raise BatchRaced
    settled = {
        each.id: (settlement_of(each, Counter(POOL, each.merchant_id, None, None), None, now), each)
        for each in mine
    }
    await settle_vouchers(conn, settled, now)
