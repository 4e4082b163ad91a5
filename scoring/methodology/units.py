"""The closed table of units, and their cancellation.

Every unit is a power of ten of its dimension's base unit, so that conversion shifts a decimal
point and never rounds. A unit that is missing here cannot enter the catalogue.
"""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from scoring.methodology.refusals import UnitsDoNotCancel


class Unit(NamedTuple):
    """One unit: 10 ** `exponent` base units of its dimension."""

    dimension: str
    exponent: int


class Ratio(NamedTuple):
    """The unit of a factor: `numerator` per `denominator`."""

    numerator: str
    denominator: str


UNITS = {
    "gCO2": Unit("emission", 0),
    "kgCO2": Unit("emission", 3),
    "tCO2": Unit("emission", 6),
    "gCO2e": Unit("emission", 0),
    "kgCO2e": Unit("emission", 3),
    "tCO2e": Unit("emission", 6),
    "g": Unit("mass", 0),
    "kg": Unit("mass", 3),
    "t": Unit("mass", 6),
    # 907.18474 kg is no power of ten, so a factor per US short ton never cancels against a mass: it
    # stands as printed, and what is derived from it is a row of its own.
    "short_ton": Unit("US short ton", 0),
    # One person moved by one metre. A vehicle's distance is another dimension: a factor per car-km
    # would cancel against a passenger's distance and overstate by the occupancy.
    "pm": Unit("passenger distance", 0),
    "pkm": Unit("passenger distance", 3),
    "vkm": Unit("vehicle distance", 0),
    "Wh": Unit("energy", 0),
    "kWh": Unit("energy", 3),
    "GJ": Unit("heat", 0),  # 277,777.8 Wh: as with the short ton
    "L": Unit("volume", 0),
    "m3": Unit("volume", 3),
    "meal": Unit("meal", 0),
    "ride": Unit("ride", 0),
    "step": Unit("step", 0),
    "day": Unit("day", 0),
    "order": Unit("order", 0),
    "box": Unit("box", 0),
    "sheet": Unit("sheet", 0),
    "tree": Unit("tree", 0),
    "item": Unit("item", 0),
}


def exponent_of_product(quantity_unit: str, ratios: Iterable[Ratio]) -> int:
    """Power of ten by which quantity times factors must be multiplied to be grams of CO2(e).

    Raises:
        UnitsDoNotCancel: what is left after cancellation is not an emission.
    """
    left = Counter({UNITS[quantity_unit].dimension: 1})
    exponent = UNITS[quantity_unit].exponent
    for ratio in ratios:
        above, below = UNITS[ratio.numerator], UNITS[ratio.denominator]
        left[above.dimension] += 1
        left[below.dimension] -= 1
        exponent += above.exponent - below.exponent
    remaining = {dimension: power for dimension, power in left.items() if power}
    if remaining != {"emission": 1}:
        what = f"{quantity_unit} times its factors leaves {remaining}"
        do = "Choose factors whose units cancel to grams of CO2 or CO2e"
        raise UnitsDoNotCancel(f"quantity in {quantity_unit}", what, do)
    return exponent
