"""Making and moving statements, and closing shifts: load, decide, write."""

from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.errors import NotFound
from backend.ids import uuid7
from backend.rewards.merchant_queries import Counter
from backend.rewards.refusals import (
    NothingToClose,
    PeriodNotOver,
    PeriodStated,
    StatementDecided,
)
from backend.rewards.shift_queries import insert_shift, lock_cashier, take_shift_lines
from backend.rewards.statement_queries import (
    insert_statement,
    lock_merchant,
    lock_statement,
    move_statement,
    take_statement_lines,
)
from backend.units import SHANGHAI, shanghai_day

# Transactions end within twenty seconds, so nothing of the period is still under way then.
STATED_AFTER = timedelta(minutes=15)
SEARCH_BACK = timedelta(days=1)  # for what committed after the last statement was made


async def close_shift(conn: AsyncConnection, counter: Counter, now: datetime) -> UUID:
    """Hand over what the cashier has settled and undone since the last time; frozen from then on.

    Raises:
        NothingToClose: There is nothing.
    """
    shift_id = uuid7()
    await lock_cashier(conn, counter.settled_by)
    totals = await take_shift_lines(conn, shift_id, counter.merchant_id, counter.settled_by)
    if not totals.settled_count + totals.undone_count:
        raise NothingToClose
    await insert_shift(
        conn, shift_id, counter.merchant_id, cashier=counter.settled_by, totals=totals, now=now
    )
    return shift_id


async def make_statement(
    conn: AsyncConnection, merchant_id: UUID, last_day: date, now: datetime
) -> UUID:
    """Draft a statement from the day after the last one up to `last_day`.

    Raises:
        NotFound: No such merchant.
        PeriodNotOver: The day, or the quarter of an hour after it, has not ended.
        PeriodStated: An earlier statement covers the day.
    """
    found = await lock_merchant(conn, merchant_id)
    if found is None:
        raise NotFound
    created_at, stated = found
    first_day = stated + timedelta(days=1) if stated else shanghai_day(created_at)
    if last_day >= shanghai_day(now - STATED_AFTER):
        raise PeriodNotOver
    if last_day < first_day:
        raise PeriodStated(first_day=first_day.isoformat())
    statement_id = uuid7()
    totals = await take_statement_lines(
        conn,
        statement_id,
        merchant_id,
        since=day_begins(first_day) - SEARCH_BACK,
        until=day_begins(last_day + timedelta(days=1)),
    )
    await insert_statement(
        conn, statement_id, merchant_id, days=(first_day, last_day), totals=totals, now=now
    )
    return statement_id


async def confirm_statement(
    conn: AsyncConnection, statement_id: UUID, merchant_id: UUID, who: str, now: datetime
) -> bool:
    """The merchant agrees; True when it had agreed before.

    Raises:
        NotFound: Not this merchant's.
        StatementDecided: It was paid.
    """
    statement = await _own(conn, statement_id, merchant_id)
    if statement.status == "confirmed":
        return True
    _allow(statement, "draft", "disputed")
    changes = {"status": "confirmed", "confirmed_at": now, "confirmed_by": who}
    await move_statement(conn, statement_id, changes)
    return False


async def dispute_statement(
    conn: AsyncConnection, statement_id: UUID, merchant_id: UUID, reason: str, now: datetime
) -> bool:
    """The merchant does not agree; what is corrected then stands in the next statement.

    Raises:
        NotFound: Not this merchant's.
        StatementDecided: It was paid.
    """
    statement = await _own(conn, statement_id, merchant_id)
    if statement.status == "disputed" and statement.dispute == reason:
        return True
    _allow(statement, "draft", "confirmed", "disputed")
    changes = {"status": "disputed", "disputed_at": now, "dispute": reason}
    await move_statement(conn, statement_id, changes)
    return False


async def pay_statement(
    conn: AsyncConnection, statement_id: UUID, reference: str, who: str, now: datetime
) -> bool:
    """Write that a confirmed statement was paid, by bank transfer or against an invoice.

    Raises:
        NotFound: There is none.
        StatementDecided: Not confirmed, or paid with another reference.
    """
    statement = await lock_statement(conn, statement_id)
    if statement is None:
        raise NotFound
    if statement.status == "paid" and statement.payment_reference == reference:
        return True
    _allow(statement, "confirmed")
    changes = {"status": "paid", "paid_at": now, "paid_by": who, "payment_reference": reference}
    await move_statement(conn, statement_id, changes)
    return False


def day_begins(day: date) -> datetime:
    """Midnight in Shanghai."""
    return datetime.combine(day, time(), SHANGHAI)


async def _own(conn: AsyncConnection, statement_id: UUID, merchant_id: UUID) -> Row[Any]:
    statement = await lock_statement(conn, statement_id)
    if statement is None or statement.merchant_id != merchant_id:
        raise NotFound
    return statement


def _allow(statement: Row[Any], *statuses: str) -> None:
    if statement.status not in statuses:
        raise StatementDecided(status=statement.status)
