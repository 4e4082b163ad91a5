"""The statements of looking after partners and their keys."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import fetch, fetch_one, run
from backend.ids import LAST_ID, uuid7

_PARTNER = "SELECT id, name_zh, name_en, source, suspended_at FROM partner"
_KEY = (
    "SELECT id, partner_id, kind, algorithm, scopes, event_types, regions, sources, created_at,"
    " created_by, replaces, expires_at, is_revoked, last_used_on FROM partner_key"
)


async def lock_sources(conn: AsyncConnection) -> Sequence[str]:
    """All sources, and nobody adds one meanwhile: two must not overlap, which no index says."""
    await run(conn, "LOCK TABLE partner IN SHARE ROW EXCLUSIVE MODE")
    return [row.source for row in await fetch(conn, "SELECT source FROM partner")]


async def find_partner(conn: AsyncConnection, partner_id: UUID) -> Row[Any] | None:
    """One partner as operators see it."""
    return await fetch_one(conn, f"{_PARTNER} WHERE id = :id", id=partner_id)


async def list_partners(
    conn: AsyncConnection, *, before_id: UUID | None, limit: int
) -> Sequence[Row[Any]]:
    """Partners, newest first; those of merchants' tills too."""
    return await fetch(
        conn,
        f"{_PARTNER} WHERE id < :before ORDER BY id DESC LIMIT :limit",
        before=before_id or LAST_ID,
        limit=limit,
    )


async def set_suspended(conn: AsyncConnection, partner_id: UUID, *, since: datetime | None) -> bool:
    """Suspend since a time, or let in again; False when it is so already, or there is no partner.

    Of two callers the second waits for the first one's row, and then finds it so.
    """
    return bool(
        await run(
            conn,
            "UPDATE partner SET suspended_at = :since WHERE id = :id"
            " AND (suspended_at IS NULL) <> (CAST(:since AS timestamptz) IS NULL)",
            id=partner_id,
            since=since,
        )
    )


async def insert_change(
    conn: AsyncConnection, partner_id: UUID, what: str, *, reason: str, by: str, now: datetime
) -> None:
    """Add to the history of a partner."""
    await run(
        conn,
        "INSERT INTO partner_change (id, partner_id, what, reason, changed_by, changed_at)"
        " VALUES (:id, :partner, :what, :reason, :by, :now)",
        id=uuid7(),
        partner=partner_id,
        what=what,
        reason=reason,
        by=by,
        now=now,
    )


async def list_changes(
    conn: AsyncConnection, partner_id: UUID, *, before_id: UUID | None, limit: int
) -> Sequence[Row[Any]]:
    """The history of a partner, newest first."""
    return await fetch(
        conn,
        "SELECT id, what, reason, changed_by, changed_at FROM partner_change"
        " WHERE partner_id = :partner AND id < :before ORDER BY id DESC LIMIT :limit",
        partner=partner_id,
        before=before_id or LAST_ID,
        limit=limit,
    )


async def find_key(conn: AsyncConnection, key_id: str) -> Row[Any] | None:
    """One key without anything secret."""
    return await fetch_one(conn, f"{_KEY} WHERE id = :id", id=key_id)


async def lock_key(conn: AsyncConnection, key_id: str) -> Row[Any] | None:
    """The same, locked: rotations of one key take turns."""
    return await fetch_one(conn, f"{_KEY} WHERE id = :id FOR NO KEY UPDATE", id=key_id)


async def list_keys(
    conn: AsyncConnection,
    partner_id: UUID,
    *,
    before: tuple[datetime, str] | None,
    limit: int,
) -> Sequence[Row[Any]]:
    """Keys of a partner, newest first; their ids are random, so time goes before them."""
    made_before, id_before = before or (None, "")
    return await fetch(
        conn,
        f"{_KEY} WHERE partner_id = :partner AND (CAST(:made AS timestamptz) IS NULL"
        " OR (created_at, id) < (:made, :id)) ORDER BY created_at DESC, id DESC LIMIT :limit",
        partner=partner_id,
        made=made_before,
        id=id_before,
        limit=limit,
    )


async def note_making(conn: AsyncConnection, key_id: str, *, by: str, replaces: str | None) -> None:
    """Say who made a key, and in whose place."""
    await run(
        conn,
        "UPDATE partner_key SET created_by = :by, replaces = :replaces WHERE id = :id",
        id=key_id,
        by=by,
        replaces=replaces,
    )


async def end_at(conn: AsyncConnection, key_id: str, moment: datetime) -> None:
    """Let a key end at a time, or earlier if it ends earlier already."""
    await run(
        conn,
        "UPDATE partner_key SET expires_at = least(expires_at, :moment) WHERE id = :id",
        id=key_id,
        moment=moment,
    )


async def has_used_heir(conn: AsyncConnection, key_id: str) -> bool:
    """Whether a key that took the place of this one has been used."""
    found = await fetch_one(
        conn,
        "SELECT id FROM partner_key WHERE replaces = :id AND last_used_on IS NOT NULL LIMIT 1",
        id=key_id,
    )
    return found is not None


async def revoke_heirs(conn: AsyncConnection, key_id: str, *, by: str) -> None:
    """Close the keys that took the place of a locked one."""
    await run(
        conn,
        "UPDATE partner_key SET is_revoked = true, revoked_by = coalesce(revoked_by, :by)"
        " WHERE replaces = :id",
        id=key_id,
        by=by,
    )


async def revoke(conn: AsyncConnection, key_id: str, *, by: str) -> bool:
    """Close a key for ever; the first one to do so stays its closer."""
    return bool(
        await run(
            conn,
            "UPDATE partner_key SET is_revoked = true, revoked_by = coalesce(revoked_by, :by)"
            " WHERE id = :id",
            id=key_id,
            by=by,
        )
    )
