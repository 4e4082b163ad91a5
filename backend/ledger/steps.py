"""Holds: points set aside, taken or given back exactly once."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import fetch, run
from backend.ledger.domain import (
    HoldResolved,
    Portion,
    Purpose,
    Transfer,
    take_earliest,
)
from backend.ledger.queries import point_lots, post


async def place_hold(
    conn: AsyncConnection,
    *,
    hold_id: UUID,
    account_id: UUID,
    amount: int,
    now: datetime,
    expires_at: datetime,
) -> None:
    """Set points aside, earliest expiry first; the account must be locked.

    Raises:
        InsufficientPoints: Fewer are available; holds count as gone.
    """
    lots = (await point_lots(conn, [account_id]))[account_id]
    portions = take_earliest(lots, amount)
    await run(
        conn,
        "INSERT INTO hold (id, account_id, placed_at, expires_at) VALUES (:id, :account_id,"
        " :now, :until)",
        id=hold_id,
        account_id=account_id,
        now=now,
        until=expires_at,
    )
    await run(
        conn,
        "INSERT INTO hold_line (hold_id, lot_id, amount) SELECT :id, lot_id, amount"
        " FROM unnest(CAST(:lots AS bigint[]), CAST(:amounts AS bigint[])) AS given(lot_id,"
        " amount)",
        id=hold_id,
        lots=[portion.lot_id for portion in portions],
        amounts=[portion.amount for portion in portions],
    )
    await _move_held(conn, account_id, portions, sign=1)


async def release_hold(conn: AsyncConnection, *, hold_id: UUID, account_id: UUID) -> None:
    """Give held points back to the same lots; the account must be locked.

    Raises:
        HoldResolved: It is not open any more.
    """
    await _move_held(conn, account_id, await _resolve(conn, hold_id, account_id), sign=-1)


async def settle_hold(
    conn: AsyncConnection,
    *,
    hold_id: UUID,
    account_id: UUID,
    merchant_id: UUID,
    cause_id: UUID,
    now: datetime,
    occurred_on: date,
) -> None:
    """Turn a hold into transfers to the merchant; the account must be locked.

    Raises:
        HoldResolved: It is not open any more.
    """
    portions = await _resolve(conn, hold_id, account_id)
    await _move_held(conn, account_id, portions, sign=-1)
    await post(
        conn,
        [
            Transfer(
                account_id,
                cause_id,
                Purpose.SETTLE,
                lot_id,
                account_id,
                merchant_id,
                amount,
                occurred_on,
            )
            for lot_id, amount in portions
        ],
        now,
    )


async def _resolve(conn: AsyncConnection, hold_id: UUID, account_id: UUID) -> list[Portion]:
    """Delete the hold and return its lines: of two that try, the second finds nothing."""
    rows = await fetch(
        conn,
        "WITH gone AS (DELETE FROM hold WHERE id = :id AND account_id = :account_id RETURNING id)"
        " SELECT lot_id, amount FROM hold_line JOIN gone ON gone.id = hold_id ORDER BY lot_id",
        id=hold_id,
        account_id=account_id,
    )
    if not rows:
        raise HoldResolved
    return [Portion(row.lot_id, row.amount) for row in rows]


async def _move_held(
    conn: AsyncConnection, account_id: UUID, portions: Sequence[Portion], *, sign: int
) -> None:
    await run(
        conn,
        "UPDATE account_lot SET held = held + :sign * given.amount"
        " FROM unnest(CAST(:lots AS bigint[]), CAST(:amounts AS bigint[])) AS given(lot_id, amount)"
        " WHERE account_id = :account_id AND account_lot.lot_id = given.lot_id",
        account_id=account_id,
        sign=sign,
        lots=[portion.lot_id for portion in portions],
        amounts=[portion.amount for portion in portions],
    )
