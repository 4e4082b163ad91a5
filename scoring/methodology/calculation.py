"""One reduction shown in full: what went in, which factors, every step, and plain sentences."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, time
from typing import Any

from scoring.methodology.catalogue import Catalogue, load_catalogue
from scoring.methodology.engine import SHANGHAI, day_of, reduce_period
from scoring.methodology.factor import EmissionFactor
from scoring.methodology.inputs import inputs_from, quantities_from
from scoring.methodology.quantities import decimal_text, quantity_of
from scoring.methodology.refusals import UnknownTier
from scoring.methodology.regions import COUNTRY, region_of
from scoring.methodology.rule import Rule, Term
from scoring.methodology.sentences import sentences
from scoring.methodology.values import Activity, Reason, Reduction, Tier


@dataclass(frozen=True, slots=True)
class Calculation:
    """A reduction with everything that an auditor needs to repeat it by hand.

    Attributes:
        version: semver; `version_hash` is the identity.
        inputs: what was given, as exact decimal strings in the command line's units.
        allowed: quantities in base units that counted after exclusions and caps.
        factors: the rows used, with value, unit, source and status.
        baseline: exact decimal, grams.
        project: exact decimal, grams.
        multiplier: of the tier.
        unrounded: exact decimal, grams, before the one rounding.
        grams: booked, gCO2e.
        steps: the arithmetic line by line.
        sentences: three plain ones in `zh` and `en`.
    """

    methodology: str
    action: str
    title: Mapping[str, str]
    version: str
    version_hash: str
    engine: int
    on: str
    region: str
    tier: str
    inputs: Mapping[str, Any]
    allowed: Mapping[str, int]
    factors: tuple[Mapping[str, Any], ...]
    baseline: str
    project: str
    multiplier: str
    unrounded: str
    grams: int
    reason: Reason | None
    steps: tuple[str, ...]
    sentences: Mapping[str, tuple[str, ...]]

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values for JSON."""
        return asdict(self)


def calculate(
    methodology: str,
    inputs: Mapping[str, Any],
    *,
    on: date,
    region: str | None = None,
    tier: str = Tier.DOCUMENTED,
    catalogue: Catalogue | None = None,
) -> Calculation:
    """The reduction of the only activity of its day (or year), caps applied.

    Args:
        methodology: id or action, `TPH-FOOD-01` or `clean_plate`.
        inputs: amounts as whole numbers, Decimals or decimal strings.
        on: Asia/Shanghai day of the activity.
        region: six digits, a province's name or ISO code; without it only nationwide factors apply.
        tier: `documented` or `self_declared`.
        catalogue: the packaged one unless given.

    Raises:
        CannotCalculate: see `scoring.methodology.refusals`.
    """
    catalogue = catalogue or load_catalogue()
    methodology_id = catalogue.methodology_of(methodology)
    version = catalogue.version_on(methodology_id, on)
    activity = Activity(
        key="calculate",
        methodology_id=methodology_id,
        occurred_at=datetime.combine(on, time(12), SHANGHAI),
        ended_at=None,
        quantities=quantities_from(inputs, version),
        tier=_tier_of(tier),
        region=region_of(region or COUNTRY),
    )
    reduction = reduce_period([activity], catalogue)[activity.key]
    return calculation_of(activity, reduction, catalogue)


def explain(activity: Activity, reduction: Reduction, catalogue: Catalogue) -> dict[str, Any]:
    """A stored reduction in full, from its own version whatever is valid today.

    Raises:
        UnknownVersion: the catalogue does not hold the version that booked it.
    """
    return calculation_of(activity, reduction, catalogue).as_dict()


