"""A methodology in words: what is counted, by which factors, and up to which cap."""

from typing import Literal

from scoring.methodology import MethodologyVersion
from scoring.methodology.quantities import decimal_text, material_of, quantity_of
from scoring.methodology.sentences import MATERIALS
from scoring.methodology.version import Cap, Formula

Language = Literal["zh", "en"]

SUMMED = {"zh": "各项之和", "en": "the sum of what is given"}
FIRST = {"zh": "给出的第一项", "en": "the first that is given"}


def formula_words(version: MethodologyVersion, language: Language) -> list[str]:
    """One sentence per countable quantity, then how they combine and what follows."""
    lines = [_product(each, language) for each in version.formulas]
    combined = (SUMMED if version.combine == "sum" else FIRST)[language]
    if language == "zh":
        ending = "乘以证据系数,每次打卡向下取整一次为整克,不低于零"
    else:
        ending = "times the multiplier of the tier, never below zero, rounded down once to grams"
    return [*lines, f"{combined}; {ending}" if len(lines) > 1 else ending]


def cap_words(cap: Cap, period: str, language: Language) -> str:
    """The cap with the unit that people read: `每人每日最多 20 公里`."""
    quantity = quantity_of(cap.quantity)
    amount = decimal_text(cap.most, quantity.shift)
    if language == "zh":
        times = f" × {quantity_of(cap.per).word_zh}数" if cap.per else ""
        return f"每人每{'年' if period == 'year' else '日'}最多 {amount} {quantity.word_zh}{times}"
    times = f" x {cap.per}" if cap.per else ""
    return f"at most {amount} {quantity.word_en}{times} per person and {period}"


def quantity_words(name: str, language: Language) -> str:
    """A quantity as people read it: `PET 塑料瓶 (千克)`."""
    quantity, index = quantity_of(name), ("zh", "en").index(language)
    word = (quantity.word_zh, quantity.word_en)[index]
    material = material_of(name)
    return f"{MATERIALS.get(material, (material, material))[index]} ({word})" if material else word


def _product(formula: Formula, language: Language) -> str:
    baseline = " × ".join(formula.baseline)
    inner = f"{baseline} - {' × '.join(formula.project)}" if formula.project else baseline
    return f"{quantity_words(formula.quantity, language)} × ({inner})"
