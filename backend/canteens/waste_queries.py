"""The statements of waste, and of a canteen's days: trays, grams and what was thrown away."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import fetch, run


class WasteEntry(NamedTuple):
    """One figure of a day; the fields are the columns of `waste_entry`."""

    canteen_id: UUID
    day: date
    entry: int
    mass_g: int
    note: str | None
    entered_by: str
    entered_at: datetime


_COLUMNS = ", ".join(WasteEntry._fields)


async def current_entry(conn: AsyncConnection, canteen_id: UUID, day: date) -> WasteEntry | None:
    """The figure of a day that counts, or None."""
    entries = await entries_of(conn, canteen_id, day, before=None, limit=1)
    return entries[0] if entries else None


async def entries_of(
    conn: AsyncConnection, canteen_id: UUID, day: date, *, before: int | None, limit: int
) -> list[WasteEntry]:
    """The figures of a day, the one that counts first."""
    rows = await fetch(
        conn,
        f"SELECT {_COLUMNS} FROM waste_entry WHERE canteen_id = :canteen AND day = :day"
        " AND entry < :before ORDER BY entry DESC LIMIT :limit",
        canteen=canteen_id,
        day=day,
        before=before or 2**15 - 1,
        limit=limit,
    )
    return [WasteEntry._make(row) for row in rows]


async def insert_entry(conn: AsyncConnection, entry: WasteEntry) -> bool:
    """Add a figure; False when somebody else has added one in between."""
    return bool(
        await run(
            conn,
            f"INSERT INTO waste_entry ({_COLUMNS}) VALUES (:canteen_id, :day, :entry, :mass_g,"
            " :note, :entered_by, :entered_at) ON CONFLICT DO NOTHING",
            **entry._asdict(),
        )
    )


# One range of the index of trays for each day of the page. A plate was clean if it was accepted,
# also where the meal had counted before; what waits for a person is neither.
_DAYS = """
SELECT CAST(day AS date) AS day, meals, members, clean, not_clean, grams, waste.mass_g, waste.entry
FROM generate_series(
  CAST(:until AS timestamp), CAST(:since AS timestamp), interval '-1 day') AS series(day)
CROSS JOIN LATERAL (
  SELECT count(*) AS meals, count(DISTINCT check_in.account_id) AS members,
         count(*) FILTER (WHERE check_in.status IN ('scored', 'credited', 'reversed')
           OR check_in.reason IN ('meal_already_counted', 'not_covered')) AS clean,
         count(*) FILTER (WHERE check_in.status = 'rejected' AND coalesce(check_in.reason, '')
           NOT IN ('meal_already_counted', 'not_covered')) AS not_clean,
         CAST(coalesce(sum(credit.grams), 0) AS bigint) AS grams
  FROM tray LEFT JOIN check_in ON check_in.id = tray.check_in_id
  LEFT JOIN credit ON credit.check_in_id = check_in.id
    AND NOT EXISTS (SELECT FROM reversal WHERE reversal.credit_id = credit.id)
  WHERE canteen_id = :canteen AND taken_at >= day AT TIME ZONE 'Asia/Shanghai'
    AND taken_at < (day + interval '1 day') AT TIME ZONE 'Asia/Shanghai'
) AS seen
LEFT JOIN LATERAL (
  SELECT mass_g, entry FROM waste_entry
  WHERE waste_entry.canteen_id = :canteen AND waste_entry.day = CAST(series.day AS date)
  ORDER BY entry DESC LIMIT 1
) AS waste ON true
ORDER BY day DESC
"""


async def days_of(
    conn: AsyncConnection, canteen_id: UUID, *, since: date, until: date
) -> Sequence[Row[Any]]:
    """Every day of [since, until], newest first, whether anything happened on it or not."""
    return await fetch(conn, _DAYS, canteen=canteen_id, since=since, until=until)
