"""Emission factors as dated, sourced rows, and how a factor file is read.

A file holds `[source.NAME]` tables, optional `[defaults]` shared by its rows, and `factor` rows.
Once a published version selects from a file, the file is never edited: a new figure is a new file.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from typing import Any

from scoring.methodology.record import Record, parse_toml
from scoring.methodology.refusals import (
    FactorWithoutSource,
    FactorWithoutUnit,
    FieldInvalid,
    ValidityOverlaps,
)
from scoring.methodology.units import UNITS, Ratio

# Status codes of the reference: verified twice, once, once weakly; derived; assumed; from memory.
STATUSES = frozenset({"V2", "V1", "V1w", "D", "A", "M"})
GASES = frozenset({"CO2", "CO2e", "none"})
GWP_SETS = frozenset({"AR4", "AR5", "AR6", "unknown", "none"})
# How exactly `published_on` is known; it is the last day that fits, so no factor comes too early.
PRECISIONS = frozenset({"day", "month", "year", "no_later_than"})


@dataclass(frozen=True, slots=True)
class Source:
    """The document that a factor stands on; `seen_at` is the copy that was read, if another."""

    issuer: str
    title: str
    number: str
    url: str
    seen_at: str


@dataclass(frozen=True, slots=True)
class EmissionFactor:
    """One immutable row.

    Attributes:
        id: unique in the catalogue.
        key: what it measures; rows of one key compete by region, data year and value.
        value: exact decimal in `numerator` per `denominator`.
        gas_basis: CO2, CO2e, or none for a factor that is not an emission (kg of food per meal).
        gwp_set: assessment report behind CO2e.
        region: where it applies: `CN` or six digits of GB/T 2260.
        data_region: where it was measured.
        series: publication whose later data years replace its earlier ones.
        valid_until: last day of use; None is open-ended.
        status: how well it is verified, see `STATUSES`.
    """

    id: str
    key: str
    value: str
    numerator: str
    denominator: str
    gas_basis: str
    gwp_set: str
    region: str
    data_region: str
    series: str
    data_year: int
    published_on: date
    published_precision: str
    valid_from: date
    valid_until: date | None
    status: str
    locator: str
    derivation: str
    source: Source

    @property
    def ratio(self) -> Ratio:
        """Unit of the value."""
        return Ratio(self.numerator, self.denominator)

    @property
    def amount(self) -> Decimal:
        """The value as an exact number."""
        return Decimal(self.value)

    def applies_on(self, day: date) -> bool:
        """Whether an activity of `day` may use it: valid, and published by then."""
        if day < self.valid_from or day < self.published_on:
            return False
        return self.valid_until is None or day <= self.valid_until

    def content(self) -> dict[str, Any]:
        """Every field, for the hash and for answers."""
        row = {field.name: getattr(self, field.name) for field in fields(self)}
        row["source"] = {field.name: getattr(self.source, field.name) for field in fields(Source)}
        return row


def read_factors(where: str, text: str) -> tuple[EmissionFactor, ...]:
    """All rows of one factor file.

    Raises:
        CatalogueBroken: a row without source, unit or any other field; overlapping validity.
    """
    file = Record(where, parse_toml(where, text))
    sources = _read_sources(file.optional_record("source"))
    defaults = file.optional_record("defaults").rest()
    rows = tuple(
        _read_row(Record(row.where, {**defaults, **row.rest()}), sources)
        for row in file.records("factor")
    )
    file.close()
    return rows


def refuse_conflicts(rows: tuple[EmissionFactor, ...]) -> None:
    """Refuse repeated ids, keys measured in two units, and rows of one series that share a day."""
    by_id = {row.id: row for row in rows}
    if len(by_id) != len(rows):
        raise ValidityOverlaps("two factors share one id")
    ratios: dict[str, Ratio] = {}
    for row in rows:
        if ratios.setdefault(row.key, row.ratio) != row.ratio:
            raise FactorWithoutUnit(f"{row.id}: all rows of {row.key} must share one unit")
    _refuse_overlaps(rows)


def _refuse_overlaps(rows: tuple[EmissionFactor, ...]) -> None:
    ends: dict[tuple[str, str, str, int], date] = {}
    for row in sorted(rows, key=lambda row: row.valid_from):
        place = (row.key, row.region, row.series, row.data_year)
        if place in ends and row.valid_from <= ends[place]:
            raise ValidityOverlaps(f"{row.id}: another row of {place} is valid on {row.valid_from}")
        ends[place] = row.valid_until or date.max


def _read_sources(table: Record) -> dict[str, Source]:
    return {
        name: _read_source(Record(f"{table.where} {name}", fields_))
        for name, fields_ in table.rest().items()
    }


def _read_source(row: Record) -> Source:
    source = Source(
        issuer=row.text("issuer"),
        title=row.text("title"),
        number=row.optional_text("number"),
        url=row.optional_text("url"),
        seen_at=row.optional_text("seen_at"),
    )
    row.close()
    return source


def _read_row(row: Record, sources: Mapping[str, Source]) -> EmissionFactor:
    factor = EmissionFactor(
        id=row.text("id"),
        key=row.text("key"),
        value=row.decimal("value"),
        numerator=_read_unit(row, "numerator"),
        denominator=_read_unit(row, "denominator"),
        gas_basis=row.one_of("gas_basis", GASES),
        gwp_set=row.one_of("gwp_set", GWP_SETS),
        region=row.text("region"),
        data_region=row.text("data_region"),
        series=row.text("series"),
        data_year=row.integer("data_year"),
        published_on=row.day("published_on"),
        published_precision=row.one_of("published_precision", PRECISIONS),
        valid_from=row.day("valid_from"),
        valid_until=row.optional_day("valid_until"),
        status=row.one_of("status", STATUSES),
        locator=row.text("locator"),
        derivation=row.optional_text("derivation"),
        source=_find_source(row, sources),
    )
    row.close()
    _check_gas(factor)
    return factor


def _read_unit(row: Record, name: str) -> str:
    unit = row.optional_text(name)
    if unit not in UNITS:
        raise FactorWithoutUnit(f"{row.where}: {name} {unit!r} is not in the table of units")
    return unit


def _find_source(row: Record, sources: Mapping[str, Source]) -> Source:
    name = row.optional_text("source")
    if name not in sources:
        raise FactorWithoutSource(f"{row.where}: source {name!r} is not described in the file")
    return sources[name]


def _check_gas(factor: EmissionFactor) -> None:
    emits = UNITS[factor.numerator].dimension == "emission"
    expected = ("CO2e" if factor.numerator.endswith("e") else "CO2") if emits else "none"
    if factor.gas_basis != expected:
        raise FieldInvalid(f"{factor.id}: gas basis {factor.gas_basis} of unit {factor.numerator}")
    if (factor.gwp_set == "none") != (factor.gas_basis != "CO2e"):
        raise FieldInvalid(f"{factor.id}: a GWP set belongs to CO2e, and to nothing else")
    if factor.valid_until is not None and factor.valid_until < factor.valid_from:
        raise FieldInvalid(f"{factor.id}: valid_until is before valid_from")
