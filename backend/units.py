"""Units of amounts, and how people read them.

Everything that adds up is an integer in its base unit; only words for people have decimals, and
those are truncated, so that no screen promises more than the ledger holds.
"""

from datetime import date, datetime, timedelta, timezone
from typing import Final, Literal, NewType

GramsCO2e = NewType("GramsCO2e", int)
Points = NewType("Points", int)

GRAMS_PER_KILOGRAM = 1_000
GRAMS_PER_TONNE = 1_000_000

# Six digits of GB/T 2260 begin with a province; what comes after changes too often to list.
_PROVINCE: Final = "(?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[12])"
REGION_PATTERN: Final = f"^{_PROVINCE}[0-9]{{4}}$"
AREA_PATTERN: Final = f"^(?:{_PROVINCE}(?:[0-9]{{2}}){{0,2}})?$"  # its first digits, or none: all
FIRST_DAY: Final = date(2026, 1, 1)  # of the first catalogue; nothing counts before it

_MASSES: Final = {"zh": ("克", "千克", "吨"), "en": ("g CO2e", "kg CO2e", "t CO2e")}

# China has kept one zone without daylight saving since 1991; a fixed offset cannot be changed by
# the time zone files of a machine, and a past day must never move.
SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")


def shanghai_day(moment: datetime) -> date:
    """The calendar day of the programme on which `moment` (aware) falls."""
    return moment.astimezone(SHANGHAI).date()


def format_reduction(grams: int, language: Literal["zh", "en"] = "zh") -> str:
    """Grams, kilograms with two decimals or tonnes with three, as fits; truncated."""
    gram, kilogram, tonne = _MASSES[language]
    if abs(grams) < GRAMS_PER_KILOGRAM:
        return f"{grams} {gram}"
    if abs(grams) < GRAMS_PER_TONNE:
        return f"{_truncated(grams, GRAMS_PER_KILOGRAM, 2)} {kilogram}"
    return f"{_truncated(grams, GRAMS_PER_TONNE, 3)} {tonne}"


def _truncated(amount: int, unit: int, decimals: int) -> str:
    sign = "-" if amount < 0 else ""
    whole, rest = divmod(abs(amount), unit)
    return f"{sign}{whole}.{rest * 10**decimals // unit:0{decimals}d}"
