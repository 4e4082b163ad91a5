"""Capacities of areas, and how many pickups their slots have.

Who books locks the capacities of the areas around first, and counts after that: two who ask for
the last place count one after the other.
"""

from collections.abc import Sequence, Set as AbstractSet
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import fetch, run
from backend.recycling.pickups import Slot
from backend.recycling.slots import Capacity, Taken

_COLUMNS = ", ".join(Capacity._fields)
_NOBODY = UUID(int=0)


async def lock_capacities(conn: AsyncConnection, areas: Sequence[str], hour: int) -> list[Capacity]:
    """Capacities of these areas for one part of the day, locked in the order of the regions."""
    rows = await fetch(
        conn,
        f"SELECT {_COLUMNS} FROM pickup_capacity WHERE region = ANY(CAST(:areas AS text[]))"
        " AND slot_hour = :hour AND places IS NOT NULL ORDER BY region FOR NO KEY UPDATE",
        areas=list(areas),
        hour=hour,
    )
    return [Capacity._make(row) for row in rows]


async def capacities_of(conn: AsyncConnection, areas: Sequence[str]) -> list[Capacity]:
    """Capacities of these areas, without locking."""
    rows = await fetch(
        conn,
        f"SELECT {_COLUMNS} FROM pickup_capacity WHERE region = ANY(CAST(:areas AS text[]))"
        " AND places IS NOT NULL",
        areas=list(areas),
    )
    return [Capacity._make(row) for row in rows]


async def taken_places(
    conn: AsyncConnection,
    areas: AbstractSet[str],
    since: date,
    *,
    besides: UUID = _NOBODY,
) -> Taken:
    """How many pickups the slots of these areas have from a day on; `besides` is not counted.

    Read by the index on the slot: two weeks of pickups at most.
    """
    if not areas:
        return {}
    rows = await fetch(
        conn,
        "SELECT area, slot_on, slot_hour, count(*) AS pickups FROM pickup"
        " JOIN unnest(CAST(:areas AS text[])) AS stated(area)"
        " ON area IN (region, left(region, 4) || '00', left(region, 2) || '0000')"
        " WHERE slot_on >= :since AND status NOT IN ('cancelled', 'expired') AND id <> :besides"
        " GROUP BY area, slot_on, slot_hour",
        areas=list(areas),
        since=since,
        besides=besides,
    )
    return {(row.area, Slot(row.slot_on, row.slot_hour)): row.pickups for row in rows}


async def set_capacity(conn: AsyncConnection, capacity: Capacity) -> None:
    """State what an area takes, instead of what was stated before."""
    await run(
        conn,
        f"INSERT INTO pickup_capacity ({_COLUMNS})"
        f" VALUES ({', '.join(f':{name}' for name in Capacity._fields)})"
        " ON CONFLICT (region, slot_hour) DO UPDATE SET places = excluded.places,"
        " set_by = excluded.set_by, set_at = excluded.set_at",
        **capacity._asdict(),
    )


async def lift_capacity(
    conn: AsyncConnection, region: str, hour: int, *, by: str, now: datetime
) -> None:
    """Let an area take any number again; the row says who let it."""
    await run(
        conn,
        "UPDATE pickup_capacity SET places = NULL, set_by = :by, set_at = :now"
        " WHERE region = :region AND slot_hour = :hour AND places IS NOT NULL",
        region=region,
        hour=hour,
        by=by,
        now=now,
    )


async def list_capacities(
    conn: AsyncConnection, *, after: tuple[str, int] | None, limit: int
) -> list[Capacity]:
    """Capacities in the order of regions and hours."""
    region, hour = after or ("", 0)
    rows = await fetch(
        conn,
        f"SELECT {_COLUMNS} FROM pickup_capacity WHERE (region, slot_hour) > (:region, :hour)"
        " AND places IS NOT NULL ORDER BY region, slot_hour LIMIT :limit",
        region=region,
        hour=hour,
        limit=limit,
    )
    return [Capacity._make(row) for row in rows]
