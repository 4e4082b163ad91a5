"""Data files: what the loader refuses, which version a day has, and what the hash stands for."""

from datetime import date, datetime, time

import pytest

from scoring.methodology import (
    SHANGHAI,
    Activity,
    NoVersion,
    Reduction,
    Tier,
    UnknownMethodology,
    UnknownVersion,
    load_catalogue,
    read_catalogue,
    reduce_period,
)
from scoring.methodology.refusals import (
    FactorWithoutSource,
    FactorWithoutUnit,
    FieldInvalid,
    FieldMissing,
    FieldUnknown,
    UnitsDoNotCancel,
    ValidityGap,
    ValidityOverlaps,
)
from scoring.methodology.rule import compile_rule

FACTORS = """
[source.paper]
issuer = "An institute"
title = "A paper"

[[factor]]
id = "ride-2025"
key = "ride"
value = "46"
numerator = "gCO2"
denominator = "ride"
gas_basis = "CO2"
gwp_set = "none"
region = "CN"
data_region = "CN"
series = "paper"
data_year = 2025
published_on = 2025-06-01
published_precision = "day"
valid_from = 2026-01-01
status = "V1"
locator = "table 1"
source = "paper"
"""

METHODOLOGY = """
id = "TPH-TEST-01"
version = "1.0.0"
action = "ride"
title_zh = "乘车"
title_en = "Ride"
kind = "scene"
valid_from = 2026-01-01
review_due = 2030-12-31
period = "day"
late_window_hours = 168
combine = "sum"
gas_basis = "CO2"
factor_sets = ["factors"]

[multiplier]
documented = "1.00"
self_declared = "0.50"
reason = "an example"

[evidence]
documented = ["partner_trip"]

[narrative]
applies_zh = "一"
applies_en = "a"
baseline_zh = "二"
baseline_en = "b"
project_zh = "三"
project_en = "c"

[[formula]]
quantity = "rides"
baseline = ["ride"]

[[cap]]
quantity = "rides"
most = 4
unit = "ride"
reason = "an example"
"""


def catalogue_of(*methodologies: str, factors: str = FACTORS):
    files = {f"{place}.toml": text for place, text in enumerate(methodologies)}
    return read_catalogue(files, {"factors.toml": factors})


def hash_of(methodology: str = METHODOLOGY, factors: str = FACTORS) -> str:
    return next(iter(catalogue_of(methodology, factors=factors))).hash


def later(text: str, version: str, valid_from: str) -> str:
    return text.replace("1.0.0", version).replace(
        "valid_from = 2026-01-01", f"valid_from = {valid_from}"
    )


def another_row(**changes: str) -> str:
    row = FACTORS[FACTORS.index("[[factor]]") :]
    for old, new in changes.items():
        row = row.replace(
            *{"id": ('"ride-2025"', new), "value": ('"46"', new)}.get(old, (old, new))
        )
    return row


def test_layout_and_comments_leave_the_hash_alone() -> None:
    loose = "# a remark\n" + METHODOLOGY.replace(" = ", "   =  ").replace("\n\n", "\n\n\n")
    assert hash_of(loose) == hash_of()
    assert len(hash_of()) == 64


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("most = 4", "most = 5"),
        ('self_declared = "0.50"', 'self_declared = "0.49"'),
        ('baseline_en = "b"', 'baseline_en = "d"'),
        ("review_due = 2030-12-31", "review_due = 2030-12-30"),
    ],
)
def test_any_content_of_the_file_changes_the_hash(old, new) -> None:
    assert hash_of(METHODOLOGY.replace(old, new)) != hash_of()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"46"', '"45"'),
        ("table 1", "table 2"),
        ("A paper", "Another"),
        ("2025-06-01", "2025-06-02"),
    ],
)
def test_any_content_of_a_selectable_factor_changes_the_hash(old, new) -> None:
    assert hash_of(factors=FACTORS.replace(old, new)) != hash_of()


