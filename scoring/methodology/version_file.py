"""Reading and checking one methodology file against the factor rows that it names."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from scoring.methodology.factor import GWP_SETS, EmissionFactor
from scoring.methodology.quantities import QUANTITIES, kind_of, quantity_of
from scoring.methodology.record import Record, parse_toml
from scoring.methodology.refusals import FieldInvalid, UnitsDoNotCancel, ValidityGap
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

FactorSets = Mapping[str, tuple[EmissionFactor, ...]]


def read_version(where: str, text: str, sets: FactorSets) -> MethodologyVersion:
    """One version, complete or refused.

    Raises:
        CatalogueBroken: a field is missing, unknown or invalid; units do not cancel; a factor is
            not there on the first day.
    """
    file = parse_toml(where, text)
    record = Record(where, file)
    formulas = tuple(_read_formula(row) for row in record.records("formula"))
    factors = _selectable(where, record, formulas, sets)
    content = canonical(file, factors)
    version = MethodologyVersion(
        methodology_id=_matching(record, "id", METHODOLOGY_ID),
        version=_matching(record, "version", SEMVER),
        hash=content_hash(content),
        action=record.text("action"),
        title={"zh": record.text("title_zh"), "en": record.text("title_en")},
        kind=record.one_of("kind", frozenset({"scene", "project"})),
        valid_from=record.day("valid_from"),
        valid_until=record.optional_day("valid_until"),
        review_due=record.day("review_due"),
        period=record.one_of("period", frozenset({"day", "year"})),
        late_window_hours=record.integer("late_window_hours"),
        exclusion=record.optional_text("exclusion"),
        combine=record.one_of("combine", frozenset({"sum", "first_given"})),
        gas_basis=record.one_of("gas_basis", frozenset({"CO2", "CO2e"})),
        multipliers=_read_multipliers(record.record("multiplier")),
        formulas=formulas,
        caps=_read_caps(record),
        narrative=_read_narrative(record.record("narrative")),
        evidence=_read_evidence(record.record("evidence")),
        examples=tuple(_read_example(row) for row in record.records("example")),
        factors={row.id: row for row in factors},
        content=content,
    )
    record.close()
    _check(where, version)
    return version


def _matching(record: Record, name: str, pattern: re.Pattern[str]) -> str:
    found = record.text(name)
    if pattern.fullmatch(found) is None:
        raise FieldInvalid(f"{record.where}: {name} {found!r} has the wrong form")
    return found


def _read_formula(row: Record) -> Formula:
    formula = Formula(row.text("quantity"), row.texts("baseline"), row.texts("project"))
    row.close()
    if kind_of(formula.quantity) not in QUANTITIES or not formula.baseline:
        raise FieldInvalid(f"{row.where}: needs a known quantity and a baseline")
    return formula


def _selectable(
    where: str, record: Record, formulas: tuple[Formula, ...], sets: FactorSets
) -> tuple[EmissionFactor, ...]:
    """Rows of the named sets whose key a formula uses: all that this version can ever select."""
    names = record.texts("factor_sets")
    gwp_sets = frozenset(record.texts("gwp_sets"))
    if len(gwp_sets) > 1:
        record.text("gwp_reason")  # a mixture needs its reason in the file, and in the hash
    if unknown := set(names) - set(sets):
        raise FieldInvalid(f"{where}: no factor file {sorted(unknown)}")
    keys = {key for formula in formulas for key in (*formula.baseline, *formula.project)}
    rows = tuple(row for name in names for row in sets[name] if row.key in keys)
    if not gwp_sets <= GWP_SETS or not {row.gwp_set for row in rows} <= {
        *gwp_sets,
        "none",
    }:
        raise FieldInvalid(f"{where}: gwp_sets does not state the GWP sets of its factors")
    return rows


def _read_multipliers(row: Record) -> dict[Tier, str]:
    multipliers = {tier: row.decimal(tier) for tier in Tier}
    row.text("reason")
    row.close()
    return multipliers


def _read_caps(record: Record) -> dict[str, Cap]:
    caps = [_read_cap(row) for row in record.records("cap")]
    by_quantity = {cap.quantity: cap for cap in caps}
    if len(by_quantity) != len(caps):
        raise FieldInvalid(f"{record.where}: two caps on one quantity")
    return by_quantity


def _read_cap(row: Record) -> Cap:
    name = row.one_of("quantity", frozenset(QUANTITIES))
    unit = row.one_of("unit", frozenset(UNITS))
    if UNITS[unit].dimension != UNITS[quantity_of(name).unit].dimension:
        raise UnitsDoNotCancel(f"{row.where}: a cap on {name} is not counted in {unit}")
    per = row.optional_text("per")
    cap = Cap(
        quantity=name,
        most=row.integer("most") * 10 ** UNITS[unit].exponent,
        per=per,
        per_most=row.integer("per_most") if per else 1,
        reason=row.text("reason"),
    )
    row.close()
    return cap


def _read_narrative(row: Record) -> dict[str, str]:
    names = (
        "baseline_zh",
        "baseline_en",
        "project_zh",
        "project_en",
        "applies_zh",
        "applies_en",
    )
    narrative = {name: row.text(name) for name in names}
    row.close()
    return narrative


def _read_evidence(row: Record) -> dict[Tier, tuple[str, ...]]:
    evidence = {tier: row.texts(tier) for tier in Tier}
    row.close()
    return evidence


def _read_example(row: Record) -> Example:
    inputs: dict[str, Any] = row.record("inputs").rest()
    example = Example(
        inputs=inputs,
        region=row.optional_text("region") or "CN",
        tier=Tier(row.one_of("tier", frozenset(Tier))),
        arithmetic=row.text("arithmetic"),
        grams=row.integer("grams"),
    )
    row.close()
    return example


def _check(where: str, version: MethodologyVersion) -> None:
    if version.exclusion not in {"", "trip", "no_drive_day"}:
        raise FieldInvalid(f"{where}: exclusion {version.exclusion!r} is not known")
    if version.late_window_hours > LATE_WINDOW_HOURS_MAX:
        raise FieldInvalid(f"{where}: late_window_hours is above {LATE_WINDOW_HOURS_MAX}")
    _check_days(where, version)
    if {kind_of(formula.quantity) for formula in version.formulas} != set(version.caps):
        raise FieldInvalid(f"{where}: each kind of quantity needs one cap, and each cap a quantity")
    if len({formula.quantity for formula in version.formulas}) != len(version.formulas):
        raise FieldInvalid(f"{where}: two formulas for one quantity")
    for formula in version.formulas:
        for keys in (formula.baseline, formula.project):
            _check_product(where, version, formula.quantity, keys)


def _check_days(where: str, version: MethodologyVersion) -> None:
    first = version.valid_from
    # The 28th exists in every year, unlike a 29 February.
    latest = date(first.year + REVIEW_YEARS_MAX, first.month, min(first.day, 28))
    if not first < version.review_due <= latest:
        raise FieldInvalid(f"{where}: review_due must follow within {REVIEW_YEARS_MAX} years")
    if version.valid_until is not None and version.valid_until < first:
        raise FieldInvalid(f"{where}: valid_until is before valid_from")


def _check_product(
    where: str, version: MethodologyVersion, quantity: str, keys: tuple[str, ...]
) -> None:
    rows = [_row_of(where, version, key) for key in keys]
    if not rows:
        return
    exponent_of_product(quantity_of(quantity).unit, [row.ratio for row in rows])
    if version.gas_basis not in {row.gas_basis for row in rows}:
        raise FieldInvalid(f"{where}: gas_basis of {quantity} is not {version.gas_basis}")


def _row_of(where: str, version: MethodologyVersion, key: str) -> EmissionFactor:
    for row in version.factors.values():
        if row.key == key and row.applies_on(version.valid_from):
            return row
    raise ValidityGap(f"{where}: no factor {key} on {version.valid_from}")
