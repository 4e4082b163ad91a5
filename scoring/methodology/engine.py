"""The reductions of one account's period as a pure function of its accepted activities.

Activities are sorted by (occurred_at, key), then folded: exclusions, caps on quantities,
baseline - project, tier, one rounding. Each reduction depends only on the activities before it in
that order, so the newest one books itself alone and never changes an earlier one.

The engine number is stored with every credit; a change of arithmetic is a new number beside the
old one, so that a past credit is recomputed by the code that booked it.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta, timezone
from operator import attrgetter

from scoring.methodology.catalogue import Catalogue
from scoring.methodology.quantities import whole_and_text
from scoring.methodology.refusals import (
    MissingInput,
    MixedPeriods,
    NaiveTime,
    Negative,
    RepeatedKey,
    UnknownInput,
)
from scoring.methodology.rule import Rule, Term
from scoring.methodology.values import Activity, Reason, Reduction

ENGINE = 1

# China has had no daylight saving since 1991 and the catalogue starts in 2026, so Asia/Shanghai is
# a fixed offset here: no time zone files to ship, and a third of zoneinfo's cost per activity.
SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")

_IN_ORDER = attrgetter("occurred_at", "key")


def day_of(occurred_at: datetime) -> date:
    """The Asia/Shanghai day of an instant.

    Raises:
        NaiveTime: without an offset it has no day.
    """
    if occurred_at.tzinfo is None:
        raise NaiveTime(f"{occurred_at} has no offset")
    return occurred_at.astimezone(SHANGHAI).date()


def period_of(activity: Activity, catalogue: Catalogue) -> str:
    """The period that caps run over: `2026-11-21`, or `2026` for yearly methodologies.

    Raises:
        UnknownMethodology, NoVersion, NoFactor: nothing covers the activity there and then.
    """
    day = day_of(activity.occurred_at)
    rule = catalogue.rule_on(activity.methodology_id, day, activity.region)
    return str(day.year) if rule.yearly else day.isoformat()


def reduce_period(
    activities: Iterable[Activity], catalogue: Catalogue, engine: int = ENGINE
) -> dict[str, Reduction]:
    """Reductions by activity key, for the accepted activities of one account and one period.

    The order in which activities are given does not matter.

    Raises:
        CannotCalculate: no version or factor, a quantity that the methodology does not count, two
            periods in one call, a repeated key.
    """
    return ENGINES[engine](activities, catalogue)


def _reduce_1(activities: Iterable[Activity], catalogue: Catalogue) -> dict[str, Reduction]:
    given = sorted(activities, key=_IN_ORDER)
    period = _Period()
    reductions: dict[str, Reduction] = {}
    for activity in given:
        day = day_of(activity.occurred_at)
        rule = catalogue.rule_on(activity.methodology_id, day, activity.region)
        period.enter(day, yearly=rule.yearly)
        reductions[activity.key] = _reduce_one(activity, rule, period)
    if len(reductions) != len(given):
        raise RepeatedKey("two activities of one period carry the same key")
    return reductions


class _Period:
    """What the earlier activities of a period have taken: time, days and allowances."""

    __slots__ = ("_busy_until", "_last_start", "_no_drive_day", "_period", "_times", "_used")

    def __init__(self) -> None:
        self._used: dict[tuple[str, str], int] = {}
        self._times: dict[tuple[str, str], int] = {}
        self._busy_until: datetime | None = None
        self._last_start: datetime | None = None
        self._no_drive_day = False
        self._period: date | int | None = None

    def enter(self, day: date, *, yearly: bool) -> None:
        """Refuse an activity of another period: it would share this one's caps."""
        period = day.year if yearly else day
        if self._period is None:
            self._period = period
        elif self._period != period:
            raise MixedPeriods(f"{self._period} and {period} in one reduction")

    def excludes(self, activity: Activity, exclusion: str) -> bool:
        """Whether an earlier activity stands for the same travel; if not, this one does.

        A trip and a no-drive day exclude each other, and so do trips that overlap: the earlier
        counts. A trip without an end takes only its instant.
        """
        start = activity.occurred_at
        if exclusion == "no_drive_day":
            if self._last_start is not None:
                return True
            self._no_drive_day = True
            return False
        if self._no_drive_day or start == self._last_start:
            return True
        if self._busy_until is not None and start < self._busy_until:
            return True
        self._last_start = start
        self._busy_until = activity.ended_at or start
        return False

    def allow(self, term: Term, claimed: int, quantities: Mapping[str, int]) -> int:
        """Take what the cap still leaves; a cap belongs to the methodology, whatever version."""
        place, cap = term.cap_place, term.cap
        most = cap.most
        if cap.per:
            # A statement over several days widens the cap; two statements of one day share the
            # wider one instead of adding up, as they may cover the same days.
            times = max(0, min(quantities.get(cap.per, 1), cap.per_most))
            self._times[place] = times = max(times, self._times.get(place, 0))
            most *= times
        used = self._used.get(place, 0)
        allowed = min(claimed, max(0, most - used))
        self._used[place] = used + allowed
        return allowed


def _reduce_one(activity: Activity, rule: Rule, period: _Period) -> Reduction:
    terms = _counted_terms(activity, rule)
    if rule.exclusion and period.excludes(activity, rule.exclusion):
        nothing = {term.quantity: 0 for term in terms}
        return _book(activity, rule, terms, nothing, "excluded")
    quantities = activity.quantities
    allowed = {}
    capped: Reason | None = None
    for term in terms:
        claimed = quantities[term.quantity]
        if claimed < 0:
            raise Negative(f"{activity.key}: {term.quantity} is below zero")
        allowed[term.quantity] = granted = period.allow(term, claimed, quantities)
        if granted < claimed:
            capped = "cap_reached"
    return _book(activity, rule, terms, allowed, capped)


def _counted_terms(activity: Activity, rule: Rule) -> tuple[Term, ...]:
    quantities = activity.quantities
    if len(quantities) == 1:  # nearly every activity, and a third of the time
        term = rule.terms.get(next(iter(quantities)))
        if term is not None:
            return (term,)
    if not quantities.keys() <= rule.accepts:
        unknown = sorted(quantities.keys() - rule.accepts)
        raise UnknownInput(f"{activity.methodology_id} does not count {unknown}")
    terms = tuple(term for name, term in rule.terms.items() if name in quantities)
    if not terms:
        raise MissingInput(f"{activity.methodology_id} needs one of {sorted(rule.terms)}")
    return terms[:1] if rule.first_given else terms


def _book(
    activity: Activity,
    rule: Rule,
    terms: tuple[Term, ...],
    allowed: dict[str, int],
    reason: Reason | None,
) -> Reduction:
    net = 0
    factors: tuple[str, ...] = ()
    for term in terms:
        net += allowed[term.quantity] * term.net
        factors += term.factors
    # The only rounding of the whole library, and it rounds down.
    exact = max(0, net) * rule.multipliers[activity.tier]
    grams, unrounded = whole_and_text(exact, rule.exact_places)
    return Reduction(activity.key, grams, unrounded, allowed, reason, rule.hash, 1, factors)


ENGINES: Mapping[int, Callable[[Iterable[Activity], Catalogue], dict[str, Reduction]]] = {
    1: _reduce_1,
}
