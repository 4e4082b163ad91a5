"""Three plain sentences in each language, whatever happened to the activity."""

from datetime import datetime, timedelta

import pytest

from scoring.methodology import (
    SHANGHAI,
    Activity,
    Reduction,
    Tier,
    explain,
    load_catalogue,
    reduce_period,
)

CATALOGUE = load_catalogue()
ALL = CATALOGUE.rehearsing(*CATALOGUE.drafts)
NOON = datetime(2027, 3, 1, 12, tzinfo=SHANGHAI)
VERSIONS = {each.methodology_id: each for each in ALL}
TIERS = {
    Tier.DOCUMENTED: ("1.00(平台数据)", "1.00 (documented)"),
    Tier.SELF_DECLARED: ("0.50(本人申报,按一半计)", "0.50 (self-declared, so half)"),
}


def make_activity(methodology_id: str, key: str = "a", amount: int = 1, **changes) -> Activity:
    quantity = VERSIONS[methodology_id].formulas[0].quantity
    fields = {"tier": Tier.DOCUMENTED, "region": "330106", "occurred_at": NOON} | changes
    return Activity(
        key=key,
        methodology_id=methodology_id,
        ended_at=None,
        quantities={quantity: amount},
        **fields,
    )


def told(activity: Activity, reduction: Reduction) -> dict[str, tuple[str, ...]]:
    return explain(activity, reduction, ALL)["sentences"]


def each_is_one_sentence(sentences: dict[str, tuple[str, ...]]) -> bool:
    # A point between digits belongs to a number, as in 1.0.0.
    ends = {"zh": "。", "en": ". "}
    return all(
        len(said) == 3
        and all(
            sentence.endswith(ends[language].strip()) and ends[language] not in sentence[:-1]
            for sentence in said
        )
        for language, said in sentences.items()
    )


@pytest.mark.parametrize("methodology_id", VERSIONS)
@pytest.mark.parametrize("tier", Tier)
@pytest.mark.parametrize("amount", [1, 1_000_000])
def test_every_action_is_told_in_three_sentences(methodology_id, tier, amount) -> None:
    activity = make_activity(methodology_id, amount=amount, tier=tier)
    reduction = reduce_period([activity], ALL)["a"]
    sentences = told(activity, reduction)
    assert each_is_one_sentence(sentences)
    zh, en = TIERS[tier]
    assert zh in sentences["zh"][1]
    assert en in sentences["en"][1]
    assert f" {reduction.grams} 克" in sentences["zh"][2]
    assert f" {reduction.grams} gCO2e" in sentences["en"][2]
    assert ("上限" in sentences["zh"][0]) == (reduction.reason == "cap_reached")


def test_one_and_more_are_told_apart() -> None:
    for amount, words in ((1, "1 meal counted"), (2, "2 meals counted")):
        activity = make_activity("TPH-FOOD-01", amount=amount)
        assert words in told(activity, reduce_period([activity], ALL)["a"])["en"][0]


def test_a_cap_that_is_used_up_says_that_nothing_counted() -> None:
    meals = [
        make_activity("TPH-FOOD-01", key, amount, occurred_at=NOON + timedelta(hours=hour))
        for hour, (key, amount) in enumerate((("a", 3), ("b", 1)))
    ]
    sentences = told(meals[1], reduce_period(meals, ALL)["b"])
    assert each_is_one_sentence(sentences)
    assert sentences["zh"][0] == "光盘打卡:已达到当日的上限 3 餐,本次不再计入。"
    assert (
        sentences["en"][0]
        == "Clean plate: the daily cap of 3 meals is reached, so nothing counted."
    )


def test_a_cap_over_several_days_is_told_without_its_number() -> None:
    saved = make_activity("TPH-HOME-01", amount=99_000)
    sentences = told(saved, reduce_period([saved], ALL)["a"])
    assert sentences["zh"][0] == "节约用电:已达到当日的上限,本次计入 10 千瓦时。"
    assert sentences["en"][0] == "Electricity saved: the daily cap is reached, so 10 kWh counted."


def test_excluded_travel_says_which_travel_counts() -> None:
    rides = [
        make_activity("TPH-MOB-05", "a"),
        make_activity("TPH-MOB-04", "b", tier=Tier.SELF_DECLARED),
    ]
    sentences = told(rides[1], reduce_period(rides, ALL)["b"])
    assert sentences == {
        "zh": (
            "公交出行:同一时段的出行已经计入,本次未计入。",
            "同一时段只计一次出行,停驶日与当日其他出行也只计其一,以先发生的为准。",
            "本次的减碳量为 0 克。",
        ),
        "en": (
            "Bus: travel of the same time already counts, so this was not counted.",
            "Of trips at the same time the first counts, and no no-drive day beside trips.",
            "The carbon reduction of this activity is 0 gCO2e.",
        ),
    }
    assert each_is_one_sentence(sentences)


def test_an_excluded_thing_says_that_it_counted_before() -> None:
    boxes = [make_activity("TPH-WASTE-04", key, thing="parcel:7") for key in "ab"]
    sentences = told(boxes[1], reduce_period(boxes, ALL)["b"])
    assert sentences["zh"][:2] == (
        "快递纸箱回用:同一件物品已经计入,本次未计入。",
        "每件物品只计一次,以先发生的为准。",
    )
    assert sentences["en"][0] == (
        "Parcel carton reuse: the same thing already counts, so this was not counted."
    )
    assert each_is_one_sentence(sentences)


def test_materials_that_the_cap_left_out_are_not_named() -> None:
    bag = make_activity("TPH-WASTE-01")._replace(
        quantities={"mass_g.corrugated_board": 20_000, "mass_g.pet": 1_000}
    )
    sentences = told(bag, reduce_period([bag], ALL)["a"])
    assert sentences["zh"][0] == "分类回收:已达到当日的上限 20 千克,本次计入瓦楞纸板 20 千克。"
