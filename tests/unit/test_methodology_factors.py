"""The packaged factors: grid columns, choice of a row, and pint's second opinion on units."""

from datetime import date
from decimal import Decimal

import pint
import pytest

from scoring.methodology import calculate, load_catalogue, region_named, region_of
from scoring.methodology.catalogue import packaged_texts, read_factor_sets
from scoring.methodology.factor import EmissionFactor
from scoring.methodology.quantities import QUANTITIES, quantity_of
from scoring.methodology.refusals import UnitsDoNotCancel, UnknownRegion
from scoring.methodology.regions import REGIONS
from scoring.methodology.rule import choose_factor, compile_rule
from scoring.methodology.units import UNITS, Ratio, exponent_of_product

ON = date(2026, 3, 1)
CATALOGUE = load_catalogue()
FACTORS = {
    row.id: row for rows in read_factor_sets(packaged_texts("factors")).values() for row in rows
}
GRID = CATALOGUE.version_on("TPH-HOME-01", ON).factors


@pytest.mark.parametrize("year", [2021, 2022, 2023])
def test_each_year_has_thirty_provinces(year) -> None:
    regions = {row.region for row in GRID.values() if row.data_year == year}
    assert len(regions) == 30
    assert region_of("西藏") not in regions


@pytest.mark.parametrize(
    ("region", "values"),
    [
        # One public repository has 2021 and 2022 swapped; Hubei rises and Zhejiang falls.
        ("浙江", ("0.5422", "0.5153", "0.4974")),
        ("湖北", ("0.3672", "0.4364", "0.4044")),
        ("北京", ("0.5688", "0.5580", "0.5554")),
        ("新疆", ("0.6577", "0.6231", "0.6021")),
    ],
)
def test_the_years_of_the_grid_are_not_swapped(region, values) -> None:
    code = region_of(region)
    assert tuple(GRID[f"grid-{year}-{code}"].value for year in (2021, 2022, 2023)) == values


def test_twenty_provinces_fell_and_ten_rose_in_2023() -> None:
    # The ministry's own statement about its table.
    fell = sum(
        row.amount < GRID[f"grid-2022-{row.region}"].amount
        for row in GRID.values()
        if row.data_year == 2023
    )
    assert fell == 20


@pytest.mark.parametrize(
    ("on", "grid"),
    [
        (date(2024, 4, 11), None),
        (date(2024, 4, 12), "grid-2021-330000"),
        (date(2024, 12, 19), "grid-2021-330000"),
        (date(2024, 12, 20), "grid-2022-330000"),
        (date(2025, 12, 31), "grid-2023-330000"),
    ],
)
def test_the_latest_year_published_by_the_day_counts(on, grid) -> None:
    chosen = choose_factor(GRID.values(), on, "330106", highest=False)
    assert (chosen.id if chosen else None) == grid


def make_factor(**changes) -> EmissionFactor:
    sample = GRID["grid-2023-330000"].content() | {"source": GRID["grid-2023-330000"].source}
    return EmissionFactor(**(sample | changes))


@pytest.mark.parametrize(
    ("rows", "highest", "chosen"),
    [
        # the narrowest region wins, whatever its value
        ([{"id": "city", "region": "330100", "value": "9"}, {"id": "province"}], False, "city"),
        ([{"id": "country", "region": "CN", "value": "0"}, {"id": "province"}], False, "province"),
        # between series the baseline takes the lowest, the project the highest
        ([{"id": "a"}, {"id": "b", "series": "other", "value": "0.6"}], False, "a"),
        ([{"id": "a"}, {"id": "b", "series": "other", "value": "0.6"}], True, "b"),
        # within one series the latest data year, also when it credits more
        ([{"id": "a", "data_year": 2022, "value": "0.1"}, {"id": "b"}], False, "b"),
        # the last day of validity still counts, the day after does not
        ([{"id": "a", "valid_until": ON}], False, "a"),
        ([{"id": "a", "valid_until": date(2026, 2, 28), "value": "0.1"}, {"id": "b"}], False, "b"),
        # values compare as numbers
        ([{"id": "a", "value": "10"}, {"id": "b", "series": "other", "value": "9"}], False, "b"),
    ],
)
def test_a_doubt_never_credits(rows, highest, chosen) -> None:
    factors = [make_factor(**row) for row in rows]
    found = choose_factor(factors, ON, "330106", highest=highest)
    assert found is not None
    assert found.id == chosen


@pytest.mark.parametrize(
    ("given", "code"),
    [("浙江", "330000"), ("CN-ZJ", "330000"), ("330106", "330106"), ("CN", "CN"), ("全国", "CN")],
)
def test_a_region_may_be_named(given, code) -> None:
    assert region_of(given) == code