def test_a_further_selectable_factor_is_a_further_version() -> None:
    row = another_row(id='"ride-2024"').replace("data_year = 2025", "data_year = 2024")
    assert hash_of(factors=FACTORS + row) != hash_of()


def test_a_factor_that_no_formula_names_leaves_the_hash_alone() -> None:
    row = another_row(id='"walk"').replace('key = "ride"', 'key = "walk"')
    assert hash_of(factors=FACTORS + row) == hash_of()


def test_the_packaged_hashes_are_those_on_record() -> None:
    # A published version is never edited: a change here needs a new file with a new version.
    on_record = {
        f"{each.methodology_id} {each.version}": each.hash[:16] for each in load_catalogue()
    }
    assert on_record == PUBLISHED


def test_the_version_is_the_one_of_the_day() -> None:
    catalogue = catalogue_of(METHODOLOGY, later(METHODOLOGY, "1.1.0", "2026-07-01"))
    versions = [
        catalogue.version_on("TPH-TEST-01", day).version
        for day in (date(2026, 1, 1), date(2026, 6, 30), date(2026, 7, 1), date(2029, 1, 1))
    ]
    assert versions == ["1.0.0", "1.0.0", "1.1.0", "1.1.0"]


def test_a_day_outside_all_versions_has_none() -> None:
    ends = METHODOLOGY.replace("review_due", "valid_until = 2026-12-31\nreview_due")
    catalogue = catalogue_of(ends)
    assert catalogue.version_on("TPH-TEST-01", date(2026, 12, 31)).version == "1.0.0"
    for day in (date(2025, 12, 31), date(2027, 1, 1)):
        with pytest.raises(NoVersion):
            catalogue.version_on("TPH-TEST-01", day)


def test_a_methodology_is_found_by_id_action_and_hash() -> None:
    catalogue = catalogue_of(METHODOLOGY)
    assert catalogue.methodology_of("ride") == catalogue.methodology_of("TPH-TEST-01")
    assert catalogue.version_of(hash_of()).methodology_id == "TPH-TEST-01"
    with pytest.raises(UnknownMethodology):
        catalogue.methodology_of("fly")
    with pytest.raises(UnknownVersion):
        catalogue.version_of("0" * 64)


@pytest.mark.parametrize(
    ("old", "new", "refusal"),
    [
        ('source = "paper"', "", FactorWithoutSource),
        ('source = "paper"', 'source = "hearsay"', FactorWithoutSource),
        ('numerator = "gCO2"', "", FactorWithoutUnit),
        ('denominator = "ride"', 'denominator = "furlong"', FactorWithoutUnit),
        ('denominator = "ride"', 'denominator = "meal"', UnitsDoNotCancel),
        ('numerator = "gCO2"', 'numerator = "gCO2e"', FieldInvalid),
        ('value = "46"', "value = 46.0", FieldInvalid),
        ('value = "46"', 'value = "4.6e1"', FieldInvalid),
        ('value = "46"', 'value = "-46"', FieldInvalid),
        ('value = "46"', 'value = "NaN"', FieldInvalid),
        ("published_on = 2025-06-01", "", FieldMissing),
        ('status = "V1"', 'status = "sure"', FieldInvalid),
        ('locator = "table 1"', 'locator = "table 1"\nlocater = "x"', FieldUnknown),
        ("valid_from = 2026-01-01", "valid_from = 2026-01-02", ValidityGap),
        ("published_on = 2025-06-01", "published_on = 2026-06-01", ValidityGap),
        ('title = "A paper"', 'title = ""', FieldInvalid),
    ],
)
def test_a_factor_file_is_refused_by_name(old, new, refusal) -> None:
    with pytest.raises(refusal):
        catalogue_of(METHODOLOGY, factors=FACTORS.replace(old, new))