def calculation_of(activity: Activity, reduction: Reduction, catalogue: Catalogue) -> Calculation:
    """The value behind `explain`."""
    day = day_of(activity.occurred_at)
    rule = catalogue.rule_of(reduction.version, day, activity.region)
    version = rule.version
    baseline, project = _sides(rule, reduction.allowed)
    return Calculation(
        methodology=version.methodology_id,
        action=version.action,
        title=dict(version.title),
        version=version.version,
        version_hash=version.hash,
        engine=reduction.engine,
        on=day.isoformat(),
        region=activity.region,
        tier=str(activity.tier),
        inputs=inputs_from(activity.quantities),
        allowed=dict(reduction.allowed),
        factors=_factors(rule, reduction.allowed),
        baseline=baseline,
        project=project,
        multiplier=version.multipliers[activity.tier],
        unrounded=reduction.unrounded,
        grams=reduction.grams,
        reason=reduction.reason,
        steps=_steps(activity, reduction, rule),
        sentences=sentences(activity, reduction, rule),
    )


def _tier_of(tier: str) -> Tier:
    if tier not in set(Tier):
        raise UnknownTier(f"{tier!r} is neither documented nor self_declared")
    return Tier(tier)


def _sides(rule: Rule, allowed: Mapping[str, int]) -> tuple[str, str]:
    counted = [(rule.terms[name], amount) for name, amount in allowed.items()]
    baseline = sum(term.baseline * amount for term, amount in counted)
    project = sum(term.project * amount for term, amount in counted)
    return decimal_text(baseline, rule.places), decimal_text(project, rule.places)


def _factors(rule: Rule, counted: Mapping[str, int]) -> tuple[dict[str, Any], ...]:
    """Rows behind the counted quantities; version, day and region determine them."""
    ids = dict.fromkeys(row_id for name in counted for row_id in rule.terms[name].factors)
    return tuple(_shown(rule.version.factors[row_id]) for row_id in ids)


def _shown(factor: EmissionFactor) -> dict[str, Any]:
    row = factor.content()
    days = ("published_on", "valid_from", "valid_until")
    return row | {name: row[name] and row[name].isoformat() for name in days}


def _steps(activity: Activity, reduction: Reduction, rule: Rule) -> tuple[str, ...]:
    baseline, project = _sides(rule, reduction.allowed)
    multiplier = rule.version.multipliers[activity.tier]
    counted = [(rule.terms[name], amount) for name, amount in reduction.allowed.items()]
    return (
        *(_allowance(term, amount, activity, reduction) for term, amount in counted),
        *(
            _product("baseline", term.baseline_factors, term, amount, rule)
            for term, amount in counted
        ),
        *(
            _product("project", term.project_factors, term, amount, rule)
            for term, amount in counted
        ),
        f"baseline - project, at least 0: {baseline} g - {project} g",
        f"x {multiplier} ({activity.tier}): {reduction.unrounded} g",
        f"rounded down once to whole grams: {reduction.grams} g",
    )


def _allowance(term: Term, amount: int, activity: Activity, reduction: Reduction) -> str:
    quantity = quantity_of(term.quantity)
    given, counted, most = (
        decimal_text(number, quantity.shift)
        for number in (activity.quantities[term.quantity], amount, term.cap.most)
    )
    times = f" x {term.cap.per}" if term.cap.per else ""
    why = f", {reduction.reason}" if amount < activity.quantities[term.quantity] else ""
    unit = quantity.given_unit
    return f"{term.quantity}: {given} {unit} given, {counted} counted (cap {most}{times}{why})"


def _product(side: str, names: tuple[str, ...], term: Term, amount: int, rule: Rule) -> str:
    if not names:
        return f"{side} {term.quantity}: 0 g"
    quantity = quantity_of(term.quantity)
    rows = [rule.version.factors[name] for name in names]
    factors = " x ".join(f"{row.value} {row.numerator}/{row.denominator}" for row in rows)
    counted = decimal_text(amount, quantity.shift)
    product = decimal_text(amount * getattr(term, side), rule.places)
    return f"{side} {term.quantity}: {counted} {quantity.given_unit} x {factors} = {product} g"
