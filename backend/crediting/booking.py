"""Write a decision: transfers, credits, what waits, reversals with their causes, and the events."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.campaigns.pending import replace_pending
from backend.crediting.domain import Credit, Decision
from backend.crediting.payment import pay
from backend.crediting.queries import insert_credits, insert_restatements, insert_reversals
from backend.events import CREDIT_BOOKED, CREDIT_RESTATED, IDS_PER_EVENT_MAX, Event
from backend.ledger.queries import Locked, post
from backend.outbox import append

_AT_ONCE: Mapping[UUID, int] = {}


async def book(
    conn: AsyncConnection,
    decision: Decision,
    locked: Locked,
    waits: Mapping[UUID, int] = _AT_ONCE,
) -> Mapping[UUID, Credit]:
    """Draw from the funds, then book; give the new bookings by check-in.

    `waits` has the hours for which points vest, by check-in. Appends `CreditRestated` with the ids
    of the reversals and `CreditBooked` with those of the bookings: in this order, so that a total
    that is read between the two is too low for a moment and never too high.
    """
    payment = await pay(conn, decision, locked, waits)
    gone = {each.new.id for each in decision.corrections if not each.stands}
    bookings = [(credit, lot_id) for credit, lot_id in payment.bookings if credit.id not in gone]
    await post(conn, payment.transfers, locked.now)
    await insert_credits(conn, bookings, locked.now)
    await replace_pending(conn, payment.released, payment.pending)
    await insert_restatements(conn, decision.causes, locked.now)
    await insert_reversals(conn, decision.corrections, locked.now)
    reversals = [each.reversal_id for each in decision.corrections]
    booked = [credit.id for credit, _ in bookings]
    await append(conn, [*_events(CREDIT_RESTATED, reversals), *_events(CREDIT_BOOKED, booked)])
    return {credit.check_in_id: credit for credit, _ in bookings}


def _events(name: str, ids: Sequence[UUID]) -> list[Event]:
    """One event, or two when corrections take a full batch above the limit of an event."""
    starts = range(0, len(ids), IDS_PER_EVENT_MAX)
    return [Event(name, ids[start : start + IDS_PER_EVENT_MAX]) for start in starts]
