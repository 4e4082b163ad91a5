"""Totals without persons, and the few numbers that are counted live."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import fetch, fetch_one, run

_ADD = """
WITH changes AS (
  SELECT occurred_on, region, action, tier, 1 AS credits, grams, points
  FROM credit WHERE id = ANY(CAST(:ids AS uuid[]))
  UNION ALL
  SELECT occurred_on, region, action, tier, -1, -grams, -points
  FROM reversal JOIN credit ON credit.id = credit_id WHERE reversal.id = ANY(CAST(:ids AS uuid[]))
), net AS MATERIALIZED (
  SELECT occurred_on, region, action, tier, sum(credits) AS credits, sum(grams) AS grams,
         sum(points) AS points, closed_month.month IS NOT NULL AS is_closed
  FROM changes LEFT JOIN closed_month ON month = date_trunc('month', occurred_on)::date
  GROUP BY 1, 2, 3, 4, 8 ORDER BY 1, 2, 3, 4
), corrected AS (
  INSERT INTO total_correction AS kept
    (reported_in, occurred_on, region, action, tier, credits, grams, points)
  SELECT greatest(date_trunc('month', now() AT TIME ZONE 'Asia/Shanghai'),
                  (SELECT max(month) + interval '1 month' FROM closed_month))::date,
         occurred_on, region, action, tier, credits, grams, points
  FROM net WHERE is_closed AND (credits, grams, points) <> (0, 0, 0)
  ON CONFLICT (reported_in, occurred_on, region, action, tier) DO UPDATE SET
    credits = kept.credits + excluded.credits, grams = kept.grams + excluded.grams,
    points = kept.points + excluded.points
)
INSERT INTO daily_total AS kept (occurred_on, region, action, tier, credits, grams, points)
SELECT occurred_on, region, action, tier, credits, grams, points
FROM net WHERE NOT is_closed AND (credits, grams, points) <> (0, 0, 0)
ON CONFLICT (occurred_on, region, action, tier) DO UPDATE SET
  credits = kept.credits + excluded.credits, grams = kept.grams + excluded.grams,
  points = kept.points + excluded.points
"""


async def add_changes(conn: AsyncConnection, ids: Sequence[UUID]) -> None:
    """Add these bookings to the totals, and take away what these reversals took back.

    Both are UUIDs of their own kinds, so one list names both. Rows are written in key order: two
    batches of the same day cannot deadlock. A day whose month is closed stays as it was published;
    its change is written down as a correction that the open month reports.
    """
    await run(conn, _ADD, ids=list(ids))


_CORRECTED = (
    " UNION ALL SELECT occurred_on, region, action, credits, grams, points FROM total_correction"
    " WHERE occurred_on BETWEEN :since AND :until"
)


async def totals(
    conn: AsyncConnection, *, since: date, until: date, as_known_now: bool = False
) -> Sequence[Row[Any]]:
    """Credits, grams and points of [since, until] by `action`, `district` and `day`, in one scan.

    As published; with `as_known_now`, what was corrected after a month's closing is included.
    """
    return await fetch(
        conn,
        "SELECT CASE GROUPING(action, region, occurred_on)"
        " WHEN 3 THEN 'action' WHEN 5 THEN 'district' ELSE 'day' END AS by,"
        " coalesce(action, region, occurred_on::text) AS name, sum(credits)::bigint AS credits,"
        " sum(grams)::bigint AS grams, sum(points)::bigint AS points"
        " FROM (SELECT occurred_on, region, action, credits, grams, points FROM daily_total"
        f" WHERE occurred_on BETWEEN :since AND :until{_CORRECTED if as_known_now else ''}) AS days"
        " GROUP BY GROUPING SETS (action, region, occurred_on)"
        " ORDER BY action, region, occurred_on",
        since=since,
        until=until,
    )


async def corrections_reported(
    conn: AsyncConnection, *, since: date, until: date
) -> Sequence[Row[Any]]:
    """What the months of [since, until] report of earlier, closed ones: by day and action."""
    return await fetch(
        conn,
        "SELECT reported_in, occurred_on, action, sum(credits)::bigint AS credits,"
        " sum(grams)::bigint AS grams, sum(points)::bigint AS points FROM total_correction"
        " WHERE reported_in BETWEEN :first AND :until"
        " GROUP BY reported_in, occurred_on, action ORDER BY reported_in, occurred_on, action",
        first=since.replace(day=1),
        until=until,
    )


async def is_closed(conn: AsyncConnection, *, since: date, until: date) -> bool:
    """Whether every month of [since, until] is closed, so that its published totals are final."""
    months = (until.year - since.year) * 12 + until.month - since.month + 1
    row = await fetch_one(
        conn,
        "SELECT count(*) AS closed FROM closed_month WHERE month BETWEEN :first AND :until",
        first=since.replace(day=1),
        until=until,
    )
    return row is not None and row.closed == months


async def undecided(conn: AsyncConnection, *, since: date, until: date) -> Row[Any]:
    """How many check-ins of these Shanghai days stopped in review, and how many were rejected."""
    row = await fetch_one(
        conn,
        "SELECT count(*) FILTER (WHERE status = 'in_review') AS in_review,"
        " count(*) FILTER (WHERE status = 'rejected') AS rejected FROM check_in"
        " WHERE stopped_at >= CAST(:since AS timestamp) AT TIME ZONE 'Asia/Shanghai'"
        " AND stopped_at < (CAST(:until AS timestamp) + interval '1 day')"
        " AT TIME ZONE 'Asia/Shanghai'",
        since=since,
        until=until,
    )
    assert row is not None, "an aggregate has one row"
    return row


async def active_members(conn: AsyncConnection, *, since: date, until: date) -> int:
    """How many accounts were credited for an activity of these days."""
    row = await fetch_one(
        conn,
        "SELECT count(DISTINCT account_id) AS active FROM credit"
        " WHERE occurred_on BETWEEN :since AND :until",
        since=since,
        until=until,
    )
    return int(row.active) if row else 0


async def public_totals(conn: AsyncConnection) -> Row[Any]:
    """Everything credited so far, as it is known now."""
    row = await fetch_one(
        conn,
        "SELECT coalesce(sum(credits), 0)::bigint AS credits, coalesce(sum(grams), 0)::bigint"
        " AS grams, now() AS as_of FROM (SELECT credits, grams FROM daily_total"
        " UNION ALL SELECT credits, grams FROM total_correction) AS known",
    )
    assert row is not None, "an aggregate has one row"
    return row
