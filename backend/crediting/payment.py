"""From bookings to transfers: grams from issuance, points from the fund, debts, clawbacks."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.campaigns.domain import FUND_EXHAUSTED, PROGRAMME_FUND
from backend.campaigns.queries import draw, give_back
from backend.crediting.domain import Correction, Credit, Decision
from backend.ledger.domain import (
    GRAMS_LOT,
    ISSUANCE_ACCOUNT,
    LotBalance,
    Purpose,
    Transfer,
    points_expire_on,
    take_available,
)
from backend.ledger.queries import Locked, ensure_lots, point_lots, set_points_debt


class Payment(NamedTuple):
    """What a decision moves: bookings with the lot of their points, and their transfers."""

    bookings: Sequence[tuple[Credit, int]]
    transfers: Sequence[Transfer]


async def pay(conn: AsyncConnection, decision: Decision, locked: Locked) -> Payment:
    """Fund the points of a decision and lay out all its transfers.

    Draws once from the fund. When the fund is short, later bookings of the batch get no new points,
    with reason `fund_exhausted`; grams are never held back. Debts are repaid from new points here.
    """
    credits, corrections = await _funded(conn, decision)
    lots = await _lots(conn, [*credits, *(each.new for each in corrections)])
    debts = dict(locked.points_debt)
    transfers: list[Transfer] = []
    for credit in credits:
        transfers += _earned(credit, lots[_expiry(credit)], debts)
    if corrections:
        transfers += await _corrected(conn, corrections, transfers, lots, debts)
    await _write_debts(conn, debts, locked)
    await give_back(conn, PROGRAMME_FUND, _returned(transfers, corrections))
    bookings = [(credit, lots[_expiry(credit)]) for credit in credits]
    bookings += [(each.new, each.old.lot_id) for each in corrections]
    return Payment(bookings, transfers)


async def _funded(
    conn: AsyncConnection, decision: Decision
) -> tuple[Sequence[Credit], Sequence[Correction]]:
    """Bookings whose new points the fund pays, in order of the batch."""
    credits, corrections = list(decision.credits.values()), decision.corrections
    wanted = sum(credit.points for credit in credits) + sum(map(_rise, corrections))
    left = await draw(conn, PROGRAMME_FUND, wanted)
    if left == wanted:
        return credits, corrections
    paid_credits, paid_corrections = [], []
    for credit in credits:
        can_pay = credit.points <= left
        left -= credit.points if can_pay else 0
        paid_credits.append(credit if can_pay else _unpaid(credit, 0))
    for each in corrections:
        can_pay = _rise(each) <= left
        left -= _rise(each) if can_pay else 0
        kept = each if can_pay else each._replace(new=_unpaid(each.new, each.old.credit.points))
        paid_corrections.append(kept)
    await give_back(conn, PROGRAMME_FUND, left)
    return paid_credits, paid_corrections


def _unpaid(credit: Credit, points: int) -> Credit:
    return credit._replace(points=points, points_reason=FUND_EXHAUSTED)


def _rise(correction: Correction) -> int:
    return max(0, correction.new.points - correction.old.credit.points)


def _kept(correction: Correction) -> int:
    return min(correction.new.points, correction.old.credit.points)


async def _write_debts(conn: AsyncConnection, debts: Mapping[UUID, int], locked: Locked) -> None:
    changed = {id: debt for id, debt in debts.items() if debt != locked.points_debt[id]}
    if changed:
        await set_points_debt(conn, changed)


def _returned(transfers: Sequence[Transfer], corrections: Sequence[Correction]) -> int:
    """Points that go back to the fund; what a correction keeps only passes through it."""
    received = sum(each.amount for each in transfers if each.credit == PROGRAMME_FUND)
    return received - sum(map(_kept, corrections))


async def _lots(conn: AsyncConnection, credits: Sequence[Credit]) -> Mapping[date, int]:
    wanted = {(PROGRAMME_FUND, _expiry(credit)) for credit in credits}
    found = await ensure_lots(conn, wanted) if wanted else {}
    return {expires_on: lot_id for (_, expires_on), lot_id in found.items()}


def _expiry(credit: Credit) -> date:
    return points_expire_on(credit.occurred_on)


def _earned(credit: Credit, lot_id: int, debts: dict[UUID, int]) -> Iterator[Transfer]:
    """Grams, points, and the part of the points that pays off an older debt."""
    account_id, day = credit.account_id, credit.occurred_on
    if credit.grams:
        yield Transfer(
            account_id,
            credit.id,
            Purpose.CREDIT,
            GRAMS_LOT,
            ISSUANCE_ACCOUNT,
            account_id,
            credit.grams,
            day,
        )
    if credit.points:
        yield Transfer(
            account_id,
            credit.id,
            Purpose.CREDIT,
            lot_id,
            PROGRAMME_FUND,
            account_id,
            credit.points,
            day,
        )
        repaid = min(debts[account_id], credit.points)
        if repaid:
            debts[account_id] -= repaid
            yield Transfer(
                account_id,
                credit.id,
                Purpose.REPAY,
                lot_id,
                account_id,
                PROGRAMME_FUND,
                repaid,
                day,
            )


async def _corrected(
    conn: AsyncConnection,
    corrections: Sequence[Correction],
    earned: Sequence[Transfer],
    lots: Mapping[date, int],
    debts: dict[UUID, int],
) -> list[Transfer]:
    """Reversals and re-bookings, each seeing what the batch has earned and corrected before it."""
    expiry_of = {lot_id: expires_on for expires_on, lot_id in lots.items()}
    balances = dict(await point_lots(conn, sorted({each.new.account_id for each in corrections})))
    for account_id, there in balances.items():
        own = [move for move in earned if move.account_id == account_id]
        balances[account_id] = _after(there, own, expiry_of)
    transfers: list[Transfer] = []
    for each in corrections:
        account_id = each.new.account_id
        moves = [*_reversed(each, balances[account_id], debts), *_booked_again(each)]
        balances[account_id] = _after(balances[account_id], moves, expiry_of)
        transfers += moves
    return transfers


def _reversed(
    correction: Correction, lots: Sequence[LotBalance], debts: dict[UUID, int]
) -> Iterator[Transfer]:
    """Take back the old grams, and of the old points what the new booking does not keep."""
    old, account_id = correction.old.credit, correction.old.credit.account_id
    day, cause = old.occurred_on, correction.reversal_id
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
    kept = _kept(correction)
    portions, missing = take_available(lots, old.points - kept, first_lot=correction.old.lot_id)
    taken = dict(portions)
    taken[correction.old.lot_id] = taken.get(correction.old.lot_id, 0) + kept
    debts[account_id] += missing
    for lot_id, amount in taken.items():
        purpose = Purpose.REVERSE if lot_id == correction.old.lot_id else Purpose.CLAW_BACK
        if amount:
            yield Transfer(
                account_id,
                cause,
                purpose,
                lot_id,
                account_id,
                PROGRAMME_FUND,
                amount,
                day,
            )


def _booked_again(correction: Correction) -> Iterator[Transfer]:
    new, account_id = correction.new, correction.new.account_id
    day = new.occurred_on
    if new.grams:
        yield Transfer(
            account_id,
            new.id,
            Purpose.CREDIT,
            GRAMS_LOT,
            ISSUANCE_ACCOUNT,
            account_id,
            new.grams,
            day,
        )
    if new.points:
        yield Transfer(
            account_id,
            new.id,
            Purpose.CREDIT,
            correction.old.lot_id,
            PROGRAMME_FUND,
            account_id,
            new.points,
            day,
        )


def _after(
    balances: Sequence[LotBalance], moves: Sequence[Transfer], expiry_of: Mapping[int, date]
) -> list[LotBalance]:
    """The account's lots of points once these moves of its own are booked."""
    after = {each.lot_id: each for each in balances}
    for move in moves:
        if move.lot_id == GRAMS_LOT:
            continue
        found = after.get(move.lot_id) or LotBalance(move.lot_id, expiry_of[move.lot_id], 0, 0)
        sign = 1 if move.credit == move.account_id else -1
        after[move.lot_id] = found._replace(posted=found.posted + sign * move.amount)
    return list(after.values())
