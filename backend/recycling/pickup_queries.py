"""Pickups and collectors' reports; whoever moves a pickup locks its row, after its account."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import fetch, fetch_one, run
from backend.ids import LAST_ID
from backend.recycling.pickups import Pickup, PickupStatus, Report, ReportKind

_COLUMNS = ", ".join(Pickup._fields)
_REPORT = ", ".join(Report._fields)


class Place(NamedTuple):
    """Where a page of a round begins: after this pickup."""

    slot_on: date
    slot_hour: int
    region: str
    id: UUID


async def insert_pickup(conn: AsyncConnection, pickup: Pickup) -> bool:
    """Write a new pickup; False when the account has an open one."""
    return bool(
        await run(
            conn,
            f"INSERT INTO pickup ({_COLUMNS})"
            f" VALUES ({', '.join(f':{name}' for name in Pickup._fields)}) ON CONFLICT DO NOTHING",
            **pickup._asdict(),
        )
    )


async def open_pickup_of(conn: AsyncConnection, account_id: UUID) -> Pickup | None:
    """The one pickup of an account that is open."""
    row = await fetch_one(
        conn,
        f"SELECT {_COLUMNS} FROM pickup WHERE account_id = :account AND closed_at IS NULL",
        account=account_id,
    )
    return _pickup(row) if row else None


async def pickups_by_id(conn: AsyncConnection, ids: Sequence[UUID]) -> Mapping[UUID, Pickup]:
    """These pickups; those that do not exist are missing."""
    rows = await fetch(conn, _BY_ID, ids=list(ids))
    return {row.id: _pickup(row) for row in rows}


async def lock_pickups(conn: AsyncConnection, ids: Sequence[UUID]) -> Mapping[UUID, Pickup]:
    """These pickups, locked in the order of their ids."""
    rows = await fetch(conn, f"{_BY_ID} ORDER BY id FOR UPDATE", ids=list(ids))
    return {row.id: _pickup(row) for row in rows}


_BY_ID = f"SELECT {_COLUMNS} FROM pickup WHERE id = ANY(CAST(:ids AS uuid[]))"


async def update_pickup(conn: AsyncConnection, pickup: Pickup) -> None:
    """Write what can change of a locked pickup."""
    await run(
        conn,
        "UPDATE pickup SET slot_on = :slot_on, slot_hour = :slot_hour, status = :status,"
        " status_at = :status_at, collector = :collector, closed_at = :closed_at,"
        " sealed_address = :sealed_address WHERE id = :id",
        **{
            name: value
            for name, value in pickup._asdict().items()
            if name not in {"account_id", "region", "bags", "requested_at"}
        },
    )


async def list_own(
    conn: AsyncConnection, account_id: UUID, *, before_id: UUID | None, limit: int
) -> list[Pickup]:
    """Pickups of an account, newest first."""
    rows = await fetch(
        conn,
        f"SELECT {_COLUMNS} FROM pickup WHERE account_id = :account AND id < :before"
        " ORDER BY id DESC LIMIT :limit",
        account=account_id,
        before=before_id or LAST_ID,
        limit=limit,
    )
    return [_pickup(row) for row in rows]


async def list_round(
    conn: AsyncConnection,
    *,
    collector: str | None,
    is_open: bool,
    day: date | None,
    after: Place | None,
    limit: int,
) -> list[Pickup]:
    """Pickups in the order in which they are driven to; of one collector and day if given."""
    place = after or Place(date.min, 0, "", UUID(int=0))
    rows = await fetch(
        conn,
        f"SELECT {_COLUMNS} FROM pickup"
        " WHERE (slot_on, slot_hour, region, id) > (:slot_on, :slot_hour, :region, :id)"
        " AND (CAST(:collector AS text) IS NULL OR collector = :collector)"
        " AND (CAST(:day AS date) IS NULL OR slot_on = :day)"
        f"{' AND closed_at IS NULL' if is_open else ''}"
        " ORDER BY slot_on, slot_hour, region, id LIMIT :limit",
        collector=collector,
        day=day,
        limit=limit,
        **place._asdict(),
    )
    return [_pickup(row) for row in rows]


async def forgotten_pickups(
    conn: AsyncConnection, slot_on_before: date, *, limit: int
) -> list[Pickup]:
    """Open pickups whose slot is long over, locked; another transaction's are skipped."""
    rows = await fetch(
        conn,
        f"SELECT {_COLUMNS} FROM pickup WHERE closed_at IS NULL AND slot_on < :before"
        " ORDER BY slot_on LIMIT :limit FOR UPDATE SKIP LOCKED",
        before=slot_on_before,
        limit=limit,
    )
    return [_pickup(row) for row in rows]


async def reports_by_id(
    conn: AsyncConnection, collector: str, ids: Sequence[UUID]
) -> Mapping[UUID, Report]:
    """Which of these reports a collector has made before."""
    rows = await fetch(
        conn,
        f"SELECT {_REPORT} FROM pickup_report"
        " WHERE collector = :collector AND id = ANY(CAST(:ids AS uuid[]))",
        collector=collector,
        ids=list(ids),
    )
    return {row.id: Report._make(row)._replace(kind=ReportKind(row.kind)) for row in rows}


async def insert_report(
    conn: AsyncConnection, collector: str, report: Report, now: datetime
) -> bool:
    """Write a report; False when this id stands already."""
    return bool(
        await run(
            conn,
            f"INSERT INTO pickup_report (collector, {_REPORT}, recorded_at) VALUES (:collector,"
            f" {', '.join(f':{name}' for name in Report._fields)}, :now) ON CONFLICT DO NOTHING",
            collector=collector,
            now=now,
            **report._asdict(),
        )
    )


async def not_home_of(conn: AsyncConnection, ids: Sequence[UUID]) -> list[Pickup]:
    """Pickups among these ids at which nobody was at home."""
    rows = await fetch(conn, f"{_BY_ID} AND status = 'not_home'", ids=list(ids))
    return [_pickup(row) for row in rows]


def _pickup(row: Row[Any]) -> Pickup:
    pickup = Pickup._make(row)
    return pickup._replace(status=PickupStatus(pickup.status))