@pytest.mark.parametrize(
    ("row", "refusal"),
    [
        # the same series and year, valid on the same days
        (another_row(id='"twin"'), ValidityOverlaps),
        (another_row(value='"47"'), ValidityOverlaps),
        (
            another_row(id='"kilos"')
            .replace('"gCO2"', '"kgCO2"')
            .replace("data_year = 2025", "data_year = 2024"),
            FactorWithoutUnit,
        ),
    ],
)
def test_rows_that_conflict_are_refused(row, refusal) -> None:
    with pytest.raises(refusal):
        catalogue_of(METHODOLOGY, factors=FACTORS + row)


@pytest.mark.parametrize(
    ("old", "new", "refusal"),
    [
        ('factor_sets = ["factors"]', 'factor_sets = ["others"]', FieldInvalid),
        ('id = "TPH-TEST-01"', 'id = "plate"', FieldInvalid),
        ('version = "1.0.0"', 'version = "v1"', FieldInvalid),
        ("review_due = 2030-12-31", "review_due = 2031-01-02", FieldInvalid),
        ("late_window_hours = 168", "late_window_hours = 9601", FieldInvalid),
        ('unit = "ride"\nreason', 'unit = "kg"\nreason', UnitsDoNotCancel),
        ('gas_basis = "CO2"', 'gas_basis = "CO2e"', FieldInvalid),
        ('quantity = "rides"\nmost', 'quantity = "meals"\nmost', UnitsDoNotCancel),
        ('reason = "an example"\n\n[evidence]', "[evidence]", FieldMissing),
        ('unit = "ride"\nreason = "an example"', 'unit = "ride"', FieldMissing),
        (
            "[[cap]]",
            '[[cap]]\nquantity = "rides"\nmost = 1\nunit = "ride"\nreason = "x"\n[[cap]]',
            FieldInvalid,
        ),
        ("[[cap]]", '[[formula]]\nquantity = "rides"\nbaseline = ["ride"]\n[[cap]]', FieldInvalid),
        ('combine = "sum"', 'combine = "sum"\nexclusion = "trips"', FieldInvalid),
        ('combine = "sum"', 'combine = "sum"\nexlusion = "trip"', FieldUnknown),
        ("most = 4", "most = 4.5", FieldInvalid),
        ("most = 4", "most = 0", FieldInvalid),
        ('title_en = "Ride"', "", FieldMissing),
        ("[multiplier]", "[multiplier", FieldInvalid),
    ],
)
def test_a_methodology_file_is_refused_by_name(old, new, refusal) -> None:
    assert old in METHODOLOGY
    with pytest.raises(refusal):
        catalogue_of(METHODOLOGY.replace(old, new))


@pytest.mark.parametrize(
    ("first", "second", "refusal"),
    [
        (METHODOLOGY, later(METHODOLOGY, "1.1.0", "2026-01-01"), ValidityOverlaps),
        (METHODOLOGY, later(METHODOLOGY, "0.9.0", "2026-07-01"), ValidityOverlaps),
        (
            METHODOLOGY.replace("review_due", "valid_until = 2026-07-01\nreview_due"),
            later(METHODOLOGY, "1.1.0", "2026-07-01"),
            ValidityOverlaps,
        ),
        (
            METHODOLOGY.replace("review_due", "valid_until = 2026-06-29\nreview_due"),
            later(METHODOLOGY, "1.1.0", "2026-07-01"),
            ValidityGap,
        ),
    ],
)
def test_versions_follow_each_other_without_overlap_or_gap(first, second, refusal) -> None:
    with pytest.raises(refusal):
        catalogue_of(first, second)


@pytest.mark.parametrize("first_day", ["2026-06-30", "2026-07-01"])
def test_rows_of_one_series_follow_each_other(first_day) -> None:
    ends = FACTORS.replace("status =", "valid_until = 2026-06-30\nstatus =")
    row = another_row(id='"later"').replace("2026-01-01", first_day)
    if first_day == "2026-07-01":
        assert len(list(catalogue_of(METHODOLOGY, factors=ends + row))) == 1
        return
    with pytest.raises(ValidityOverlaps):
        catalogue_of(METHODOLOGY, factors=ends + row)


