"""From bookings to transfers: grams from issuance, points from the funds, and what waits.

Every point of a batch is accounted for once: what was drawn from a fund is paid, set aside for
later, or given back.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.campaigns.domain import POINTS_QUEUED, PointsRules
from backend.campaigns.pending import Pending
from backend.campaigns.points_rules import points_rules
from backend.campaigns.queries import draw, give_back
from backend.crediting.clawback import Lots, grams_of, take_back
from backend.crediting.domain import Credit, Decision, price_of
from backend.ledger.domain import GRAMS_LOT, Purpose, Transfer, points_expire_on
from backend.ledger.queries import Locked, ensure_lots, set_points_debt
from backend.units import shanghai_day

_AT_ONCE: Mapping[UUID, int] = {}


class Award(NamedTuple):
    """Points that a booking is the first to give.

    Attributes:
        vesting_h: Hours until they are paid; 0 pays them with the booking.
    """

    credit: Credit
    fund_id: UUID
    lot_id: int
    vesting_h: int


class Payment(NamedTuple):
    """What a decision moves.

    Attributes:
        bookings: Credits with the lot of their points.
        pending: Points that get their transfer later.
        released: Reversed credits whose points were still pending.
    """

    bookings: Sequence[tuple[Credit, int]]
    transfers: Sequence[Transfer]
    pending: Sequence[Pending]
    released: Sequence[UUID]


async def pay(
    conn: AsyncConnection,
    decision: Decision,
    locked: Locked,
    waits: Mapping[UUID, int] = _AT_ONCE,
) -> Payment:
    """Fund the points of a decision and lay out all its transfers.

    `waits` has the hours of vesting by check-in. Draws once from each fund. What a short fund
    cannot pay is queued, with all that comes behind it; grams are never held back. Debts are repaid
    from the points that are paid here.
    """
    rules = await points_rules(conn, locked.now)
    credits = [*decision.credits.values(), *(each.new for each in decision.corrections)]
    lots = await _lots(conn, credits, rules, locked.now)
    awards = _awards(decision, lots, waits)
    short, left = await _draw(conn, awards)
    debts = dict(locked.points_debt)
    paid, pending = _give(awards, short, locked.now, debts)
    grams = [move for credit in decision.credits.values() for move in grams_of(credit)]
    back = await take_back(conn, decision.corrections, paid, lots, debts)
    payment = Payment(
        _bookings(decision, short, lots),
        [*grams, *paid, *back.transfers],
        [*pending, *back.pending],
        [each.credit_id for each in back.released],
    )
    await write_debts(conn, debts, locked)
    await _give_back(conn, left, payment, back.released)
    return payment


async def _lots(
    conn: AsyncConnection, credits: Sequence[Credit], rules: PointsRules, now: datetime
) -> Lots:
    """The lot of every credit, also of those without points: a correction may give them some."""
    today = shanghai_day(now)
    expiry_of = {day: _expiry(day, today) for day in {credit.occurred_on for credit in credits}}
    place_of = {
        credit.id: (price_of(credit, rules).fund_id, expiry_of[credit.occurred_on])
        for credit in credits
    }
    found = await ensure_lots(conn, place_of.values()) if place_of else {}
    return Lots(
        {credit_id: found[place] for credit_id, place in place_of.items()},
        {lot_id: fund_id for (fund_id, _), lot_id in found.items()},
        {lot_id: expires_on for (_, expires_on), lot_id in found.items()},
    )


def _expiry(occurred_on: date, today: date) -> date:
    """By the day of the activity; who is credited years later still has until the year's end."""
    return max(points_expire_on(occurred_on), date(today.year, 12, 31))


def _awards(decision: Decision, lots: Lots, waits: Mapping[UUID, int]) -> list[Award]:
    """New points, in order of the batch; a re-booking gives some only where there were none."""
    first = [(credit, waits.get(credit.check_in_id, 0)) for credit in decision.credits.values()]
    again = [(each.new, 0) for each in decision.corrections if not each.old.credit.points]
    return [
        Award(credit, lots.fund[lot_id], lot_id, vesting_h)
        for credit, vesting_h in (*first, *again)
        if credit.points and (lot_id := lots.of_credit[credit.id])
    ]


