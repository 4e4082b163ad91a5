"""How much of the funds is left, what operators are warned of, what members are told."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.campaigns.domain import (
    ALERT_PERCENTS,
    PROGRAMME_FUND,
    BudgetState,
    budget_state,
    runs_out_on,
    used_percent,
)
from backend.db import fetch, fetch_one, run
from backend.ids import LAST_ID
from backend.units import shanghai_day

_NEVER = datetime(9999, 12, 31, tzinfo=UTC)
RATE_DAYS = 7  # a week has a weekend in it; less would announce a run-out every Friday


class FundState(NamedTuple):
    """What members see of a fund: its state, and the announced day from which it gives nothing."""

    state: BudgetState
    stops_on: date | None


class Alert(NamedTuple):
    """A fund has passed a mark of its budget.

    Attributes:
        runs_out_on: At the rate of the last week; None while nothing was drawn.
    """

    fund_id: UUID
    percent: int
    budget: int
    available: int
    runs_out_on: date | None


_FUNDS = (
    "SELECT fund.id, name_zh, name_en, sponsor_zh, sponsor_en, budget, stops_on,"
    " (SELECT coalesce(sum(available), 0)::bigint FROM fund_slice WHERE fund_id = fund.id)"
    " AS available, EXISTS (SELECT FROM pending_points WHERE fund_id = fund.id AND NOT is_funded)"
    " AS is_queued FROM fund"
)


async def fund_state(
    conn: AsyncConnection, today: date, fund_id: UUID = PROGRAMME_FUND
) -> FundState:
    """What members are told about a fund: open, short, or ended."""
    row = await fetch_one(conn, f"{_FUNDS} WHERE id = :id", id=fund_id)
    if row is None:
        return FundState(BudgetState.ENDED, None)
    return FundState(state_of(row, today), row.stops_on)


def state_of(row: Row[Any], today: date) -> BudgetState:
    """The state of a row of `fund_rows`."""
    return budget_state(
        budget=row.budget,
        available=row.available,
        is_queued=row.is_queued,
        stops_on=row.stops_on,
        today=today,
    )


async def fund_rows(
    conn: AsyncConnection, *, after: UUID | None = None, limit: int = 200
) -> Sequence[Row[Any]]:
    """Funds by id, with what is left and whether points wait for them."""
    return await fetch(
        conn,
        f"{_FUNDS} WHERE id > :after ORDER BY id LIMIT :limit",
        after=after or UUID(int=0),
        limit=limit,
    )


async def all_fund_rows(conn: AsyncConnection) -> Sequence[Row[Any]]:
    """The same of all funds: every campaign brings one, so after some years there are hundreds."""
    found: list[Row[Any]] = []
    while page := await fund_rows(conn, after=found[-1].id if found else None):
        found += page
    return found


async def raise_alerts(conn: AsyncConnection, now: datetime) -> list[Alert]:
    """Look at all funds; write and return the alerts that are new. A second look writes nothing."""
    today, raised = shanghai_day(now), []
    for row in await all_fund_rows(conn):
        drawn = row.budget - row.available
        run_out = await _run_out(conn, row, drawn, today)
        passed = [
            mark for mark in ALERT_PERCENTS if used_percent(row.budget, row.available) >= mark
        ]
        for percent in passed if row.budget else ():
            alert = Alert(row.id, percent, row.budget, row.available, run_out)
            if await _insert_alert(conn, alert, now):
                raised.append(alert)
    return raised


async def _run_out(conn: AsyncConnection, fund: Row[Any], drawn: int, today: date) -> date | None:
    """Note today's level, and tell when nothing is left at the rate since the oldest of a week."""
    await run(
        conn,
        "INSERT INTO fund_level (fund_id, measured_on, drawn) VALUES (:fund, :today, :drawn)"
        " ON CONFLICT DO NOTHING",
        fund=fund.id,
        today=today,
        drawn=drawn,
    )
    first = await fetch_one(
        conn,
        "SELECT measured_on, drawn FROM fund_level WHERE fund_id = :fund AND measured_on >= :since"
        " ORDER BY measured_on LIMIT 1",
        fund=fund.id,
        since=today - timedelta(days=RATE_DAYS),
    )
    assert first is not None, "today's level was written above"
    days = (today - first.measured_on).days
    return runs_out_on(fund.available, drawn=drawn - first.drawn, days=days, today=today)


async def _insert_alert(conn: AsyncConnection, alert: Alert, now: datetime) -> bool:
    return bool(
        await run(
            conn,
            "INSERT INTO fund_alert (fund_id, percent, budget, available, runs_out_on, raised_at)"
            " VALUES (:fund, :percent, :budget, :available, :runs_out_on, :now)"
            " ON CONFLICT DO NOTHING",
            fund=alert.fund_id,
            percent=alert.percent,
            budget=alert.budget,
            available=alert.available,
            runs_out_on=alert.runs_out_on,
            now=now,
        )
    )


async def alerts(
    conn: AsyncConnection, *, before: tuple[datetime, UUID, int] | None, limit: int
) -> Sequence[Row[Any]]:
    """Alerts, newest first; `before` is the key of the last one seen."""
    raised_at, fund_id, percent = before or (_NEVER, LAST_ID, 100)
    return await fetch(
        conn,
        "SELECT fund_id, name_zh, name_en, percent, fund_alert.budget, available, runs_out_on,"
        " raised_at FROM fund_alert JOIN fund ON fund.id = fund_id"
        " WHERE (raised_at, fund_id, percent) < (:raised_at, :fund, :percent)"
        " ORDER BY raised_at DESC, fund_id DESC, percent DESC LIMIT :limit",
        raised_at=raised_at,
        fund=fund_id,
        percent=percent,
        limit=limit,
    )
