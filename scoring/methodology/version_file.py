"""Reading and checking one methodology file against the factor rows that it names."""

import re
from collections.abc import Iterable, Mapping
from datetime import MAXYEAR, date
from typing import Any

from scoring.methodology.factor import GWP_SETS, EmissionFactor
from scoring.methodology.faults import Faults
from scoring.methodology.quantities import QUANTITIES, kind_of, quantity_of
from scoring.methodology.record import Record, parse_toml
from scoring.methodology.refusals import (
    CatalogueBroken,
    FieldInvalid,
    UnitsDoNotCancel,
    ValidityGap,
)
from scoring.methodology.units import UNITS, exponent_of_product
from scoring.methodology.values import Tier
from scoring.methodology.version import (
    Cap,
    Example,
    Formula,
    MethodologyVersion,
    canonical,
    content_hash,
)

SEMVER = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)", re.ASCII)
METHODOLOGY_ID = re.compile(r"[A-Z]+(-[A-Z]+)+-\d{2}", re.ASCII)
REVIEW_YEARS_MAX = 5  # every methodology is looked at again within five years, as Verra does
LATE_WINDOW_HOURS_MAX = 24 * 400  # a tree is verified a year after planting, plus a month
EXCLUSIONS = frozenset({"trip", "no_drive_day"})
NARRATIVE = (
    *("baseline_zh", "baseline_en", "project_zh", "project_en"),
    *("applies_zh", "applies_en"),
)

FactorSets = Mapping[str, tuple[EmissionFactor, ...]]


def read_version(where: str, text: str, sets: FactorSets) -> MethodologyVersion:
    """One version, complete or refused.

    Raises:
        CatalogueBroken: a field is missing, unknown or invalid; units do not cancel; a factor is
            not there on the first day. All faults of the file are attached.
    """
    faults = Faults()
    version = _read(where, parse_toml(where, text), sets, faults)
    faults.settle()  # consistency is asked of a file whose fields are there
    for check in _CHECKS:
        for fault in check(where, version):
            faults.found.append(fault)
    faults.settle()
    return version


def _read(where: str, file: dict[str, Any], sets: FactorSets, faults: Faults) -> MethodologyVersion:
    record = Record(where, file)
    formulas = faults.each(record.records("formula"), _read_formula)
    factors = _selectable(record, formulas, sets)
    caps = faults.each(record.records("cap"), _read_cap)
    content = canonical(file, factors)
    version = MethodologyVersion(
        methodology_id=record.matching("id", METHODOLOGY_ID, "an id such as TPH-FOOD-01"),
        version=record.matching("version", SEMVER, "a version such as 1.0.0"),
        hash=content_hash(content),
        action=record.text("action"),
        title={"zh": record.text("title_zh"), "en": record.text("title_en")},
        kind=record.one_of("kind", frozenset({"scene", "project"})),
        valid_from=record.day("valid_from"),
        valid_until=record.optional_day("valid_until"),
        review_due=record.day("review_due"),
        period=record.one_of("period", frozenset({"day", "year"})),
        late_window_hours=record.integer("late_window_hours"),
        exclusion=record.one_of("exclusion", EXCLUSIONS) if "exclusion" in record else "",
        combine=record.one_of("combine", frozenset({"sum", "first_given"})),
        gas_basis=record.one_of("gas_basis", frozenset({"CO2", "CO2e"})),
        multipliers=faults.attempt(_read_multipliers, record) or {},
        formulas=formulas,
        caps={cap.quantity: cap for cap in caps},
        narrative=faults.attempt(_read_narrative, record) or {},
        evidence=faults.attempt(_read_evidence, record) or {},
        examples=faults.each(record.records("example"), _read_example),
        factors={row.id: row for row in factors},
        draft_reason=faults.attempt(_read_draft, record) if "draft" in record else None,
        content=content,
    )
    if len(version.caps) != len(caps):
        record.fault(FieldInvalid, "two caps on one quantity", "Remove one of them")
    faults.attempt(record.close)
    return version


def _read_formula(row: Record) -> Formula:
    formula = Formula(row.text("quantity"), row.texts("baseline"), row.texts("project"))
    if kind_of(formula.quantity) not in QUANTITIES:
        what = f"quantity {formula.quantity!r} is not known"
        row.fault(FieldInvalid, what, f"Give one of {', '.join(QUANTITIES)}")
    if not formula.baseline:
        row.fault(FieldInvalid, "no baseline", "Name the factor keys to multiply")
    row.close()
    return formula


def _selectable(
    record: Record, formulas: tuple[Formula, ...], sets: FactorSets
) -> tuple[EmissionFactor, ...]:
    """Rows of the named sets whose key a formula uses: all that this version can ever select."""
    names = record.texts("factor_sets")
    gwp_sets = frozenset(record.texts("gwp_sets"))
    if len(gwp_sets) > 1:
        record.text("gwp_reason")  # a mixture needs its reason in the file, and in the hash
    for name in sorted(set(names) - set(sets)):
        do = "Name files of the folder factors/, without .toml"
        record.fault(FieldInvalid, f"there is no factor file {name!r}", do)
    keys = {key for formula in formulas for key in (*formula.baseline, *formula.project)}
    rows = tuple(row for name in names for row in sets.get(name, ()) if row.key in keys)
    used = {row.gwp_set for row in rows} - {"none"}
    if not gwp_sets <= GWP_SETS or not used <= gwp_sets:
        what = f"gwp_sets {sorted(gwp_sets)} does not state those of its factors"
        record.fault(FieldInvalid, what, f"Write gwp_sets = {sorted(used)}")
    return rows


