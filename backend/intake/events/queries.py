"""The statements of partners' events; each takes part in the caller's transaction.

The gate stands before everything: whoever parks an event must see what others are about to commit,
and a row that is not there yet cannot be locked. Who may park for a missing event closes the gate;
everybody else passes it together. Who links a customer closes it too
(`backend.partners.queries.wake_parked`). After the gate: parked rows by key, then accounts.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.batches import BatchRaced
from backend.db import fetch, run
from backend.intake.events.amounts import amounts_of, day_of
from backend.intake.events.domain import Became, EventKey, PartnerEvent, Role, Standing
from backend.partners.queries import EVENT_GATE

# Rows of asked keys; their arrays are `arrays_of`.
KEYS = (
    "unnest(CAST(:partners AS uuid[]), CAST(:sources AS text[]), CAST(:ids AS text[]))"
    " AS asked(partner_id, source, event_id)"
)


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
        f" FROM {KEYS} JOIN partner_event USING (partner_id, source, event_id)"
        " LEFT JOIN check_in ON check_in.id = partner_event.check_in_id",
        **arrays_of(keys),
    )
    return {key_of(row): _standing(row) for row in rows}


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
        f" FROM {KEYS.replace('event_id', 'about')}"
        " JOIN partner_event AS kept USING (partner_id, source, about)"
        " WHERE outcome IN ('credited', 'corrected', 'withdrawn')",
        **arrays_of(keys),
    )
    for row in rows:
        change = (Role(row.role), row.told_at, row.event_id)
        found.setdefault(EventKey(row.partner_id, row.source, row.about), []).append(change)
    return found


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
        **arrays_of([event.key for event, _ in ordered]),
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
        **arrays_of([key for key, _, _ in ordered]),
        outcomes=[outcome for _, outcome, _ in ordered],
        check_ins=[check_in_id for _, _, check_in_id in ordered],
    )


def key_of(row: Row[Any]) -> EventKey:
    """What a row names."""
    return EventKey(row.partner_id, row.source, row.event_id)


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


def arrays_of(keys: Iterable[EventKey]) -> dict[str, list[UUID] | list[str]]:
    """The parameters of `KEYS`."""
    given = list(keys)
    return {
        "partners": [key.partner_id for key in given],
        "sources": [key.source for key in given],
        "ids": [key.event_id for key in given],
    }
