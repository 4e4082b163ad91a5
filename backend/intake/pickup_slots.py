"""Places in slots: one write that takes one, and reads of what is free."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.recycling.pickups import SLOT_NAMES, Pickup
from backend.recycling.slot_queries import capacities_of, lock_capacities, taken_places
from backend.recycling.slots import FreeSlot, SlotFull, free_slots, places_left
from backend.units import shanghai_day
from scoring.methodology.regions import places_around

SLOTS_NAMED = 5  # two days of them: enough to choose from in a sentence


async def take_place(conn: AsyncConnection, pickup: Pickup, now: datetime) -> None:
    """Let a pickup that was just written keep its slot, if the areas around have a place for it.

    Raises:
        SlotFull: With the next free slots; the transaction leaves nothing.
    """
    slot = pickup.slot
    capacities = await lock_capacities(conn, places_around(pickup.region), slot.hour)
    areas = {each.region for each in capacities}
    taken = await taken_places(conn, areas, slot.day, besides=pickup.id)
    left = places_left(slot, capacities, taken)
    if left is not None and left <= 0:
        found = await find_free(conn, pickup.region, now)
        raise SlotFull(free=[_named(each) for each in found[:SLOTS_NAMED]])


async def find_free(conn: AsyncConnection, region: str, now: datetime) -> list[FreeSlot]:
    """Slots that can be booked at this moment; somebody else may be faster."""
    capacities = await capacities_of(conn, places_around(region))
    taken = await taken_places(conn, {each.region for each in capacities}, shanghai_day(now))
    return free_slots(now, capacities, taken)


def _named(free: FreeSlot) -> dict[str, object]:
    day, hour = free.slot
    return {"day": day.isoformat(), "slot": SLOT_NAMES[hour], "places_left": free.places_left}
