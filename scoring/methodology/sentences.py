"""Three plain sentences about one reduction: what counted, how, and what it comes to."""

from collections.abc import Mapping

from scoring.methodology.quantities import decimal_text, material_of, quantity_of
from scoring.methodology.rule import Rule
from scoring.methodology.values import Activity, Reduction, Tier

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


def sentences(activity: Activity, reduction: Reduction, rule: Rule) -> dict[str, tuple[str, ...]]:
    """Three sentences by language, `zh` and `en`."""
    return {
        "zh": (
            _counted_zh(reduction, rule),
            _how_zh(activity, reduction, rule),
            _sum_zh(reduction),
        ),
        "en": (
            _counted_en(reduction, rule),
            _how_en(activity, reduction, rule),
            _sum_en(reduction),
        ),
    }


def _counted_zh(reduction: Reduction, rule: Rule) -> str:
    title, amounts = rule.version.title["zh"], _amounts(reduction.allowed, language=0)
    if reduction.reason == "excluded":
        return f"{title}:同一时段的出行已经计入,本次未计入。"
    if reduction.reason == "cap_reached":
        period = "当年" if rule.yearly else "当日"
        return f"{title}:已达到{period}的上限,本次计入{amounts}。"
    return f"{title}:本次计入{amounts}。"


def _counted_en(reduction: Reduction, rule: Rule) -> str:
    title, amounts = rule.version.title["en"], _amounts(reduction.allowed, language=1)
    if reduction.reason == "excluded":
        return f"{title}: travel of the same time already counts, so this was not counted."
    if reduction.reason == "cap_reached":
        period = "yearly" if rule.yearly else "daily"
        return f"{title}: the {period} cap is reached, so {amounts} counted."
    return f"{title}: {amounts} counted."


def _how_zh(activity: Activity, reduction: Reduction, rule: Rule) -> str:
    multiplier, tier = rule.version.multipliers[activity.tier], TIER_WORDS[activity.tier][0]
    return (
        f"按方法学 {rule.version.methodology_id} {rule.version.version},基准排放减去项目排放,"
        f"再乘以证据系数 {multiplier}({tier}),得 {reduction.unrounded} 克。"
    )


def _how_en(activity: Activity, reduction: Reduction, rule: Rule) -> str:
    multiplier, tier = rule.version.multipliers[activity.tier], TIER_WORDS[activity.tier][1]
    return (
        f"By methodology {rule.version.methodology_id} {rule.version.version}, baseline minus"
        f" project emissions times {multiplier} ({tier}) is {reduction.unrounded} g."
    )


def _sum_zh(reduction: Reduction) -> str:
    return f"向下取整为整克,减碳量为 {reduction.grams} 克。"


def _sum_en(reduction: Reduction) -> str:
    return f"Rounded down to whole grams, the carbon reduction is {reduction.grams} gCO2e."


def _amounts(allowed: Mapping[str, int], *, language: int) -> str:
    separator = ("、", ", ")[language]
    return separator.join(_amount(name, amount, language) for name, amount in allowed.items())


def _amount(name: str, amount: int, language: int) -> str:
    quantity = quantity_of(name)
    word = (quantity.word_zh, quantity.word_en)[language]
    text = f"{decimal_text(amount, quantity.shift)} {word}"
    if material := material_of(name):
        return f"{MATERIALS.get(material, (material, material))[language]} {text}"
    return f" {text}" if language == 0 else text
