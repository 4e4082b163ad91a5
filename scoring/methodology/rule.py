"""A version compiled for one day and region: integers only, ready for the engine.

Factors are chosen here: the narrowest region, then the latest data year of each series published
by the day of the activity; among what is left the baseline takes the lowest value and the project
the highest, so that a doubt never credits.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from scoring.methodology.factor import EmissionFactor
from scoring.methodology.quantities import kind_of, quantity_of
from scoring.methodology.refusals import NoFactor
from scoring.methodology.regions import places_around
from scoring.methodology.units import exponent_of_product
from scoring.methodology.values import Tier
from scoring.methodology.version import Cap, Formula, MethodologyVersion


@dataclass(frozen=True, slots=True)  # read a dozen times per activity: faster than a named tuple
class Term:
    """One quantity of a rule; `baseline` and `project` are 10 ** -`Rule.places` g per base unit."""

    quantity: str
    cap: Cap
    cap_place: str
    most: int
    per: str
    baseline: int
    project: int
    net: int
    baseline_factors: tuple[str, ...]
    project_factors: tuple[str, ...]
    factors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """All that the engine needs of one version on one day in one region.

    Attributes:
        terms: by quantity, in the order in which a cap fills: lowest net factor first.
        alone: each of them by itself, for an activity of one quantity.
        accepts: names of the quantities that an activity may carry.
        places: decimal places of the terms' factors.
        weights: by tier, what a net amount is multiplied by, and the scale that makes it grams.
    """

    version: MethodologyVersion
    hash: str
    exclusion: str
    yearly: bool
    first_given: bool
    terms: dict[str, Term]
    alone: dict[str, tuple[Term]]
    accepts: frozenset[str]
    places: int
    weights: dict[Tier, tuple[int, int]]


class _Side(NamedTuple):
    """Rows multiplied into one side of a formula: `digits` x 10 ** `exponent` g per base unit.

    Whole numbers with an exponent, because a decimal context could round the product.
    """

    rows: tuple[EmissionFactor, ...]
    digits: int
    exponent: int


def compile_rule(version: MethodologyVersion, day: date, region: str) -> Rule:
    """Choose the factors and multiply them out.

    Raises:
        NoFactor: a formula has no applicable factor here and then.
    """
    sides = [(formula, _sides(version, formula, day, region)) for formula in version.formulas]
    places = max(0, *(-side.exponent for _, pair in sides for side in pair))
    terms = [_term(version, formula, pair, places) for formula, pair in sides]
    if version.combine == "sum":
        terms.sort(key=lambda term: (term.net, term.quantity))
    multiplying = {cap.per for cap in version.caps.values() if cap.per}
    return Rule(
        version=version,
        hash=version.hash,
        exclusion=version.exclusion,
        yearly=version.period == "year",
        first_given=version.combine == "first_given",
        terms={term.quantity: term for term in terms},
        alone={term.quantity: (term,) for term in terms},
        accepts=frozenset({term.quantity for term in terms} | multiplying),
        places=places,
        weights={tier: _weight(value, places) for tier, value in version.multipliers.items()},
    )


def choose_factor(
    rows: Iterable[EmissionFactor], day: date, region: str, *, highest: bool
) -> EmissionFactor | None:
    """The applicable row, or None; equal values are told apart by id, for a stable answer."""
    live = [row for row in rows if row.applies_on(day)]
    for place in places_around(region):
        if here := [row for row in live if row.region == place]:
            newest = {row.series: row for row in sorted(here, key=lambda row: row.data_year)}
            return (max if highest else min)(newest.values(), key=lambda row: (row.amount, row.id))
    return None


def _sides(
    version: MethodologyVersion, formula: Formula, day: date, region: str
) -> tuple[_Side, _Side]:
    unit = quantity_of(formula.quantity).unit
    baseline = _rows(version, formula.baseline, day, region, highest=False)
    project = _rows(version, formula.project, day, region, highest=True)
    return _multiply(unit, baseline), _multiply(unit, project)


def _rows(
    version: MethodologyVersion, keys: tuple[str, ...], day: date, region: str, *, highest: bool
) -> tuple[EmissionFactor, ...]:
    return tuple(_row(version, key, day, region, highest=highest) for key in keys)


def _row(
    version: MethodologyVersion, key: str, day: date, region: str, *, highest: bool
) -> EmissionFactor:
    rows = (row for row in version.factors.values() if row.key == key)
    chosen = choose_factor(rows, day, region, highest=highest)
    if chosen is None:
        raise NoFactor(f"{version.methodology_id}: no factor {key} for {region} on {day}")
    return chosen


def _multiply(unit: str, rows: tuple[EmissionFactor, ...]) -> _Side:
    if not rows:
        return _Side((), 0, 0)
    exponent = exponent_of_product(unit, [row.ratio for row in rows])
    digits = 1
    for row in rows:
        mantissa, places = _exact(row.value)
        digits *= mantissa
        exponent -= places
    return _Side(rows, digits, exponent)


def _exact(value: str) -> tuple[int, int]:
    """Digits and decimal places, as few as there can be: "0.50" is (5, 1)."""
    whole, _, decimals = value.partition(".")
    kept = decimals.rstrip("0")
    return int(whole + kept), len(kept)


def _term(
    version: MethodologyVersion, formula: Formula, sides: tuple[_Side, _Side], places: int
) -> Term:
    baseline, project = (side.digits * 10 ** (places + side.exponent) for side in sides)
    baseline_ids, project_ids = (tuple(row.id for row in side.rows) for side in sides)
    kind = kind_of(formula.quantity)
    return Term(
        quantity=formula.quantity,
        cap=version.caps[kind],
        cap_place=f"{version.methodology_id} {kind}",
        most=version.caps[kind].most,
        per=version.caps[kind].per,
        baseline=baseline,
        project=project,
        net=baseline - project,
        baseline_factors=baseline_ids,
        project_factors=project_ids,
        factors=baseline_ids + project_ids,
    )


def _weight(multiplier: str, places: int) -> tuple[int, int]:
    """What a net amount of `places` is multiplied by, and the scale that makes it grams."""
    digits, further = _exact(multiplier)
    return digits, 10 ** (places + further)
