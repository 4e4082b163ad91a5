"""Worked examples of the reference, each the only activity of its day; e = 1.00 if silent."""

from datetime import date

import pytest

from scoring.methodology import calculate, load_catalogue

ON = date(2026, 3, 1)
ZHEJIANG = "330000"


@pytest.mark.parametrize(
    ("methodology", "inputs", "unrounded", "grams"),
    [
        # 1 x 0.038 kg x 3,311 g/kg
        ("TPH-FOOD-01", {"meals": 1}, "125.818", 125),
        # 3 x 125.818, rounded once
        ("TPH-FOOD-01", {"meals": 3}, "377.454", 377),
        # 1.2 x 1,164.0 = 1,396.8; 3 x 101.6 = 304.8; 0.3 x 8,120.8 = 2,436.24
        (
            "TPH-WASTE-01",
            {"mass_kg": {"pet": "1.2", "corrugated_board": "3", "aluminium_cans": "0.3"}},
            "4137.84",
            4137,
        ),
        # 2.5 x 101.6
        ("TPH-WASTE-02", {"mass_kg": "2.5"}, "254", 254),
        # 4 x 1,280
        ("TPH-WASTE-03", {"mass_kg": 4}, "5120", 5120),
        # 3 x 37
        ("TPH-WASTE-04", {"boxes": 3}, "111", 111),
        # 7,250 x 0.0164
        ("TPH-MOB-01", {"steps": 7250}, "118.9", 118),
        # 10,000 x 0.0164
        ("TPH-MOB-01", {"steps": 10_001}, "164", 164),
        # 3 x 46.7
        ("TPH-MOB-02", {"distance_km": "3"}, "140.1", 140),
        # cap 20 x 46.7
        ("TPH-MOB-02", {"distance_km": "20.001"}, "934", 934),
        # 5 x (46.7 - 17.0)
        ("TPH-MOB-03", {"distance_km": "5"}, "148.5", 148),
        # 8 x 26.9
        ("TPH-MOB-04", {"distance_km": "8"}, "215.2", 215),
        # cap 4 rides x 80
        ("TPH-MOB-04", {"rides": 5}, "320", 320),
        # 12 x 46.7
        ("TPH-MOB-05", {"distance_km": "12"}, "560.4", 560),
        # 1 x 46
        ("TPH-MOB-05", {"rides": 1}, "46", 46),
        # 8,895 t / 81,670 cars / 63 days
        ("TPH-MOB-06", {"days": 1}, "1728", 1728),
        # 2 x 23
        ("TPH-PACK-01", {"orders": 2}, "46", 46),
        # 0.0043659 x 1,345.08
        ("TPH-OFF-01", {"sheets": 1}, "5.872484772", 5),
        # 5 x 5.872484772
        ("TPH-OFF-01", {"sheets": 5}, "29.36242386", 29),
        # 3 x 1,790
        ("TPH-TREE-01", {"trees": 3}, "5370", 5370),
        # cap 5 x 1,790
        ("TPH-TREE-01", {"trees": 6}, "8950", 8950),
        # 5 x 1,298.7
        ("TPH-MARINE-01", {"mass_kg": {"sorted_plastic": "5"}}, "6493.5", 6493),
        # 5 x 212.5
        ("TPH-MARINE-01", {"mass_kg": {"unsorted_waste": "5"}}, "1062.5", 1062),
    ],
)
def test_a_worked_example_books_its_grams(methodology, inputs, unrounded, grams) -> None:
    calculation = calculate(methodology, inputs, on=ON)
    assert (calculation.unrounded, calculation.grams) == (unrounded, grams)


@pytest.mark.parametrize(
    ("inputs", "unrounded", "grams"),
    [
        # 9.0 kWh x 497.4 g/kWh
        ({"saved_kwh": "9.0"}, "4476.6", 4476),
        # one day: cap 10 kWh x 497.4
        ({"saved_kwh": "12"}, "4974", 4974),
        # a statement over 30 days has 300 kWh of cap: 12 x 497.4
        ({"saved_kwh": "12", "days": 30}, "5968.8", 5968),
        # never more than 62 days: 620 kWh x 497.4
        ({"saved_kwh": "1000", "days": 365}, "308388", 308388),
    ],
)
def test_electricity_uses_the_grid_of_the_place(inputs, unrounded, grams) -> None:
    calculation = calculate("TPH-HOME-01", inputs, on=ON, region=ZHEJIANG)
    assert (calculation.unrounded, calculation.grams) == (unrounded, grams)


@pytest.mark.parametrize(
    ("methodology", "inputs", "unrounded", "grams"),
    [
        # 80 x 0.5
        ("bus", {"rides": 1}, "40", 40),
        # 125.818 x 0.5
        ("clean_plate", {"meals": 1}, "62.909", 62),
        # 46 x 0.5
        ("metro", {"rides": 1}, "23", 23),
    ],
)
def test_self_declared_counts_half(methodology, inputs, unrounded, grams) -> None:
    calculation = calculate(methodology, inputs, on=ON, tier="self_declared")
    assert (calculation.unrounded, calculation.grams) == (unrounded, grams)


