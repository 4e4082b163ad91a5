"""The statements of partners' events; each takes part in the caller's transaction.

The gate stands before everything: whoever parks an event must see what others are about to commit,
and a row that is not there yet cannot be locked. Who may park for a missing event closes the gate;
everybody else passes it together. Who links a customer closes it too
(`backend.partners.queries.wake_parked`). After the gate: parked rows by key, then accounts.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.batches import BatchRaced
from backend.db import fetch, run
from backend.intake.events.amounts import amounts_of, day_of
from backend.intake.events.domain import Became, EventKey, PartnerEvent, Role, Standing
from backend.partners.cards import token_digest
from backend.partners.queries import EVENT_GATE

_KEYS = (
    "unnest(CAST(:partners AS uuid[]), CAST(:sources AS text[]), CAST(:ids AS text[]))"
    " AS asked(partner_id, source, event_id)"
)
_PARKED = "partner_id, source, event_id, body, reported_by, region"


class Parked(NamedTuple):
    """A waiting event as it is stored."""

    key: EventKey
    body: str
    reported_by: str
    region: str


async def pass_gate(conn: AsyncConnection) -> None:
    """Go on beside others who pass, and after whoever has closed the gate."""
    await fetch(conn, "SELECT pg_advisory_xact_lock_shared(:gate)", gate=EVENT_GATE)


async def close_gate(conn: AsyncConnection) -> None:
    """Go on alone, until this transaction ends."""
    await fetch(conn, "SELECT pg_advisory_xact_lock(:gate)", gate=EVENT_GATE)


async def standings(
    conn: AsyncConnection, keys: Collection[EventKey]
) -> Mapping[EventKey, Standing]:
    """What is on record of these events; unknown ones are missing."""
    if not keys:
        return {}
    rows = await fetch(
        conn,
        "SELECT partner_id, source, event_id, body_sha256, type, role, about, outcome,"
        " partner_event.check_in_id, account_id, action, occurred_at, ended_at"
        f" FROM {_KEYS} JOIN partner_event USING (partner_id, source, event_id)"
        " LEFT JOIN check_in ON check_in.id = partner_event.check_in_id",
        **_arrays(keys),
    )
    return {_key(row): _standing(row) for row in rows}


async def counted_changes(
    conn: AsyncConnection, keys: Collection[EventKey]
) -> Mapping[EventKey, Sequence[tuple[Role, datetime | None, str]]]:
    """The changes that were made to these reported activities: role, time and id of each."""
    found: dict[EventKey, list[tuple[Role, datetime | None, str]]] = {}
    if not keys:
        return found
    rows = await fetch(
        conn,
        "SELECT partner_id, source, about, role, told_at, kept.event_id"
        f" FROM {_KEYS.replace('event_id', 'about')}"
        " JOIN partner_event AS kept USING (partner_id, source, about)"
        " WHERE outcome IN ('credited', 'corrected', 'withdrawn')",
        **_arrays(keys),
    )
    for row in rows:
        change = (Role(row.role), row.told_at, row.event_id)
        found.setdefault(EventKey(row.partner_id, row.source, row.about), []).append(change)
    return found


async def lock_waiting(conn: AsyncConnection, stories: Collection[EventKey]) -> Sequence[Parked]:
    """What waits of these activities: the events that report them and those about them."""
    if not stories:
        return []
    rows = await fetch(
        conn,
        f"SELECT {_PARKED} FROM parked_event WHERE (partner_id, source, event_id) IN ("
        f" SELECT partner_id, source, event_id FROM {_KEYS}"
        " UNION ALL SELECT partner_id, source, kept.event_id FROM"
        f" {_KEYS.replace('event_id', 'awaited')}"
        " JOIN parked_event AS kept USING (partner_id, source, awaited) WHERE waits_for = 'event')"
        " ORDER BY partner_id, source, event_id FOR UPDATE",
        **_arrays(stories),
    )
    return [_parked(row) for row in rows]


async def record_events(
    conn: AsyncConnection, taken: Sequence[tuple[PartnerEvent, Became]], now: datetime
) -> None:
    """Write down events for ever, in key order so that no two batches deadlock.

    Raises:
        BatchRaced: Another transaction has recorded one of them in between.
    """
    if not taken:
        return
    ordered = sorted(taken, key=lambda each: each[0].key)
    recorded = await run(
        conn,
        "INSERT INTO partner_event (partner_id, source, event_id, type, role, body_sha256, about,"
        " told_at, outcome, check_in_id, day, amounts, received_at) SELECT partner_id, source,"
        " event_id, type, role, sha256, about, told_at, outcome, check_in_id, day,"
        " CAST(amounts AS jsonb), :now FROM"
        " unnest(CAST(:partners AS uuid[]), CAST(:sources AS text[]), CAST(:ids AS text[]),"
        " CAST(:types AS text[]), CAST(:roles AS text[]), CAST(:hashes AS bytea[]),"
        " CAST(:abouts AS text[]), CAST(:times AS timestamptz[]), CAST(:outcomes AS text[]),"
        " CAST(:check_ins AS uuid[]), CAST(:days AS date[]), CAST(:amounts AS text[])) AS given("
        " partner_id, source, event_id, type, role, sha256, about, told_at, outcome, check_in_id,"
        " day, amounts) ON CONFLICT DO NOTHING",
        **_arrays([event.key for event, _ in ordered]),
        types=[event.type for event, _ in ordered],
        roles=[event.role for event, _ in ordered],
        hashes=[event.sha256 for event, _ in ordered],
        abouts=[event.about for event, _ in ordered],
        times=[event.told_at for event, _ in ordered],
        outcomes=[became.status for _, became in ordered],
        check_ins=[became.check_in_id for _, became in ordered],
        days=[day_of(event) for event, _ in ordered],
        amounts=[amounts_of(event) for event, _ in ordered],
        now=now,
    )
    if recorded != len(ordered):
        raise BatchRaced


async def change_outcomes(
    conn: AsyncConnection, changed: Sequence[tuple[EventKey, str, UUID | None]]
) -> None:
    """Say what recorded events have become since; the caller holds their accounts or rows."""
    if not changed:
        return
    ordered = sorted(changed, key=lambda each: each[0])
    await run(
        conn,
        "UPDATE partner_event SET outcome = given.outcome,"
        " check_in_id = coalesce(given.check_in, check_in_id)"
        " FROM unnest(CAST(:partners AS uuid[]), CAST(:sources AS text[]), CAST(:ids AS text[]),"
        " CAST(:outcomes AS text[]), CAST(:check_ins AS uuid[]))"
        " AS given(partner_id, source, event_id, outcome, check_in)"
        " WHERE (partner_event.partner_id, partner_event.source, partner_event.event_id)"
        " = (given.partner_id, given.source, given.event_id)",
        **_arrays([key for key, _, _ in ordered]),
        outcomes=[outcome for _, outcome, _ in ordered],
        check_ins=[check_in_id for _, _, check_in_id in ordered],
    )


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
        **_arrays([event.key for event, _ in waiting]),
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


async def unpark(conn: AsyncConnection, keys: Collection[EventKey]) -> None:
    """Events that wait no more leave their bodies behind."""
    if keys:
        await run(
            conn,
            "DELETE FROM parked_event WHERE (partner_id, source, event_id) IN"
            f" (SELECT partner_id, source, event_id FROM {_KEYS})",
            **_arrays(keys),
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


async def lock_over(
    conn: AsyncConnection, *, clock_shift_s: int, limit: int
) -> tuple[Sequence[Parked], Sequence[EventKey]]:
    """Events whose time of waiting is over, oldest first, but those that somebody else has.

    Returns:
        Reports, which are decided once more, and changes of what was never reported.
    """
    rows = await fetch(
        conn,
        f"SELECT {_PARKED}, waits_for FROM parked_event"
        " WHERE until <= clock_timestamp() + make_interval(secs => :shift)"
        " ORDER BY until, partner_id, source, event_id LIMIT :limit FOR UPDATE SKIP LOCKED",
        shift=clock_shift_s,
        limit=limit,
    )
    return (
        [_parked(row) for row in rows if row.waits_for != "event"],
        [_key(row) for row in rows if row.waits_for == "event"],
    )


def _key(row: Row[Any]) -> EventKey:
    return EventKey(row.partner_id, row.source, row.event_id)


def _parked(row: Row[Any]) -> Parked:
    return Parked(_key(row), row.body, row.reported_by, row.region)


def _standing(row: Row[Any]) -> Standing:
    return Standing(
        row.body_sha256,
        row.type,
        Role(row.role),
        row.about,
        row.outcome,
        row.check_in_id,
        row.account_id,
        row.action,
        row.occurred_at,
        row.ended_at,
    )


def _arrays(keys: Iterable[EventKey]) -> dict[str, list[UUID] | list[str]]:
    given = list(keys)
    return {
        "partners": [key.partner_id for key in given],
        "sources": [key.source for key in given],
        "ids": [key.event_id for key in given],
    }
