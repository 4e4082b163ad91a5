"""The batches that bind and weigh recycling bags."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.batches import BatchRaced
from backend.checkins.domain import Change, CheckIn, Status
from backend.checkins.queries import insert_check_ins, settle_check_ins
from backend.crediting.domain import Order, claim_key
from backend.crediting.steps import Rulebook, credit_batch
from backend.errors import DomainError
from backend.events import BAG_BOUND, Event
from backend.ids import uuid7
from backend.intake.domain import Binding, Received, Weighing
from backend.ledger.queries import Locked, lock_accounts
from backend.outbox import append
from backend.partners.queries import record_reports
from backend.recycling.domain import (
    LATE_WINDOW,
    BagAlreadyBound,
    BagAlreadyWeighed,
    BagLapsed,
    BagNotBound,
    BagUnknown,
)
from backend.recycling.queries import Bag, BagBinding, bind_bags, find_bags, lock_bags, weigh_bags

Answer = Received | DomainError


async def write_bindings(
    conn: AsyncConnection, bindings: Sequence[Binding], rules: Rulebook
) -> list[Answer]:
    """Bind bags to members; whoever scans an own bag again gets the same check-in."""
    locked = await lock_accounts(
        conn, [each.account_id for each in bindings], clock_shift_s=rules.clock_shift_s
    )
    bags = dict(await lock_bags(conn, [each.code for each in bindings]))
    answers: list[Answer] = []
    made: list[CheckIn] = []
    for each in bindings:
        answer = _bind(each, bags.get(each.code), locked.now)
        if isinstance(answer, Received) and answer.check_in:
            made.append(answer.check_in)
            bags[each.code] = Bag(
                each.code, each.account_id, answer.check_in_id, each.region, locked.now, None, None
            )
        answers.append(answer)
    await insert_check_ins(conn, made)
    await bind_bags(
        conn, [BagBinding(c.natural_key, c.account_id, c.id, c.region) for c in made], locked.now
    )
    # A partner may have weighed it before. Whoever parks such an event holds the bag's row.
    await append(conn, [Event(BAG_BOUND, [c.account_id for c in made])] if made else [])
    return answers


def _bind(binding: Binding, bag: Bag | None, now: datetime) -> Answer:
    if bag is None:
        return BagUnknown()
    if bag.check_in_id is not None:
        if bag.account_id != binding.account_id:
            return BagAlreadyBound()
        return Received(bag.check_in_id, is_replay=True)
    check_in = CheckIn(
        uuid7(),
        binding.account_id,
        "mixed_recycling",
        Status.BOUND,
        None,
        "documented",
        "member",
        binding.region,
        now,
        None,
        now,
        None,
        {},
        binding.code,
        None,
        None,
    )
    return Received(check_in.id, check_in)


async def write_weighings(
    conn: AsyncConnection, weighings: Sequence[Weighing], rules: Rulebook
) -> list[Answer]:
    """Credit bags with the weight that a station reports; the same weight again is the same answer.

    Appends `CreditBooked` once for the batch. The bag is read before its account is known, and read
    again under its lock: accounts are locked before bags everywhere.
    """
    codes = [each.code for each in weighings]
    seen = await find_bags(conn, codes)
    locked = await lock_accounts(
        conn,
        [bag.account_id for bag in seen.values() if bag.account_id],
        clock_shift_s=rules.clock_shift_s,
    )
    bags = await lock_bags(conn, codes)
    answers: dict[int, Answer] = {}
    orders: dict[str, tuple[int, Order]] = {}
    for index, each in enumerate(weighings):
        if each.code in orders:
            continue
        found = _weigh(each, bags.get(each.code), locked, rules)
        if isinstance(found, Order):
            orders[each.code] = (index, found)
        else:
            answers[index] = found
    outcomes = await credit_batch(conn, [order for _, order in orders.values()], locked, rules)
    booked: list[tuple[Weighing, Order]] = []
    for (index, order), outcome in zip(orders.values(), outcomes, strict=True):
        if isinstance(outcome, DomainError):
            answers[index] = outcome
        else:
            answers[index] = Received(order.check_in_id, None, outcome.credit)
            booked.append((weighings[index], order))
    await _write_weighed(conn, booked, locked.now)
    for index in [index for index in range(len(weighings)) if index not in answers]:
        first, _ = orders[weighings[index].code]
        answers[index] = _again(weighings[index], weighings[first], answers[first], locked.now)
    return [answers[index] for index in range(len(weighings))]


def _again(weighing: Weighing, first: Weighing, answer: Answer, now: datetime) -> Answer:
    """The answer for a bag that stands twice in one batch: the first weighing decides."""
    if isinstance(answer, DomainError):
        return answer
    if weighing.mass_g != first.mass_g:
        return BagAlreadyWeighed(weighed_at=now.isoformat(), mass_g=first.mass_g)
    return answer._replace(is_replay=True)


def _weigh(weighing: Weighing, bag: Bag | None, locked: Locked, rules: Rulebook) -> Order | Answer:
    if bag is None:
        return BagUnknown()
    if bag.account_id is None or bag.check_in_id is None or bag.bound_at is None:
        return BagNotBound()
    if bag.account_id not in locked.points_debt:
        raise BatchRaced  # it was bound after we had looked whose accounts to lock
    if bag.weighed_at is not None:
        if bag.mass_g != weighing.mass_g:
            return BagAlreadyWeighed(weighed_at=bag.weighed_at.isoformat(), mass_g=bag.mass_g)
        return Received(bag.check_in_id, is_replay=True)
    if locked.now - bag.bound_at > LATE_WINDOW:
        return BagLapsed()
    return Order(
        bag.check_in_id,
        bag.account_id,
        weighing.action,
        rules.catalogue.methodology_of(weighing.action),
        f"bag:{bag.code}",
        locked.now,
        None,
        weighing.quantities,
        "documented",
        bag.region or "",
        claim_key(rules.claim_secret, "bag", bag.code),
    )


async def _write_weighed(
    conn: AsyncConnection, booked: Sequence[tuple[Weighing, Order]], now: datetime
) -> None:
    changes = [
        Change(
            order.check_in_id,
            was=Status.BOUND,
            status=Status.CREDITED,
            quantities=order.quantities,
            action=order.action,
        )
        for _, order in booked
    ]
    await settle_check_ins(conn, changes, now)
    await weigh_bags(conn, [(weighing.code, weighing.mass_g) for weighing, _ in booked], now)
    reports = [(order.check_in_id, weighing.partner_id) for weighing, order in booked]
    await record_reports(conn, [(id, partner) for id, partner in reports if partner], now)
