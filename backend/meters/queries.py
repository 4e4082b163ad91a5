"""Readings and averages; a reading that is told again replaces what was told before."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import fetch, fetch_one, run
from backend.ids import uuid7
from backend.meters.domain import DAYS_BEFORE, Average, MeterPeriod, Reading

_AVERAGE = (
    "SELECT id, region, medium, valid_from, average_wh_or_l, source, proposed_by, proposed_at,"
    " approved_by FROM meter_average"
)


async def keep_readings(
    conn: AsyncConnection, told: Sequence[tuple[MeterPeriod, int]], now: datetime
) -> None:
    """Write what meters showed, credited or not; of two for one period the later one stays."""
    last = {(p.partner_id, p.medium, p.meter, p.first_day): (p.days, used) for p, used in told}
    if not last:
        return
    ordered = sorted(last.items())
    await run(
        conn,
        "INSERT INTO meter_reading (id, partner_id, medium, meter, first_day, days, used_wh_or_l,"
        " told_at) SELECT given.*, :now FROM unnest(CAST(:ids AS uuid[]),"
        " CAST(:partners AS uuid[]), CAST(:media AS text[]), CAST(:meters AS text[]),"
        " CAST(:firsts AS date[]), CAST(:days AS smallint[]), CAST(:used AS bigint[])) AS given"
        " ON CONFLICT (partner_id, medium, meter, first_day) DO UPDATE SET days = excluded.days,"
        " used_wh_or_l = excluded.used_wh_or_l, told_at = excluded.told_at",
        ids=[uuid7() for _ in ordered],
        partners=[key[0] for key, _ in ordered],
        media=[key[1] for key, _ in ordered],
        meters=[key[2] for key, _ in ordered],
        firsts=[key[3] for key, _ in ordered],
        days=[days for _, (days, _) in ordered],
        used=[used for _, (_, used) in ordered],
        now=now,
    )


async def readings_before(
    conn: AsyncConnection, periods: Sequence[MeterPeriod]
) -> Sequence[Sequence[Reading]]:
    """Readings of the days before each period, of the same meter, one answer per period."""
    rows = await fetch(
        conn,
        "SELECT place, reading.first_day, reading.days, used_wh_or_l FROM"
        " unnest(CAST(:partners AS uuid[]), CAST(:media AS text[]), CAST(:meters AS text[]),"
        " CAST(:firsts AS date[])) WITH ORDINALITY"
        " AS asked(partner_id, medium, meter, first_day, place)"
        " JOIN meter_reading AS reading USING (partner_id, medium, meter)"
        " WHERE reading.first_day < asked.first_day"
        " AND reading.first_day + reading.days > asked.first_day - CAST(:before AS integer)",
        partners=[each.partner_id for each in periods],
        media=[each.medium for each in periods],
        meters=[each.meter for each in periods],
        firsts=[each.first_day for each in periods],
        before=DAYS_BEFORE,
    )
    found: list[list[Reading]] = [[] for _ in periods]
    for row in rows:
        found[row.place - 1].append(Reading(row.first_day, row.days, row.used_wh_or_l))
    return found


async def averages_in_force(conn: AsyncConnection) -> Sequence[Average]:
    """All approved averages: a few per city and medium."""
    rows = await fetch(
        conn,
        "SELECT region, medium, valid_from, average_wh_or_l FROM meter_average"
        " WHERE approved_by IS NOT NULL",
    )
    return [Average._make(row) for row in rows]


async def list_readings(
    conn: AsyncConnection,
    partner_id: UUID,
    *,
    meter: str | None,
    before_id: UUID | None,
    limit: int,
) -> Sequence[Row[Any]]:
    """Readings of a partner, newest first."""
    return await fetch(
        conn,
        "SELECT id, medium, meter, first_day, days, used_wh_or_l, told_at FROM meter_reading"
        " WHERE partner_id = :partner AND (CAST(:meter AS text) IS NULL OR meter = :meter)"
        " AND (CAST(:before AS uuid) IS NULL OR id < :before) ORDER BY id DESC LIMIT :limit",
        partner=partner_id,
        meter=meter,
        before=before_id,
        limit=limit,
    )


async def insert_average(conn: AsyncConnection, **columns: Any) -> None:
    """Write an average that somebody proposes."""
    await run(
        conn,
        "INSERT INTO meter_average (id, region, medium, valid_from, average_wh_or_l, source,"
        " proposed_by, proposed_at) VALUES (:id, :region, :medium, :valid_from, :average_wh_or_l,"
        " :source, :proposed_by, :proposed_at)",
        **columns,
    )


async def approve_average(conn: AsyncConnection, average_id: UUID, approved_by: str) -> bool:
    """Put an average in force; False when it, or another one of its day, is in force already."""
    changed = await run(
        conn,
        "UPDATE meter_average AS proposed SET approved_by = :by WHERE id = :id"
        " AND approved_by IS NULL AND NOT EXISTS (SELECT FROM meter_average AS other"
        " WHERE other.approved_by IS NOT NULL AND (other.region, other.medium, other.valid_from)"
        " = (proposed.region, proposed.medium, proposed.valid_from))",
        id=average_id,
        by=approved_by,
    )
    return changed == 1


async def average_by_id(conn: AsyncConnection, average_id: UUID) -> Row[Any] | None:
    """An average by its id."""
    return await fetch_one(conn, f"{_AVERAGE} WHERE id = :id", id=average_id)


async def list_averages(
    conn: AsyncConnection, *, before_id: UUID | None, limit: int
) -> Sequence[Row[Any]]:
    """Averages, proposed and in force, newest first."""
    return await fetch(
        conn,
        f"{_AVERAGE} WHERE (CAST(:before AS uuid) IS NULL OR id < :before)"
        " ORDER BY id DESC LIMIT :limit",
        before=before_id,
        limit=limit,
    )