def _read_multipliers(record: Record) -> dict[Tier, str]:
    row = record.record("multiplier")
    multipliers = {tier: row.decimal(tier) for tier in Tier}
    row.text("reason")
    row.close()
    return multipliers


def _read_cap(row: Record) -> Cap:
    name = row.one_of("quantity", frozenset(QUANTITIES))
    unit = row.one_of("unit", frozenset(UNITS))
    most, per = row.integer("most"), row.optional_text("per")
    per_most = row.integer("per_most") if per else 1
    reason = row.text("reason")
    row.close()
    base = quantity_of(name).unit
    if UNITS[unit].dimension != UNITS[base].dimension:
        what = f"a cap on {name} is not counted in {unit}"
        raise UnitsDoNotCancel(row.where, what, f"Give a unit of {UNITS[base].dimension}")
    return Cap(name, most * 10 ** UNITS[unit].exponent, per, per_most, reason)


def _read_narrative(record: Record) -> dict[str, str]:
    row = record.record("narrative")
    narrative = {name: row.text(name) for name in NARRATIVE}
    row.close()
    return narrative


def _read_evidence(record: Record) -> dict[Tier, tuple[str, ...]]:
    row = record.record("evidence")
    evidence = {tier: row.texts(tier) for tier in Tier}
    row.close()
    return evidence


def _read_draft(record: Record) -> dict[str, str]:
    row = record.record("draft")
    reason = {"zh": row.text("reason_zh"), "en": row.text("reason_en")}
    row.close()
    return reason


def _read_example(row: Record) -> Example:
    inputs: dict[str, Any] = row.record("inputs").rest()
    example = Example(
        inputs=inputs,
        region=row.optional_text("region") or "CN",
        tier=Tier(row.one_of("tier", frozenset(Tier)) or Tier.DOCUMENTED),
        arithmetic=row.text("arithmetic"),
        grams=row.integer("grams"),
    )
    row.close()
    return example


def _check_days(where: str, version: MethodologyVersion) -> Iterable[CatalogueBroken]:
    first = version.valid_from
    # The 28th exists in every year, unlike a 29 February.
    year = min(first.year + REVIEW_YEARS_MAX, MAXYEAR)
    latest = date(year, first.month, min(first.day, 28))
    if not first < version.review_due <= latest:
        what = f"review_due {version.review_due} does not follow within {REVIEW_YEARS_MAX} years"
        yield FieldInvalid(where, what, f"Give a day up to {latest}")
    if version.valid_until is not None and version.valid_until < first:
        yield FieldInvalid(where, "valid_until is before valid_from", "Exchange the two days")
    if version.late_window_hours > LATE_WINDOW_HOURS_MAX:
        what = f"late_window_hours is above {LATE_WINDOW_HOURS_MAX}"
        yield FieldInvalid(where, what, "Give a shorter time in which evidence may arrive")


def _check_quantities(where: str, version: MethodologyVersion) -> Iterable[CatalogueBroken]:
    quantities = [formula.quantity for formula in version.formulas]
    counted = {kind_of(quantity) for quantity in quantities}
    if counted != set(version.caps):
        what = f"quantities {sorted(counted)} have caps on {sorted(version.caps)}"
        yield FieldInvalid(where, what, "Give each kind of quantity one [[cap]], and no other")
    for name in sorted({each for each in quantities if quantities.count(each) > 1}):
        yield FieldInvalid(where, f"two formulas for {name}", "Remove one of them")


def _check_formulas(where: str, version: MethodologyVersion) -> Iterable[CatalogueBroken]:
    for formula in version.formulas:
        at = f"{where}: formula ({formula.quantity})"
        faults = Faults()
        for keys in (formula.baseline, formula.project):
            faults.attempt(_check_product, at, version, formula.quantity, keys)
        yield from faults.found


def _check_product(
    where: str, version: MethodologyVersion, quantity: str, keys: tuple[str, ...]
) -> None:
    rows = [_row_of(where, version, key) for key in keys]
    if not rows:
        return
    try:
        exponent_of_product(quantity_of(quantity).unit, [row.ratio for row in rows])
    except UnitsDoNotCancel as left:
        raise UnitsDoNotCancel(where, left.what, left.do) from left
    if version.gas_basis not in {row.gas_basis for row in rows}:
        what = f"its factors are not counted in {version.gas_basis}"
        raise FieldInvalid(where, what, "Correct gas_basis, or choose factors of that gas")


def _row_of(where: str, version: MethodologyVersion, key: str) -> EmissionFactor:
    for row in version.factors.values():
        if row.key == key and row.applies_on(version.valid_from):
            return row
    do = "Name the factor file in factor_sets, or let the version begin later"
    raise ValidityGap(where, f"no factor {key} on {version.valid_from}", do)


def _check_statuses(where: str, version: MethodologyVersion) -> Iterable[CatalogueBroken]:
    remembered = [row.id for row in version.factors.values() if row.status == "M"]
    if remembered and version.draft_reason is None:
        what = f"{', '.join(remembered)} stands on memory alone"
        yield FieldInvalid(where, what, "Find the document, or keep the version a [draft]")


_CHECKS = (_check_days, _check_quantities, _check_formulas, _check_statuses)
