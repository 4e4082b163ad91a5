"""The statements of reconciliation.

Ours are the reports of activities of a Shanghai day: not what was withdrawn, lapsed or refused,
with the amounts of the change that counts, and with those that still wait.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.batches import BatchRaced
from backend.db import fetch, fetch_one, run
from backend.ids import uuid7

_FIRST: Final = UUID(int=0)
_encode = msgspec.json.Encoder(order="deterministic").encode


class Day(NamedTuple):
    """What one statement is about: the natural key."""

    partner_id: UUID
    source: str
    type: str
    day: date


# The same order of changes as `backend.intake.events.domain.rank_of`.
_STANDING = """
SELECT report.event_id, report.outcome, coalesce(told.amounts, report.amounts) AS amounts
FROM partner_event AS report
LEFT JOIN LATERAL (
    SELECT amounts FROM partner_event AS change
    WHERE change.partner_id = report.partner_id AND change.source = report.source
        AND change.about = report.event_id AND role IN ('completed', 'corrected')
        AND outcome IN ('credited', 'corrected', 'parked')
    ORDER BY role = 'corrected' DESC, CASE role WHEN 'corrected' THEN told_at END DESC NULLS LAST,
        change.event_id COLLATE "C" DESC LIMIT 1
) AS told ON true
WHERE report.partner_id = total.partner_id AND report.day = total.day
    AND report.type = total.type AND report.source = total.source
    AND report.outcome IN ('credited', 'doubted', 'parked')
    AND NOT EXISTS (
        SELECT FROM partner_event AS taken_back
        WHERE taken_back.partner_id = report.partner_id AND taken_back.source = report.source
            AND taken_back.about = report.event_id AND taken_back.role = 'withdrawn'
            AND taken_back.outcome IN ('withdrawn', 'parked'))
"""

_RECONCILED = f"""
SELECT total.id, source, type, day, count AS stated_count, CAST(sums AS text) AS sums, stated_at,
    clock_timestamp() + make_interval(secs => :shift) AS as_of, ours_count, ours_waiting,
    CAST(ours_sums AS text) AS ours_sums,
    (SELECT count(*) FROM control_event WHERE total_id = total.id) AS listed
FROM control_total AS total CROSS JOIN LATERAL (
    WITH standing AS MATERIALIZED ({_STANDING})
    SELECT (SELECT count(*) FROM standing) AS ours_count,
        (SELECT count(*) FROM standing WHERE outcome = 'parked') AS ours_waiting,
        (SELECT jsonb_object_agg(name, amount) FROM (
            SELECT name, sum(CAST(value AS numeric)) AS amount
            FROM standing, jsonb_each_text(amounts) AS each(name, value)
            WHERE jsonb_exists(total.sums, name) GROUP BY name) AS summed) AS ours_sums
) AS ours
WHERE partner_id = :partner AND day = :day AND type = coalesce(CAST(:type AS text), type)
    AND replaced_at IS NULL AND total.id > :after
ORDER BY total.id LIMIT :limit
"""

_DIFFERENCES = f"""
SELECT event_id, kept.outcome, CAST(their_amounts AS text) AS theirs,
    CAST(our_amounts AS text) AS ours
