"""`tanhui.meter.reading.v1`: what a household used in a period.

What is usual in that period is never the partner's to say: `comparing` finds it from the readings
that were told before and from the averages that the programme has published.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, NamedTuple

import msgspec

from backend.intake.bodies import Region
from backend.intake.domain import CLOCK_TOLERANCE, TimeNotPlausible
from backend.intake.events.domain import Deed, EventKind, Thing
from backend.meters.domain import BaselineUnknown, Medium
from backend.units import SHANGHAI

Days = Annotated[int, msgspec.Meta(ge=1, le=62, description="two months between two bills")]
Persons = Annotated[int, msgspec.Meta(ge=1, le=20)]
WattHours = Annotated[
    int, msgspec.Meta(ge=0, le=10_000_000)
]  # a house with a car charger, in 62 days
Litres = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
_ONE_DAY = timedelta(days=1)


class Period(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A meter, and the days that one reading is of; `meter` is your own name for it."""

    meter: Thing
    first_day: date
    days: Days
    persons: Persons
    region: Region | None = None


class Electricity(Period, tag_field="medium", tag="electricity", kw_only=True):
    """Electricity used."""

    used_wh: WattHours


class Gas(Period, tag_field="medium", tag="gas", kw_only=True):
    """Pipeline gas used; its methodology is a draft: the reading is kept, not credited."""

    used_l: Litres


class Water(Period, tag_field="medium", tag="water", kw_only=True):
    """Tap water used; its methodology is a draft: the reading is kept, not credited."""

    used_l: Litres


Reading = Electricity | Gas | Water


class Compared(NamedTuple):
    """A reading with what is usual in its period, watt-hours or litres; None when unknown."""

    reading: Reading
    baseline_wh_or_l: int | None


def medium_of(data: Reading) -> Medium:
    """What flows through the meter."""
    if isinstance(data, Electricity):
        return "electricity"
    return "gas" if isinstance(data, Gas) else "water"


def used_of(data: Reading) -> int:
    """What was used, in watt-hours or litres."""
    return data.used_wh if isinstance(data, Electricity) else data.used_l


def deed_of(data: Compared | Reading) -> Deed:
    """What was saved, on the first day of the period; every day of a meter counts once."""
    reading = data.reading if isinstance(data, Compared) else data
    medium = medium_of(reading)
    action = f"{medium}_saved"
    began = datetime.combine(reading.first_day, time(), SHANGHAI).astimezone(UTC)
    first, *further = [
        ("meter", action, reading.meter, (reading.first_day + number * _ONE_DAY).isoformat())
        for number in range(reading.days)
    ]
    ended = began + reading.days * _ONE_DAY
    return Deed(
        action,
        began,
        ended,
        _quantities(data, reading),
        first,
        region=reading.region,
        further_claims=tuple(further),
        told_from=ended,
    )


def _quantities(data: Compared | Reading, reading: Reading) -> Mapping[str, int]:
    """Base units below the baseline; empty when there is nothing to compare the reading with."""
    quantity = "energy_wh" if isinstance(reading, Electricity) else "volume_l"
    saved = 0
    if isinstance(data, Compared):
        if data.baseline_wh_or_l is None:
            return {}
        saved = max(0, data.baseline_wh_or_l - used_of(reading))
    return {quantity: saved, "days": reading.days}


def check_period(deed: Deed, now: datetime) -> None:
    """A reading is told when its period is over, and counts against something.

    Raises:
        TimeNotPlausible, BaselineUnknown.
    """
    if deed.ended_at is None or deed.ended_at > now + CLOCK_TOLERANCE:
        raise TimeNotPlausible
    if not deed.quantities:
        raise BaselineUnknown


METER = EventKind(
    "tanhui.meter.reading",
    "抄表",
    "Meter reading",
    Electricity | Gas | Water,
    deed_of,
    (
        Electricity(
            meter="m-330100-0042",
            first_day=date(2026, 10, 1),
            days=30,
            persons=3,
            used_wh=168_000,
            region="330100",
        ),
    ),
    check_period,
)
