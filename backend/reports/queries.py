"""Totals without persons, and the few numbers that are counted live."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import fetch, fetch_one, run


async def add_credits(conn: AsyncConnection, credit_ids: Sequence[UUID]) -> None:
    """Add bookings to the totals, and take away what the bookings replaced.

    A re-booking (booking above 1) is preceded by exactly one reversed booking of its check-in. Rows
    are written in key order: two batches of the same day cannot deadlock.
    """
    await run(
        conn,
        "WITH new AS MATERIALIZED (SELECT check_in_id, booking, occurred_on, region, action, tier,"
        " grams, points FROM credit WHERE id = ANY(CAST(:ids AS uuid[]))),"
        " changes AS (SELECT occurred_on, region, action, tier, grams, points,"
        " CASE WHEN booking = 1 THEN 1 ELSE 0 END AS credits FROM new"
        " UNION ALL SELECT old.occurred_on, old.region, old.action, old.tier, -old.grams,"
        " -old.points, 0 FROM new JOIN credit AS old ON old.check_in_id = new.check_in_id"
        " AND old.booking = new.booking - 1 WHERE new.booking > 1)"
        " INSERT INTO daily_total AS kept"
        " (occurred_on, region, action, tier, credits, grams, points)"
        " SELECT occurred_on, region, action, tier, sum(credits), sum(grams), sum(points)"
        " FROM changes GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4"
        " ON CONFLICT (occurred_on, region, action, tier) DO UPDATE SET"
        " credits = kept.credits + excluded.credits, grams = kept.grams + excluded.grams,"
        " points = kept.points + excluded.points",
        ids=list(credit_ids),
    )


_GROUPS = {"action": "action", "district": "region", "day": "occurred_on"}


async def totals_by(
    conn: AsyncConnection, group: str, *, since: date, until: date
) -> Sequence[Row[Any]]:
    """Credits, grams and points of [since, until] by `action`, `district` or `day`."""
    column = _GROUPS[group]
    return await fetch(
        conn,
        f"SELECT {column}::text AS name, sum(credits)::bigint AS credits, sum(grams)::bigint AS"
        f" grams,"
        " sum(points)::bigint AS points FROM daily_total WHERE occurred_on BETWEEN :since AND"
        " :until"
        f" GROUP BY {column} ORDER BY {column}",
        since=since,
        until=until,
    )


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
    """Everything credited so far."""
    row = await fetch_one(
        conn,
        "SELECT coalesce(sum(credits), 0)::bigint AS credits, coalesce(sum(grams), 0)::bigint"
        " AS grams,"
        " now() AS as_of FROM daily_total",
    )
    assert row is not None, "an aggregate has one row"
    return row
