"""Emission factors as dated, sourced rows."""

from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from typing import Any

from scoring.methodology.units import Ratio

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
