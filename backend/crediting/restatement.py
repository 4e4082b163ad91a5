"""Changes to activities that were credited, as values, and what they do to their periods.

A period is a pure function of its accepted activities, so a correction is that function over the
changed set: nothing here depends on what happened in which order.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from backend.campaigns.domain import PointsRules
from backend.checkins.correction_reasons import DAY_RESTATED
from backend.crediting.day_rule import causes_of, differs, rebooked
from backend.crediting.domain import (
    ActivityNotCovered,
    Booked,
    Cause,
    Correction,
    Credit,
    Decision,
    NotCredited,
    PeriodKey,
    activity_of,
)
from backend.errors import DomainError
from backend.ids import uuid7
from scoring.methodology import CannotCalculate, Catalogue, period_of, reduce_period


class Amendment(NamedTuple):
    """What a correction says of an activity; None keeps what is recorded.

    The start cannot change, because it names the period and the claim: such an activity is
    withdrawn and reported anew.

    Attributes:
        quantities: Activity data in base units.
        tier: `documented` or `self_declared`.
        ended_at: End of a trip, aware.
        action: What the activity turned out to be, such as a bag that was sorted; its methodology
            must run over the same period.
    """

    quantities: Mapping[str, int] | None = None
    tier: str | None = None
    ended_at: datetime | None = None
    action: str | None = None


class Restatement(NamedTuple):
    """One change to a credited activity.

    Attributes:
        cause: Who or what changed it and why, with the check-in that changes.
        amendment: None withdraws the activity.
    """

    cause: Cause
    amendment: Amendment | None = None


class Ruling(NamedTuple):
    """What restatements bring: a decision to book, the changed activities, and refusals.

    Attributes:
        amended: The activities that stay, as they are now, by check-in.
        withdrawn: Check-ins that count no longer, with their cause.
        refused: By the id of the cause.
    """

    decision: Decision
    amended: Mapping[UUID, Credit]
    withdrawn: Mapping[UUID, Cause]
    refused: Mapping[UUID, DomainError]


class _Changes(NamedTuple):
    """Accepted restatements so far; each item sees the earlier ones."""

    amended: dict[UUID, Credit]
    withdrawn: dict[UUID, Cause]
    causes: dict[UUID, Cause]
    last_cause: dict[PeriodKey, Cause]


def restate(
    restatements: Iterable[Restatement],
    booked: Mapping[PeriodKey, Sequence[Booked]],
    catalogue: Catalogue,
    points: PointsRules,
) -> Ruling:
    """What changes when these activities are amended or withdrawn, item by item.

    `booked` has the live credits of the periods concerned. An amendment that says what is recorded
    already changes nothing. Of two changes to one activity the later counts; after a withdrawal
    there is nothing left to change.
    """
    live = {each.credit.check_in_id: each.credit for there in booked.values() for each in there}
    changes = _Changes({}, {}, {}, {})
    refused: dict[UUID, DomainError] = {}
    for each in restatements:
        try:
            _accept(each, live, changes, catalogue)
        except DomainError as refusal:
            refused[each.cause.id] = refusal
    corrections = [
        correction
        for key, there in booked.items()
        for correction in _corrections(
            there, changes.last_cause.get(key), changes, catalogue, points
        )
    ]
    decision = Decision({}, corrections, causes_of(corrections))
    return Ruling(decision, changes.amended, changes.withdrawn, refused)


def _accept(
    restatement: Restatement, live: Mapping[UUID, Credit], changes: _Changes, catalogue: Catalogue
) -> None:
    cause, amendment = restatement
    check_in_id = cause.check_in_id
    credit = changes.amended.get(check_in_id) or live.get(check_in_id)
    if credit is None or credit.account_id != cause.account_id or check_in_id in changes.withdrawn:
        raise NotCredited
    if amendment is None:
        changes.withdrawn[check_in_id] = cause
    else:
        changes.amended[check_in_id] = _amended(credit, amendment, catalogue)
    changes.causes[check_in_id] = cause
    changes.last_cause[credit.account_id, credit.period] = cause


def _amended(credit: Credit, amendment: Amendment, catalogue: Catalogue) -> Credit:
    quantities, tier, ended_at, action = amendment
    changed = credit._replace(
        quantities=credit.quantities if quantities is None else quantities,
        tier=tier or credit.tier,
        ended_at=ended_at or credit.ended_at,
    )
    try:
        if action:
            methodology_id = catalogue.methodology_of(action)
            changed = changed._replace(action=action, methodology_id=methodology_id)
        activity = activity_of(changed)
        reduce_period((activity,), catalogue)
        assert period_of(activity, catalogue) == credit.period, "both rules run over one period"
    except CannotCalculate as error:
        raise ActivityNotCovered(str(error)) from error
    return changed


def _corrections(
    there: Sequence[Booked],
    cause: Cause | None,
    changes: _Changes,
    catalogue: Catalogue,
    points: PointsRules,
) -> Iterable[Correction]:
    if cause is None:
        return
    standing = {
        each.credit.check_in_id: changes.amended.get(each.credit.check_in_id, each.credit)
        for each in there
        if each.credit.check_in_id not in changes.withdrawn
    }
    reductions = reduce_period(map(activity_of, standing.values()), catalogue)
    for each in there:
        old = each.credit
        own = changes.causes.get(old.check_in_id)
        why, reason = (own, own.reason) if own else (cause, DAY_RESTATED)
        if old.check_in_id not in standing:
            yield Correction(each, uuid7(), _nothing(old), why, reason, stands=False)
            continue
        now, reduction = standing[old.check_in_id], reductions[old.natural_key]
        if now != old or differs(old, reduction):
            new = rebooked(old, now, reduction, points)
            yield Correction(each, uuid7(), new, why, reason)


def _nothing(old: Credit) -> Credit:
    """What stands in the place of a withdrawn activity while its transfers are laid out."""
    return old._replace(
        id=uuid7(),
        booking=old.booking + 1,
        allowed={},
        unrounded="0",
        grams=0,
        reason=None,
        points=0,
    )
