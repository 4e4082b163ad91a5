"""Bags; whoever binds or weighs one locks its row."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import fetch, run


class Bag(NamedTuple):
    """A printed code and what has happened to it."""

    code: str
    account_id: UUID | None
    check_in_id: UUID | None
    region: str | None
    bound_at: datetime | None
    weighed_at: datetime | None
    mass_g: int | None


async def add_bags(conn: AsyncConnection, codes: Sequence[str]) -> None:
    """Register printed codes; known ones stay as they are."""
    await run(
        conn,
        "INSERT INTO bag (code) SELECT unnest(CAST(:codes AS text[])) ON CONFLICT DO NOTHING",
        codes=list(codes),
    )


async def find_bags(conn: AsyncConnection, codes: Sequence[str]) -> Mapping[str, Bag]:
    """Bags by code, without locking: who binds or weighs must know whose account to lock first."""
    rows = await fetch(conn, _SELECT, codes=list(codes))
    return {row.code: Bag._make(row) for row in rows}


async def lock_bags(conn: AsyncConnection, codes: Sequence[str]) -> Mapping[str, Bag]:
    """Bags by code, locked in code order; called after the accounts are locked."""
    rows = await fetch(conn, _SELECT + " FOR UPDATE", codes=list(codes))
    return {row.code: Bag._make(row) for row in rows}


_SELECT = (
    "SELECT code, account_id, check_in_id, region, bound_at, weighed_at, mass_g FROM bag"
    " WHERE code = ANY(CAST(:codes AS text[])) ORDER BY code"
)


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
        " region = given.region, bound_at = :now FROM unnest(CAST(:codes AS text[]),"
        " CAST(:accounts AS uuid[]), CAST(:ids AS uuid[]), CAST(:regions AS text[]))"
        " AS given(code, account, check_in, region) WHERE bag.code = given.code",
        codes=codes,
        accounts=accounts,
        ids=ids,
        regions=regions,
        now=now,
    )


async def weigh_bags(
    conn: AsyncConnection, weighings: Sequence[tuple[str, int]], now: datetime
) -> None:
    """Write (code, grams) of locked, bound bags that were not weighed."""
    await run(
        conn,
        "UPDATE bag SET weighed_at = :now, mass_g = given.mass_g"
        " FROM unnest(CAST(:codes AS text[]), CAST(:masses AS bigint[])) AS given(code, mass_g)"
        " WHERE bag.code = given.code",
        codes=[code for code, _ in weighings],
        masses=[mass_g for _, mass_g in weighings],
        now=now,
    )
