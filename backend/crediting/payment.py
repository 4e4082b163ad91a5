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
    awards = _awards(decision, rules, lots, waits)
    short, left = await _draw(conn, awards)
    debts = dict(locked.points_debt)
    paid, pending = _give(awards, short, locked.now, debts)
    grams = [move for credit in decision.credits.values() for move in grams_of(credit)]
    back = await take_back(conn, decision.corrections, paid, lots, debts)
    payment = Payment(
        _bookings(decision, {each.credit.id: each for each in awards}, short, lots),
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
    place_of = {
        credit.id: (price_of(credit, rules).fund_id, _expiry(credit, today)) for credit in credits
    }
    found = await ensure_lots(conn, place_of.values()) if place_of else {}
    return Lots(
        {credit_id: found[place] for credit_id, place in place_of.items()},
        {lot_id: fund_id for (fund_id, _), lot_id in found.items()},
        {lot_id: expires_on for (_, expires_on), lot_id in found.items()},
    )


def _expiry(credit: Credit, today: date) -> date:
    """By the day of the activity; who is credited years later still has until the year's end."""
    return max(points_expire_on(credit.occurred_on), date(today.year, 12, 31))


def _awards(
    decision: Decision, rules: PointsRules, lots: Lots, waits: Mapping[UUID, int]
) -> list[Award]:
    """New points, in order of the batch; a re-booking gives some only where there were none."""
    first = [(credit, waits.get(credit.check_in_id, 0)) for credit in decision.credits.values()]
    again = [(each.new, 0) for each in decision.corrections if not each.old.credit.points]
    return [
        Award(credit, price_of(credit, rules).fund_id, lots.of_credit[credit.id], vesting_h)
        for credit, vesting_h in (*first, *again)
        if credit.points
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
        account_id, day = credit.account_id, credit.occurred_on
        row = Pending(
            credit.id,
            account_id,
            fund_id,
            lot_id,
            credit.points,
            day,
            now + timedelta(hours=vesting_h) if vesting_h else now,
            credit.id not in short,
            now,
        )
        if vesting_h or credit.id in short:
            pending.append(row)
        else:
            transfers += paid_points(row, debts)
    return transfers, pending


def paid_points(points: Pending, debts: dict[UUID, int]) -> Iterator[Transfer]:
    """Points that a credit gives, and the part of them that pays off an older debt."""
    account_id, fund_id, day = points.account_id, points.fund_id, points.occurred_on
    yield Transfer(
        account_id,
        points.credit_id,
        Purpose.CREDIT,
        points.lot_id,
        fund_id,
        account_id,
        points.points,
        day,
    )
    repaid = min(debts[account_id], points.points)
    if repaid:
        debts[account_id] -= repaid
        yield Transfer(
            account_id,
            points.credit_id,
            Purpose.REPAY,
            points.lot_id,
            account_id,
            fund_id,
            repaid,
            day,
        )


def _bookings(
    decision: Decision, awards: Mapping[UUID, Award], short: set[UUID], lots: Lots
) -> list[tuple[Credit, int]]:
    """Credits as they are written: what waits for money says so."""

    def booked(credit: Credit) -> Credit:
        if credit.id in short:
            return credit._replace(points_reason=POINTS_QUEUED)
        is_over = credit.points_reason == POINTS_QUEUED and not credit.points
        return credit._replace(points_reason=None) if is_over else credit

    bookings = [(booked(credit), lots.of_credit[credit.id]) for credit in decision.credits.values()]
    for each in decision.corrections:
        given_again = each.new.id in awards
        lot_id = lots.of_credit[each.new.id] if given_again else each.old.lot_id
        bookings.append((booked(each.new), lot_id))
    return bookings


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
