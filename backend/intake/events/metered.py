"""`tanhui.meter.reading.v1`: what a household used in a period, against its baseline.

The baseline is the city's daily average per person; a household above it is compared with its own
mean of the seven days before the period. Both come with the reading, from whoever runs the meters.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated

import msgspec

from backend.intake.bodies import Region
from backend.intake.domain import CLOCK_TOLERANCE, TimeNotPlausible
from backend.intake.events.domain import Deed, EventKind, Thing
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
    """Electricity used, with the averages that it is compared with."""

    used_wh: WattHours
    city_average_wh_per_person_day: WattHours
    own_average_wh_per_day: WattHours


class Gas(Period, tag_field="medium", tag="gas", kw_only=True):
    """Pipeline gas used; its methodology is a draft, so it is not credited yet."""

    used_l: Litres
    city_average_l_per_person_day: Litres
    own_average_l_per_day: Litres


class Water(Period, tag_field="medium", tag="water", kw_only=True):
    """Tap water used; its methodology is a draft, so it is not credited yet."""

    used_l: Litres
    city_average_l_per_person_day: Litres
    own_average_l_per_day: Litres


def deed_of(data: Electricity | Gas | Water) -> Deed:
    """What was saved, on the first day of the period; every day of a meter counts once."""
    if isinstance(data, Electricity):
        used, city, own = (
            data.used_wh,
            data.city_average_wh_per_person_day,
            data.own_average_wh_per_day,
        )
        action, quantity = "electricity_saved", "energy_wh"
    else:
        used, city, own = (
            data.used_l,
            data.city_average_l_per_person_day,
            data.own_average_l_per_day,
        )
        action, quantity = ("gas" if isinstance(data, Gas) else "water") + "_saved", "volume_l"
    began = datetime.combine(data.first_day, time(), SHANGHAI).astimezone(UTC)
    saved = saved_of(used, days=data.days, city_per_day=city * data.persons, own_per_day=own)
    first, *further = [
        ("meter", action, data.meter, (data.first_day + number * _ONE_DAY).isoformat())
        for number in range(data.days)
    ]
    ended = began + data.days * _ONE_DAY
    return Deed(
        action,
        began,
        ended,
        {quantity: saved, "days": data.days},
        first,
        region=data.region,
        further_claims=tuple(further),
        told_from=ended,
    )


def saved_of(used: int, *, days: int, city_per_day: int, own_per_day: int) -> int:
    """Base units saved in the period; never below zero.

    Source:
        Shenzhen, low-carbon electricity of residents (trial), 2022-06-21: the daily average of the
        city's residents; a household above it is compared with its own mean of the preceding days.
    """
    baseline_per_day = max(city_per_day, own_per_day)
    return max(0, baseline_per_day * days - used)


def check_period(deed: Deed, now: datetime) -> None:
    """A reading is told when its period is over."""
    if deed.ended_at is None or deed.ended_at > now + CLOCK_TOLERANCE:
        raise TimeNotPlausible


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
            city_average_wh_per_person_day=2_000,
            own_average_wh_per_day=5_700,
            region="330100",
        ),
    ),
    check_period,
)
