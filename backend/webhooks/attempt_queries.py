"""The statements about attempts: leased fairly, closed fenced.

Endpoints are locked before their deliveries, in id order, so that no two of these deadlock.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import fetch, run
from backend.webhooks.domain import Attempt, Stop


class Closing(NamedTuple):
    """What becomes of a delivery after an attempt."""

    delivery_id: UUID
    attempts: int
    status: str
    due_at: datetime
    response_code: int | None
    duration_ms: int
    error: str | None


_DUE = "status = 'pending' AND due_at <= now()"
# An endpoint at which the last attempt failed gets one connection: many that time out would
# otherwise hold every slot.
_ROOM = (
    "CASE WHEN failing_since IS NULL THEN CAST(:at_once AS integer) ELSE 1 END -"
    " (SELECT CAST(count(*) AS integer) FROM webhook_delivery AS busy"
    " WHERE busy.endpoint_id = endpoint.id AND busy.leased_until > now())"
)


async def lock_due_endpoints(conn: AsyncConnection, *, at_once: int, limit: int) -> list[UUID]:
    """Enabled endpoints with due deliveries and room for one more, the longest waiting first.

    What another processor leases from at this moment is skipped.
    """
    rows = await fetch(
        conn,
        "SELECT endpoint.id FROM webhook_endpoint AS endpoint CROSS JOIN LATERAL"
        f" (SELECT due_at FROM webhook_delivery WHERE endpoint_id = endpoint.id AND {_DUE}"
        " ORDER BY due_at LIMIT 1) AS oldest"
        f" WHERE endpoint.status = 'enabled' AND {_ROOM} > 0"
        " ORDER BY oldest.due_at LIMIT :limit FOR NO KEY UPDATE OF endpoint SKIP LOCKED",
        at_once=at_once,
        limit=limit,
    )
    return [row.id for row in rows]


async def lease_deliveries(
    conn: AsyncConnection, endpoint_ids: Sequence[UUID], *, at_once: int, lease_s: float
) -> list[Attempt]:
    """Lease what these locked endpoints have room for.

    A statement of its own: only one that begins after the lock sees what others have leased.
    """
    rows = await fetch(
        conn,
        "WITH due AS MATERIALIZED (SELECT delivery.id, endpoint.url FROM webhook_endpoint AS"
        f" endpoint CROSS JOIN LATERAL (SELECT greatest({_ROOM}, 0) AS room) AS has"
        " CROSS JOIN LATERAL (SELECT id FROM webhook_delivery WHERE endpoint_id = endpoint.id"
        f" AND {_DUE} ORDER BY due_at, id LIMIT has.room FOR UPDATE SKIP LOCKED) AS delivery"
        " WHERE endpoint.id = ANY(CAST(:endpoints AS uuid[])))"
        " UPDATE webhook_delivery AS taken SET attempts = attempts + 1, attempted_at = now(),"
        " leased_until = now() + make_interval(secs => :lease_s),"
        " due_at = now() + make_interval(secs => :lease_s) FROM due WHERE taken.id = due.id"
        " RETURNING taken.id, endpoint_id, attempts, attempts_before, url, body, now() AS now,"
        " give_up_at",
        endpoints=list(endpoint_ids),
        at_once=at_once,
        lease_s=lease_s,
    )
    secrets = await _secrets_of(conn, list({row.endpoint_id for row in rows}))
    return [
        Attempt(
            row.id,
            row.endpoint_id,
            row.attempts,
            row.attempts_before,
            row.url,
            row.body,
            secrets.get(row.endpoint_id, []),
            row.now,
            row.give_up_at,
        )
        for row in rows
    ]


async def _secrets_of(
    conn: AsyncConnection, endpoint_ids: Sequence[UUID]
) -> Mapping[UUID, list[tuple[UUID, bytes]]]:
    rows = await fetch(
        conn,
        "SELECT endpoint_id, id, sealed FROM webhook_secret WHERE endpoint_id ="
        " ANY(CAST(:endpoints AS uuid[])) AND (expires_at IS NULL OR expires_at > now())"
        " ORDER BY id DESC",
        endpoints=list(endpoint_ids),
    )
    found: dict[UUID, list[tuple[UUID, bytes]]] = {}
    for row in rows:
        found.setdefault(row.endpoint_id, []).append((row.id, row.sealed))
    return found


async def lock_endpoints(
    conn: AsyncConnection, endpoint_ids: Sequence[UUID]
) -> Mapping[UUID, datetime | None]:
    """Lock endpoints in id order; since when each has been failing."""
    rows = await fetch(
        conn,
        "SELECT id, failing_since FROM webhook_endpoint WHERE id = ANY(CAST(:ids AS uuid[]))"
        " ORDER BY id FOR NO KEY UPDATE",
        ids=list(endpoint_ids),
    )
    return {row.id: row.failing_since for row in rows}


async def close_attempts(conn: AsyncConnection, closings: Sequence[Closing]) -> set[UUID]:
    """Write what came of attempts whose lease is still ours; return the ids of those."""
    rows = await fetch(
        conn,
        "UPDATE webhook_delivery AS kept SET status = given.status, due_at = given.due_at,"
        " leased_until = NULL, response_code = given.code, duration_ms = given.duration_ms,"
        " error = given.error FROM unnest(CAST(:ids AS uuid[]), CAST(:attempts AS integer[]),"
        " CAST(:statuses AS text[]), CAST(:dues AS timestamptz[]), CAST(:codes AS smallint[]),"
        " CAST(:durations AS integer[]), CAST(:errors AS text[]))"
        " AS given(id, attempts, status, due_at, code, duration_ms, error)"
        " WHERE kept.id = given.id AND kept.attempts = given.attempts"
        " AND kept.leased_until IS NOT NULL RETURNING kept.id",
        ids=[each.delivery_id for each in closings],
        attempts=[each.attempts for each in closings],
        statuses=[each.status for each in closings],
        dues=[each.due_at for each in closings],
        codes=[each.response_code for each in closings],
        durations=[each.duration_ms for each in closings],
        errors=[each.error for each in closings],
    )
    return {row.id for row in rows}


async def mark_failing(conn: AsyncConnection, since: Mapping[UUID, datetime | None]) -> None:
    """Write since when endpoints have been failing; None for those that succeed again."""
    await run(
        conn,
        "UPDATE webhook_endpoint AS kept SET failing_since = given.since"
        " FROM unnest(CAST(:ids AS uuid[]), CAST(:since AS timestamptz[])) AS given(id, since)"
        " WHERE kept.id = given.id",
        ids=list(since),
        since=list(since.values()),
    )


async def stop_endpoints(conn: AsyncConnection, stops: Mapping[UUID, Stop], now: datetime) -> int:
    """Disable endpoints that are enabled, each with its reason."""
    return await run(
        conn,
        "UPDATE webhook_endpoint AS kept SET status = 'disabled', disabled_reason = given.reason,"
        " changed_at = :now FROM unnest(CAST(:ids AS uuid[]), CAST(:reasons AS text[]))"
        " AS given(id, reason) WHERE kept.id = given.id AND kept.status = 'enabled'",
        ids=list(stops),
        reasons=[str(reason) for reason in stops.values()],
        now=now,
    )


async def release_leases(conn: AsyncConnection, attempts: Sequence[Attempt]) -> None:
    """Give leases back that are still ours, due at once; their attempt numbers stay used up."""
    await run(
        conn,
        "UPDATE webhook_delivery AS kept SET leased_until = NULL, due_at = now()"
        " FROM unnest(CAST(:ids AS uuid[]), CAST(:attempts AS integer[])) AS ours(id, attempts)"
        " WHERE kept.id = ours.id AND kept.attempts = ours.attempts"
        " AND kept.leased_until IS NOT NULL",
        ids=[each.delivery_id for each in attempts],
        attempts=[each.attempts for each in attempts],
    )