@pytest.mark.parametrize(
    ("methodology", "inputs", "unrounded", "grams"),
    [
        # 1 x 365.07
        ("TPH-FOOD-02", {"orders": 1}, "365.07", 365),
        # half of the reported 40
        ("TPH-PACK-02", {"items": 1}, "20", 20),
        # 2 x 5
        ("TPH-PACK-03", {"items": 2}, "10", 10),
        # 3 x 2,162.1; 389.31 GJ / 10,000 m3 x 0.0153 tC/GJ x 0.99 x 44 / 12 = 2.16219 kg/m3
        ("TPH-HOME-02", {"volume_m3": "3"}, "6486.3", 6486),
        # 2 x 191.3
        ("TPH-HOME-03", {"volume_m3": "2"}, "382.6", 382),
        # 0.001 m3 is the finest: 191.3 / 1,000
        ("TPH-HOME-03", {"volume_m3": "0.001"}, "0.1913", 0),
        # 1 x 25,000
        ("TPH-REUSE-01", {"items": 1}, "25000", 25000),
        # 24 x 7
        ("TPH-MOB-07", {"distance_km": "24"}, "168", 168),
    ],
)
def test_a_draft_is_rehearsed_with_its_worked_example(
    methodology, inputs, unrounded, grams
) -> None:
    catalogue = load_catalogue().rehearsing(*load_catalogue().drafts)
    calculation = calculate(methodology, inputs, on=date(2027, 3, 1), catalogue=catalogue)
    assert (calculation.unrounded, calculation.grams) == (unrounded, grams)


@pytest.mark.parametrize(
    ("one", "activities", "together"),
    [
        # three activities of one meal 3 x 125 = 375; one of three meals 377.454
        ({"meals": 1}, 375, 377),
    ],
)
def test_rounding_down_comes_once_per_activity(one, activities, together) -> None:
    assert 3 * calculate("clean_plate", one, on=ON).grams == activities
    assert calculate("clean_plate", {"meals": 3}, on=ON).grams == together


@pytest.mark.parametrize(
    ("province", "saved", "unrounded"),
    [
        # kWh x g/kWh of data year 2023, the latest published by 2026-03-01
        ("北京", 1, "555.4"),
        ("河北", 10, "6516"),
        ("青海", 2, "359.2"),
        ("云南", 3, "399.9"),
        ("广东", 5, "2209.5"),
    ],
)
def test_a_province_has_its_own_grid(province, saved, unrounded) -> None:
    found = calculate("electricity_saved", {"saved_kwh": saved}, on=ON, region=province)
    assert found.unrounded == unrounded


@pytest.mark.parametrize(
    ("inputs", "allowed", "unrounded"),
    [
        # Board is lowest: 15 kg x 101.6 = 1,524, then 5 of 8 kg PET x 1,164 = 5,820.
        (
            {"pet": "8", "corrugated_board": "15"},
            {"mass_g.corrugated_board": 15_000, "mass_g.pet": 5_000},
            "7344",
        ),
        # Board alone fills the cap: 20 x 101.6.
        (
            {"aluminium_cans": "1", "corrugated_board": "21"},
            {"mass_g.corrugated_board": 20_000, "mass_g.aluminium_cans": 0},
            "2032",
        ),
    ],
)
def test_a_material_cap_fills_the_lowest_factor_first(inputs, allowed, unrounded) -> None:
    calculation = calculate("sorted_recycling", {"mass_kg": inputs}, on=ON)
    assert (calculation.allowed, calculation.unrounded) == (allowed, unrounded)
    assert calculation.reason == "cap_reached"


@pytest.mark.parametrize(
    ("material", "grams_per_kg"),
    [
        ("aluminium_cans", 8120),
        ("steel_cans", 1040),
        ("mixed_metals", 1766),
        ("glass", 326),
        ("pet", 1164),
        ("hdpe", 858),
        ("pp", 897),
        ("mixed_plastics", 1042),
        ("corrugated_board", 101),
        ("mixed_paper", 219),
        ("office_paper", 295),
        ("newspaper", 295),
        ("mixed_electronics", 1018),
    ],
)
def test_each_material_takes_the_lower_of_the_two_published_sets(material, grams_per_kg) -> None:
    assert calculate("TPH-WASTE-01", {"mass_kg": {material: 1}}, on=ON).grams == grams_per_kg


def test_a_mixed_bag_counts_as_its_cheapest_material() -> None:
    materials = [
        formula.quantity.removeprefix("mass_g.")
        for formula in load_catalogue().version_on("TPH-WASTE-01", ON).formulas
    ]
    lowest = min(
        calculate("TPH-WASTE-01", {"mass_kg": {name: 1}}, on=ON).grams for name in materials
    )
    assert calculate("TPH-WASTE-02", {"mass_kg": 1}, on=ON).grams == lowest == 101


def test_the_examples_in_the_files_hold() -> None:
    for version in load_catalogue():
        assert version.examples
        for example in version.examples:
            calculation = calculate(
                version.methodology_id,
                example.inputs,
                on=version.valid_from,
                region=example.region,
                tier=example.tier,
            )
            assert (version.methodology_id, calculation.grams) == (
                version.methodology_id,
                example.grams,
            )
