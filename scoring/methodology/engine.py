"""The reductions of one account's period as a pure function of its accepted activities.

Activities are sorted by (occurred_at, key), then folded: exclusions, caps on quantities,
baseline - project, tier, one rounding. Each reduction depends only on the activities before it in
that order, so the newest one books itself alone and never changes an earlier one.

The engine number is stored with every credit; a change of arithmetic is a new number beside the
old one, so that a past credit is recomputed by the code that booked it.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from operator import attrgetter

from scoring.methodology.catalogue import Catalogue
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
_EAST_OF_UTC = timedelta(hours=8)
SHANGHAI = timezone(_EAST_OF_UTC, "Asia/Shanghai")

_new = tuple.__new__  # what Reduction(...) calls in the end, without the frame before it
_IN_ORDER = attrgetter("occurred_at", "key")


def day_of(occurred_at: datetime) -> date:
    """The Asia/Shanghai day of an instant.

    Raises:
        NaiveTime: without an offset it has no day.
    """
    zone = occurred_at.tzinfo
    if zone is UTC:  # what the database gives; a quarter of the time that astimezone takes
        return (occurred_at + _EAST_OF_UTC).date()
    if zone is None:
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
    given = list(activities)
    if len(given) > 1:  # nearly every period has one activity
        given.sort(key=_IN_ORDER)
    taken = _Taken()
    entered: date | int | None = None
    reductions: dict[str, Reduction] = {}
    for activity in given:
        day = day_of(activity.occurred_at)
        rule = catalogue.rule_on(activity.methodology_id, day, activity.region)
        period = day.year if rule.yearly else day
        if period != entered:
            if entered is not None:  # it would share this one's caps
                raise MixedPeriods(f"{entered} and {period} in one reduction")
            entered = period
        reductions[activity.key] = _reduce_one(activity, rule, taken)
    if len(reductions) != len(given):
        raise RepeatedKey("two activities of one period carry the same key")
    return reductions


class _Taken:
    """What the earlier activities of a period have taken: time, things, days and allowances."""

    # Defaults of the class: nearly every period has one activity, which needs few of these.
    _busy_until: datetime | None = None
    _last_start: datetime | None = None
    _no_drive_day = False
    _things: frozenset[str] = frozenset()

    def __init__(self) -> None:
        self.used: dict[str, int] = {}

    def excludes(self, activity: Activity, exclusion: str) -> bool:
        """Whether an earlier one stands for the same thing or travel; if not, this one does."""
        thing = activity.thing
        if thing and thing in self._things:
            return True
        if exclusion and self._is_travelled(activity, exclusion):
            return True
        if thing:
            self._things |= {thing}
        return False

    def most_of(self, term: Term, quantities: Mapping[str, int]) -> int:
        """The cap of a statement over several days.

        Two statements of one day share the wider one instead of adding up, as they may cover the
        same days.
        """
        cap = term.cap
        widest = f"{term.cap_place} per {cap.per}"
        times = max(0, min(quantities.get(cap.per, 1), cap.per_most))
        self.used[widest] = times = max(times, self.used.get(widest, 0))
        return cap.most * times

    def _is_travelled(self, activity: Activity, exclusion: str) -> bool:
        """A trip and a no-drive day exclude each other, and so do trips that overlap.

        The earlier counts. A trip without an end takes only its instant.
        """
        start, last = activity.occurred_at, self._last_start
        if exclusion == "no_drive_day":
            self._no_drive_day = self._no_drive_day or last is None
            return last is not None
        if self._no_drive_day:
            return True
        if last is not None and (start == last or start < (self._busy_until or last)):
            return True
        self._last_start = start
        self._busy_until = activity.ended_at or start
        return False


def _reduce_one(activity: Activity, rule: Rule, taken: _Taken) -> Reduction:
    terms = _counted_terms(activity, rule)
    if (rule.exclusion or activity.thing) and taken.excludes(activity, rule.exclusion):
        nothing = {term.quantity: 0 for term in terms}
        return _book(activity, rule, nothing, 0, "excluded")
    quantities, used = activity.quantities, taken.used
    allowed = {}
    net = 0
    capped: Reason | None = None
    for term in terms:
        claimed = granted = quantities[term.quantity]
        if claimed < 0:
            raise Negative(f"{activity.key}: {term.quantity} is below zero")
        # A cap belongs to the methodology, whatever version: a lower one may be passed already.
        before = used.get(term.cap_place, 0)
        left = (taken.most_of(term, quantities) if term.per else term.most) - before
        if claimed > left:
            granted, capped = max(0, left), "cap_reached"
        used[term.cap_place] = before + granted
        allowed[term.quantity] = granted
        net += granted * term.net
    return _book(activity, rule, allowed, net, capped)


def _counted_terms(activity: Activity, rule: Rule) -> tuple[Term, ...]:
    quantities = activity.quantities
    if len(quantities) == 1:  # nearly every activity, and a third of the time
        for name in quantities:
            if name in rule.alone:
                return rule.alone[name]
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
    allowed: dict[str, int],
    net: int,
    reason: Reason | None,
) -> Reduction:
    multiplier, scale = rule.weights[activity.tier]
    # The only rounding of the whole library, and it rounds down.
    grams, rest = divmod(net * multiplier, scale) if net > 0 else (0, 0)
    # `rest` + `scale` keeps the leading zeros of the decimals behind a 1 that is cut off.
    unrounded = f"{grams}.{str(rest + scale)[1:].rstrip('0')}" if rest else str(grams)
    factors: tuple[str, ...] = ()
    for name in allowed:
        factors += rule.terms[name].factors
    row = (activity.key, grams, unrounded, allowed, reason, rule.hash, 1, factors)
    return _new(Reduction, row)


ENGINES: Mapping[int, Callable[[Iterable[Activity], Catalogue], dict[str, Reduction]]] = {
    1: _reduce_1,
}
