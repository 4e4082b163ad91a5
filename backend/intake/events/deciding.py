"""What becomes of events: pure decisions over values that were loaded before.

Events about one activity are one story. It begins with the event that reports the activity; the
others complete, correct or withdraw it. Whatever their order of arrival, the report is booked with
the change of the highest rank, and a withdrawal takes it back for good.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from backend.checkins.correction_reasons import PARTNER_CORRECTED, PARTNER_WITHDREW
from backend.crediting.domain import Cause, NotCredited, Order
from backend.crediting.restatement import Amendment, Restatement
from backend.crediting.steps import Rulebook
from backend.errors import DomainError
from backend.ids import uuid7
from backend.intake.domain import CLOCK_TOLERANCE, TimeNotPlausible, Weighing, check_in_time
from backend.intake.events.bagged import weighing_of
from backend.intake.events.domain import (
    EVENT_AGE_MAX,
    Became,
    CorrectionTooWide,
    Deed,
    EventKey,
    PartnerEvent,
    Role,
    Standing,
    Wait,
    rank_of,
)
from backend.intake.events.ordering import claim_of, late_window, order_of
from backend.partners.queries import Customer

Change = tuple[Role, datetime | None, str]

# A withdrawal does not say of what kind of activity; this is the widest window but the trees'.
WITHDRAWAL_WAIT = timedelta(days=62)
SCORE_WAIT = timedelta(days=62)  # longer than any photo waits for a person


@dataclass(slots=True)
class Story:
    """The events of this batch about one activity."""

    report: PartnerEvent | None = None
    changes: list[PartnerEvent] = field(default_factory=list)

    # What was given, also what was refused since.
    events: list[PartnerEvent] = field(default_factory=list)

    @property
    def withdrawal(self) -> PartnerEvent | None:
        """The event that takes the activity back, if there is one."""
        return next((each for each in self.changes if each.role == Role.WITHDRAWN), None)


class Known(NamedTuple):
    """What the database says, read under the locks.

    Attributes:
        standings: Events on record that are the report of a story of this batch.
        changes: Changes that were made to those activities before.
    """

    accounts: Mapping[Customer, UUID]
    standings: Mapping[EventKey, Standing]
    changes: Mapping[EventKey, Sequence[Change]]
    now: datetime


@dataclass(slots=True)
class Plan:
    """What a batch writes; each event is in `became`, or gets its answer from what is written.

    Attributes:
        orders: Activities to credit, by the event that reports them.
        weighings: Bags to weigh, likewise.
        further: Claims that an order needs beside its own, by report.
        told: The change that an order or a weighing says already, by report.
        restated: Changes of activities that are credited, by the event that changes them.
        withdrawn: Withdrawals to be made once their report is credited, by report.
    """

    became: dict[EventKey, Became | DomainError] = field(default_factory=dict)
    orders: dict[EventKey, Order] = field(default_factory=dict)
    weighings: dict[EventKey, Weighing] = field(default_factory=dict)
    further: dict[EventKey, list[bytes]] = field(default_factory=dict)
    told: dict[EventKey, PartnerEvent] = field(default_factory=dict)
    restated: dict[EventKey, Restatement] = field(default_factory=dict)
    withdrawn: dict[EventKey, PartnerEvent] = field(default_factory=dict)


def stories_of(events: Iterable[PartnerEvent]) -> dict[EventKey, Story]:
    """Events by the activity that they are about."""
    stories: dict[EventKey, Story] = {}
    for event in events:
        story = stories.setdefault(event.story, Story())
        story.events.append(event)
        if event.about is None:
            story.report = event
        else:
            story.changes.append(event)
    return stories


def plan_stories(stories: Mapping[EventKey, Story], known: Known, rules: Rulebook) -> Plan:
    """Decide every story; a refusal stops only its own event."""
    plan = Plan()
    for key, story in stories.items():
        _refuse_strange(story, known.now, plan)
        if story.report is not None:
            _plan_report(story, story.report, known, rules, plan)
        elif key in known.standings:
            _plan_changes(story, key, known, rules, plan)
        else:
            wait_for_report(story, known.now, rules, plan)
    return plan


def _refuse_strange(story: Story, now: datetime, plan: Plan) -> None:
    """Refuse a `time` that only a wrong clock gives, and changes of another kind of event."""
    report = story.report
    for event in story.changes + ([report] if report else []):
        told_at = event.told_at
        if told_at and not now - EVENT_AGE_MAX <= told_at <= now + CLOCK_TOLERANCE:
            plan.became[event.key] = TimeNotPlausible()
        elif report and event.kind.name != report.kind.name:
            plan.became[event.key] = CorrectionTooWide()
    story.changes = [each for each in story.changes if each.key not in plan.became]


def _plan_report(
    story: Story, report: PartnerEvent, known: Known, rules: Rulebook, plan: Plan
) -> None:
    if report.key not in plan.became:
        try:
            parked = _book(story, report, known, rules, plan)
        except DomainError as refusal:
            plan.became[report.key] = refusal
        else:
            plan.became.update({report.key: parked} if parked else {})
    if report.key in plan.became:
        wait_for_report(story, known.now, rules, plan)


def _book(
    story: Story, report: PartnerEvent, known: Known, rules: Rulebook, plan: Plan
) -> Became | None:
    """Order what is reported, as its changes say; or tell what it waits for."""
    deed = report.kind.deed(report.data)
    window = late_window(deed.action, rules)
    assert deed.occurred_at is not None, "what reports an activity says when it began"
    told_from = deed.told_from or deed.occurred_at
    if report.waits_for == "score" and known.now < told_from + SCORE_WAIT:
        return Became("parked", wait=Wait("score", deed.tray or "", told_from + SCORE_WAIT))
    check_in_time(told_from, known.now, window)
    report.kind.check(deed, known.now)
    if deed.tray is not None:
        return Became("parked", wait=Wait("tray", deed.tray, told_from + window))
    account_id = None
    if deed.bag is None:
        account_id = known.accounts.get(Customer(report.key.partner_id, report.subject or ""))
        if account_id is None:
            wait = Wait("link", report.subject or "", told_from + window)
            return Became("parked", wait=wait)
    open_until = deed.occurred_at + (deed.open_for or timedelta(0))
    if deed.open_for and not story.changes and known.now < open_until:
        return Became("parked", wait=Wait("tap_out", report.key.event_id, open_until))
    deed = _changed(story, deed, known, plan, report.key)
    if account_id is None:
        plan.weighings[report.key] = weighing_of(report, deed)
    else:
        plan.orders[report.key] = order_of(report, deed, account_id, rules)
        if deed.further_claims:
            plan.further[report.key] = [
                claim_of(report, deed, names, account_id, rules) for names in deed.further_claims
            ]
    return None


def _changed(story: Story, deed: Deed, known: Known, plan: Plan, report: EventKey) -> Deed:
    """The deed as the highest change says; the others are superseded, and what differs refused."""
    withdrawal = story.withdrawal
    before = known.changes.get(report, ())
    highest = max((rank_of(*each) for each in before), default=None)
    if withdrawal is not None:
        plan.withdrawn[report] = withdrawal
    for event in sorted(story.changes, key=lambda each: each.rank, reverse=True):
        if event is withdrawal:
            continue
        if withdrawal or report in plan.told or (highest is not None and event.rank < highest):
            plan.became[event.key] = Became("superseded")
            continue
        try:
            deed = _amended(deed, event, known.now)
        except DomainError as refusal:
            plan.became[event.key] = refusal
        else:
            plan.told[report] = event
    return deed


def _amended(deed: Deed, event: PartnerEvent, now: datetime) -> Deed:
    """The deed as one change tells it.

    Raises:
        CorrectionTooWide: It is about another kind of activity, or another start.
        DomainError: It would not be plausible.
    """
    told = event.kind.deed(event.data)
    changed = deed._replace(
        quantities=told.quantities,
        ended_at=told.ended_at or deed.ended_at,
        residue_g=told.residue_g,
        loss_g=told.loss_g,
    )
    # A bag's check-in began when it was bound, which no weighing knows.
    is_same_start = told.bag is not None or told.occurred_at in {None, deed.occurred_at}
    # What a tray was is its score, which nobody corrects; whose it was can be withdrawn.
    if told.action != deed.action or not is_same_start or told.tray is not None:
        raise CorrectionTooWide
    event.kind.check(changed, now)
    return changed


def _plan_changes(story: Story, key: EventKey, known: Known, rules: Rulebook, plan: Plan) -> None:
    """Change an activity that is on record already."""
    standing = known.standings[key]
    for event in story.changes:
        if standing.about is not None or not event.type.startswith(f"{_name(standing.type)}."):
            plan.became[event.key] = CorrectionTooWide()
    story.changes = [each for each in story.changes if each.key not in plan.became]
    if standing.outcome == "withdrawn":
        plan.became.update({each.key: Became("superseded") for each in story.changes})
    elif standing.outcome == "parked":
        wait_for_report(story, known.now, rules, plan)
    elif standing.check_in_id is None or standing.account_id is None:
        plan.became.update({each.key: NotCredited() for each in story.changes})
    else:
        _restate(story, key, standing, known, plan)


def _restate(story: Story, key: EventKey, standing: Standing, known: Known, plan: Plan) -> None:
    deed = Deed(standing.action or "", standing.occurred_at, standing.ended_at, {}, ())
    deed = _changed(story, deed, known, plan, key)
    withdrawal, told = plan.withdrawn.pop(key, None), plan.told.pop(key, None)
    assert standing.check_in_id is not None
    assert standing.account_id is not None
    if withdrawal is not None:
        cause = Cause(uuid7(), standing.check_in_id, standing.account_id, PARTNER_WITHDREW)
        plan.restated[withdrawal.key] = Restatement(cause)
    elif told is not None:
        cause = Cause(uuid7(), standing.check_in_id, standing.account_id, PARTNER_CORRECTED)
        amendment = Amendment(quantities=deed.quantities, ended_at=deed.ended_at)
        plan.restated[told.key] = Restatement(cause, amendment)


def wait_for_report(story: Story, now: datetime, rules: Rulebook, plan: Plan) -> None:
    """Changes whose activity is not credited yet wait for it, as long as it may be told at all."""
    for event in story.changes:
        if event.key not in plan.became:
            try:
                until = now + _window_of(event, rules)
            except DomainError as refusal:
                plan.became[event.key] = refusal
            else:
                wait = Wait("event", event.about or "", until)
                plan.became[event.key] = Became("parked", wait=wait)


def _window_of(event: PartnerEvent, rules: Rulebook) -> timedelta:
    if event.role == Role.WITHDRAWN:
        return WITHDRAWAL_WAIT
    return late_window(event.kind.deed(event.data).action, rules)


def _name(type_: str) -> str:
    return type_.removesuffix(".v1")