FROM control_total AS total CROSS JOIN LATERAL (
    SELECT event_id, theirs.amounts AS their_amounts, ours.amounts AS our_amounts
    FROM (SELECT event_id, amounts FROM control_event WHERE total_id = total.id) AS theirs
    FULL JOIN ({_STANDING}) AS ours USING (event_id)
    WHERE event_id COLLATE "C" > :after AND (theirs.amounts IS NULL OR ours.amounts IS NULL
        OR EXISTS (SELECT FROM jsonb_each(theirs.amounts) AS each(name, value)
            WHERE ours.amounts -> name IS DISTINCT FROM value))
    ORDER BY event_id COLLATE "C" LIMIT :limit
) AS apart
LEFT JOIN partner_event AS kept USING (partner_id, source, event_id)
WHERE total.id = :id
ORDER BY event_id COLLATE "C"
"""


async def lock_total(conn: AsyncConnection, day: Day) -> Row[Any] | None:
    """The statement that counts, locked: id, stated_count, sums as text."""
    return await fetch_one(
        conn,
        "SELECT id, count AS stated_count, CAST(sums AS text) AS sums FROM control_total WHERE"
        " partner_id = :partner AND day = :day AND type = :type AND source = :source"
        " AND replaced_at IS NULL FOR UPDATE",
        **_named(day),
    )


async def replace_total(conn: AsyncConnection, total_id: UUID, now: datetime) -> None:
    """Let a locked statement count no more; its totals stay, what it listed goes."""
    await run(
        conn,
        "UPDATE control_total SET replaced_at = greatest(stated_at, :now) WHERE id = :id",
        id=total_id,
        now=now,
    )
    await run(conn, "DELETE FROM control_event WHERE total_id = :id", id=total_id)


async def insert_total(
    conn: AsyncConnection, day: Day, count: int, sums: Mapping[str, int], now: datetime
) -> UUID:
    """Write a statement.

    Raises:
        BatchRaced: Another request has just stated the same day.
    """
    total_id = uuid7()
    written = await run(
        conn,
        "INSERT INTO control_total (id, partner_id, source, type, day, count, sums, stated_at)"
        " VALUES (:id, :partner, :source, :type, :day, :count, CAST(:sums AS jsonb), :now)"
        " ON CONFLICT DO NOTHING",
        **_named(day),
        id=total_id,
        count=count,
        sums=_encode(sums).decode(),
        now=now,
    )
    if not written:
        raise BatchRaced
    return total_id


async def put_part(
    conn: AsyncConnection, total_id: UUID, part: int, listed: Mapping[str, Mapping[str, int]]
) -> None:
    """Put a part in place of what it listed before; an event is in the part that named it last."""
    await run(
        conn,
        "DELETE FROM control_event WHERE total_id = :id AND part = :part"
        " AND event_id <> ALL(CAST(:events AS text[]))",
        id=total_id,
        part=part,
        events=list(listed),
    )
    await run(
        conn,
        "INSERT INTO control_event (total_id, event_id, part, amounts)"
        " SELECT :id, event_id, :part, CAST(amounts AS jsonb) FROM"
        " unnest(CAST(:events AS text[]), CAST(:amounts AS text[])) AS told(event_id, amounts)"
        " ON CONFLICT (total_id, event_id) DO UPDATE SET part = excluded.part,"
        " amounts = excluded.amounts",
        id=total_id,
        part=part,
        events=list(listed),
        amounts=[_encode(amounts).decode() for amounts in listed.values()],
    )


async def find_total(conn: AsyncConnection, total_id: UUID, partner_id: UUID) -> Row[Any] | None:
    """A statement of a partner that counts, with how many events it has listed."""
    return await fetch_one(
        conn,
        "SELECT id, source, type, day, count AS stated_count, CAST(sums AS text) AS sums,"
        " stated_at,"
        " (SELECT count(*) FROM control_event WHERE total_id = control_total.id) AS listed"
        " FROM control_total WHERE id = :id AND partner_id = :partner AND replaced_at IS NULL",
        id=total_id,
        partner=partner_id,
    )


async def reconciled(
    conn: AsyncConnection,
    partner_id: UUID,
    day: date,
    event_type: str | None,
    *,
    after: UUID | None,
    limit: int,
    clock_shift_s: int,
) -> Sequence[Row[Any]]:
    """Statements of a day beside what is on record here, in the order in which they were made."""
    return await fetch(
        conn,
        _RECONCILED,
        partner=partner_id,
        day=day,
        type=event_type,
        after=after or _FIRST,
        limit=limit,
        shift=clock_shift_s,
    )


async def differences(
    conn: AsyncConnection, total_id: UUID, *, after: str, limit: int
) -> Sequence[Row[Any]]:
    """Events that only one side has, or that have another stated amount here, by their id."""
    return await fetch(conn, _DIFFERENCES, id=total_id, after=after, limit=limit)


def _named(day: Day) -> dict[str, Any]:
    return {"partner": day.partner_id, "day": day.day, "type": day.type, "source": day.source}