def grams_of(catalogue, quantities, *days: date) -> list[int]:
    """Grams of one activity on each day, all in one period."""
    return [each.grams for each in reductions_of(catalogue, quantities, *days)]


def reductions_of(catalogue, quantities, *days: date) -> list[Reduction]:
    activities = [
        Activity(
            key=str(day),
            methodology_id="TPH-TEST-01",
            occurred_at=datetime.combine(day, time(12), SHANGHAI),
            ended_at=None,
            quantities=quantities,
            tier=Tier.DOCUMENTED,
            region="CN",
        )
        for day in days
    ]
    return list(reduce_period(activities, catalogue).values())


def test_a_version_that_lowers_a_yearly_cap_gives_nothing_back() -> None:
    yearly = METHODOLOGY.replace('"day"', '"year"')
    lower = later(yearly, "1.1.0", "2026-07-01").replace("most = 4", "most = 2")
    catalogue = catalogue_of(yearly, lower)
    # 3 rides of 46 under the cap of 4; the cap of 2 is passed already
    first, second = reductions_of(catalogue, {"rides": 3}, date(2026, 3, 1), date(2026, 8, 1))
    assert (first.grams, second.grams, second.allowed) == (138, 0, {"rides": 0})


@pytest.mark.parametrize(
    ("value", "rides", "unrounded"),
    # one unit of the last place, no leading zero lost, and nothing left over
    [("0.001", 1, "0.001"), ("0.05", 3, "0.15"), ("1.00", 2, "2"), ("10", 3, "30"), ("0", 1, "0")],
)
def test_the_unrounded_amount_keeps_every_digit(value, rides, unrounded) -> None:
    factors = FACTORS.replace('"46"', f'"{value}"')
    (found,) = reductions_of(
        catalogue_of(METHODOLOGY, factors=factors), {"rides": rides}, date(2026, 3, 1)
    )
    assert (found.unrounded, found.grams) == (unrounded, int(float(unrounded)))


@pytest.mark.parametrize(
    ("unit", "value", "grams"), [("kgCO2", "2", 6_000), ("tCO2", "0.001", 3_000)]
)
def test_a_factor_may_be_counted_in_any_mass(unit, value, grams) -> None:
    factors = FACTORS.replace('numerator = "gCO2"', f'numerator = "{unit}"')
    catalogue = catalogue_of(METHODOLOGY, factors=factors.replace('"46"', f'"{value}"'))
    (found,) = reductions_of(catalogue, {"rides": 3}, date(2026, 3, 1))
    assert (found.unrounded, found.grams) == (str(grams), grams)


def test_a_tier_is_compiled_to_the_smallest_whole_numbers() -> None:
    rule = compile_rule(next(iter(catalogue_of(METHODOLOGY))), date(2026, 3, 1), "CN")
    # 46 g a ride needs no decimals; 1.00 is 1 / 1 and 0.50 is 5 / 10
    assert rule.places == 0
    assert rule.weights == {Tier.DOCUMENTED: (1, 1), Tier.SELF_DECLARED: (5, 10)}


def project_row(value: str, series: str) -> str:
    row = another_row(id=f'"vehicle-{series}"', value=f'"{value}"')
    return row.replace('"ride"\nvalue', '"vehicle"\nvalue').replace('"paper"', f'"{series}"', 1)


def test_project_emissions_take_the_highest_and_never_go_below_zero() -> None:
    minus = METHODOLOGY.replace('baseline = ["ride"]', 'baseline = ["ride"]\nproject = ["vehicle"]')
    on = date(2026, 3, 1)
    # 46 - 30, not 46 - 10
    factors = FACTORS + project_row("10", "one") + project_row("30", "two")
    assert grams_of(catalogue_of(minus, factors=factors), {"rides": 1}, on) == [16]
    # 46 - 50 is floored
    factors = FACTORS + project_row("50", "one")
    assert grams_of(catalogue_of(minus, factors=factors), {"rides": 1}, on) == [0]


