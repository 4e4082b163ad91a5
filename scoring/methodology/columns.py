"""Known columns of figures: what a table of a data year must contain.

A public repository has the grid factors of 2021 and 2022 swapped, and nothing in the numbers
themselves shows it. So each column on record has anchors, read from the press and the ministry's
own statements rather than from the table, and a checksum over all its rows.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

from scoring.methodology.factor import EmissionFactor
from scoring.methodology.faults import Faults
from scoring.methodology.record import Record, parse_toml
from scoring.methodology.refusals import YearsSwapped

Name = tuple[str, str, int]


class Column(NamedTuple):
    """One data year of one series on record.

    Attributes:
        anchors: value by region, from another source than the table.
        sha256: of the sorted lines `region value`, see `checksum`.
    """

    key: str
    series: str
    data_year: int
    anchors: dict[str, str]
    sha256: str


def refuse_swapped(rows: Iterable[EmissionFactor]) -> None:
    """Refuse columns on record that carry other values, and say whose they are.

    Raises:
        YearsSwapped: the first column that differs, with the others attached.
    """
    found: dict[Name, dict[str, str]] = defaultdict(dict)
    for row in rows:
        found[row.key, row.series, row.data_year][row.region] = row.value
    faults = Faults()
    for column in columns_on_record():
        values = found.get((column.key, column.series, column.data_year))
        if values is not None:
            faults.attempt(_compare, column, values)
    faults.settle()


@lru_cache(maxsize=1)
def columns_on_record() -> tuple[Column, ...]:
    """The packaged `columns.toml`, read once per process."""
    text = (files("scoring.methodology") / "columns.toml").read_text("utf-8")
    file = Record("columns.toml", parse_toml("columns.toml", text))
    return tuple(_read_column(row) for row in file.records("column"))


def checksum(values: dict[str, str]) -> str:
    """SHA-256 over the sorted lines `region value`, 64 hex digits."""
    lines = "".join(f"{region} {value}\n" for region, value in sorted(values.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def _compare(column: Column, values: dict[str, str]) -> None:
    where = f"{column.key} of {column.series}, data year {column.data_year}"
    do = "Read the table of that year again; one public copy has 2021 and 2022 exchanged"
    for region, expected in column.anchors.items():
        given = values.get(region)
        if given != expected:
            owner = _year_of(region, given)
            what = f"{region} is {given}{owner}, on record is {expected}"
            raise YearsSwapped(where, what, do)
    if checksum(values) != column.sha256:
        what = f"{len(values)} rows differ from the checksum on record"
        raise YearsSwapped(where, what, do)


def _year_of(region: str, value: str | None) -> str:
    years = [each.data_year for each in columns_on_record() if each.anchors.get(region) == value]
    return f" (that is {years[0]})" if years and value else ""


def _read_column(row: Record) -> Column:
    column = Column(
        key=row.text("key"),
        series=row.text("series"),
        data_year=row.integer("data_year"),
        anchors=row.record("anchors").rest(),
        sha256=row.text("sha256"),
    )
    row.text("read_from")
    row.close()
    return column
