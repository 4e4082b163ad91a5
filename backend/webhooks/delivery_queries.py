"""The statements about deliveries that are not under way: making, listing, replaying, ending."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import fetch, fetch_one, run
from backend.webhooks.domain import TRIED_FOR, Message

KEPT_DAYS = 30  # long enough to look into a complaint, and to replay after a long outage


async def insert_messages(conn: AsyncConnection, messages: Sequence[Message]) -> int:
    """Make deliveries, due now; one that is there stays as it is. Returns how many are new."""
    ordered = sorted(
        messages, key=lambda each: (each.endpoint_id, each.event_type, each.subject_id)
    )
    if not ordered:
        return 0
    return await run(
        conn,
        "INSERT INTO webhook_delivery (id, endpoint_id, event_type, subject_id, body, status,"
        " due_at, give_up_at, created_at) SELECT id, endpoint_id, event_type, subject_id, body,"
        " 'pending', now(), now() + make_interval(secs => :tried_for_s), now()"
        " FROM unnest(CAST(:ids AS uuid[]), CAST(:endpoints AS uuid[]), CAST(:types AS text[]),"
        " CAST(:subjects AS uuid[]), CAST(:bodies AS text[]))"
        " AS given(id, endpoint_id, event_type, subject_id, body) ON CONFLICT DO NOTHING",
        ids=[each.id for each in ordered],
        endpoints=[each.endpoint_id for each in ordered],
        types=[each.event_type for each in ordered],
        subjects=[each.subject_id for each in ordered],
        bodies=[each.body for each in ordered],
        tried_for_s=TRIED_FOR.total_seconds(),
    )


async def give_up(conn: AsyncConnection, *, limit: int) -> int:
    """End what was not delivered in its three days, such as all that a disabled endpoint missed."""
    return await run(
        conn,
        "WITH ended AS MATERIALIZED (SELECT delivery.id FROM webhook_delivery AS delivery"
        " JOIN webhook_endpoint AS endpoint ON endpoint.id = endpoint_id"
        " WHERE delivery.status = 'pending' AND endpoint.status <> 'enabled'"
        " AND (delivery.leased_until IS NULL OR delivery.leased_until < now())"
        " AND (endpoint.status = 'deleted' OR give_up_at <= now())"
        " LIMIT :limit FOR UPDATE OF delivery SKIP LOCKED)"
        " UPDATE webhook_delivery AS kept SET status = 'failed', leased_until = NULL,"
        " error = coalesce(error, 'not_enabled') FROM ended WHERE kept.id = ended.id",
        limit=limit,
    )


async def forget(conn: AsyncConnection, *, limit: int) -> int:
    """Delete finished deliveries after their time in the log."""
    return await run(
        conn,
        "WITH old AS MATERIALIZED (SELECT id FROM webhook_delivery WHERE status <> 'pending'"
        " AND created_at < now() - make_interval(days => :days) ORDER BY created_at LIMIT :limit"
        " FOR UPDATE SKIP LOCKED) DELETE FROM webhook_delivery USING old"
        " WHERE webhook_delivery.id = old.id",
        days=KEPT_DAYS,
        limit=limit,
    )


_LOG_COLUMNS = (
    "id, endpoint_id, event_type, subject_id, status, attempts, created_at, attempted_at,"
    " response_code, duration_ms, error, CASE WHEN status = 'pending' AND leased_until IS NULL"
    " THEN due_at END AS next_attempt_at"
)


async def list_deliveries(
    conn: AsyncConnection,
    endpoint_id: UUID,
    *,
    status: str | None,
    event_type: str | None,
    before: UUID | None,
    limit: int,
) -> Sequence[Row[Any]]:
    """The log of an endpoint, newest first."""
    return await fetch(
        conn,
        f"SELECT {_LOG_COLUMNS} FROM webhook_delivery WHERE endpoint_id = :endpoint"
        " AND (CAST(:status AS text) IS NULL OR status = :status)"
        " AND (CAST(:type AS text) IS NULL OR event_type = :type)"
        " AND (CAST(:before AS uuid) IS NULL OR id < :before) ORDER BY id DESC LIMIT :limit",
        endpoint=endpoint_id,
        status=status,
        type=event_type,
        before=before,
        limit=limit,
    )


async def find_delivery(
    conn: AsyncConnection, endpoint_id: UUID, delivery_id: UUID
) -> Row[Any] | None:
    """One row of the log, with the body."""
    return await fetch_one(
        conn,
        f"SELECT {_LOG_COLUMNS}, body FROM webhook_delivery WHERE id = :id"
        " AND endpoint_id = :endpoint",
        id=delivery_id,
        endpoint=endpoint_id,
    )


async def recent_pings(conn: AsyncConnection, endpoint_id: UUID) -> int:
    """How many pings were made within the last hour."""
    row = await fetch_one(
        conn,
        "SELECT count(*) AS pings FROM webhook_delivery WHERE endpoint_id = :endpoint AND"
        " event_type = 'webhook.ping' AND created_at > now() - interval '1 hour'",
        endpoint=endpoint_id,
    )
    return int(row.pings) if row else 0


async def replay(
    conn: AsyncConnection,
    endpoint_id: UUID,
    *,
    delivery_id: UUID | None,
    since: datetime | None,
    after: UUID | None,
    limit: int,
) -> list[UUID]:
    """Put finished deliveries back to work as they are; return their ids, oldest first."""
    rows = await fetch(
        conn,
        "WITH chosen AS MATERIALIZED (SELECT id FROM webhook_delivery"
        " WHERE endpoint_id = :endpoint AND status <> 'pending'"
        " AND (CAST(:delivery AS uuid) IS NULL OR id = :delivery)"
        " AND (CAST(:since AS timestamptz) IS NULL OR created_at >= :since)"
        " AND (CAST(:after AS uuid) IS NULL OR id > :after) ORDER BY id LIMIT :limit FOR UPDATE)"
        " UPDATE webhook_delivery AS kept SET status = 'pending', due_at = now(), error = NULL,"
        " attempts_before = attempts, give_up_at = now() + make_interval(secs => :tried_for_s)"
        " FROM chosen WHERE kept.id = chosen.id RETURNING kept.id",
        endpoint=endpoint_id,
        delivery=delivery_id,
        since=since,
        after=after,
        limit=limit,
        tried_for_s=TRIED_FOR.total_seconds(),
    )
    return sorted(row.id for row in rows)
