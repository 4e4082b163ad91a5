"""How many pickups an area takes in a slot, and which slots are free.

A limit holds for all that lies in its area: a place in a district is one in its city, too. Without
a limit a slot takes any number.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from backend.errors import DomainError
from backend.recycling.pickups import BOOKABLE, SLOT_ENDS, Slot
from backend.units import shanghai_day

PLACES_MAX: Final = 1_000  # ten collectors with a hundred doors each; more is a typing error


class SlotFull(DomainError):
    """As many pickups are booked in this slot as the area takes."""


class Capacity(NamedTuple):
    """How many pickups an area takes in this part of every day; the columns of `pickup_capacity`.

    Attributes:
        region: Six digits; a province or a city covers what lies in it.
        slot_hour: A key of `SLOT_ENDS`.
        set_by: Principal of the operator.
    """

    region: str
    slot_hour: int
    places: int
    set_by: str
    set_at: datetime


class FreeSlot(NamedTuple):
    """A slot that can be booked; `places_left` is None where nobody limits it."""

    slot: Slot
    places_left: int | None


Taken = Mapping[tuple[str, Slot], int]


def bookable_slots(now: datetime) -> list[Slot]:
    """Slots that have not begun, up to two weeks ahead, in their order."""
    today = shanghai_day(now)
    days = (today + timedelta(days=ahead) for ahead in range(BOOKABLE.days + 1))
    slots = (Slot(day, hour) for day in days for hour in SLOT_ENDS)
    return [slot for slot in slots if slot.starts_at > now]


def places_left(slot: Slot, capacities: Iterable[Capacity], taken: Taken) -> int | None:
    """Places that every area around still has; below zero when a limit was lowered."""
    return min(
        (
            each.places - taken.get((each.region, slot), 0)
            for each in capacities
            if each.slot_hour == slot.hour
        ),
        default=None,
    )


def free_slots(now: datetime, capacities: Iterable[Capacity], taken: Taken) -> list[FreeSlot]:
    """What can be booked, in the order of the slots."""
    limits = list(capacities)
    found = (FreeSlot(slot, places_left(slot, limits, taken)) for slot in bookable_slots(now))
    return [each for each in found if each.places_left is None or each.places_left > 0]
