"""The statements of devices: enrolment, heartbeats, and who did what with them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import fetch, fetch_one, run
from backend.ids import LAST_ID, uuid7


class Device(NamedTuple):
    """A device as its requests find it.

    Attributes:
        place_id: The canteen in which it stands.
        clock_offset_ms: Our clock minus the device's at its last heartbeat.
        is_code_used: Whether its newest one-time code has enrolled somebody.
        public_key: The Ed25519 key that verifies what it signs.
    """

    id: UUID
    partner_id: UUID
    kind: str
    place_id: UUID
    status: str
    key_id: str | None
    clock_offset_ms: int
    is_code_used: bool
    public_key: bytes | None


class Heartbeat(NamedTuple):
    """What a device says of itself.

    Attributes:
        queue_length: Things that it still has to send.
    """

    clock_offset_ms: int
    queue_length: int
    software_version: str


_COLUMNS = (
    ", ".join(Device._fields[:-1])
    + ", (SELECT public_key FROM partner_key WHERE partner_key.id = key_id) AS public_key"
)


async def insert_device(
    conn: AsyncConnection,
    device_id: UUID,
    partner_id: UUID,
    *,
    kind: str,
    name: str,
    place_id: UUID,
    now: datetime,
) -> None:
    """Write a device that waits to be enrolled."""
    await run(
        conn,
        "INSERT INTO device (id, partner_id, kind, name, place_id, status, created_at)"
        " VALUES (:id, :partner, :kind, :name, :place, 'waiting', :now)",
        id=device_id,
        partner=partner_id,
        kind=kind,
        name=name,
        place=place_id,
        now=now,
    )


async def lock_device(conn: AsyncConnection, device_id: UUID) -> Device | None:
    """A device, locked: what operators and the device itself do to it happens one by one."""
    row = await fetch_one(
        conn, f"SELECT {_COLUMNS} FROM device WHERE id = :id FOR NO KEY UPDATE", id=device_id
    )
    return Device._make(row) if row else None


async def lock_enrolling(conn: AsyncConnection, code_sha256: bytes, now: datetime) -> Device | None:
    """The device that this code enrols, locked; None when the code is wrong or over."""
    row = await fetch_one(
        conn,
        f"SELECT {_COLUMNS} FROM device WHERE code_sha256 = :code AND code_expires_at > :now"
        " FOR NO KEY UPDATE",
        code=code_sha256,
        now=now,
    )
    return Device._make(row) if row else None


async def holder_of(conn: AsyncConnection, public_key: bytes) -> UUID | None:
    """The device that signs with this key."""
    row = await fetch_one(
        conn,
        "SELECT device.id FROM device JOIN partner_key ON partner_key.id = key_id"
        " WHERE public_key = :key",
        key=public_key,
    )
    return row.id if row else None


async def device_of_key(conn: AsyncConnection, key_id: str) -> Device | None:
    """The device that holds this key; a key that was replaced is nobody's."""
    row = await fetch_one(conn, f"SELECT {_COLUMNS} FROM device WHERE key_id = :key", key=key_id)
    return Device._make(row) if row else None


async def set_code(
    conn: AsyncConnection, device_id: UUID, code_sha256: bytes, expires_at: datetime
) -> None:
    """Give a locked device its one code; an earlier one is good no more."""
    await run(
        conn,
        "UPDATE device SET code_sha256 = :code, code_expires_at = :until,"
        " is_code_used = false WHERE id = :id",
        id=device_id,
        code=code_sha256,
        until=expires_at,
    )


async def enrol(conn: AsyncConnection, device: Device, key_id: str, now: datetime) -> None:
    """Give a locked device its new key and revoke the one before."""
    await run(
        conn, "UPDATE partner_key SET is_revoked = true WHERE id = :key", key=device.key_id or ""
    )
    await run(
        conn,
        "UPDATE device SET status = 'active', key_id = :key, enrolled_at = :now,"
        " is_code_used = true WHERE id = :id",
        id=device.id,
        key=key_id,
        now=now,
    )


async def set_status(conn: AsyncConnection, device_id: UUID, status: str) -> None:
    """Suspend a locked device, or let it send again."""
    await run(
        conn, "UPDATE device SET status = :status WHERE id = :id", id=device_id, status=status
    )


async def record_heartbeat(
    conn: AsyncConnection, device_id: UUID, heartbeat: Heartbeat, now: datetime
) -> None:
    """Remember what a device says of itself; the last word counts."""
    await run(
        conn,
        "UPDATE device SET last_seen_at = :now, clock_offset_ms = :offset,"
        " queue_length = :queue, software_version = :version WHERE id = :id",
        id=device_id,
        offset=heartbeat.clock_offset_ms,
        queue=heartbeat.queue_length,
        version=heartbeat.software_version,
        now=now,
    )


async def record_change(
    conn: AsyncConnection,
    device_id: UUID,
    what: str,
    *,
    by: str,
    now: datetime,
    note: str | None = None,
) -> None:
    """Add to the history of a device."""
    await run(
        conn,
        "INSERT INTO device_change (id, device_id, what, note, changed_by, changed_at)"
        " VALUES (:id, :device, :what, :note, :by, :now)",
        id=uuid7(),
        device=device_id,
        what=what,
        note=note,
        by=by,
        now=now,
    )


_SHOWN = (
    "SELECT id, partner_id, kind, name, place_id, status, enrolled_at, last_seen_at,"
    " clock_offset_ms, queue_length, software_version, code_expires_at, created_at FROM device"
)


async def shown_device(conn: AsyncConnection, device_id: UUID) -> Row[Any] | None:
    """One device as operators see it."""
    return await fetch_one(conn, f"{_SHOWN} WHERE id = :id", id=device_id)


async def shown_devices(
    conn: AsyncConnection, *, before_id: UUID | None, limit: int
) -> Sequence[Row[Any]]:
    """Devices as operators see them, newest first."""
    return await fetch(
        conn,
        f"{_SHOWN} WHERE id < :before ORDER BY id DESC LIMIT :limit",
        before=before_id or LAST_ID,
        limit=limit,
    )


async def changes_of(
    conn: AsyncConnection, device_id: UUID, *, before_id: UUID | None, limit: int
) -> Sequence[Row[Any]]:
    """The history of a device, newest first."""
    return await fetch(
        conn,
        "SELECT id, what, note, changed_by, changed_at FROM device_change"
        " WHERE device_id = :device AND id < :before ORDER BY id DESC LIMIT :limit",
        device=device_id,
        before=before_id or LAST_ID,
        limit=limit,
    )