async def _draw(conn: AsyncConnection, awards: Sequence[Award]) -> tuple[set[UUID], Counter[UUID]]:
    """Credits whose points must wait for money, and what was drawn from each fund."""
    wanted: Counter[UUID] = Counter()
    for award in awards:
        wanted[award.fund_id] += award.credit.points
    drawn = Counter(
        {fund_id: await draw(conn, fund_id, amount) for fund_id, amount in sorted(wanted.items())}
    )
    if drawn == wanted:
        return set(), drawn
    left, dry, short = Counter(drawn), set[UUID](), set[UUID]()
    for award in awards:
        if award.fund_id in dry or award.credit.points > left[award.fund_id]:
            dry.add(award.fund_id)
            short.add(award.credit.id)
        else:
            left[award.fund_id] -= award.credit.points
    return short, drawn


def _give(
    awards: Sequence[Award], short: set[UUID], now: datetime, debts: dict[UUID, int]
) -> tuple[list[Transfer], list[Pending]]:
    """Transfers of points that are paid at once, and rows for those that wait."""
    transfers: list[Transfer] = []
    pending: list[Pending] = []
    for credit, fund_id, lot_id, vesting_h in awards:
        row = Pending(
            credit.id,
            credit.account_id,
            fund_id,
            lot_id,
            credit.points,
            credit.occurred_on,
            now + timedelta(hours=vesting_h) if vesting_h else now,
            credit.id not in short,
            now,
        )
        if vesting_h or not row.is_funded:
            pending.append(row)
        else:
            transfers += paid_points(row, debts)
    return transfers, pending


def paid_points(row: Pending, debts: dict[UUID, int]) -> Iterator[Transfer]:
    """Points that a credit gives, and the part of them that pays off an older debt."""
    account_id, fund_id, day = row.account_id, row.fund_id, row.occurred_on
    yield Transfer(
        account_id,
        row.credit_id,
        Purpose.CREDIT,
        row.lot_id,
        fund_id,
        account_id,
        row.points,
        day,
    )
    repaid = min(debts[account_id], row.points)
    if repaid:
        debts[account_id] -= repaid
        yield Transfer(
            account_id,
            row.credit_id,
            Purpose.REPAY,
            row.lot_id,
            account_id,
            fund_id,
            repaid,
            day,
        )


def _bookings(decision: Decision, short: set[UUID], lots: Lots) -> list[tuple[Credit, int]]:
    """Credits as they are written, each with its lot."""
    lot_of = lots.of_credit
    bookings = [(credit, lot_of[credit.id]) for credit in decision.credits.values()]
    for each in decision.corrections:
        # What is given for the first time is in a lot of its own; else the old lot stays.
        is_award = each.new.points and not each.old.credit.points
        bookings.append((each.new, lot_of[each.new.id] if is_award else each.old.lot_id))
    if not short and not decision.corrections:
        return bookings
    return [(_say_if_queued(credit, short), lot_id) for credit, lot_id in bookings]


def _say_if_queued(credit: Credit, short: set[UUID]) -> Credit:
    """What waits for money says so; a booking that lost its points waits no longer."""
    if credit.id in short:
        return credit._replace(points_reason=POINTS_QUEUED)
    is_over = credit.points_reason == POINTS_QUEUED and not credit.points
    return credit._replace(points_reason=None) if is_over else credit


async def write_debts(conn: AsyncConnection, debts: Mapping[UUID, int], locked: Locked) -> None:
    """Write what changed of the debts of locked accounts."""
    changed = {id: debt for id, debt in debts.items() if debt != locked.points_debt[id]}
    if changed:
        await set_points_debt(conn, changed)


async def _give_back(
    conn: AsyncConnection, drawn: Counter[UUID], payment: Payment, released: Sequence[Pending]
) -> None:
    """Return to each fund what was drawn or came back and is neither paid nor set aside."""
    left = Counter(drawn)
    for move in payment.transfers:
        if move.lot_id != GRAMS_LOT and move.debit == move.account_id:
            left[move.credit] += move.amount
        elif move.lot_id != GRAMS_LOT:
            left[move.debit] -= move.amount
    for gone in released:
        left[gone.fund_id] += gone.points if gone.is_funded else 0
    for row in payment.pending:
        left[row.fund_id] -= row.points if row.is_funded else 0
    for fund_id, amount in sorted(left.items()):
        assert amount >= 0, "a batch pays no more than it drew and took back"
        await give_back(conn, fund_id, amount)
