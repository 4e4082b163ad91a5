"""How many points an action earns and who pays; no constant turns grams into points.

Rules are rows of `campaign` and `campaign_action`. Of those that apply to an activity the narrowest
one counts: a campaign before the programme's own rule, the longer region before the shorter one.
Two campaigns that are equally narrow may not overlap, so there is always one.
"""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from backend.errors import DomainError

PROGRAMME_FUND = UUID("00000000-0000-7000-8000-000000000002")
FUND_SLICES = 8  # more than the writers of two API processes, so that a free slice is found

NO_RULE = "none"  # on a credit for which no rule was in force

FUND_EXHAUSTED = "fund_exhausted"
POINTS_QUEUED = "points_queued"
SELF_DECLARED_EARNS_NONE = "self_declared"

# Members plan by the week; a stop that was told afterwards drove people away elsewhere (Korea's
# carbon-neutral points in 2024 and 2025).
STOP_NOTICE_DAYS = 7
SHORT_PERCENT = 95  # of the budget; beyond it members see that the budget is short
ALERT_PERCENTS = (70, 85, 95)  # time to find money, to decide, to announce
PERCENT = 100
# Multipliers of multipliers end here, as `credit.points` does: a typing error holds back no grams.
POINTS_OF_BOOKING_MAX = 1_000_000


class CampaignOverlaps(DomainError):
    """Another campaign as narrow, or a later version, covers these actions on one of these days."""


class CampaignTooEarly(DomainError):
    """Points rules change for days that have not begun; the past stays as it was published."""


class CampaignOver(DomainError):
    """The last day of this proposal is over, or it was ended before its first one."""


class CampaignDecided(DomainError):
    """This campaign or change of budget was approved before."""


class BudgetInUse(DomainError):
    """A budget is never lowered below what is owed, held or waited for."""


class StopTooSoon(DomainError):
    """A stop is announced at least seven days ahead, and once."""


class BudgetState(StrEnum):
    """What members are told about the money behind their points."""

    OPEN = "open"
    SHORT = "short"
    ENDED = "ended"


class PointsRule(NamedTuple):
    """What one campaign gives for one action.

    Attributes:
        label: Name of the campaign and its version; it is on every credit.
        region: First digits of the regions that it covers (GB/T 2260); empty for all.
        points: Points of a documented activity, or None where a multiplier counts.
        multiplier_percent: Of what the next wider rule gives; 200 doubles it.
        stops_on: First day on which the fund gives nothing more, as announced.
    """

    label: str
    fund_id: UUID
    is_default: bool
    region: str
    valid_from: date
    valid_until: date | None
    action: str
    points: int | None
    multiplier_percent: int | None
    self_declared_points: int
    stops_on: date | None


class Price(NamedTuple):
    """Points of one activity that has grams, who pays them, and by which rule."""

    points: int
    rule: str
    fund_id: UUID
    reason: str | None


class PointsRules:
    """The rules of one moment; answers are kept, for a batch asks the same again and again."""

    def __init__(self, rules: Iterable[PointsRule]) -> None:
        self._rules = sorted(rules, key=_narrowness, reverse=True)
        self._prices: dict[tuple[str, str, date, bool], Price] = {}

    def price(self, action: str, region: str, day: date, *, is_documented: bool) -> Price:
        """What an activity of this day earns, if it has grams."""
        key = (action, region, day, is_documented)
        found = self._prices.get(key)
        if found is None:
            found = self._find(action, region, day, is_documented=is_documented)
            self._prices[key] = found
        return found

    def _find(self, action: str, region: str, day: date, *, is_documented: bool) -> Price:
        none_declared = None if is_documented else SELF_DECLARED_EARNS_NONE
        in_force = [rule for rule in self._rules if _covers(rule, region, day)]
        named = [rule for rule in in_force if rule.action == action]
        funded = [rule for rule in named if rule.stops_on is None or day < rule.stops_on]
        if not funded:
            widest = (named or in_force)[-1:]
            rule = widest[0].label if widest else NO_RULE
            return Price(0, rule, PROGRAMME_FUND, FUND_EXHAUSTED if named else none_declared)
        points = _points(funded, is_documented=is_documented)
        return Price(points, funded[0].label, funded[0].fund_id, None if points else none_declared)


def _narrowness(rule: PointsRule) -> tuple[bool, int, date, str]:
    return (not rule.is_default, len(rule.region), rule.valid_from, rule.label)


def _covers(rule: PointsRule, region: str, day: date) -> bool:
    is_open = rule.valid_from <= day and (rule.valid_until is None or day <= rule.valid_until)
    return is_open and region.startswith(rule.region)


def _points(rules: Sequence[PointsRule], *, is_documented: bool) -> int:
    """Points of the first rule; a multiplier looks at the next one, rounded down."""
    if not rules:
        return 0
    first, *rest = rules
    if first.multiplier_percent is not None:
        wider = _points(rest, is_documented=is_documented)
        return min(wider * first.multiplier_percent // PERCENT, POINTS_OF_BOOKING_MAX)
    return (first.points or 0) if is_documented else first.self_declared_points


class Scope(NamedTuple):
    """Where and when a version of a campaign holds, and for which actions."""

    name: str
    version: int
    is_default: bool
    region: str
    valid_from: date
    valid_until: date | None
    actions: frozenset[str]


def overlap(wanted: Scope, there: Iterable[Scope]) -> Scope | None:
    """The campaign that meets `wanted` and leaves it no room.

    That is one as narrow that names one of its actions, and any later version of itself: versions
    take over from those before them, never the other way round.
    """
    for other in there:
        if _meet(other, wanted) and (_has_overtaken(other, wanted) or _is_rival(other, wanted)):
            return other
    return None


def _meet(one: Scope, other: Scope) -> bool:
    """Whether there is a day of both; one that was ended before its first day has none."""
    first = max(one.valid_from, other.valid_from)
    return first <= min(one.valid_until or date.max, other.valid_until or date.max)


def _has_overtaken(other: Scope, wanted: Scope) -> bool:
    return other.name == wanted.name and other.version > wanted.version


def _is_rival(other: Scope, wanted: Scope) -> bool:
    is_as_narrow = (other.is_default, other.region) == (wanted.is_default, wanted.region)
    return other.name != wanted.name and is_as_narrow and bool(wanted.actions & other.actions)


def budget_state(
    *, budget: int, available: int, is_queued: bool, stops_on: date | None, today: date
) -> BudgetState:
    """What members see: ended from the announced day, short when points wait or little is left."""
    if stops_on is not None and stops_on <= today:
        return BudgetState.ENDED
    if is_queued or used_percent(budget, available) >= SHORT_PERCENT:
        return BudgetState.SHORT
    return BudgetState.OPEN


def used_percent(budget: int, available: int) -> int:
    """Part of the budget that was drawn, rounded down; an empty budget is used up."""
    return PERCENT if budget <= 0 else (budget - available) * PERCENT // budget


def runs_out_on(available: int, *, drawn: int, days: int, today: date) -> date | None:
    """The day on which nothing is left at the present rate; None when nothing is drawn."""
    if drawn <= 0 or days <= 0:
        return None
    days_left = available * days // drawn
    return today + timedelta(days=min(days_left, 36_500))  # a century says: not in sight
