"""Rewards and their stock, and what is known of the members who redeem them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import fetch, fetch_one, run
from backend.ids import LAST_ID
from backend.rewards.domain import Reward, Taken, period_starts, slices_of

_REWARD = (
    "reward.id, merchant_id, points, fund_id, fulfilment, regions, valid_from, valid_until,"
    " voucher_days, limit_per_member, limit_per_period, period, is_offered AND is_active AS"
    " is_offered, stock IS NOT NULL AS is_stocked, recipient"
)
_LEFT = (
    "(SELECT sum(available)::bigint FROM reward_stock WHERE reward_id = reward.id) AS pieces_left"
)


class StockSlice(NamedTuple):
    """A locked part of a reward's stock."""

    reward_id: UUID
    slice: int
    available: int


class Known(NamedTuple):
    """When an account was opened, and whether it has ever had a voucher."""

    opened_at: datetime
    has_redeemed: bool


async def insert_reward(conn: AsyncConnection, values: Mapping[str, Any]) -> None:
    """Write a reward and the slices of its stock."""
    names = ", ".join(values)
    given = ", ".join(
        f"CAST(:{name} AS text[])" if name == "regions" else f":{name}" for name in values
    )
    await run(conn, f"INSERT INTO reward ({names}) VALUES ({given})", **values)
    if values["stock"] is not None:
        await _insert_slices(conn, values["id"], values["stock"])


async def _insert_slices(conn: AsyncConnection, reward_id: UUID, pieces: int) -> None:
    slices = list(slices_of(pieces))
    await run(
        conn,
        "INSERT INTO reward_stock (reward_id, slice, available) SELECT :id, * FROM"
        " unnest(CAST(:slices AS smallint[]), CAST(:pieces AS bigint[]))",
        id=reward_id,
        slices=[number for number, _ in slices],
        pieces=[each for _, each in slices],
    )


async def change_reward(
    conn: AsyncConnection,
    reward_id: UUID,
    merchant_id: UUID,
    *,
    add_stock: int,
    is_offered: bool | None,
    valid_until: datetime | None,
) -> bool:
    """Change what may change; False when it is not this merchant's, or has no counted stock."""
    changed = await run(
        conn,
        "UPDATE reward SET stock = stock + :pieces,"
        " is_offered = coalesce(CAST(:offered AS boolean), is_offered),"
        " valid_until = coalesce(CAST(:until AS timestamptz), valid_until)"
        " WHERE id = :id AND merchant_id = :merchant AND (stock IS NOT NULL OR :pieces = 0)",
        id=reward_id,
        merchant=merchant_id,
        pieces=add_stock,
        offered=is_offered,
        until=valid_until,
    )
    if changed and add_stock:
        await return_stock(conn, {reward_id: add_stock})
    return changed == 1


async def rewards_by_id(conn: AsyncConnection, reward_ids: Iterable[UUID]) -> Mapping[UUID, Reward]:
    """Rewards as decisions see them, paused ones too."""
    rows = await fetch(
        conn,
        f"SELECT {_REWARD} FROM reward JOIN merchant ON merchant.id = merchant_id"
        " WHERE reward.id = ANY(CAST(:ids AS uuid[]))",
        ids=sorted(set(reward_ids)),
    )
    return {row.id: Reward._make(row) for row in rows}


async def offers_of(
    conn: AsyncConnection, merchant_id: UUID, *, before_id: UUID | None, limit: int
) -> Sequence[Row[Any]]:
    """A merchant's own rewards, newest first."""
    return await fetch(
        conn,
        f"SELECT reward.*, {_LEFT} FROM reward WHERE merchant_id = :merchant AND id < :before"
        " ORDER BY id DESC LIMIT :limit",
        merchant=merchant_id,
        before=before_id or LAST_ID,
        limit=limit,
    )


async def offer_of(conn: AsyncConnection, reward_id: UUID, merchant_id: UUID) -> Row[Any] | None:
    """One of a merchant's own rewards."""
    return await fetch_one(
        conn,
        f"SELECT reward.*, {_LEFT} FROM reward WHERE id = :id AND merchant_id = :merchant",
        id=reward_id,
        merchant=merchant_id,
    )


# What members are shown of a reward, beside what decides.
_SHOWN = (
    f"SELECT {_REWARD}, reward.name_zh, reward.name_en, detail_zh, detail_en, payer,"
    f" merchant.name_zh AS merchant_zh, merchant.name_en AS merchant_en, {_LEFT}"
    " FROM reward JOIN merchant ON merchant.id = merchant_id"
)


async def open_rewards(
    conn: AsyncConnection,
    *,
    regions: Sequence[str],
    now: datetime,
    before_id: UUID | None,
    limit: int,
) -> Sequence[Row[Any]]:
    """Rewards that somebody could redeem in one of these regions at this moment."""
    return await fetch(
        conn,
        f"{_SHOWN} WHERE is_offered AND is_active AND reward.id < :before AND valid_from <= :now"
        " AND (valid_until IS NULL OR valid_until > :now)"
        " AND (regions = '{}' OR regions && CAST(:regions AS text[]))"
        " AND (stock IS NULL OR EXISTS"
        " (SELECT FROM reward_stock WHERE reward_id = reward.id AND available > 0))"
        " ORDER BY reward.id DESC LIMIT :limit",
        regions=list(regions),
        now=now,
        before=before_id or LAST_ID,
        limit=limit,
    )


