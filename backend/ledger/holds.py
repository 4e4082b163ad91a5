"""Holds: points set aside, and taken or given back once; many by a constant number of statements.

All accounts concerned must be locked: the account row is the lock over lots and holds.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import fetch, run
from backend.ledger.domain import LotBalance, Portion


class SpendableLot(NamedTuple):
    """Points that have not expired, and the fund that pays for them."""

    fund_id: UUID
    balance: LotBalance


class Placing(NamedTuple):
    """Points to set aside, cut into lots by whoever has seen all earlier placings of the batch."""

    hold_id: UUID
    account_id: UUID
    portions: Sequence[Portion]
    expires_at: datetime


class Resolved(NamedTuple):
    """A hold that is gone: whose points it held."""

    account_id: UUID
    portions: Sequence[Portion]


async def spendable_lots(
    conn: AsyncConnection, account_ids: Sequence[UUID], today: date
) -> Mapping[UUID, list[SpendableLot]]:
    """Lots with something available that are good on `today`, earliest expiry first."""
    rows = await fetch(
        conn,
        "SELECT account_id, fund_id, lot_id, expires_on, posted, held FROM account_lot"
        " JOIN lot ON lot.id = lot_id WHERE account_id = ANY(CAST(:ids AS uuid[]))"
        " AND posted > held ORDER BY expires_on, lot_id",
        ids=list(account_ids),
    )
    lots: dict[UUID, list[SpendableLot]] = {account_id: [] for account_id in account_ids}
    for row in rows:
        balance = LotBalance(row.lot_id, row.expires_on, row.posted, row.held)
        if balance.spendable_on(today):
            lots[row.account_id].append(SpendableLot(row.fund_id, balance))
    return lots


async def place_holds(conn: AsyncConnection, placings: Sequence[Placing], now: datetime) -> None:
    """Write holds, their lines, and what the lots now hold.

    A lot that has less raises the CHECK of its row; the batch then finds the one to blame.
    """
    if not placings:
        return
    await run(
        conn,
        "INSERT INTO hold (id, account_id, placed_at, expires_at)"
        " SELECT id, account_id, :now, until FROM unnest(CAST(:ids AS uuid[]),"
        " CAST(:accounts AS uuid[]), CAST(:untils AS timestamptz[])) AS given(id, account_id,"
        " until)",
        ids=[each.hold_id for each in placings],
        accounts=[each.account_id for each in placings],
        untils=[each.expires_at for each in placings],
        now=now,
    )
    lines = [(each.hold_id, *portion) for each in placings for portion in each.portions]
    await run(
        conn,
        "INSERT INTO hold_line (hold_id, lot_id, amount) SELECT * FROM unnest("
        "CAST(:holds AS uuid[]), CAST(:lots AS bigint[]), CAST(:amounts AS bigint[]))",
        holds=[hold_id for hold_id, _, _ in lines],
        lots=[lot_id for _, lot_id, _ in lines],
        amounts=[amount for _, _, amount in lines],
    )
    await _move_held(conn, [(each.account_id, p) for each in placings for p in each.portions], 1)


async def resolve_holds(conn: AsyncConnection, hold_ids: Sequence[UUID]) -> Mapping[UUID, Resolved]:
    """Delete holds and free what they held; of two that try, the second finds nothing."""
    if not hold_ids:
        return {}
    rows = await fetch(
        conn,
        "WITH gone AS (DELETE FROM hold WHERE id = ANY(CAST(:ids AS uuid[]))"
        " RETURNING id, account_id) SELECT id, account_id, lot_id, amount FROM gone"
        " JOIN hold_line ON hold_id = id ORDER BY id, lot_id",
        ids=list(hold_ids),
    )
    found: dict[UUID, tuple[UUID, list[Portion]]] = {}
    for row in rows:
        _, portions = found.setdefault(row.id, (row.account_id, []))
        portions.append(Portion(row.lot_id, row.amount))
    await _move_held(conn, [(row.account_id, Portion(row.lot_id, row.amount)) for row in rows], -1)
    return {hold_id: Resolved(*each) for hold_id, each in found.items()}


async def _move_held(
    conn: AsyncConnection, moves: Sequence[tuple[UUID, Portion]], sign: int
) -> None:
    if not moves:
        return
    # Summed first: of two source rows for one target row, UPDATE would take only one.
    await run(
        conn,
        "UPDATE account_lot SET held = held + :sign * given.amount FROM ("
        "SELECT account_id, lot_id, sum(amount) AS amount FROM unnest(CAST(:accounts AS uuid[]),"
        " CAST(:lots AS bigint[]), CAST(:amounts AS bigint[])) AS each(account_id, lot_id, amount)"
        " GROUP BY account_id, lot_id) AS given WHERE account_lot.account_id = given.account_id"
        " AND account_lot.lot_id = given.lot_id",
        sign=sign,
        accounts=[account_id for account_id, _ in moves],
        lots=[portion.lot_id for _, portion in moves],
        amounts=[portion.amount for _, portion in moves],
    )
