"""The baseline of a household: its city's average, or its own week before when that is higher.

Source:
    Shenzhen, low-carbon electricity of residents (trial), 2022-06-21, as TPH-HOME-01 states it: the
    daily average of the city's residents; a household above it is compared with its own mean of the
    seven days before.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from fractions import Fraction
from typing import Final, Literal, NamedTuple
from uuid import UUID

from backend.errors import DomainError
from scoring.methodology.regions import places_around

Medium = Literal["electricity", "gas", "water"]
DAYS_BEFORE: Final = 7


class BaselineUnknown(DomainError):
    """No average of this region is published, so nobody knows what was saved."""


class AverageDecided(DomainError):
    """This average was approved, or another one is in force from the same day."""


class MeterPeriod(NamedTuple):
    """A period of a meter that is to be compared."""

    partner_id: UUID
    medium: Medium
    meter: str
    first_day: date
    days: int
    persons: int
    region: str


class Reading(NamedTuple):
    """What was used in a period: watt-hours or litres."""

    first_day: date
    days: int
    used_wh_or_l: int


class Average(NamedTuple):
    """What one resident uses on one day, from a day on."""

    region: str
    medium: str
    valid_from: date
    average_wh_or_l: int


def baseline_of(
    period: MeterPeriod, averages: Sequence[Average], before: Sequence[Reading]
) -> int | None:
    """Watt-hours or litres of the whole period that count as usual; None without an average."""
    city = average_of(period, averages)
    if city is None:
        return None
    own = own_mean(before, period.first_day)
    city_per_day = Fraction(city * period.persons)
    return int(max(city_per_day, own or city_per_day) * period.days)


def average_of(period: MeterPeriod, averages: Sequence[Average]) -> int | None:
    """The average of the narrowest region around, in force on the period's first day."""
    for place in places_around(period.region):
        there = [
            each
            for each in averages
            if (each.region, each.medium) == (place, period.medium)
            and each.valid_from <= period.first_day
        ]
        if there:
            return max(there, key=lambda each: each.valid_from).average_wh_or_l
    return None


def own_mean(before: Sequence[Reading], first_day: date) -> Fraction | None:
    """Mean of the seven days before; None unless readings cover each of them once.

    A reading of several days is spread evenly over them.
    """
    covered: dict[date, Fraction] = {}
    for reading in before:
        for number in range(reading.days):
            day = reading.first_day + timedelta(days=number)
            if first_day - timedelta(days=DAYS_BEFORE) <= day < first_day:
                if day in covered:
                    return None
                covered[day] = Fraction(reading.used_wh_or_l, reading.days)
    if len(covered) < DAYS_BEFORE:
        return None
    return sum(covered.values(), Fraction(0)) / DAYS_BEFORE
