"""Three plain sentences about one reduction: what counted, how, and what it comes to."""

from collections.abc import Mapping

from scoring.methodology.quantities import decimal_text, kind_of, material_of, quantity_of
from scoring.methodology.rule import Rule
from scoring.methodology.values import Activity, Reduction, Tier

HALF = "0.50"
TIER_WORDS = {
    Tier.DOCUMENTED: ("平台数据", "documented"),
    Tier.SELF_DECLARED: ("本人申报", "self-declared"),
}

MATERIALS = {
    "aluminium_cans": ("铝罐", "aluminium cans"),
    "steel_cans": ("钢罐", "steel cans"),
    "mixed_metals": ("混合金属", "mixed metals"),
    "glass": ("玻璃", "glass"),
    "pet": ("PET 塑料瓶", "PET"),
    "hdpe": ("HDPE 塑料", "HDPE"),
    "pp": ("PP 塑料", "PP"),
    "mixed_plastics": ("混合塑料", "mixed plastics"),
    "corrugated_board": ("瓦楞纸板", "corrugated board"),
    "mixed_paper": ("混合废纸", "mixed paper"),
    "office_paper": ("办公用纸", "office paper"),
    "newspaper": ("报纸", "newspaper"),
    "mixed_electronics": ("废旧电子产品", "mixed electronics"),
    "sorted_plastic": ("分拣后的海洋塑料", "sorted marine plastic"),
    "unsorted_waste": ("未分拣的海洋垃圾", "unsorted marine waste"),
}


# Why an activity that is excluded does not count, for travel and for things.
EXCLUDED = {
    "travel": (
        ("同一时段的出行已经计入", "travel of the same time already counts"),
        (
            "同一时段只计一次出行,停驶日与当日其他出行也只计其一,以先发生的为准。",
            "Of trips at the same time the first counts, and no no-drive day beside trips.",
        ),
    ),
    "thing": (
        ("同一件物品已经计入", "the same thing already counts"),
        (
            "每件物品只计一次,以先发生的为准。",
            "Each thing counts once, and the earlier report of it stands.",
        ),
    ),
}


def sentences(activity: Activity, reduction: Reduction, rule: Rule) -> dict[str, tuple[str, ...]]:
    """Three sentences by language, `zh` and `en`: what counted, how, and what it comes to."""
    if reduction.reason == "excluded":
        return _of_excluded(rule)
    counted = _counted_capped if reduction.reason == "cap_reached" else _counted_whole
    return {
        "zh": (
            counted(reduction, rule)[0],
            _how_zh(activity, reduction, rule),
            f"向下取整为整克,减碳量为 {reduction.grams} 克。",
        ),
        "en": (
            counted(reduction, rule)[1],
            _how_en(activity, reduction, rule),
            f"Rounded down to whole grams, the carbon reduction is {reduction.grams} gCO2e.",
        ),
    }


def _of_excluded(rule: Rule) -> dict[str, tuple[str, ...]]:
    what, why = EXCLUDED["travel" if rule.exclusion else "thing"]
    title = rule.version.title
    return {
        "zh": (f"{title['zh']}:{what[0]},本次未计入。", why[0], "本次的减碳量为 0 克。"),
        "en": (
            f"{title['en']}: {what[1]}, so this was not counted.",
            why[1],
            "The carbon reduction of this activity is 0 gCO2e.",
        ),
    }


def _counted_whole(reduction: Reduction, rule: Rule) -> tuple[str, str]:
    zh, en = _amounts(reduction.allowed)
    title = rule.version.title
    return f"{title['zh']}:本次计入{zh}。", f"{title['en']}: {en} counted."


def _counted_capped(reduction: Reduction, rule: Rule) -> tuple[str, str]:
    title = rule.version.title
    cap = _cap(reduction, rule)
    period_zh, period_en = ("当年", "yearly") if rule.yearly else ("当日", "daily")
    zh, en = f"已达到{period_zh}的上限{cap[0]}", f"the {period_en} cap{cap[1]} is reached"
    if not any(reduction.allowed.values()):
        return f"{title['zh']}:{zh},本次不再计入。", f"{title['en']}: {en}, so nothing counted."
    amounts = _amounts(reduction.allowed)
    return (
        f"{title['zh']}:{zh},本次计入{amounts[0]}。",
        f"{title['en']}: {en}, so {amounts[1]} counted.",
    )


def _cap(reduction: Reduction, rule: Rule) -> tuple[str, str]:
    """The cap that was met, unless a statement over several days has widened it."""
    term = rule.terms[next(iter(reduction.allowed))]
    if term.per:
        return "", ""
    kind = kind_of(term.quantity)
    return _amount(kind, term.most, 0), f" of {_amount(kind, term.most, 1)}"


def _how_zh(activity: Activity, reduction: Reduction, rule: Rule) -> str:
    multiplier, tier = rule.version.multipliers[activity.tier], TIER_WORDS[activity.tier][0]
    half = ",按一半计" if multiplier == HALF else ""
    return (
        f"按方法学 {rule.version.methodology_id} {rule.version.version},基准排放减去项目排放,"
        f"再乘以证据系数 {multiplier}({tier}{half}),得 {reduction.unrounded} 克。"
    )


def _how_en(activity: Activity, reduction: Reduction, rule: Rule) -> str:
    multiplier, tier = rule.version.multipliers[activity.tier], TIER_WORDS[activity.tier][1]
    half = ", so half" if multiplier == HALF else ""
    return (
        f"By methodology {rule.version.methodology_id} {rule.version.version}, baseline minus"
        f" project emissions times {multiplier} ({tier}{half}) is {reduction.unrounded} g."
    )


def _amounts(allowed: Mapping[str, int]) -> tuple[str, str]:
    """What counted, `zh` and `en`; of several materials only those that did, if any did."""
    counted = {name: amount for name, amount in allowed.items() if amount} or allowed
    zh, en = (
        [_amount(name, amount, language) for name, amount in counted.items()] for language in (0, 1)
    )
    return "、".join(zh), ", ".join(en)


def _amount(name: str, amount: int, language: int) -> str:
    quantity = quantity_of(name)
    number = decimal_text(amount, quantity.shift)
    text = f"{number} {quantity.word_zh}"
    if language == 1:
        text = f"{number} {_plural(quantity.word_en, number)}"
    if material := material_of(name):
        return f"{MATERIALS.get(material, (material, material))[language]} {text}"
    return f" {text}" if language == 0 else text


def _plural(word: str, number: str) -> str:
    """`box(es)` as `box` or `boxes`."""
    stem, _, ending = word.rstrip(")").partition("(")
    return stem if number == "1" else stem + ending
