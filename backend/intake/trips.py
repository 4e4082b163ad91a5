"""The batch that writes trips: idempotency, plausibility, claims, credit, check-ins."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.batches import BatchRaced
from backend.checkins.domain import CheckIn, Status
from backend.checkins.queries import insert_check_ins
from backend.crediting.domain import Order, claim_key
from backend.crediting.steps import Outcome, Rulebook, credit_batch
from backend.errors import DomainError
from backend.idempotency import Follows, Replay, find_effects, record_effects, stand
from backend.ids import uuid7
from backend.intake.domain import Received, Trip, check_trip, trip_quantities
from backend.ledger.queries import lock_accounts
from backend.partners.queries import SubjectNotLinked, linked_accounts, record_reports

Answer = Received | DomainError


async def write_trips(
    conn: AsyncConnection, trips: Sequence[Trip], rules: Rulebook
) -> list[Answer]:
    """Write and credit trips; the same key again answers with the first trip's check-in.

    Appends `CreditBooked` once for the batch.
    """
    trips = await _owned(conn, trips)
    owners = [trip.account_id for trip in trips if trip.account_id is not None]
    locked = await lock_accounts(conn, owners, clock_shift_s=rules.clock_shift_s)
    effects = await find_effects(conn, [trip.intention for trip in trips])
    answers: dict[int, Answer] = {}
    fresh: dict[int, Order] = {}
    standing = stand([trip.intention for trip in trips], effects)
    for index, (trip, stands) in enumerate(zip(trips, standing, strict=True)):
        if isinstance(stands, Replay):
            answers[index] = Received(stands.resource_id, is_replay=True)
        elif isinstance(stands, DomainError):
            answers[index] = stands
        elif stands is None:
            try:
                fresh[index] = order_of(trip, locked.now, rules)
            except DomainError as refusal:
                answers[index] = refusal
    outcomes = await credit_batch(conn, list(fresh.values()), locked, rules)
    for (index, order), outcome in zip(fresh.items(), outcomes, strict=True):
        answers[index] = _received(trips[index], order, outcome, locked.now)
    await _write(conn, trips, [answers[index] for index in fresh], list(fresh), locked.now)
    return [_answer(answers, index, standing[index]) for index in range(len(trips))]


async def _owned(conn: AsyncConnection, trips: Sequence[Trip]) -> list[Trip]:
    """The trips with the accounts of their customers, found by one statement for the batch."""
    linked = await linked_accounts(conn, [trip.customer for trip in trips if trip.customer])
    return [
        trip._replace(account_id=linked.get(trip.customer)) if trip.customer else trip
        for trip in trips
    ]


def order_of(trip: Trip, now: datetime, rules: Rulebook) -> Order:
    """The order to credit a trip.

    Raises:
        DomainError: Its customer is not linked, or the trip is not plausible, or too late.
    """
    if trip.account_id is None:
        raise SubjectNotLinked
    methodology_id = rules.catalogue.methodology_of(trip.action)
    version = rules.catalogue.versions_of(methodology_id)[-1]
    check_trip(trip, now, timedelta(hours=version.late_window_hours))
    started = trip.started_at.isoformat()
    return Order(
        uuid7(),
        trip.account_id,
        trip.action,
        methodology_id,
        f"trip:{started}",
        trip.started_at,
        trip.ended_at,
        trip_quantities(trip),
        trip.tier,
        trip.region,
        # One person starts one trip at a time, whoever reports it.
        claim_key(rules.claim_secret, "trip", str(trip.account_id), started),
    )


def _received(trip: Trip, order: Order, outcome: Outcome | DomainError, now: datetime) -> Answer:
    if isinstance(outcome, DomainError):
        return outcome
    check_in = CheckIn(
        order.check_in_id,
        order.account_id,
        order.action,
        Status.CREDITED,
        None,
        order.tier,
        trip.reported_by,
        order.region,
        order.occurred_at,
        order.ended_at,
        now,
        now,
        order.quantities,
        order.natural_key,
        None,
        None,
    )
    return Received(order.check_in_id, check_in, outcome.credit)


async def _write(
    conn: AsyncConnection,
    trips: Sequence[Trip],
    fresh: Sequence[Answer],
    indexes: Sequence[int],
    now: datetime,
) -> None:
    written = [
        (trips[index].intention, cast("CheckIn", answer.check_in))
        for index, answer in zip(indexes, fresh, strict=True)
        if isinstance(answer, Received)
    ]
    await insert_check_ins(conn, [check_in for _, check_in in written])
    await record_reports(conn, _reports(trips, fresh, indexes), now)
    if not await record_effects(conn, [(key, check_in.id) for key, check_in in written], now):
        raise BatchRaced


def _reports(
    trips: Sequence[Trip], fresh: Sequence[Answer], indexes: Sequence[int]
) -> list[tuple[UUID, UUID]]:
    """Which partner each new check-in came from."""
    return [
        (answer.check_in_id, customer.partner_id)
        for index, answer in zip(indexes, fresh, strict=True)
        if isinstance(answer, Received) and (customer := trips[index].customer)
    ]


def _answer(
    answers: dict[int, Answer], index: int, stands: Replay | Follows | DomainError | None
) -> Answer:
    if not isinstance(stands, Follows):
        return answers[index]
    leader = answers[stands.leader]
    return leader._replace(is_replay=True) if isinstance(leader, Received) else leader
