"""Register, change, rotate, ping, replay: load, decide, write, one endpoint at a time.

These are batches of one: `run_batch` begins the transaction and repeats it after a race.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.batches import BatchRaced
from backend.calling.signing import make_secret, show_secret
from backend.db import run
from backend.errors import DomainError, NotFound
from backend.idempotency import IdempotencyKeyReused, Intention, find_effects, record_effects
from backend.ids import uuid7
from backend.outbox import CHANNEL
from backend.sealing import Sealer
from backend.webhooks.delivery_queries import insert_messages, recent_pings, replay
from backend.webhooks.domain import (
    PING,
    PINGS_PER_HOUR_MAX,
    REPLAY_ROWS_MAX,
    SECRETS_MAX,
    Endpoint,
    Message,
    Owner,
    Status,
    Stop,
    WebhookEndpointDisabled,
    WebhookEndpointExists,
    WebhookEndpointsUsedUp,
    WebhookPingsUsedUp,
    WebhookSecretsUsedUp,
)
from backend.webhooks.endpoint_queries import (
    clock,
    find_by_url,
    free_place,
    insert_endpoint,
    insert_secret,
    lock_endpoint,
    lock_owner,
    retire_secrets,
    secrets_of,
    update_endpoint,
)
from backend.webhooks.sending import secret_place
from backend.webhooks.steps import body_of


class Registration(NamedTuple):
    """An owner wants to be told of these types at this URL."""

    owner: Owner
    url: str
    event_types: Sequence[str]
    created_by: str


class Registered(NamedTuple):
    """The endpoint; its secret is there only for the request that made it."""

    endpoint: Endpoint
    secret: str | None


class Alteration(NamedTuple):
    """What an endpoint becomes; None leaves a part as it is.

    Attributes:
        by: Owner or operator, for the reason of a disabled endpoint.
    """

    endpoint_id: UUID
    event_types: Sequence[str] | None
    status: Status | None
    by: Stop


class Rotation(NamedTuple):
    """A new secret; the earlier ones sign for `overlap_s` more seconds."""

    endpoint_id: UUID
    overlap_s: int
    intention: Intention


class Rotated(NamedTuple):
    """The new secret, shown to the request that made it alone."""

    endpoint: Endpoint
    secret_id: UUID
    secret: str | None


class Replaying(NamedTuple):
    """Which deliveries to send again: one, or all since a time after a place in the log."""

    endpoint_id: UUID
    delivery_id: UUID | None
    since: datetime | None
    after: UUID | None


async def register(
    conn: AsyncConnection, asked: Sequence[Registration], sealer: Sealer
) -> list[Registered | DomainError]:
    """Register endpoints; the same owner, URL and types again is the same endpoint."""
    return [await _register(conn, each, sealer) for each in asked]


async def _register(
    conn: AsyncConnection, asked: Registration, sealer: Sealer
) -> Registered | DomainError:
    types = sorted(set(asked.event_types))
    await lock_owner(conn, asked.owner)
    there = await find_by_url(conn, asked.owner, asked.url)
    if there is not None:
        is_same = list(there.event_types) == types
        return Registered(there, None) if is_same else WebhookEndpointExists(endpoint_id=there.id)
    place = await free_place(conn, asked.owner)
    if place is None:
        return WebhookEndpointsUsedUp()
    now = await clock(conn)
    endpoint = Endpoint(
        uuid7(),
        asked.owner.kind,
        asked.owner.id,
        asked.url,
        types,
        Status.ENABLED,
        None,
        None,
        now,
        now,
    )
    if not await insert_endpoint(conn, endpoint, place=place, created_by=asked.created_by):
        raise BatchRaced
    _, secret = await _add_secret(conn, endpoint.id, sealer, now)
    return Registered(endpoint, secret)


async def _add_secret(
    conn: AsyncConnection, endpoint_id: UUID, sealer: Sealer, now: datetime
) -> tuple[UUID, str]:
    secret_id, secret = uuid7(), make_secret()
    sealed = sealer.seal(secret, place=secret_place(str(secret_id)))
    await insert_secret(conn, secret_id, endpoint_id, sealed=sealed, now=now)
    return secret_id, show_secret(secret)


async def alter(conn: AsyncConnection, asked: Sequence[Alteration]) -> list[Endpoint | DomainError]:
    """Change types or status; the same change again changes nothing."""
    return [await _alter(conn, each) for each in asked]


async def _alter(conn: AsyncConnection, asked: Alteration) -> Endpoint | DomainError:
    endpoint = await lock_endpoint(conn, asked.endpoint_id)
    if endpoint is None:
        return NotFound()
    status = asked.status or Status(endpoint.status)
    if _is_overruling(endpoint, status, asked.by):
        return WebhookEndpointDisabled(disabled_reason=endpoint.disabled_reason)
    types = sorted(set(asked.event_types or endpoint.event_types))
    if (status, types) == (endpoint.status, list(endpoint.event_types)):
        return endpoint
    now = await clock(conn)
    was_disabled = endpoint.disabled_reason
    altered = endpoint._replace(
        event_types=types,
        status=status,
        disabled_reason=(was_disabled or asked.by) if status == Status.DISABLED else None,
        # Who enables it again starts a new series.
        failing_since=None if was_disabled else endpoint.failing_since,
        changed_at=now,
    )
    await update_endpoint(conn, altered)
    if status == Status.DELETED:
        await retire_secrets(conn, endpoint.id, expires_at=now, now=now)
    await run(conn, f"NOTIFY {CHANNEL}")
    return altered


def _is_overruling(endpoint: Endpoint, status: Status, by: Stop) -> bool:
    """Whether an owner enables what an operator has disabled."""
    return (
        endpoint.disabled_reason == Stop.OPERATOR
        and status == Status.ENABLED
        and by != Stop.OPERATOR
    )


async def rotate(
    conn: AsyncConnection, asked: Sequence[Rotation], sealer: Sealer
) -> list[Rotated | DomainError]:
    """Add a secret and let the others end; a repeated request names the secret and hides it."""
    return [await _rotate(conn, each, sealer) for each in asked]


async def _rotate(conn: AsyncConnection, asked: Rotation, sealer: Sealer) -> Rotated | DomainError:
    endpoint = await lock_endpoint(conn, asked.endpoint_id)
    if endpoint is None:
        return NotFound()
    effect = (await find_effects(conn, [asked.intention])).get(asked.intention)
    if isinstance(effect, IdempotencyKeyReused):
        return effect
    if effect is not None:
        return Rotated(endpoint, effect, None)
    now = await clock(conn)
    await retire_secrets(
        conn, endpoint.id, expires_at=now + timedelta(seconds=asked.overlap_s), now=now
    )
    if len(await secrets_of(conn, endpoint.id)) >= SECRETS_MAX:
        return WebhookSecretsUsedUp()
    secret_id, secret = await _add_secret(conn, endpoint.id, sealer, now)
    if not await record_effects(conn, [(asked.intention, secret_id)], now):
        raise BatchRaced
    return Rotated(endpoint, secret_id, secret)


async def ping(conn: AsyncConnection, asked: Sequence[UUID]) -> list[UUID | DomainError]:
    """Make a delivery that says nothing but hello; returns its id."""
    return [await _ping(conn, each) for each in asked]


async def _ping(conn: AsyncConnection, endpoint_id: UUID) -> UUID | DomainError:
    endpoint = await lock_endpoint(conn, endpoint_id)
    if endpoint is None:
        return NotFound()
    if endpoint.status != Status.ENABLED:
        return WebhookEndpointDisabled(disabled_reason=endpoint.disabled_reason)
    if await recent_pings(conn, endpoint_id) >= PINGS_PER_HOUR_MAX:
        return WebhookPingsUsedUp()
    now = await clock(conn)
    delivery_id = uuid7()
    body = body_of(PING, now, {"endpoint_id": endpoint_id})
    await insert_messages(conn, [Message(delivery_id, endpoint_id, PING, delivery_id, body)])
    await run(conn, f"NOTIFY {CHANNEL}")
    return delivery_id


async def send_again(
    conn: AsyncConnection, asked: Sequence[Replaying]
) -> list[list[UUID] | DomainError]:
    """Put finished deliveries back to work under the same ids; returns those, oldest first."""
    return [await _send_again(conn, each) for each in asked]


async def _send_again(conn: AsyncConnection, asked: Replaying) -> list[UUID] | DomainError:
    endpoint = await lock_endpoint(conn, asked.endpoint_id)
    if endpoint is None:
        return NotFound()
    if endpoint.status != Status.ENABLED:
        return WebhookEndpointDisabled(disabled_reason=endpoint.disabled_reason)
    replayed = await replay(
        conn,
        endpoint.id,
        delivery_id=asked.delivery_id,
        since=asked.since,
        after=asked.after,
        limit=REPLAY_ROWS_MAX,
    )
    await run(conn, f"NOTIFY {CHANNEL}")
    return replayed
