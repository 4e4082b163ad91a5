"""What a new rule would have given for past check-ins: who would gain and lose how much.

Pure: stored activities go through the same function that credits, once with the new version in
force on every day. Booked grams are the other side of the comparison, so the same rule changes
nothing. Nothing here may be booked.
"""

import heapq
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from backend.crediting.domain import Credit, activity_of
from scoring.methodology import (
    CannotCalculate,
    Catalogue,
    MethodologyVersion,
    period_of,
    reduce_period,
)
from scoring.methodology.rule import Rule

LARGEST_LOSSES_SHOWN = 10
# Grams per account at which a bucket of the distribution begins; a plate is 125 g, a ride 560 g.
BUCKET_EDGES = (-10_000, -1_000, -100, 0, 1, 101, 1_001, 10_001)


class Rehearsal(Catalogue):
    """The catalogue as if `candidate` had been in force on every day.

    Its factors are those of the candidate's first day at the earliest: a new rule brings figures
    that were not published on the days that it is tried on.
    """

    def __init__(self, catalogue: Catalogue, candidate: MethodologyVersion) -> None:
        """Put the candidate in the place of all versions of its methodology.

        Raises:
            CatalogueBroken: Its action belongs to another methodology.
        """
        others = [each for each in catalogue if each.methodology_id != candidate.methodology_id]
        always = replace(candidate, valid_from=date.min, valid_until=None, draft_reason=None)
        super().__init__([*others, always])
        self.candidate = candidate

    def _rule_on(self, methodology_id: str, day: date, region: str) -> Rule:
        if methodology_id == self.candidate.methodology_id:
            day = max(day, self.candidate.valid_from)
        return super()._rule_on(methodology_id, day, region)


class Compared(NamedTuple):
    """One booked check-in: its grams as they are, and as the new rule would give them.

    Attributes:
        is_covered: False when the new rule does not count it at all; then it has 0 g after.
    """

    credit: Credit
    grams_after: int
    is_covered: bool


def compare(credits: Iterable[Credit], rehearsal: Rehearsal) -> Iterator[Compared]:
    """Compare the periods of one account in which the new rule has a part."""
    named = rehearsal.candidate.methodology_id
    periods: dict[str, list[Credit]] = defaultdict(list)
    touched: set[str] = set()
    for credit in credits:
        period = credit.period
        if credit.methodology_id == named:
            found = _period(credit, rehearsal)
            if found is None:
                touched.add(period)  # what it excluded or capped may count now
                yield Compared(credit, 0, is_covered=False)
                continue
            period = found
            touched.add(period)
        periods[period].append(credit)
    for period in touched & periods.keys():
        yield from _compare_period(periods[period], rehearsal)


def _compare_period(credits: Sequence[Credit], rehearsal: Rehearsal) -> Iterator[Compared]:
    reductions = reduce_period([activity_of(each) for each in credits], rehearsal)
    for credit in credits:
        yield Compared(credit, reductions[credit.natural_key].grams, is_covered=True)


def _period(credit: Credit, rehearsal: Rehearsal) -> str | None:
    """The period by the new rule; None when it cannot count the activity."""
    activity = activity_of(credit)
    try:
        reduce_period((activity,), rehearsal)
        return period_of(activity, rehearsal)
    except CannotCalculate:
        return None


@dataclass(slots=True)
class Sum:
    """Check-ins and grams of one methodology or region."""

    check_ins: int = 0
    grams_before: int = 0
    grams_after: int = 0

    def add(self, compared: Compared) -> None:
        """Count one check-in."""
        self.check_ins += 1
        self.grams_before += compared.credit.grams
        self.grams_after += compared.grams_after


@dataclass(slots=True)
class Effect:
    """What was added up so far; its size does not grow with the number of members."""

    total: Sum = field(default_factory=Sum)
    by_methodology: dict[str, Sum] = field(default_factory=lambda: defaultdict(Sum))
    by_region: dict[str, Sum] = field(default_factory=lambda: defaultdict(Sum))
    not_covered: Sum = field(default_factory=Sum)
    accounts: int = 0
    gaining: int = 0
    losing: int = 0
    grams_gained: int = 0
    grams_lost: int = 0
    buckets: list[int] = field(default_factory=lambda: [0] * (len(BUCKET_EDGES) + 1))
    # A heap of (loss, grams before, account): the largest losses stay in it.
    losses: list[tuple[int, int, UUID]] = field(default_factory=list)

    def add_account(self, account_id: UUID, found: Sequence[Compared]) -> None:
        """Add one account's comparison, its check-ins of the period asked for."""
        if not found:
            return
        for each in found:
            self.total.add(each)
            self.by_methodology[each.credit.methodology_id].add(each)
            self.by_region[each.credit.region].add(each)
            if not each.is_covered:
                self.not_covered.add(each)
        before = sum(each.credit.grams for each in found)
        self._add_change(account_id, before, sum(each.grams_after for each in found) - before)

    def _add_change(self, account_id: UUID, before: int, change: int) -> None:
        self.accounts += 1
        self.gaining += change > 0
        self.losing += change < 0
        self.grams_gained += max(0, change)
        self.grams_lost += max(0, -change)
        self.buckets[bisect_right(BUCKET_EDGES, change)] += 1
        if change < 0:
            heapq.heappush(self.losses, (-change, before, account_id))
            if len(self.losses) > LARGEST_LOSSES_SHOWN:
                heapq.heappop(self.losses)

    def as_result(self, *, with_accounts: bool) -> dict[str, Any]:
        """Plain values for JSON; account ids only when they are asked for."""
        return {
            "check_ins": self.total.check_ins,
            "accounts": self.accounts,
            "accounts_gaining": self.gaining,
            "accounts_losing": self.losing,
            "accounts_unchanged": self.accounts - self.gaining - self.losing,
            "grams_before": self.total.grams_before,
            "grams_after": self.total.grams_after,
            "grams_gained": self.grams_gained,
            "grams_lost": self.grams_lost,
            "not_covered": self.not_covered.check_ins,
            "not_covered_grams": self.not_covered.grams_before,
            "by_methodology": _rows(self.by_methodology),
            "by_region": _rows(self.by_region),
            "distribution": self._distribution(),
            "largest_losses": [
                {"grams_before": before, "grams_after": before - loss, "change": -loss}
                | ({"account_id": str(account_id)} if with_accounts else {})
                for loss, before, account_id in sorted(self.losses, reverse=True)
            ],
        }

    def _distribution(self) -> list[dict[str, int | None]]:
        lows: list[int | None] = [None, *BUCKET_EDGES]
        highs: list[int | None] = [*(edge - 1 for edge in BUCKET_EDGES), None]
        return [
            {"from_grams": low, "to_grams": high, "accounts": count}
            for low, high, count in zip(lows, highs, self.buckets, strict=True)
        ]


def fold(
    effect: Effect, credits: Iterable[Credit], rehearsal: Rehearsal, *, since: date, until: date
) -> None:
    """Add a portion of accounts; those of a yearly rule bring days outside the period too."""
    by_account: dict[UUID, list[Credit]] = defaultdict(list)
    for credit in credits:
        by_account[credit.account_id].append(credit)
    for account_id, of_account in by_account.items():
        found = [
            each
            for each in compare(of_account, rehearsal)
            if since <= each.credit.occurred_on <= until
        ]
        effect.add_account(account_id, found)


def _rows(sums: Mapping[str, Sum]) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "check_ins": each.check_ins,
            "grams_before": each.grams_before,
            "grams_after": each.grams_after,
            "change": each.grams_after - each.grams_before,
        }
        for name, each in sorted(sums.items())
    ]
