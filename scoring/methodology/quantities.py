"""What activities are counted in: whole base units inside, decimals at the command line."""

from typing import NamedTuple


class Quantity(NamedTuple):
    """One kind of activity data.

    Attributes:
        unit: base unit in which the whole number is counted.
        given_as: name of the command line's input.
        given_unit: unit of that input; 10 ** `shift` base units.
        shift: decimal places that the input may have.
        word_zh: unit as a member reads it.
        word_en: the same in English.
    """

    unit: str
    given_as: str
    given_unit: str
    shift: int
    word_zh: str
    word_en: str


QUANTITIES = {
    "meals": Quantity("meal", "meals", "meal", 0, "餐", "meal(s)"),
    "mass_g": Quantity("g", "mass_kg", "kg", 3, "千克", "kg"),
    "distance_m": Quantity("pm", "distance_km", "pkm", 3, "公里", "km"),
    "energy_wh": Quantity("Wh", "saved_kwh", "kWh", 3, "千瓦时", "kWh"),
    "volume_l": Quantity("L", "volume_m3", "m3", 3, "立方米", "m³"),
    "rides": Quantity("ride", "rides", "ride", 0, "次", "ride(s)"),
    "steps": Quantity("step", "steps", "step", 0, "步", "step(s)"),
    "days": Quantity("day", "days", "day", 0, "天", "day(s)"),
    "orders": Quantity("order", "orders", "order", 0, "单", "order(s)"),
    "boxes": Quantity("box", "boxes", "box", 0, "个", "box(es)"),
    "sheets": Quantity("sheet", "sheets", "sheet", 0, "张", "sheet(s)"),
    "trees": Quantity("tree", "trees", "tree", 0, "棵", "tree(s)"),
    "items": Quantity("item", "items", "item", 0, "件", "item(s)"),
}


def quantity_of(name: str) -> Quantity:
    """The kind behind a quantity's name; `mass_g.pet` is a `mass_g`."""
    return QUANTITIES[kind_of(name)]


def kind_of(name: str) -> str:
    """The quantity without its material."""
    return name.partition(".")[0]


def material_of(name: str) -> str:
    """The material of a quantity, or an empty string."""
    return name.partition(".")[2]


def decimal_text(number: int, places: int) -> str:
    """`number` / 10 ** `places` exactly, without trailing zeros: (2500, 3) is "2.5"."""
    return whole_and_text(number, places)[1]


def whole_and_text(number: int, places: int) -> tuple[int, str]:
    """`number` / 10 ** `places` rounded down, and the exact decimal: (2999, 3) is 2 and "2.999"."""
    whole, rest = divmod(number, 10**places)
    if not rest:
        return whole, str(whole)
    return whole, f"{whole}.{rest:0{places}d}".rstrip("0")
