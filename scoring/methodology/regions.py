"""Places as six digits of GB/T 2260, with their names and dates, and what people call provinces.

`regions.csv` holds provinces and prefectures. Counties are not listed: a county's code is taken
when its prefecture is known, because factors are never narrower than a prefecture.

Source:
    GB/T 2260-2007 (in force 2008-02-01), later changes by the year-end lists of the Ministry of
    Civil Affairs: codes and Chinese names to 2013 from the package GB2260 0.4.1 (BSD), compared
    on 2026-11-21 with the 342 prefectures of the National Bureau of Statistics. A code that came
    or went after 2007 is dated by the first year-end that shows it. ISO 3166-2:2020 for CN-XX.
"""

import csv
import re
from collections.abc import Mapping
from datetime import date
from importlib.resources import files
from types import MappingProxyType
from typing import NamedTuple

from scoring.methodology.refusals import UnknownRegion

COUNTRY = "CN"
SIX_DIGITS = re.compile(r"[1-9][0-9]{5}", re.ASCII)

# Regional grids of the ministry's electricity announcements. They are no places of GB/T 2260 and
# no activity happens "in" one, so a factor of a grid is a reference value and never selected.
GRIDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "grid:north": ("华北", "North China"),
        "grid:northeast": ("东北", "Northeast China"),
        "grid:east": ("华东", "East China"),
        "grid:central": ("华中", "Central China"),
        "grid:northwest": ("西北", "Northwest China"),
        "grid:south": ("南方", "Southern China"),
        "grid:southwest": ("西南", "Southwest China"),
    }
)


class Region(NamedTuple):
    """One name of one code.

    Attributes:
        valid_until: last day of this name, None while it is in use.
        short: of a province, such as 浙江; else empty.
        iso: ISO 3166-2 of a province; else empty.
    """

    code: str
    valid_from: date
    valid_until: date | None
    zh: str
    en: str
    short: str
    iso: str


def _read() -> tuple[Region, ...]:
    text = (files("scoring.methodology") / "regions.csv").read_text("utf-8")
    rows = list(csv.reader(text.splitlines()))[1:]
    return tuple(
        Region(
            code,
            date.fromisoformat(begins),
            date.fromisoformat(ends) if ends else None,
            *names,
        )
        for code, begins, ends, *names in rows
    )


REGIONS = _read()
_CODES = frozenset(region.code for region in REGIONS)
_NAMES = {COUNTRY: COUNTRY, "全国": COUNTRY} | {
    name: region.code for region in REGIONS for name in (region.short, region.iso) if name
}


def region_of(given: str) -> str:
    """Six digits, or `CN`, from a code, a province's short name or its ISO code.

    Raises:
        UnknownRegion: none of these, or six digits outside every known prefecture.
    """
    if given in _NAMES:
        return _NAMES[given]
    if SIX_DIGITS.fullmatch(given) is None:
        raise UnknownRegion(f"{given!r} is neither six digits nor a province")
    if not is_known_place(given):
        raise UnknownRegion(f"{given!r} lies in no province and prefecture of GB/T 2260")
    return given


def region_named(code: str, on: date) -> Region | None:
    """The name that a code had on a day; None for a county, an unknown code, or another day."""
    for region in REGIONS:
        last = region.valid_until or date.max
        if region.code == code and region.valid_from <= on <= last:
            return region
    return None


def is_known_place(code: str) -> bool:
    """Whether a factor may name it: the country, a grid, a listed code or a county of one."""
    if code == COUNTRY or code in GRIDS:
        return True
    return SIX_DIGITS.fullmatch(code) is not None and bool({code, f"{code[:4]}00"} & _CODES)


def places_around(region: str) -> tuple[str, ...]:
    """The region itself and what contains it, narrowest first."""
    if region == COUNTRY:
        return (COUNTRY,)
    return (region, f"{region[:4]}00", f"{region[:2]}0000", COUNTRY)
