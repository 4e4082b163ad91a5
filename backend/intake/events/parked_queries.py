"""The statements of events that wait; rows are locked in key order, after the gate."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import fetch, run
from backend.intake.events.domain import Became, EventKey, PartnerEvent
from backend.intake.events.queries import KEYS, arrays_of, key_of
from backend.partners.cards import token_digest

_PARKED = "partner_id, source, event_id, body, waits_for, reported_by, region"


class Parked(NamedTuple):
    """A waiting event as it is stored."""

    key: EventKey
    body: str
    waits_for: str
    reported_by: str
    region: str


async def lock_waiting(conn: AsyncConnection, stories: Collection[EventKey]) -> Sequence[Parked]:
    """What waits of these activities: the events that report them and those about them."""
    if not stories:
        return []
    rows = await fetch(
        conn,
        f"SELECT {_PARKED} FROM parked_event WHERE (partner_id, source, event_id) IN ("
        f" SELECT partner_id, source, event_id FROM {KEYS}"
        " UNION ALL SELECT partner_id, source, kept.event_id FROM"
        f" {KEYS.replace('event_id', 'awaited')}"
        " JOIN parked_event AS kept USING (partner_id, source, awaited) WHERE waits_for = 'event')"
        " ORDER BY partner_id, source, event_id FOR UPDATE",
        **arrays_of(stories),
    )
    return [_parked(row) for row in rows]


async def park(
    conn: AsyncConnection, waiting: Sequence[tuple[PartnerEvent, Became]], now: datetime
) -> None:
    """Let events wait; one that waits already waits for what it is told now."""
    if not waiting:
        return
    waits = [became.wait for _, became in waiting if became.wait]
    await run(
        conn,
        "INSERT INTO parked_event (partner_id, source, event_id, waits_for, awaited, until, body,"
        " reported_by, region, awaited_sha256, parked_at) SELECT given.*, :now FROM"
        " unnest(CAST(:partners AS uuid[]), CAST(:sources AS text[]), CAST(:ids AS text[]),"
        " CAST(:waits AS text[]), CAST(:awaited AS text[]), CAST(:untils AS timestamptz[]),"
        " CAST(:bodies AS text[]), CAST(:reporters AS text[]), CAST(:regions AS text[]),"
        " CAST(:digests AS bytea[])) AS given"
        " ON CONFLICT (partner_id, source, event_id) DO UPDATE SET waits_for = excluded.waits_for,"
        " awaited = excluded.awaited, awaited_sha256 = excluded.awaited_sha256,"
        " until = excluded.until",
        **arrays_of([event.key for event, _ in waiting]),
        waits=[wait.waits_for for wait in waits],
        awaited=[wait.awaited for wait in waits],
        untils=[wait.until for wait in waits],
        bodies=[event.body.decode() for event, _ in waiting],
        reporters=[event.reported_by for event, _ in waiting],
        regions=[event.region for event, _ in waiting],
        digests=[
            token_digest(wait.awaited) if wait.waits_for == "link" else None for wait in waits
        ],
        now=now,
    )


async def wait_for_scores(
    conn: AsyncConnection, keys: Collection[EventKey], until: datetime
) -> None:
    """Let locked events whose tray has become a check-in wait until that one is decided."""
    if keys:
        await run(
            conn,
            "UPDATE parked_event SET waits_for = 'score', until = :until"
            " WHERE (partner_id, source, event_id) IN"
            f" (SELECT partner_id, source, event_id FROM {KEYS})",
            **arrays_of(keys),
            until=until,
        )


async def unpark(conn: AsyncConnection, keys: Collection[EventKey]) -> None:
    """Events that wait no more leave their bodies behind."""
    if keys:
        await run(
            conn,
            "DELETE FROM parked_event WHERE (partner_id, source, event_id) IN"
            f" (SELECT partner_id, source, event_id FROM {KEYS})",
            **arrays_of(keys),
        )


async def put_off(conn: AsyncConnection, key: EventKey, *, clock_shift_s: int, by_s: int) -> None:
    """Let an event that cannot be decided wait on, behind those that can."""
    await run(
        conn,
        "UPDATE parked_event SET until = clock_timestamp() + make_interval(secs => :later)"
        " WHERE (partner_id, source, event_id) = (:partner, :source, :event)",
        partner=key.partner_id,
        source=key.source,
        event=key.event_id,
        later=clock_shift_s + by_s,
    )


async def lock_linked(conn: AsyncConnection, account_ids: Sequence[UUID]) -> Sequence[Parked]:
    """Events that wait for customers, cards or bags which belong to these accounts since."""
    rows = await fetch(
        conn,
        f"SELECT {_PARKED} FROM parked_event WHERE (partner_id, source, event_id) IN ("
        " SELECT partner_id, source, event_id FROM partner_link JOIN parked_event"
        " USING (partner_id) WHERE awaited = subject_token AND waits_for = 'link'"
        " AND account_id = ANY(CAST(:accounts AS uuid[]))"
        " UNION ALL SELECT partner_id, source, event_id FROM card JOIN parked_event"
        " ON awaited_sha256 = token_sha256 AND waits_for = 'link' WHERE status = 'active'"
        " AND account_id = ANY(CAST(:accounts AS uuid[]))"
        " UNION ALL SELECT partner_id, source, event_id FROM bag JOIN parked_event"
        " ON awaited = code AND waits_for = 'bag' WHERE weighed_at IS NULL"
        " AND account_id = ANY(CAST(:accounts AS uuid[])))"
        " ORDER BY partner_id, source, event_id FOR UPDATE",
        accounts=list(account_ids),
    )
    return [_parked(row) for row in rows]


async def find_over(conn: AsyncConnection, *, clock_shift_s: int, limit: int) -> Sequence[EventKey]:
    """Events whose time of waiting is over, oldest first."""
    rows = await fetch(
        conn,
        "SELECT partner_id, source, event_id FROM parked_event"
        " WHERE until <= clock_timestamp() + make_interval(secs => :shift)"
        " ORDER BY until, partner_id, source, event_id LIMIT :limit",
        shift=clock_shift_s,
        limit=limit,
    )
    return [key_of(row) for row in rows]


async def lock_parked(
    conn: AsyncConnection, keys: Collection[EventKey]
) -> tuple[Sequence[Parked], Sequence[EventKey]]:
    """Those of these events that still wait, but for what somebody else has.

    Returns:
        Reports, which are decided once more, and changes of what was never reported.
    """
    rows = await fetch(
        conn,
        f"SELECT {_PARKED} FROM parked_event WHERE (partner_id, source, event_id) IN"
        f" (SELECT partner_id, source, event_id FROM {KEYS})"
        " ORDER BY partner_id, source, event_id FOR UPDATE SKIP LOCKED",
        **arrays_of(keys),
    )
    return (
        [_parked(row) for row in rows if row.waits_for != "event"],
        [key_of(row) for row in rows if row.waits_for == "event"],
    )


def _parked(row: Row[Any]) -> Parked:
    return Parked(key_of(row), row.body, row.waits_for, row.reported_by, row.region)
