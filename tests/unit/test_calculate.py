"""`calculate` and `explain`: what they take, what they refuse, and what they show."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from scoring.methodology import (
    Activity,
    ExclusiveInputs,
    MalformedInputs,
    MaterialNeeded,
    MissingInput,
    Negative,
    NotANumber,
    NoVersion,
    Tier,
    TooFine,
    TooLarge,
    UnknownInput,
    UnknownMaterial,
    UnknownMethodology,
    UnknownRegion,
    UnknownTier,
    UnknownVersion,
    calculate,
    explain,
    load_catalogue,
    parse_inputs,
    reduce_period,
)

ON = date(2026, 3, 1)
CATALOGUE = load_catalogue()


@pytest.mark.parametrize(
    "distance",
    [12, "12", "12.000", "0012", Decimal(12), Decimal("12.0000"), Decimal("1.2E1")],
    ids=["int", "text", "zeros", "leading", "decimal", "fine", "power"],
)
def test_one_distance_may_be_written_in_many_ways(distance) -> None:
    calculation = calculate("TPH-MOB-05", {"distance_km": distance}, on=ON)
    assert (calculation.grams, calculation.allowed) == (560, {"distance_m": 12_000})


@pytest.mark.parametrize("name", ["TPH-FOOD-01", "clean_plate"])
def test_a_methodology_has_an_id_and_an_action(name) -> None:
    assert calculate(name, {"meals": 1}, on=ON).methodology == "TPH-FOOD-01"


@pytest.mark.parametrize(
    ("distance", "grams"),
    # 0.001 x 46.7 = 0.0467; the largest input meets the cap of 60 km
    [("0", 0), ("-0", 0), (Decimal("0E+9999"), 0), ("0.001", 0), ("1000000000", 2802)],
)
def test_the_ends_of_the_range_are_taken(distance, grams) -> None:
    assert calculate("metro", {"distance_km": distance}, on=ON).grams == grams


@pytest.mark.parametrize(
    ("inputs", "refusal"),
    [
        ({}, MissingInput),
        ({"rides": 1, "distance_km": 3}, ExclusiveInputs),
        ({"meals": 1}, UnknownInput),
        ({"distance": 1}, UnknownInput),
        ({"distance_m": 1}, UnknownInput),
        ({"distance_km": 1, "speed": 2}, UnknownInput),
        ({"distance_km": "0.0001"}, TooFine),
        ({"distance_km": Decimal("1E-9999")}, TooFine),
        ({"distance_km": "1." + "1" * 60}, TooFine),
        ({"rides": "0.5"}, TooFine),
        ({"distance_km": "-1"}, Negative),
        ({"rides": -1}, Negative),
        ({"distance_km": "1000000000.001"}, TooLarge),
        ({"distance_km": Decimal("1E+9999")}, TooLarge),
        ({"distance_km": 10**5000}, TooLarge),
        ({"distance_km": "NaN"}, NotANumber),
        ({"distance_km": Decimal("NaN")}, NotANumber),
        ({"distance_km": Decimal("Infinity")}, NotANumber),
        ({"distance_km": "twelve"}, NotANumber),
        ({"distance_km": "１２"}, NotANumber),
        ({"distance_km": "1e3"}, NotANumber),
        ({"distance_km": " 12"}, NotANumber),
        ({"distance_km": ""}, NotANumber),
        ({"distance_km": 1.5}, NotANumber),
        ({"rides": True}, NotANumber),
        ({"rides": None}, NotANumber),
        ({"rides": [1]}, NotANumber),
        ({"rides": {"early": 1}}, UnknownMaterial),
    ],
)
def test_inputs_are_refused_by_name(inputs, refusal) -> None:
    with pytest.raises(refusal) as caught:
        calculate("metro", inputs, on=ON)
    assert type(caught.value) is refusal


@pytest.mark.parametrize(
    ("methodology", "inputs", "refusal"),
    [
        ("sorted_recycling", {"mass_kg": 3}, MaterialNeeded),
        ("sorted_recycling", {"mass_kg": {}}, MissingInput),
        ("sorted_recycling", {"mass_kg": {"gold": 1}}, UnknownMaterial),
        ("sorted_recycling", {"mass_kg": {"pet": "0.0001"}}, TooFine),
        ("mixed_recycling", {"mass_kg": {"pet": 1}}, UnknownMaterial),
        ("electricity_saved", {"days": 3}, MissingInput),
        ("clean_plate", {"meals": 1, "days": 3}, UnknownInput),
    ],
)
def test_a_mass_is_given_as_its_methodology_counts_it(methodology, inputs, refusal) -> None:
    with pytest.raises(refusal):
        calculate(methodology, inputs, on=ON, region="330000")


@pytest.mark.parametrize(
    ("changes", "refusal", "code"),
    [
        ({"methodology": "TPH-FOOD-99"}, UnknownMethodology, "unknown_methodology"),
        ({"on": date(2025, 12, 31)}, NoVersion, "no_version"),
        ({"region": "Hangzhou"}, UnknownRegion, "unknown_region"),
        ({"tier": "certain"}, UnknownTier, "unknown_tier"),
    ],
)
def test_the_rest_is_refused_by_name_and_code(changes, refusal, code) -> None:
    asked = {"methodology": "metro", "inputs": {"rides": 1}, "on": ON} | changes
    with pytest.raises(refusal) as caught:
        calculate(asked.pop("methodology"), asked.pop("inputs"), **asked)
    assert caught.value.code == code


def test_json_numbers_stay_exact() -> None:
    inputs = parse_inputs('{"mass_kg": {"pet": 1.2, "glass": 3, "pp": "0.5"}}')
    assert inputs == {"mass_kg": {"pet": Decimal("1.2"), "glass": 3, "pp": "0.5"}}


@pytest.mark.parametrize("text", ["", "[1]", "3", '{"meals": 1, "meals": 2}', "{" * 100_000, '"a"'])
def test_other_json_is_malformed(text) -> None:
    with pytest.raises(MalformedInputs):
        parse_inputs(text)


def test_nan_in_json_is_no_number() -> None:
    with pytest.raises(NotANumber):
        calculate("metro", parse_inputs('{"rides": NaN}'), on=ON)


def test_a_calculation_shows_every_step() -> None:
    calculation = calculate("e_bike", {"distance_km": "25"}, on=ON, tier="self_declared")
    # 20 x 46.7 = 934; 20 x 17.0 = 340; 594 x 0.5 = 297
    assert (calculation.baseline, calculation.project) == ("934", "340")
    assert (calculation.multiplier, calculation.unrounded, calculation.grams) == (
        "0.50",
        "297",
        297,
    )
    assert (calculation.reason, calculation.inputs) == ("cap_reached", {"distance_km": "25"})
    assert calculation.steps == (
        "distance_m: 25 pkm given, 20 counted (cap 20, cap_reached)",
        "baseline distance_m: 20 pkm x 46.7 gCO2/pkm = 934 g",
        "project distance_m: 20 pkm x 17.0 gCO2/pkm = 340 g",
        "baseline - project, at least 0: 934 g - 340 g",
        "x 0.50 (self_declared): 297 g",
        "rounded down once to whole grams: 297 g",
    )


def test_a_calculation_is_plain_json_with_its_sources() -> None:
    shown = json.loads(json.dumps(calculate("clean_plate", {"meals": 1}, on=ON).as_dict()))
    assert shown["version"] == "1.0.0"
    assert len(shown["version_hash"]) == 64
    assert (shown["engine"], shown["on"], shown["region"]) == (1, "2026-03-01", "CN")
    assert [factor["id"] for factor in shown["factors"]] == [
        "food-saved-clearplate-2021",
        "food-production-caas-2023",
    ]
    for factor in shown["factors"]:
        assert factor["source"]["issuer"]
        assert factor["value"]
        assert factor["numerator"]
        assert factor["denominator"]


def test_a_member_reads_three_sentences() -> None:
    sentences = calculate("metro", {"distance_km": 12}, on=ON).sentences
    counted, how, result = sentences["zh"]
    assert counted == "地铁出行:本次计入 12 公里。"
    assert how.startswith("按方法学 TPH-MOB-05 1.0.0,基准排放减去项目排放,再乘以证据系数 1.00")
    assert how.endswith("(平台数据),得 560.4 克。")
    assert result == "向下取整为整克,减碳量为 560 克。"
    counted, how, result = sentences["en"]
    assert counted == "Metro: 12 km counted."
    assert how.startswith("By methodology TPH-MOB-05 1.0.0, baseline minus project emissions")
    assert how.endswith("times 1.00 (documented) is 560.4 g.")
    assert result == "Rounded down to whole grams, the carbon reduction is 560 gCO2e."


@pytest.mark.parametrize(
    ("methodology", "inputs", "zh", "en"),
    [
        (
            "cycling",
            {"distance_km": 25},
            "骑行:已达到当日的上限 20 公里,本次计入 20 公里。",
            "Cycling: the daily cap of 20 km is reached, so 20 km counted.",
        ),
        (
            "tree_planting",
            {"trees": 6},
            "植树:已达到当年的上限 5 棵,本次计入 5 棵。",
            "Tree planting: the yearly cap of 5 trees is reached, so 5 trees counted.",
        ),
        (
            "sorted_recycling",
            {"mass_kg": {"pet": "1.2", "glass": 3}},
            "分类回收:本次计入玻璃 3 千克、PET 塑料瓶 1.2 千克。",
            "Sorted recyclables: glass 3 kg, PET 1.2 kg counted.",
        ),
    ],
)
def test_the_first_sentence_says_what_counted(methodology, inputs, zh, en) -> None:
    sentences = calculate(methodology, inputs, on=ON).sentences
    assert (sentences["zh"][0], sentences["en"][0]) == (zh, en)


def make_ride(key: str, minute: int) -> Activity:
    start = datetime(2026, 11, 21, 1, minute, tzinfo=UTC)
    end = start.replace(minute=minute + 20)
    return Activity(
        key, "TPH-MOB-05", start, end, {"distance_m": 12_000}, Tier.DOCUMENTED, "330106"
    )


def test_a_stored_reduction_is_explained_by_the_version_that_booked_it() -> None:
    rides = [make_ride("a", 0), make_ride("b", 10)]
    reductions = reduce_period(rides, CATALOGUE)
    first = explain(rides[0], reductions["a"], CATALOGUE)
    assert (first["grams"], first["baseline"], first["inputs"]) == (
        560,
        "560.4",
        {"distance_km": "12"},
    )
    second = explain(rides[1], reductions["b"], CATALOGUE)
    assert (second["grams"], second["reason"], second["allowed"]) == (
        0,
        "excluded",
        {"distance_m": 0},
    )
    assert second["sentences"]["zh"][0] == "地铁出行:同一时段的出行已经计入,本次未计入。"
    with pytest.raises(UnknownVersion):
        explain(rides[0], reductions["a"]._replace(version="0" * 64), CATALOGUE)


def test_explaining_takes_what_a_database_gives_back() -> None:
    ride = make_ride("a", 0)
    stored = reduce_period([ride], CATALOGUE)["a"]._replace(factors=())
    as_text = ride._replace(tier="documented")
    shown = explain(as_text, stored, CATALOGUE)
    assert (shown["grams"], shown["tier"], len(shown["factors"])) == (560, "documented", 1)
