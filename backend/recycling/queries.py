"""Bags; whoever moves one locks its row, after the account that has bound it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import fetch, run
from backend.recycling.domain import Bag

_SELECT = (
    f"SELECT {', '.join(Bag._fields)} FROM bag WHERE code = ANY(CAST(:codes AS text[]))"
    " ORDER BY code"
)
_WAITS = (
    "waiting_since IS NOT NULL AND weighed_at IS NULL AND lapsed_at IS NULL AND lost_at IS NULL"
)


async def add_bags(
    conn: AsyncConnection, codes: Sequence[str], batch_id: UUID | None = None
) -> int:
    """Register printed codes and return how many are new; known ones stay as they are."""
    return await run(
        conn,
        "INSERT INTO bag (code, batch_id) SELECT unnest(CAST(:codes AS text[])), :batch"
        " ON CONFLICT DO NOTHING",
        codes=list(codes),
        batch=batch_id,
    )


async def find_bags(conn: AsyncConnection, codes: Sequence[str]) -> Mapping[str, Bag]:
    """Bags by code, without locking: who binds or weighs must know whose account to lock first."""
    rows = await fetch(conn, _SELECT, codes=list(codes))
    return {row.code: Bag._make(row) for row in rows}


async def lock_bags(conn: AsyncConnection, codes: Sequence[str]) -> Mapping[str, Bag]:
    """Bags by code, locked in code order; called after the accounts are locked."""
    rows = await fetch(conn, _SELECT + " FOR UPDATE", codes=list(codes))
    return {row.code: Bag._make(row) for row in rows}


class BagBinding(NamedTuple):
    """A code, and whose check-in it has become."""

    code: str
    account_id: UUID
    check_in_id: UUID
    region: str


async def bind_bags(conn: AsyncConnection, bindings: Sequence[BagBinding], now: datetime) -> None:
    """Write bindings of locked, unbound bags."""
    if not bindings:
        return
    codes, accounts, ids, regions = zip(*bindings, strict=True)
    await run(
        conn,
        "UPDATE bag SET account_id = given.account, check_in_id = given.check_in,"
        " region = given.region, bound_at = :now, waiting_since = :now"
        " FROM unnest(CAST(:codes AS text[]),"
        " CAST(:accounts AS uuid[]), CAST(:ids AS uuid[]), CAST(:regions AS text[]))"
        " AS given(code, account, check_in, region) WHERE bag.code = given.code",
        codes=codes,
        accounts=accounts,
        ids=ids,
        regions=regions,
        now=now,
    )


class Weighed(NamedTuple):
    """What the scale showed of a bag, and when; `is_sorted` when it was sorted as well."""

    code: str
    mass_g: int
    weighed_at: datetime
    is_sorted: bool


async def weigh_bags(conn: AsyncConnection, weighed: Sequence[Weighed]) -> None:
    """Write weights of locked, bound bags that were not weighed."""
    if not weighed:
        return
    await run(
        conn,
        "UPDATE bag SET weighed_at = given.at, mass_g = given.mass_g,"
        " sorted_at = CASE WHEN given.is_sorted THEN given.at END"
        " FROM unnest(CAST(:codes AS text[]), CAST(:masses AS bigint[]),"
        " CAST(:times AS timestamptz[]), CAST(:sorted AS boolean[]))"
        " AS given(code, mass_g, at, is_sorted) WHERE bag.code = given.code",
        codes=[each.code for each in weighed],
        masses=[each.mass_g for each in weighed],
        times=[each.weighed_at for each in weighed],
        sorted=[each.is_sorted for each in weighed],
    )


async def sort_bags(conn: AsyncConnection, codes: Sequence[str], now: datetime) -> None:
    """Note that these locked, weighed bags were sorted."""
    await _stamp(conn, "sorted_at", codes, now)


async def lapse_bags(conn: AsyncConnection, codes: Sequence[str], now: datetime) -> None:
    """End the life of locked bags that nobody weighed in time."""
    await _stamp(conn, "lapsed_at", codes, now)


async def lose_bags(conn: AsyncConnection, codes: Sequence[str], now: datetime) -> None:
    """End the life of locked bags that their owners have lost."""
    await _stamp(conn, "lost_at", codes, now)


async def wait_again(conn: AsyncConnection, codes: Sequence[str], since: datetime) -> None:
    """Let these locked, waiting bags wait for their scale from now on."""
    await _stamp(conn, "waiting_since", codes, since)


async def _stamp(
    conn: AsyncConnection, column: str, codes: Sequence[str], moment: datetime
) -> None:
    if codes:
        await run(
            conn,
            f"UPDATE bag SET {column} = :moment WHERE code = ANY(CAST(:codes AS text[]))",
            codes=list(codes),
            moment=moment,
        )


async def overdue_bags(
    conn: AsyncConnection, waiting_since_before: datetime, *, limit: int
) -> Mapping[str, UUID]:
    """Codes of bags that have waited too long, with their accounts, the oldest first.

    Not those whose weight an operator is looking at: they were weighed in time.
    """
    rows = await fetch(
        conn,
        f"SELECT code, account_id FROM bag WHERE {_WAITS} AND waiting_since < :before"
        " AND NOT EXISTS (SELECT FROM bag_doubt WHERE bag_doubt.code = bag.code"
        " AND outcome = 'pending') ORDER BY waiting_since LIMIT :limit",
        before=waiting_since_before,
        limit=limit,
    )
    return {row.code: row.account_id for row in rows}


async def remind_bags(
    conn: AsyncConnection, waiting_since_before: datetime, now: datetime, *, limit: int
) -> list[Bag]:
    """Mark bags that their owners still have at home as reminded of, and return them.

    Another transaction's portion is skipped. A bag that was handed in is the station's to weigh.
    """
    rows = await fetch(
        conn,
        "UPDATE bag SET reminded_at = :now WHERE code IN (SELECT code FROM bag"
        f" WHERE {_WAITS} AND waiting_since = bound_at AND waiting_since < :before"
        " AND reminded_at IS NULL ORDER BY waiting_since LIMIT :limit FOR UPDATE SKIP LOCKED)"
        f" RETURNING {', '.join(Bag._fields)}",
        before=waiting_since_before,
        now=now,
        limit=limit,
    )
    return [Bag._make(row) for row in rows]


async def lapsed_by_check_in(conn: AsyncConnection, check_in_ids: Sequence[UUID]) -> list[Bag]:
    """Bags among these check-ins that have lapsed."""
    rows = await fetch(
        conn,
        f"SELECT {', '.join(Bag._fields)} FROM bag WHERE lapsed_at IS NOT NULL"
        " AND check_in_id = ANY(CAST(:ids AS uuid[]))",
        ids=list(check_in_ids),
    )
    return [Bag._make(row) for row in rows]