@pytest.mark.parametrize("given", ["", "33", "33010a", "033010", "Zhejiang", "３３０１０６"])
def test_other_names_of_regions_are_refused(given) -> None:
    with pytest.raises(UnknownRegion):
        region_of(given)


@pytest.mark.parametrize("given", ["999999", "000000", "160000", "330006x", "331900"])
def test_a_code_outside_every_prefecture_is_refused(given) -> None:
    with pytest.raises(UnknownRegion):
        region_of(given)


@pytest.mark.parametrize(
    ("code", "day", "zh", "en"),
    [
        ("330000", date(2026, 11, 21), "浙江省", "Zhejiang"),
        ("330100", date(2026, 11, 21), "杭州市", "Hangzhou"),
        ("610100", date(2026, 11, 21), "西安市", "Xi'an"),
        ("530800", date(2026, 11, 21), "普洱市", "Pu'er"),
        ("222400", date(2026, 11, 21), "延边朝鲜族自治州", "Yanbian Autonomous Prefecture"),
        # renamed and dissolved ones keep their old name on the old days
        ("420600", date(2010, 5, 1), "襄樊市", "Xiangfan"),
        ("420600", date(2012, 5, 1), "襄阳市", "Xiangyang"),
        ("371200", date(2018, 5, 1), "莱芜市", "Laiwu"),
    ],
)
def test_a_code_has_its_name_of_the_day(code, day, zh, en) -> None:
    region = region_named(code, day)
    assert region is not None
    assert (region.zh, region.en) == (zh, en)


@pytest.mark.parametrize(
    ("code", "day"),
    [("371200", date(2026, 1, 1)), ("330106", date(2026, 1, 1)), ("330100", date(2000, 1, 1))],
)
def test_a_dissolved_place_a_county_and_an_early_day_have_no_name(code, day) -> None:
    assert region_named(code, day) is None


def test_the_table_of_places_is_whole() -> None:
    today = [row for row in REGIONS if row.valid_until is None]
    provinces = [row for row in today if row.code.endswith("0000")]
    assert (len(provinces), len(today) - len(provinces)) == (34, 342)
    assert len({row.code for row in today}) == len(today)
    for row in provinces:
        assert region_of(row.short) == region_of(row.iso) == row.code
        assert row.zh.startswith(row.short)
    assert all(row.zh and row.en and row.valid_from < date(2026, 1, 1) for row in REGIONS)


def value_of(name: str) -> Decimal:
    return FACTORS[name].amount


def test_every_figure_has_source_unit_and_date() -> None:
    assert len(FACTORS) == 292
    for row in FACTORS.values():
        assert row.source.issuer
        assert row.source.title
        assert row.source.number or row.source.url or row.source.seen_at or row.derivation
        assert row.locator


def test_what_is_no_electricity_factor_has_another_key() -> None:
    # 0.5777 is a footprint, 0.5703 and 0.5810 are averages for corporate reporting.
    keys = {row.key for row in FACTORS.values() if row.value in {"0.5777", "0.5703", "0.5810"}}
    assert keys == {"electricity_carbon_footprint", "reporting_grid_electricity"}
    assert {row.key for row in GRID.values()} == {"grid_electricity"}


@pytest.mark.parametrize(
    "material", ["aluminium_cans", "steel_cans", "pp", "corrugated_board", "mixed_paper"]
)
def test_a_british_difference_is_primary_minus_closed_loop(material) -> None:
    name = material.replace("_", "-")
    primary = value_of(f"primary-{name}-desnz-2025")
    closed = value_of(f"closed-loop-{name}-desnz-2025")
    stored = value_of(f"recycled-{name}-desnz-2025")
    assert stored <= primary - closed < stored + Decimal("0.0001")


@pytest.mark.parametrize(
    ("material", "landfilled"),
    # What WARM counts for landfilling, MTCO2E per short ton: inert waste 0.02, mixed paper 0.07.
    [
        ("aluminium-cans", "0.02"),
        ("glass", "0.02"),
        ("pet", "0.02"),
        ("hdpe", "0.02"),
        ("pp", "0.02"),
        ("mixed-plastics", "0.02"),
        ("mixed-paper", "0.07"),
    ],
)
def test_an_american_difference_is_landfilling_minus_recycling(material, landfilled) -> None:
    per_short_ton = value_of(f"recycled-{material}-warm-v16") * Decimal("0.90718474")
    recycling = value_of(f"warm-v16-recycling-{material}")
    assert abs(per_short_ton - recycling - Decimal(landfilled)) < Decimal("0.005")


