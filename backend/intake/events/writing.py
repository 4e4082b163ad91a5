"""Write what was decided of events: credits, weighings, restatements, and the record of each."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.checkins.correction_reasons import PARTNER_WITHDREW
from backend.checkins.domain import CheckIn, Status
from backend.checkins.queries import insert_check_ins
from backend.crediting.domain import Cause, Credit, EvidenceAlreadyUsed, Order
from backend.crediting.queries import Claim, claimed, insert_claims
from backend.crediting.restatement import Restatement
from backend.crediting.restating import restate_batch
from backend.crediting.steps import Rulebook, credit_batch
from backend.errors import DomainError
from backend.ids import uuid7
from backend.intake.bags import write_weighings
from backend.intake.domain import EvidenceTooLate, Weighing
from backend.intake.events.deciding import Plan, Story, wait_for_report
from backend.intake.events.domain import Became, EventKey, PartnerEvent, Role, Wait
from backend.intake.events.parked_queries import park, unpark
from backend.intake.events.queries import change_outcomes, record_events
from backend.intake.events.standing_trees import refuse_dead_trees
from backend.ledger.queries import Locked, lock_accounts
from backend.partners.queries import record_reports
from backend.recycling.domain import LATE_WINDOW as BAG_WINDOW, BagNotBound
from scoring.methodology.regions import COUNTRY

Answer = Became | DomainError
Stories = Mapping[EventKey, Story]


async def write_plan(
    conn: AsyncConnection, stories: Stories, plan: Plan, locked: Locked, rules: Rulebook
) -> Sequence[EventKey]:
    """Book what was planned, and give every event its answer in `plan.became`.

    Returns:
        Reports whose activity was taken back, this batch's and earlier ones.
    """
    booked = [*plan.orders, *plan.weighings]
    await _credit(conn, stories, plan, locked, rules)
    await _weigh(conn, plan, locked, rules)
    for key in booked:
        credit = _credit_of(plan.became[key])
        if credit is None:
            wait_for_report(stories[key], locked.now, rules, plan)
            continue
        if key in plan.told:
            plan.became[plan.told[key].key] = _changed(plan.told[key], credit)
        if key in plan.withdrawn:
            cause = Cause(uuid7(), credit.check_in_id, credit.account_id, PARTNER_WITHDREW)
            plan.restated[plan.withdrawn[key].key] = Restatement(cause)
    return await _restate(conn, stories, plan, locked, rules)


def _credit_of(answer: Answer) -> Credit | None:
    return answer.credit if isinstance(answer, Became) else None


def _changed(event: PartnerEvent, credit: Credit | None, check_in_id: UUID | None = None) -> Became:
    """What a change has become: the tap-out of a ride is a part of it, and no correction."""
    status = "credited" if event.role == Role.COMPLETED else "corrected"
    return Became(status, credit.check_in_id if credit else check_in_id, credit)


async def _credit(
    conn: AsyncConnection, stories: Stories, plan: Plan, locked: Locked, rules: Rulebook
) -> None:
    """Credit new activities and write their check-ins."""
    await _refuse_claimed(conn, plan)
    await refuse_dead_trees(conn, stories, plan)
    orders = list(plan.orders.items())
    outcomes = await credit_batch(conn, [order for _, order in orders], locked, rules)
    made: list[CheckIn] = []
    reports: list[tuple[UUID, UUID]] = []
    for (key, order), outcome in zip(orders, outcomes, strict=True):
        if isinstance(outcome, DomainError):
            plan.became[key] = outcome
            continue
        report = stories[key].report
        assert report is not None, "an order is of a report"
        plan.became[key] = Became("credited", order.check_in_id, outcome.credit)
        made.append(_check_in(order, report, locked))
        reports.append((order.check_in_id, key.partner_id))
    await insert_check_ins(conn, made)
    await record_reports(conn, reports, locked.now)
    further = [
        Claim(claim, plan.orders[key].check_in_id)
        for key, claims in plan.further.items()
        for claim in claims
        if _credit_of(plan.became[key])
    ]
    if further:
        await insert_claims(conn, further, locked.now)


async def _refuse_claimed(conn: AsyncConnection, plan: Plan) -> None:
    """Refuse orders one of whose further claims somebody has, in the batch or before it.

    They are looked at before anything is credited, because a claim is never freed.
    """
    if not plan.further:
        return
    taken = set(await claimed(conn, [each for claims in plan.further.values() for each in claims]))
    for key, order in list(plan.orders.items()):
        claims = {*plan.further.get(key, ()), *((order.claim,) if order.claim else ())}
        if taken & claims:
            plan.became[key] = EvidenceAlreadyUsed()
            del plan.orders[key]
            plan.further.pop(key, None)
        else:
            taken |= claims


def _check_in(order: Order, report: PartnerEvent, locked: Locked) -> CheckIn:
    return CheckIn(
        id=order.check_in_id,
        account_id=order.account_id,
        action=order.action,
        status=Status.CREDITED,
        reason=None,
        tier=order.tier,
        reported_by=report.reported_by,
        region=order.region,
        occurred_at=order.occurred_at,
        ended_at=order.ended_at,
        received_at=locked.now,
        decided_at=locked.now,
        quantities=order.quantities,
        natural_key=order.natural_key,
        evidence_sha256=None,
        meal_window=None,
    )


async def _weigh(conn: AsyncConnection, plan: Plan, locked: Locked, rules: Rulebook) -> None:
    """Weigh bags as a station does; whose bag nobody has bound waits for its binding."""
    if not plan.weighings:
        return
    answers = await write_weighings(conn, list(plan.weighings.values()), rules)
    for (key, weighing), answer in zip(plan.weighings.items(), answers, strict=True):
        if isinstance(answer, BagNotBound) and _reaches_everywhere(weighing):
            wait = Wait("bag", weighing.code, locked.now + BAG_WINDOW)
            plan.became[key] = Became("parked", wait=wait)
        elif isinstance(answer, DomainError):
            plan.became[key] = answer
        else:
            status = "doubted" if answer.waits else "credited"
            plan.became[key] = Became(status, answer.check_in_id, answer.credit)


def _reaches_everywhere(weighing: Weighing) -> bool:
    """Whether its key may weigh a bag wherever that will be bound."""
    return weighing.reach is None or weighing.reach.refusal_at(COUNTRY) is None


async def _restate(
    conn: AsyncConnection, stories: Stories, plan: Plan, locked: Locked, rules: Rulebook
) -> Sequence[EventKey]:
    """Change and withdraw credited activities; give the reports of those that were withdrawn."""
    if not plan.restated:
        return []
    events = {event.key: event for story in stories.values() for event in story.changes}
    # Locked again: what this batch has credited may have repaid a debt.
    locked = await lock_accounts(conn, locked.points_debt, clock_shift_s=rules.clock_shift_s)
    answers = await restate_batch(conn, list(plan.restated.values()), locked, rules)
    withdrawn = []
    for (key, restatement), answer in zip(plan.restated.items(), answers, strict=True):
        check_in_id = restatement.cause.check_in_id
        if isinstance(answer, DomainError):
            plan.became[key] = answer
        elif restatement.amendment is None:
            plan.became[key] = Became("withdrawn", check_in_id)
            withdrawn.append(events[key].story)
        else:
            plan.became[key] = _changed(events[key], answer.credit, check_in_id)
    for key in withdrawn:
        if key in plan.orders or key in plan.weighings:
            report = plan.became[key]
            assert isinstance(report, Became)
            plan.became[key] = Became("withdrawn", report.check_in_id)
    return withdrawn


async def record_stories(
    conn: AsyncConnection,
    stories: Stories,
    became: Mapping[EventKey, Answer],
    withdrawn: Sequence[EventKey],
    now: datetime,
) -> None:
    """Write down every event that was taken; a fresh one that was refused leaves nothing."""
    events = [each for story in stories.values() for each in story.events]
    fresh = [
        (event, answer)
        for event in events
        if not event.is_waiting and isinstance(answer := became[event.key], Became)
    ]
    waited = [(event, became[event.key]) for event in events if event.is_waiting]
    reports = {event.key for event in events if event.about is None}
    await record_events(conn, fresh, now)
    await change_outcomes(
        conn,
        [
            *((event.key, *_outcome(answer)) for event, answer in waited),
            *((key, "withdrawn", None) for key in withdrawn if key not in reports),
        ],
    )
    await _park(conn, fresh, waited, now)


def _outcome(answer: Answer) -> tuple[str, UUID | None]:
    if isinstance(answer, Became):
        return answer.status, answer.check_in_id
    return ("lapsed" if isinstance(answer, EvidenceTooLate) else "refused"), None


async def _park(
    conn: AsyncConnection,
    fresh: Sequence[tuple[PartnerEvent, Became]],
    waited: Sequence[tuple[PartnerEvent, Answer]],
    now: datetime,
) -> None:
    still = [
        (event, answer)
        for event, answer in [*fresh, *waited]
        if isinstance(answer, Became) and answer.wait is not None
    ]
    waiting = {event.key for event, _ in still}
    await park(conn, still, now)
    await unpark(conn, [event.key for event, _ in waited if event.key not in waiting])
