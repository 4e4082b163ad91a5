"""What partners tell, one row for each kind of partner; how it goes wrong is `plan`'s affair.

The data of an event is a row too: a word stands for itself, a function is asked about the deed.
"""

import random  # noqa: TID251  # the plan's own seeded generator
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

Document = dict[str, Any]


class Deed(NamedTuple):
    """One thing that somebody did.

    Attributes:
        thing: What names it: the number of an order, a printed code; rides need none.
    """

    thing: str
    began_at: datetime
    ended_at: datetime
    region: str
    generator: random.Random


class Kind(NamedTuple):
    """What one kind of partner tells.

    Attributes:
        event: Type of its events, without `.v1`.
        data: Words, and functions of the deed.
        amount: The whole number that a correction lowers by one; None is never corrected.
        first, slot, slots_per_day: When on a day a customer does it; slots never overlap.
        minutes: How long it lasts, from and to.
        tapped: Of 1,000 how many are told as a tap-in and a tap-out.
        has_subject: Whether the event names the customer.
        is_printed: Whether the thing must be a code that the programme has printed.
    """

    event: str
    data: Mapping[str, object]
    amount: str | None
    first: timedelta
    slot: timedelta = timedelta(hours=2)
    slots_per_day: int = 5
    minutes: tuple[int, int] = (0, 0)
    tapped: int = 0
    has_subject: bool = True
    is_printed: bool = False

    def data_of(self, deed: Deed) -> Document:
        """The data of the event that tells this deed, by the order of the row's fields."""
        return {
            name: value(deed) if callable(value) else value for name, value in self.data.items()
        }


def _thing(deed: Deed) -> str:
    return deed.thing


def _began_at(deed: Deed) -> str:
    return deed.began_at.isoformat()


def _ended_at(deed: Deed) -> str:
    return deed.ended_at.isoformat()


def _region(deed: Deed) -> str:
    return deed.region


def _between(least: int, most: int) -> Callable[[Deed], int]:
    return lambda deed: deed.generator.randint(least, most)


def _days_before(least: int, most: int) -> Callable[[Deed], str]:
    def day_of(deed: Deed) -> str:
        days = deed.generator.randint(least, most)
        return (deed.began_at.date() - timedelta(days=days)).isoformat()

    return day_of


def _at_speed(least: int, most: int) -> Callable[[Deed], int]:
    """Metres, from metres a minute."""

    def distance_of(deed: Deed) -> int:
        minutes = (deed.ended_at - deed.began_at) // timedelta(minutes=1)
        return minutes * deed.generator.randint(least, most)

    return distance_of


def _ride(mode: str, least: int, most: int) -> Mapping[str, object]:
    """Metres a minute are below what is refused as not plausible, and above walking."""
    return {
        "record": "ride",
        "mode": mode,
        "started_at": _began_at,
        "ended_at": _ended_at,
        "distance_m": _at_speed(least, most),
        "region": _region,
    }


_RIDES: Final = Kind(
    "tanhui.trip",
    _ride("metro", 500, 1_100),
    "distance_m",
    first=timedelta(hours=5, minutes=30),
    slot=timedelta(minutes=40),
    slots_per_day=24,
    minutes=(4, 28),
    tapped=100,
)
_MORNING: Final = timedelta(hours=10)
_METER_DAYS: Final = 30

KINDS: Final[Mapping[str, Kind]] = {
    "metro": _RIDES,
    "bus": _RIDES._replace(data=_ride("bus", 200, 500)),
    "cycling": _RIDES._replace(data=_ride("cycling", 150, 300), tapped=0),
    "e_bike": _RIDES._replace(data=_ride("e_bike", 200, 400), tapped=0),
    "bag": Kind(
        "tanhui.recycling.bag.weighed",
        {"code": _thing, "weighed_at": _began_at, "mass_g": _between(800, 6_000)},
        "mass_g",
        first=_MORNING,
        has_subject=False,
        is_printed=True,
    ),
    "meter": Kind(
        "tanhui.meter.reading",
        {
            "medium": "electricity",
            "meter": _thing,
            "first_day": _days_before(_METER_DAYS, _METER_DAYS),
            "days": _METER_DAYS,
            "persons": _between(1, 4),
            "used_wh": _between(60_000, 250_000),  # 2 to 8 kWh a day
            "region": _region,
        },
        "used_wh",
        first=_MORNING,
        slots_per_day=1,
    ),
    "order": Kind(
        "tanhui.order.no_tableware",
        {"order": _thing, "ordered_at": _began_at, "region": _region},
        None,
        first=_MORNING,
    ),
    "parcel": Kind(
        "tanhui.parcel.reused",
        {"parcel": _thing, "handed_back_at": _began_at, "boxes": _between(2, 5), "region": _region},
        "boxes",
        first=_MORNING,
    ),
    "tree": Kind(
        "tanhui.tree.verified",
        {
            "planting": _thing,
            "planted_on": _days_before(400, 2_000),  # from the second year to the tenth
            "trees": _between(2, 5),
            "verified_at": _began_at,
            "region": _region,
        },
        "trees",
        first=_MORNING,
        slots_per_day=1,
    ),
    "marine": Kind(
        "tanhui.marine.handed_in",
        {
            "receipt": _thing,
            "handed_in_at": _began_at,
            "sorted_plastic_g": _between(2_000, 30_000),
            "region": _region,
        },
        "sorted_plastic_g",
        first=_MORNING,
    ),
}
