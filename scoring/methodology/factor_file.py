"""Reading factor files, and refusing rows that contradict each other.

A file holds `[source.NAME]` tables, optional `[defaults]` shared by its rows, and `factor` rows.
Once a published version selects from a file, the file is never edited: a new figure is a new file.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from itertools import pairwise

from scoring.methodology.factor import (
    GASES,
    GWP_SETS,
    PRECISIONS,
    STATUSES,
    EmissionFactor,
    Source,
)
from scoring.methodology.faults import Faults
from scoring.methodology.record import Record, parse_toml
from scoring.methodology.refusals import (
    FactorWithoutSource,
    FactorWithoutUnit,
    FieldInvalid,
    ValidityGap,
    ValidityOverlaps,
)
from scoring.methodology.regions import is_known_place
from scoring.methodology.units import UNITS, Ratio

Place = tuple[str, str, str, int]


def read_factors(where: str, text: str) -> tuple[EmissionFactor, ...]:
    """All rows of one factor file.

    Raises:
        CatalogueBroken: a row without source, unit or any other field; all faults are attached.
    """
    faults = Faults()
    file = Record(where, parse_toml(where, text))
    sources = _read_sources(file.optional_record("source"), faults)
    defaults = file.optional_record("defaults").rest()
    rows = faults.each(
        (Record(row.where, {**defaults, **row.rest()}) for row in file.records("factor")),
        lambda row: _read_row(row, sources),
    )
    faults.attempt(file.close)
    faults.settle()
    return rows


def refuse_conflicts(rows: Iterable[EmissionFactor]) -> None:
    """Refuse repeated ids, keys measured in two units, and rows of one series that share a day.

    Raises:
        CatalogueBroken: the first conflict, with the others attached.
    """
    faults = Faults()
    ids: set[str] = set()
    ratios: dict[str, Ratio] = {}
    series: dict[Place, list[EmissionFactor]] = defaultdict(list)
    for row in rows:
        faults.attempt(_refuse_repeated, row, ids)
        faults.attempt(_refuse_second_unit, row, ratios.setdefault(row.key, row.ratio))
        series[row.key, row.region, row.series, row.data_year].append(row)
    for place, of_place in series.items():
        faults.attempt(_refuse_bad_succession, place, of_place)
    faults.settle()


def _refuse_repeated(row: EmissionFactor, ids: set[str]) -> None:
    if row.id in ids:
        raise ValidityOverlaps(f"factor {row.id}", "two rows share this id", "Rename one of them")
    ids.add(row.id)


def _refuse_second_unit(row: EmissionFactor, ratio: Ratio) -> None:
    if row.ratio != ratio:
        what = f"{row.key} is measured in {'/'.join(row.ratio)} here, elsewhere {'/'.join(ratio)}"
        do = "Give all rows of one key one unit, or this one a key of its own"
        raise FactorWithoutUnit(f"factor {row.id}", what, do)


def _refuse_bad_succession(place: Place, rows: list[EmissionFactor]) -> None:
    for earlier, later in pairwise(sorted(rows, key=lambda row: row.valid_from)):
        where = f"factor {later.id}"
        ends = earlier.valid_until or date.max
        if later.valid_from <= ends:
            what = f"{earlier.id} of {place} is valid on {later.valid_from} too"
            raise ValidityOverlaps(where, what, f"End {earlier.id} the day before it begins")
        if later.valid_from > ends + timedelta(days=1):
            what = f"no row of {place} is valid between {ends} and {later.valid_from}"
            raise ValidityGap(where, what, "Let it begin the day after the earlier row ends")


def _read_sources(table: Record, faults: Faults) -> dict[str, Source]:
    given = [Record(f"{table.where}.{name}", fields) for name, fields in table.rest().items()]
    names = [row.where.rpartition(".")[2] for row in given]
    read = [faults.attempt(_read_source, row) for row in given]
    return {name: source for name, source in zip(names, read, strict=True) if source}


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
    for fault in _inconsistencies(factor):
        row.fault(FieldInvalid, *fault)
    row.close()
    return factor


def _read_unit(row: Record, name: str) -> str:
    unit = row.optional_text(name)
    if unit not in UNITS:
        do = f"Give {name}: one of {', '.join(UNITS)}"
        row.fault(FactorWithoutUnit, f"{name} {unit!r} is not in the table of units", do)
        return "g"
    return unit


def _find_source(row: Record, sources: Mapping[str, Source]) -> Source:
    name = row.optional_text("source")
    if name not in sources:
        do = "Name a [source.NAME] table of this file, with issuer and title"
        row.fault(FactorWithoutSource, f"source {name!r} is not described in the file", do)
        return Source("", "", "", "", "")
    return sources[name]


def _inconsistencies(factor: EmissionFactor) -> Iterable[tuple[str, str]]:
    """What is wrong between the fields of a row, and what to do."""
    emits = UNITS[factor.numerator].dimension == "emission"
    gas = ("CO2e" if factor.numerator.endswith("e") else "CO2") if emits else "none"
    if factor.gas_basis != gas:
        yield f"gas_basis {factor.gas_basis} of unit {factor.numerator}", f'Write "{gas}"'
    if (factor.gwp_set == "none") != (factor.gas_basis != "CO2e"):
        yield (
            f"gwp_set {factor.gwp_set} with gas_basis {factor.gas_basis}",
            "Give the GWP set of CO2e, and none to anything else",
        )
    if factor.valid_until is not None and factor.valid_until < factor.valid_from:
        yield "valid_until is before valid_from", "Exchange the two days"
    if factor.published_on.year < factor.data_year:
        yield (
            f"published on {factor.published_on}, before its data year {factor.data_year}",
            "Look both up in the source again",
        )
    if not is_known_place(factor.region):
        yield f"region {factor.region!r} is not known", "Give CN or six digits of GB/T 2260"
