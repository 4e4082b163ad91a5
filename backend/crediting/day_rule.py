"""What is booked for a set of activities: pure decisions over values that were loaded before.

A day is a pure function (`scoring.methodology.reduce_period`): the newest activity books itself
alone; one that comes late, or is corrected, withdrawn or reversed, may change what others of its
period earn. What differs is booked as a reversal and a new credit per changed activity.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from backend.campaigns.domain import PointsRules
from backend.checkins.correction_reasons import LATE_ACTIVITY
from backend.crediting.domain import (
    Admitted,
    Booked,
    Cause,
    Correction,
    Credit,
    Decision,
    Order,
    PeriodKey,
    activity_of,
    price_of,
)
from backend.ids import uuid7
from backend.units import shanghai_day
from scoring.methodology import Catalogue, Reduction, reduce_period


def decide(
    admitted: Iterable[Admitted],
    booked: Mapping[PeriodKey, Sequence[Booked]],
    catalogue: Catalogue,
    points: PointsRules,
) -> Decision:
    """Reductions of all periods that the orders touch, each item seeing the earlier ones."""
    by_period: dict[PeriodKey, list[Admitted]] = defaultdict(list)
    for item in admitted:
        by_period[item.period].append(item)
    credits: dict[UUID, Credit] = {}
    corrections: list[Correction] = []
    for key, asked in by_period.items():
        there = booked.get(key, ())
        reductions = _reductions(asked, there, catalogue)
        for item in asked:
            order = item.order
            reduction = reductions[order.natural_key]
            credits[order.check_in_id] = _credit_of(order, key[1], reduction, points)
        corrections += _late_corrections(asked, there, reductions, points)
    return Decision(credits, corrections, causes_of(corrections))


def causes_of(corrections: Iterable[Correction]) -> Sequence[Cause]:
    """Each cause once, in the order of its first correction."""
    return list({each.cause.id: each.cause for each in corrections}.values())


def rebooked(old: Credit, amended: Credit, reduction: Reduction, points: PointsRules) -> Credit:
    """The booking after a correction, by the points rule of the activity's day.

    While an activity keeps its tier and has grams, its points never rise: what was not given is not
    given later.
    """
    price = price_of(amended, points)
    earned = price.points if reduction.grams else 0
    is_same_tier = old.tier == amended.tier
    is_new_award = not old.grams or not (is_same_tier or old.points)
    return amended._replace(
        id=uuid7(),
        booking=old.booking + 1,
        version=reduction.version,
        engine=reduction.engine,
        allowed=reduction.allowed,
        unrounded=reduction.unrounded,
        grams=reduction.grams,
        reason=reduction.reason,
        points=earned if is_new_award else min(earned, old.points),
        points_reason=old.points_reason if is_same_tier else price.reason,
        points_rule=old.points_rule if is_same_tier else price.rule,
    )


def differs(old: Credit, reduction: Reduction) -> bool:
    """Whether what was booked is not what the period gives, to the last digit and quantity."""
    return (old.grams, old.unrounded, old.reason, old.allowed, old.version) != (
        reduction.grams,
        reduction.unrounded,
        reduction.reason,
        reduction.allowed,
        reduction.version,
    )


def _reductions(
    asked: Sequence[Admitted], there: Sequence[Booked], catalogue: Catalogue
) -> Mapping[str, Reduction]:
    if len(asked) == 1 and not there:
        # The only activity of its period: what it earns alone is known, and this is the usual case.
        return {asked[0].order.natural_key: asked[0].alone}
    activities = [activity_of(each.credit) for each in there]
    activities += [item.activity for item in asked]
    return reduce_period(activities, catalogue)


def _credit_of(order: Order, period: str, reduction: Reduction, points: PointsRules) -> Credit:
    price = price_of(order, points)
    return Credit(
        uuid7(),
        order.check_in_id,
        1,
        order.account_id,
        period,
        order.action,
        order.methodology_id,
        order.natural_key,
        order.occurred_at,
        order.ended_at,
        shanghai_day(order.occurred_at),
        order.quantities,
        order.tier,
        order.region,
        reduction.version,
        reduction.engine,
        reduction.allowed,
        reduction.unrounded,
        reduction.grams,
        reduction.reason,
        price.points if reduction.grams else 0,
        price.reason,
        price.rule,
    )


def _late_corrections(
    asked: Sequence[Admitted],
    there: Iterable[Booked],
    reductions: Mapping[str, Reduction],
    points: PointsRules,
) -> list[Correction]:
    """What the arrival of `asked` changes; the earliest of them is named as its cause."""
    changed = [each for each in there if differs(each.credit, reductions[each.credit.natural_key])]
    if not changed:
        return []
    first = min(
        (item.order for item in asked), key=lambda each: (each.occurred_at, each.natural_key)
    )
    cause = Cause(uuid7(), first.check_in_id, first.account_id, LATE_ACTIVITY)
    return [
        Correction(
            each,
            uuid7(),
            rebooked(each.credit, each.credit, reductions[each.credit.natural_key], points),
            cause,
            LATE_ACTIVITY,
        )
        for each in changed
    ]
