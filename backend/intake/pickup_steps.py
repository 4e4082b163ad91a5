"""Ask for a pickup at the door, change it, assign it, forget it; one write each."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.errors import NotFound
from backend.ids import uuid7
from backend.intake.pickup_slots import take_place
from backend.ledger.queries import lock_accounts
from backend.recycling.pickup_queries import (
    forgotten_pickups,
    insert_pickup,
    lock_pickups,
    open_pickup_of,
    update_pickup,
)
from backend.recycling.pickups import (
    OPEN_AFTER_SLOT,
    Pickup,
    PickupClosed,
    PickupOpen,
    PickupStatus,
    Slot,
    check_slot,
    closed,
)
from backend.sealing import Sealer
from backend.units import shanghai_day

EXPIRED_PER_TRANSACTION = 200


class Asked(NamedTuple):
    """A member asks for somebody to come.

    Attributes:
        address: Where, as the collector reads it; sealed before it is stored.
    """

    account_id: UUID
    region: str
    slot: Slot
    bags: int
    address: str


async def ask(conn: AsyncConnection, asked: Asked, now: datetime, sealer: Sealer) -> UUID:
    """Write down a pickup with its sealed address.

    Raises:
        SlotNotBookable, PickupOpen, SlotFull.
    """
    check_slot(asked.slot, now)
    pickup_id = uuid7()
    pickup = Pickup(
        pickup_id,
        asked.account_id,
        asked.region,
        asked.slot.day,
        asked.slot.hour,
        sealer.seal(asked.address.encode(), place=place_of(pickup_id)),
        asked.bags,
        PickupStatus.OPEN,
        now,
        None,
        now,
        None,
    )
    if not await insert_pickup(conn, pickup):
        standing = await open_pickup_of(conn, asked.account_id)
        raise PickupOpen(pickup_id=str(standing.id) if standing else None)
    await take_place(conn, pickup, now)
    return pickup_id


def place_of(pickup_id: UUID) -> str:
    """Where a sealed address opens: in its own row only."""
    return f"pickup {pickup_id}"


async def cancel(conn: AsyncConnection, pickup_id: UUID, account_id: UUID, now: datetime) -> None:
    """Call a pickup off; a second time changes nothing.

    Raises:
        NotFound: Not the member's.
        PickupClosed: It is done or has expired.
    """
    pickup = await _own(conn, pickup_id, account_id)
    if pickup.status is PickupStatus.CANCELLED:
        return
    _refuse_closed(pickup)
    await update_pickup(conn, closed(pickup, PickupStatus.CANCELLED, now, now))


async def reschedule(
    conn: AsyncConnection, pickup_id: UUID, account_id: UUID, slot: Slot, now: datetime
) -> None:
    """Let somebody come in another slot; a second time changes nothing.

    Raises:
        NotFound, PickupClosed, SlotNotBookable, SlotFull.
    """
    pickup = await _own(conn, pickup_id, account_id)
    _refuse_closed(pickup)
    if (pickup.slot, pickup.status) == (slot, PickupStatus.OPEN):
        return
    check_slot(slot, now)
    moved = pickup._replace(
        slot_on=slot.day, slot_hour=slot.hour, status=PickupStatus.OPEN, status_at=now
    )
    await update_pickup(conn, moved)
    await take_place(conn, moved, now)


async def assign(conn: AsyncConnection, pickup_id: UUID, collector: str) -> None:
    """Say who goes there: from now on this collector reads the address, and the one before not.

    Raises:
        NotFound, PickupClosed.
    """
    pickup = (await lock_pickups(conn, [pickup_id])).get(pickup_id)
    if pickup is None:
        raise NotFound
    _refuse_closed(pickup)
    await update_pickup(conn, pickup._replace(collector=collector))


async def expire_pickups(
    conn: AsyncConnection, *, clock_shift_s: int = 0, limit: int = EXPIRED_PER_TRANSACTION
) -> int:
    """Close the next pickups to which nobody came for a week, and erase their addresses."""
    now = (await lock_accounts(conn, (), clock_shift_s=clock_shift_s)).now
    found = await forgotten_pickups(conn, shanghai_day(now) - OPEN_AFTER_SLOT, limit=limit)
    for pickup in found:
        await update_pickup(conn, closed(pickup, PickupStatus.EXPIRED, now, now))
    return len(found)


async def _own(conn: AsyncConnection, pickup_id: UUID, account_id: UUID) -> Pickup:
    pickup = (await lock_pickups(conn, [pickup_id])).get(pickup_id)
    if pickup is None or pickup.account_id != account_id:
        raise NotFound
    return pickup


def _refuse_closed(pickup: Pickup) -> None:
    if pickup.status.is_closed:
        raise PickupClosed(status=pickup.status)