async def all_rewards(
    conn: AsyncConnection, *, before_id: UUID | None, limit: int
) -> Sequence[Row[Any]]:
    """All rewards that are not paused, wherever and whenever they are good."""
    return await fetch(
        conn,
        f"{_SHOWN} WHERE is_offered AND is_active AND reward.id < :before"
        " ORDER BY reward.id DESC LIMIT :limit",
        before=before_id or LAST_ID,
        limit=limit,
    )


async def shown_reward(conn: AsyncConnection, reward_id: UUID) -> Row[Any] | None:
    """One reward as members see it, paused or not."""
    return await fetch_one(conn, f"{_SHOWN} WHERE reward.id = :id", id=reward_id)


async def known_accounts(
    conn: AsyncConnection, account_ids: Iterable[UUID]
) -> Mapping[UUID, Known]:
    """What the first redemption asks for, of each account."""
    rows = await fetch(
        conn,
        "SELECT id, opened_at, EXISTS (SELECT FROM voucher WHERE account_id = account.id)"
        " AS has_redeemed FROM account WHERE id = ANY(CAST(:ids AS uuid[]))",
        ids=sorted(set(account_ids)),
    )
    return {row.id: Known(row.opened_at, row.has_redeemed) for row in rows}


async def taken_by(
    conn: AsyncConnection, pairs: Iterable[tuple[UUID, UUID]], now: datetime
) -> Mapping[tuple[UUID, UUID], Taken]:
    """How often each (account, reward) was redeemed, without what was given back."""
    asked = sorted(set(pairs))
    day, week, month = period_starts(now)
    rows = await fetch(
        conn,
        "SELECT account_id, reward_id, count(*) AS ever,"
        " count(*) FILTER (WHERE issued_at >= :day) AS day,"
        " count(*) FILTER (WHERE issued_at >= :week) AS week,"
        " count(*) FILTER (WHERE issued_at >= :month) AS month"
        " FROM voucher JOIN unnest(CAST(:accounts AS uuid[]), CAST(:rewards AS uuid[]))"
        " AS asked(account_id, reward_id) USING (account_id, reward_id)"
        " WHERE status IN ('issued', 'fulfilling', 'settled') GROUP BY account_id, reward_id",
        accounts=[account_id for account_id, _ in asked],
        rewards=[reward_id for _, reward_id in asked],
        day=day,
        week=week,
        month=month,
    )
    return {(row.account_id, row.reward_id): Taken(*row[2:]) for row in rows}


async def lock_stock(conn: AsyncConnection, wanted: Mapping[UUID, int]) -> Sequence[StockSlice]:
    """Lock enough stock for each reward: one slice that nobody holds, else all slices in order.

    Called after the account locks. Whoever waits for all slices of one reward may hold a slice of
    another one, so two batches that run two rewards dry at once can deadlock; PostgreSQL ends one,
    and batches repeat it.
    """
    ids = sorted(wanted)
    free = await fetch(
        conn,
        "SELECT wanted.reward_id, part.slice, part.available"
        " FROM unnest(CAST(:ids AS uuid[]), CAST(:pieces AS bigint[])) AS wanted(reward_id, pieces)"
        " CROSS JOIN LATERAL (SELECT slice, available FROM reward_stock"
        " WHERE reward_stock.reward_id = wanted.reward_id AND available >= wanted.pieces"
        " ORDER BY random() LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED) AS part",
        ids=ids,
        pieces=[wanted[id] for id in ids],
    )
    found = [StockSlice._make(row) for row in free]
    short = sorted(set(ids) - {each.reward_id for each in found})
    if short:
        rows = await fetch(
            conn,
            "SELECT reward_id, slice, available FROM reward_stock"
            " WHERE reward_id = ANY(CAST(:ids AS uuid[])) ORDER BY reward_id, slice"
            " FOR NO KEY UPDATE",
            ids=short,
        )
        found += [StockSlice._make(row) for row in rows]
    return found


async def take_stock(conn: AsyncConnection, taken: Sequence[StockSlice]) -> None:
    """Take pieces (`available` is how many) out of locked slices."""
    if not taken:
        return
    await run(
        conn,
        "UPDATE reward_stock SET available = reward_stock.available - given.pieces"
        " FROM unnest(CAST(:ids AS uuid[]), CAST(:slices AS smallint[]),"
        " CAST(:pieces AS bigint[])) AS given(reward_id, slice, pieces)"
        " WHERE reward_stock.reward_id = given.reward_id AND reward_stock.slice = given.slice",
        ids=[each.reward_id for each in taken],
        slices=[each.slice for each in taken],
        pieces=[each.available for each in taken],
    )


async def return_stock(conn: AsyncConnection, returned: Mapping[UUID, int]) -> None:
    """Put pieces back, of rewards whose pieces are counted; the last lock of its transaction."""
    ids = sorted(returned)
    rows = await fetch(
        conn,
        "SELECT reward_id, slice FROM reward_stock WHERE reward_id = ANY(CAST(:ids AS uuid[]))"
        " AND slice = 0 ORDER BY reward_id FOR NO KEY UPDATE",
        ids=ids,
    )
    await take_stock(conn, [StockSlice(row.reward_id, 0, -returned[row.reward_id]) for row in rows])
