"""Idempotency keys: the caller's name for one intended effect, kept for ever.

A key is written by the batch that makes the resource, so a refusal leaves none. The same key with
another request is a mistake of the caller; with the same request it renders that resource again.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Column, DateTime, LargeBinary, Table, Text, Uuid
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import fetch, metadata, run
from backend.errors import DomainError

idempotency_key = Table(
    "idempotency_key",
    metadata,
    Column("principal", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    # HMAC-SHA256 over method, route and body, from which no name or PIN can be guessed.
    Column("request_hash", LargeBinary, nullable=False),
    Column("resource_id", Uuid, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
)


class IdempotencyKeyReused(DomainError):
    """This Idempotency-Key was used for another request before."""


class Intention(NamedTuple):
    """One named effect of one principal."""

    principal: str
    key: str
    request_hash: bytes


async def find_effects(
    conn: AsyncConnection, intentions: Sequence[Intention]
) -> Mapping[Intention, UUID | IdempotencyKeyReused]:
    """Which of these intentions have an effect already; a reused key comes back as its refusal."""
    rows = await fetch(
        conn,
        "SELECT principal, key, request_hash, resource_id FROM idempotency_key"
        " JOIN unnest(CAST(:principals AS text[]), CAST(:keys AS text[])) AS given(principal, key)"
        " USING (principal, key)",
        principals=[each.principal for each in intentions],
        keys=[each.key for each in intentions],
    )
    found = {(row.principal, row.key): row for row in rows}
    effects: dict[Intention, UUID | IdempotencyKeyReused] = {}
    for each in intentions:
        row = found.get((each.principal, each.key))
        if row is not None:
            is_same = row.request_hash == each.request_hash
            effects[each] = row.resource_id if is_same else IdempotencyKeyReused()
    return effects


async def record_effects(
    conn: AsyncConnection, effects: Sequence[tuple[Intention, UUID]], now: datetime
) -> bool:
    """Remember effects in the transaction that made them.

    False when another transaction used one of the keys in between: a partner's key is not guarded
    by the lock of one account, so the caller must run its whole batch again.
    """
    if not effects:
        return True
    recorded = await run(
        conn,
        "INSERT INTO idempotency_key (principal, key, request_hash, resource_id, created_at)"
        " SELECT principal, key, hash, resource, :now FROM unnest(CAST(:principals AS text[]),"
        " CAST(:keys AS text[]), CAST(:hashes AS bytea[]), CAST(:resources AS uuid[]))"
        " AS given(principal, key, hash, resource) ORDER BY principal, key ON CONFLICT DO NOTHING",
        principals=[each.principal for each, _ in effects],
        keys=[each.key for each, _ in effects],
        hashes=[each.request_hash for each, _ in effects],
        resources=[resource_id for _, resource_id in effects],
        now=now,
    )
    return recorded == len(effects)


class Replay(NamedTuple):
    """The effect was made before, as this resource."""

    resource_id: UUID


class Follows(NamedTuple):
    """The same intention stands earlier in this batch; its answer is this one's too."""

    leader: int


def stand(
    intentions: Sequence[Intention | None],
    effects: Mapping[Intention, UUID | IdempotencyKeyReused],
) -> list[Replay | Follows | IdempotencyKeyReused | None]:
    """What each item of a batch is with respect to its key; None is a fresh intention."""
    first: dict[tuple[str, str], int] = {}
    standing: list[Replay | Follows | IdempotencyKeyReused | None] = []
    for index, each in enumerate(intentions):
        if each is None:
            standing.append(None)
            continue
        effect = effects.get(each)
        leader = first.setdefault((each.principal, each.key), index)
        if effect is not None:
            standing.append(effect if isinstance(effect, DomainError) else Replay(effect))
        elif leader == index:
            standing.append(None)
        else:
            standing.append(
                Follows(leader) if intentions[leader] == each else IdempotencyKeyReused()
            )
    return standing
