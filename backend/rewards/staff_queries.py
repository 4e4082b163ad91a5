"""Who works for which merchant, and who made it so; one statement per function."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple, cast
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import fetch, fetch_one
from backend.ids import LAST_ID, uuid7
from backend.rewards.domain import MANAGER
from backend.rewards.refusals import NotStaff, StaffElsewhere

_PUT = (
    "WITH put AS (INSERT INTO merchant_staff AS kept"
    " (subject, merchant_id, role, name, is_active, created_at)"
    " VALUES (:subject, :merchant, :role, :name, :active, :now)"
    " ON CONFLICT (subject) DO UPDATE SET merchant_id = excluded.merchant_id,"
    " role = excluded.role, name = excluded.name, is_active = excluded.is_active"
    " WHERE kept.merchant_id = excluded.merchant_id OR (:movable AND NOT kept.is_active)"
    " RETURNING new.created_at, (old.merchant_id, old.role, old.name, old.is_active)"
    " IS DISTINCT FROM (new.merchant_id, new.role, new.name, new.is_active) AS is_changed"
    "), recorded AS (INSERT INTO staff_change"
    " (id, merchant_id, subject, role, name, is_active, changed_by, changed_at)"
    " SELECT :id, :merchant, :subject, :role, :name, :active, :by, :now FROM put"
    " WHERE is_changed) SELECT created_at FROM put"
)


class Staff(NamedTuple):
    """Who works for which merchant, in which role."""

    subject: str
    merchant_id: UUID
    role: str
    name: str


async def staff_of(conn: AsyncConnection, subject: str, *roles: str) -> Staff:
    """The merchant that this sign-in works for.

    Raises:
        NotStaff: Nobody's, dismissed, or not in one of these roles.
    """
    row = await fetch_one(
        conn,
        "SELECT subject, merchant_id, role, name FROM merchant_staff"
        " WHERE subject = :subject AND is_active",
        subject=subject,
    )
    if row is None or row.role not in roles:
        raise NotStaff
    return Staff._make(row)


async def lock_managers(conn: AsyncConnection, merchant_id: UUID) -> list[str]:
    """Who manages this merchant, locked: two who dismiss each other follow one another."""
    rows = await fetch(
        conn,
        "SELECT subject FROM merchant_staff WHERE merchant_id = :merchant AND is_active"
        " AND role = :manager ORDER BY subject FOR UPDATE",
        merchant=merchant_id,
        manager=MANAGER,
    )
    return [row.subject for row in rows]


async def put_staff(
    conn: AsyncConnection,
    staff: Staff,
    *,
    is_active: bool = True,
    is_movable: bool = False,
    by: str,
    now: datetime,
) -> datetime:
    """Write or change a person of this merchant, and who did so; gives the time she was added.

    The same again changes nothing and is not recorded. `is_movable` brings her over from another
    merchant that has dismissed her.

    Raises:
        StaffElsewhere: She works for another merchant, or did and is not movable.
    """
    row = await fetch_one(
        conn,
        _PUT,
        id=uuid7(),
        subject=staff.subject,
        merchant=staff.merchant_id,
        role=staff.role,
        name=staff.name,
        active=is_active,
        movable=is_movable,
        by=by,
        now=now,
    )
    if row is None:
        raise StaffElsewhere
    return cast("datetime", row.created_at)


async def list_staff(
    conn: AsyncConnection, merchant_id: UUID, *, after: str, limit: int
) -> Sequence[Row[Any]]:
    """People of a merchant by subject."""
    return await fetch(
        conn,
        "SELECT subject, role, name, is_active, created_at FROM merchant_staff"
        " WHERE merchant_id = :merchant AND subject > :after ORDER BY subject LIMIT :limit",
        merchant=merchant_id,
        after=after,
        limit=limit,
    )


async def staff_changes(
    conn: AsyncConnection, merchant_id: UUID, *, before_id: UUID | None, limit: int
) -> Sequence[Row[Any]]:
    """What was done with the people of a merchant, and by whom, newest first."""
    return await fetch(
        conn,
        "SELECT id, subject, role, name, is_active, changed_by, changed_at FROM staff_change"
        " WHERE merchant_id = :merchant AND id < :before ORDER BY id DESC LIMIT :limit",
        merchant=merchant_id,
        before=before_id or LAST_ID,
        limit=limit,
    )
