"""The statements about endpoints and their secrets."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import fetch, fetch_one, run
from backend.webhooks.domain import ENDPOINTS_PER_OWNER_MAX, Endpoint, Owner

_COLUMNS = ", ".join(Endpoint._fields)


class EndpointFilter(NamedTuple):
    """Which endpoints are listed; None means any."""

    owner: Owner | None
    owner_id: UUID | None
    status: str | None


async def clock(conn: AsyncConnection) -> datetime:
    """The database's time; deliveries are never shifted, because receivers compare with theirs."""
    row = await fetch_one(conn, "SELECT now() AS now")
    assert row is not None, "a SELECT without FROM has a row"
    now: datetime = row.now
    return now


async def find_endpoint(conn: AsyncConnection, endpoint_id: UUID) -> Endpoint | None:
    """An endpoint that was not deleted."""
    row = await fetch_one(
        conn,
        f"SELECT {_COLUMNS} FROM webhook_endpoint WHERE id = :id AND status <> 'deleted'",
        id=endpoint_id,
    )
    return Endpoint._make(row) if row else None


async def lock_endpoint(conn: AsyncConnection, endpoint_id: UUID) -> Endpoint | None:
    """The same, locked: endpoints are locked before their deliveries everywhere."""
    row = await fetch_one(
        conn,
        f"SELECT {_COLUMNS} FROM webhook_endpoint WHERE id = :id AND status <> 'deleted'"
        " FOR NO KEY UPDATE",
        id=endpoint_id,
    )
    return Endpoint._make(row) if row else None


async def lock_owner(conn: AsyncConnection, owner: Owner) -> None:
    """Let registrations of one owner take turns; the owner's own row is not ours to lock."""
    await run(
        conn,
        "SELECT pg_advisory_xact_lock(hashtextextended(CAST(CAST(:owner AS uuid) AS text), 0))",
        owner=owner.id,
    )


async def find_by_url(conn: AsyncConnection, owner: Owner, url: str) -> Endpoint | None:
    """What the owner has registered under this URL."""
    row = await fetch_one(
        conn,
        f"SELECT {_COLUMNS} FROM webhook_endpoint WHERE owner_id = :owner AND url = :url"
        " AND status <> 'deleted'",
        owner=owner.id,
        url=url,
    )
    return Endpoint._make(row) if row else None


async def free_place(conn: AsyncConnection, owner: Owner) -> int | None:
    """The first place that none of the owner's endpoints takes, or None."""
    row = await fetch_one(
        conn,
        "SELECT min(place) AS place FROM generate_series(1, :most) AS place WHERE NOT EXISTS"
        " (SELECT FROM webhook_endpoint AS taken WHERE taken.owner_id = :owner"
        " AND taken.place = place.place AND taken.status <> 'deleted')",
        owner=owner.id,
        most=ENDPOINTS_PER_OWNER_MAX,
    )
    return row.place if row else None


async def insert_endpoint(
    conn: AsyncConnection, endpoint: Endpoint, *, place: int, created_by: str
) -> bool:
    """Register; False when somebody took the place or the URL in between."""
    return bool(
        await run(
            conn,
            "INSERT INTO webhook_endpoint (id, owner_kind, owner_id, place, url, event_types,"
            " subscribed_at, status, created_by, created_at, changed_at) VALUES (:id, :kind,"
            " :owner, :place, :url, CAST(:types AS text[]), :now, :status, :by, :now, :now)"
            " ON CONFLICT DO NOTHING",
            id=endpoint.id,
            kind=endpoint.owner_kind,
            owner=endpoint.owner_id,
            place=place,
            url=endpoint.url,
            types=list(endpoint.event_types),
            status=endpoint.status,
            by=created_by,
            now=endpoint.created_at,
        )
    )


async def update_endpoint(conn: AsyncConnection, endpoint: Endpoint) -> None:
    """Write types, status and reason; a subscription that changed counts from now."""
    await run(
        conn,
        "UPDATE webhook_endpoint SET event_types = CAST(:types AS text[]), status = :status,"
        " disabled_reason = :reason, failing_since = :failing, changed_at = :now,"
        " subscribed_at = CASE WHEN event_types @> CAST(:types AS text[]) THEN subscribed_at"
        " ELSE :now END WHERE id = :id",
        id=endpoint.id,
        types=list(endpoint.event_types),
        status=endpoint.status,
        reason=endpoint.disabled_reason,
        failing=endpoint.failing_since,
        now=endpoint.changed_at,
    )


async def list_endpoints(
    conn: AsyncConnection, wanted: EndpointFilter, *, before: UUID | None, limit: int
) -> list[Endpoint]:
    """Endpoints that were not deleted, newest first."""
    owner_id = wanted.owner.id if wanted.owner else wanted.owner_id
    rows = await fetch(
        conn,
        f"SELECT {_COLUMNS} FROM webhook_endpoint WHERE status <> 'deleted'"
        " AND (CAST(:owner AS uuid) IS NULL OR owner_id = :owner)"
        " AND (CAST(:status AS text) IS NULL OR status = :status)"
        " AND (CAST(:before AS uuid) IS NULL OR id < :before) ORDER BY id DESC LIMIT :limit",
        owner=owner_id,
        status=wanted.status,
        before=before,
        limit=limit,
    )
    return [Endpoint._make(row) for row in rows]


async def insert_secret(
    conn: AsyncConnection, secret_id: UUID, endpoint_id: UUID, *, sealed: bytes, now: datetime
) -> None:
    """Keep a sealed secret, which signs from now on."""
    await run(
        conn,
        "INSERT INTO webhook_secret (id, endpoint_id, sealed, created_at)"
        " VALUES (:id, :endpoint, :sealed, :now)",
        id=secret_id,
        endpoint=endpoint_id,
        sealed=sealed,
        now=now,
    )


async def secrets_of(conn: AsyncConnection, endpoint_id: UUID) -> Sequence[Row[Any]]:
    """Secrets that still sign, newest first: id, created_at, expires_at."""
    return await fetch(
        conn,
        "SELECT id, created_at, expires_at FROM webhook_secret WHERE endpoint_id = :endpoint"
        " AND (expires_at IS NULL OR expires_at > now()) ORDER BY id DESC",
        endpoint=endpoint_id,
    )


async def retire_secrets(
    conn: AsyncConnection, endpoint_id: UUID, *, expires_at: datetime, now: datetime
) -> None:
    """Let the secrets of an endpoint end at a time or before, and forget those that have ended."""
    await run(
        conn,
        "UPDATE webhook_secret SET expires_at = least(expires_at, :expires)"
        " WHERE endpoint_id = :endpoint",
        endpoint=endpoint_id,
        expires=expires_at,
    )
    await run(
        conn,
        "DELETE FROM webhook_secret WHERE endpoint_id = :endpoint AND expires_at <= :now",
        endpoint=endpoint_id,
        now=now,
    )