def test_both_sides_may_be_counted_in_kilograms() -> None:
    minus = METHODOLOGY.replace('baseline = ["ride"]', 'baseline = ["ride"]\nproject = ["vehicle"]')
    factors = (FACTORS + project_row("1", "one")).replace('"46"', '"2"')
    factors = factors.replace('numerator = "gCO2"', 'numerator = "kgCO2"')
    # 3 x (2,000 - 1,000)
    assert grams_of(catalogue_of(minus, factors=factors), {"rides": 3}, date(2026, 3, 1)) == [3_000]
    (found,) = reductions_of(catalogue_of(minus, factors=factors), {"rides": 3}, date(2026, 3, 1))
    assert found.unrounded == "3000"


def test_the_first_quantity_of_the_file_counts_where_one_counts() -> None:
    items = METHODOLOGY.replace(
        "[[cap]]",
        """[[formula]]
quantity = "items"
baseline = ["item"]

[[cap]]
quantity = "items"
most = 9
unit = "item"
reason = "an example"

[[cap]]""",
    )
    row = another_row(id='"item"', value='"1"').replace('key = "ride"', 'key = "item"')
    factors = FACTORS + row.replace('denominator = "ride"', 'denominator = "item"')
    both, on = {"items": 1, "rides": 1}, date(2026, 3, 1)
    assert grams_of(catalogue_of(items, factors=factors), both, on) == [47]
    first = items.replace('"sum"', '"first_given"')
    assert grams_of(catalogue_of(first, factors=factors), both, on) == [46]


def test_gwp_sets_are_stated_and_a_mixture_has_its_reason() -> None:
    carbon = FACTORS.replace('"gCO2"', '"gCO2e"').replace('"CO2"', '"CO2e"')
    carbon = carbon.replace('gwp_set = "none"', 'gwp_set = "AR5"')
    plain = METHODOLOGY.replace('"CO2"', '"CO2e"')
    stated = plain.replace("factor_sets", 'gwp_sets = ["AR5"]\nfactor_sets')
    assert len(list(catalogue_of(stated, factors=carbon))) == 1
    with pytest.raises(FieldInvalid):
        catalogue_of(plain, factors=carbon)
    with pytest.raises(FieldMissing):
        catalogue_of(stated.replace('"AR5"', '"AR5", "AR4"'), factors=carbon)


PUBLISHED: dict[str, str] = {
    "TPH-FOOD-01 1.0.0": "a7f822e81e9e7e09",
    "TPH-HOME-01 1.0.0": "58105abb60b7becd",
    "TPH-MARINE-01 1.0.0": "c54b79fa87757314",
    "TPH-MOB-01 1.0.0": "5f7b1411e4950f2d",
    "TPH-MOB-02 1.0.0": "f97c3f7a99e8a52e",
    "TPH-MOB-03 1.0.0": "2f9be028922834b0",
    "TPH-MOB-04 1.0.0": "a5b4a5687c294142",
    "TPH-MOB-05 1.0.0": "19fdb3f2844825df",
    "TPH-MOB-06 1.0.0": "cddfa8f0871ae4dd",
    "TPH-OFF-01 1.0.0": "905ea34c2138214a",
    "TPH-PACK-01 1.0.0": "39959726e4f78076",
    "TPH-TREE-01 1.0.0": "2f55cc52f106b3af",
    "TPH-WASTE-01 1.0.0": "0ab8aeb9380d9070",
    "TPH-WASTE-02 1.0.0": "83b29c5bfcb49df8",
    "TPH-WASTE-03 1.0.0": "9d0bc36a5433bb53",
    "TPH-WASTE-04 1.0.0": "63db09cbfd10034b",
}