def test_the_fixed_figures_follow_from_their_parameters() -> None:
    gas = Decimal("389.31") / 10_000 * Decimal("0.0153") * Decimal("0.99") * 44 / 12 * 1_000_000
    assert Decimal(0) <= gas - value_of("pipeline-gas-gbt-32151-2024") < Decimal("0.1")
    assert value_of("no-drive-day-beijing-2008") == Decimal(8_895_000_000) / 81_670 / 63 // 1
    assert Decimal(5_980) / 22 / 16 < value_of("e-bike-beijing-2019") < Decimal("17.1")
    assert value_of("a4-sheet-70gsm") == Decimal("0.210") * Decimal("0.297") * Decimal("0.070")


def registry() -> pint.UnitRegistry:
    units = pint.UnitRegistry(non_int_type=Decimal)
    for base in (
        "gCO2e",
        "meal",
        "ride",
        "order",
        "box",
        "sheet",
        "tree",
        "item",
        "footfall",
        "pm",
    ):
        units.define(f"{base} = [{base}]")
    units.define("vkm = [vkm]")
    units.define("kgCO2e = 1000 * gCO2e")
    units.define("tCO2e = 1000000 * gCO2e")
    units.define("tCO2 = 1000000 * gCO2e")
    units.define("gCO2 = gCO2e")
    units.define("kgCO2 = 1000 * gCO2e")
    units.define("pkm = 1000 * pm")
    return units


def test_pint_agrees_with_every_compiled_factor() -> None:
    units = registry()
    # day is a time and step no unit to pint; here they are counted things
    names = {"day": "item", "step": "footfall", "m3": "m**3"}
    for version in (*CATALOGUE, *CATALOGUE.drafts):
        rule = compile_rule(version, max(ON, version.valid_from), "330106")
        for term in rule.terms.values():
            quantity = quantity_of(term.quantity)
            for ids, compiled in (
                (term.baseline_factors, term.baseline),
                (term.project_factors, term.project),
            ):
                if not ids:
                    assert compiled == 0
                    continue
                product = units.Quantity(Decimal(1), names.get(quantity.unit, quantity.unit))
                for row in (version.factors[name] for name in ids):
                    below = names.get(row.denominator, row.denominator)
                    product *= units.Quantity(row.amount, f"{row.numerator} / ({below})")
                grams = product.to("gCO2e").magnitude
                assert grams == Decimal(compiled).scaleb(-rule.places), term.quantity


def test_pint_agrees_with_the_scale_of_every_unit() -> None:
    units = registry()
    for name, unit in UNITS.items():
        base = next(each for each, other in UNITS.items() if other == (unit.dimension, 0))
        pint_names = {"m3": "m**3", "L": "liter", "step": "footfall", "day": "item"}
        one = units.Quantity(Decimal(1), pint_names.get(name, name))
        assert one.to(pint_names.get(base, base)).magnitude == 10**unit.exponent, name


@pytest.mark.parametrize(
    ("quantity", "ratios", "exponent"),
    [
        ("g", [("kgCO2", "kg")], 0),
        ("g", [("kgCO2e", "t")], -3),
        ("pm", [("gCO2", "pkm")], -3),
        # a share of a mass is a mass over a mass
        ("g", [("kg", "kg"), ("kgCO2", "kg")], 0),
        ("meal", [("kg", "meal"), ("gCO2e", "kg")], 0),
    ],
)
def test_units_cancel_to_grams(quantity, ratios, exponent) -> None:
    assert exponent_of_product(quantity, [Ratio(*ratio) for ratio in ratios]) == exponent


@pytest.mark.parametrize(
    ("quantity", "ratios"),
    [
        ("g", [("kgCO2", "meal")]),
        ("g", [("kgCO2", "kg"), ("kgCO2", "kg")]),
        ("g", [("kg", "meal")]),
        ("g", []),
        # distance of a vehicle, a short ton and heat never stand for another dimension
        ("pm", [("gCO2", "vkm")]),
        ("g", [("tCO2e", "short_ton")]),
        ("Wh", [("tCO2", "GJ")]),
    ],
)
def test_units_that_leave_anything_else_are_refused(quantity, ratios) -> None:
    with pytest.raises(UnitsDoNotCancel) as caught:
        exponent_of_product(quantity, [Ratio(*ratio) for ratio in ratios])
    assert caught.value.what.startswith(f"{quantity} times its factors leaves {{")
    assert caught.value.do == "Choose factors whose units cancel to grams of CO2 or CO2e"


def test_every_quantity_has_a_base_unit() -> None:
    for quantity in QUANTITIES.values():
        assert UNITS[quantity.unit].exponent == 0
        assert UNITS[quantity.given_unit].exponent == quantity.shift
        assert UNITS[quantity.given_unit].dimension == UNITS[quantity.unit].dimension


@pytest.mark.parametrize("region", ["540000", "CN", "810000"])
def test_without_a_published_grid_factor_nothing_is_guessed(region) -> None:
    from scoring.methodology import NoFactor

    with pytest.raises(NoFactor):
        calculate("TPH-HOME-01", {"saved_kwh": 1}, on=ON, region=region)
