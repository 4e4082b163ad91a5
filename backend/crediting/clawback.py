"""What corrections take back: grams at once, points as far as they are there, the rest as a debt.

Points that were not paid yet are simply not paid; nothing is clawed back that nobody had.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.campaigns.pending import Pending, pending_of
from backend.crediting.domain import Correction, Credit
from backend.ledger.domain import (
    GRAMS_LOT,
    ISSUANCE_ACCOUNT,
    LotBalance,
    Purpose,
    Transfer,
    take_available,
)
from backend.ledger.queries import lot_funds, point_lots


class Lots(NamedTuple):
    """Lots that a batch gives points in.

    Attributes:
        of_credit: The lot in which a credit's points are, or would be.
    """

    of_credit: Mapping[UUID, int]
    fund: Mapping[int, UUID]
    expires_on: Mapping[int, date]


class TakenBack(NamedTuple):
    """What corrections move.

    Attributes:
        pending: What re-bookings keep of points that were pending.
        released: The rows that reversed credits had.
    """

    transfers: Sequence[Transfer] = ()
    pending: Sequence[Pending] = ()
    released: Sequence[Pending] = ()


class _Split(NamedTuple):
    """The points of a reversed credit: what had been paid, and what the new one keeps of them."""

    paid: int
    kept_paid: int
    kept_pending: int


async def take_back(
    conn: AsyncConnection,
    corrections: Sequence[Correction],
    earned: Sequence[Transfer],
    lots: Lots,
    debts: dict[UUID, int],
) -> TakenBack:
    """Reversals and re-bookings, each seeing what the batch has earned and corrected before it."""
    if not corrections:
        return TakenBack()
    waiting = await pending_of(conn, [each.old.credit.id for each in corrections])
    balances, funds = await _balances(conn, corrections, earned, lots)
    transfers: list[Transfer] = []
    pending: list[Pending] = []
    for each in corrections:
        account_id, row = each.new.account_id, waiting.get(each.old.credit.id)
        split = _split(each, row)
        moves = [
            *_reversed(each, split, balances[account_id], funds, debts),
            *_kept(each, split, funds),
        ]
        balances[account_id] = _after(balances[account_id], moves, lots.expires_on)
        transfers += [*moves, *grams_of(each.new)]
        if row is not None and split.kept_pending:
            # Its place in the queue and its day stay: the correction was not the member's doing.
            pending.append(row._replace(credit_id=each.new.id, points=split.kept_pending))
    return TakenBack(transfers, pending, list(waiting.values()))


def grams_of(credit: Credit) -> Iterator[Transfer]:
    """The grams of a booking, from issuance."""
    if credit.grams:
        account_id = credit.account_id
        yield Transfer(
            account_id,
            credit.id,
            Purpose.CREDIT,
            GRAMS_LOT,
            ISSUANCE_ACCOUNT,
            account_id,
            credit.grams,
            credit.occurred_on,
        )


async def _balances(
    conn: AsyncConnection,
    corrections: Sequence[Correction],
    earned: Sequence[Transfer],
    lots: Lots,
) -> tuple[dict[UUID, list[LotBalance]], Mapping[int, UUID]]:
    """The lots of the accounts concerned after what they earned, and the fund of each lot."""
    accounts = sorted({each.new.account_id for each in corrections})
    balances = dict(await point_lots(conn, accounts))
    for account_id, there in balances.items():
        own = [move for move in earned if move.account_id == account_id]
        balances[account_id] = _after(there, own, lots.expires_on)
    named = {lot.lot_id for there in balances.values() for lot in there}
    named |= {each.old.lot_id for each in corrections}
    unknown = named - lots.fund.keys()
    return balances, {**lots.fund, **(await lot_funds(conn, unknown) if unknown else {})}


def _split(correction: Correction, row: Pending | None) -> _Split:
    old = correction.old.credit
    paid = old.points - (row.points if row else 0)
    # A re-booking gives no more than its predecessor, unless that one had none; then it is an award
    # of its own.
    kept = min(correction.new.points, old.points)
    kept_paid = min(kept, paid)
    return _Split(paid, kept_paid, kept - kept_paid)


def _reversed(
    correction: Correction,
    split: _Split,
    lots: Sequence[LotBalance],
    funds: Mapping[int, UUID],
    debts: dict[UUID, int],
) -> Iterator[Transfer]:
    """Take back the old grams, and of the old points what the new booking does not keep."""
    old, account_id = correction.old.credit, correction.old.credit.account_id
    day, cause, old_lot = old.occurred_on, correction.reversal_id, correction.old.lot_id
    if old.grams:
        yield Transfer(
            account_id,
            cause,
            Purpose.REVERSE,
            GRAMS_LOT,
            account_id,
            ISSUANCE_ACCOUNT,
            old.grams,
            day,
        )
    portions, missing = take_available(lots, split.paid - split.kept_paid, first_lot=old_lot)
    taken = dict(portions)
    taken[old_lot] = taken.get(old_lot, 0) + split.kept_paid
    debts[account_id] += missing
    for lot_id, amount in taken.items():
        purpose = Purpose.REVERSE if lot_id == old_lot else Purpose.CLAW_BACK
        if amount:
            yield Transfer(
                account_id, cause, purpose, lot_id, account_id, funds[lot_id], amount, day
            )


def _kept(correction: Correction, split: _Split, funds: Mapping[int, UUID]) -> Iterator[Transfer]:
    """Points that pass through the fund unchanged, so that the new booking explains them."""
    if split.kept_paid:
        new, lot_id = correction.new, correction.old.lot_id
        yield Transfer(
            new.account_id,
            new.id,
            Purpose.CREDIT,
            lot_id,
            funds[lot_id],
            new.account_id,
            split.kept_paid,
            new.occurred_on,
        )


def _after(
    balances: Sequence[LotBalance], moves: Sequence[Transfer], expiry_of: Mapping[int, date]
) -> list[LotBalance]:
    """The account's lots of points once these moves of its own are booked."""
    after = {each.lot_id: each for each in balances}
    for move in moves:
        if move.lot_id == GRAMS_LOT:
            continue
        found = after.get(move.lot_id) or LotBalance(
            move.lot_id, expiry_of.get(move.lot_id, date.max), 0, 0
        )
        sign = 1 if move.credit == move.account_id else -1
        after[move.lot_id] = found._replace(posted=found.posted + sign * move.amount)
    return list(after.values())
