"""Changes of budgets: proposed by one person, approved by another, but at the command line."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import fetch, fetch_one, run
from backend.ids import LAST_ID

TOP_UP, RELEASE = "top_up", "release"
TOP_UP_ALONE = "top_up_alone"  # by whoever owns the machine; it happened when it was written


class FundChange(NamedTuple):
    """A row of `fund_change`; the fields are its columns."""

    id: UUID
    fund_id: UUID
    kind: str
    points: int | None
    stops_on: date | None
    reason: str
    proposed_by: str
    proposed_at: datetime
    approved_by: str | None = None
    approved_at: datetime | None = None


_COLUMNS = ", ".join(FundChange._fields)
_VALUES = ", ".join(f":{name}" for name in FundChange._fields)


async def insert_change(conn: AsyncConnection, change: FundChange) -> None:
    """Write a proposed change."""
    await run(conn, f"INSERT INTO fund_change ({_COLUMNS}) VALUES ({_VALUES})", **change._asdict())


async def change_by_id(
    conn: AsyncConnection, change_id: UUID, *, is_locked: bool = False
) -> FundChange | None:
    """One change, or None; locked for whoever decides about it."""
    row = await fetch_one(
        conn,
        f"SELECT {_COLUMNS} FROM fund_change WHERE id = :id{' FOR UPDATE' if is_locked else ''}",
        id=change_id,
    )
    return FundChange._make(row) if row else None


async def changes_before(
    conn: AsyncConnection, before_id: UUID | None, *, limit: int
) -> list[FundChange]:
    """Changes of all funds, newest proposal first."""
    rows = await fetch(
        conn,
        f"SELECT {_COLUMNS} FROM fund_change WHERE id < :before ORDER BY id DESC LIMIT :limit",
        before=before_id or LAST_ID,
        limit=limit,
    )
    return [FundChange._make(row) for row in rows]


async def mark_approved(
    conn: AsyncConnection, change_id: UUID, approved_by: str, now: datetime
) -> None:
    """Note who approved a change."""
    await run(
        conn,
        "UPDATE fund_change SET approved_by = :by, approved_at = :now WHERE id = :id",
        id=change_id,
        by=approved_by,
        now=now,
    )


async def announce_stop(
    conn: AsyncConnection, fund_id: UUID, stops_on: date, now: datetime
) -> bool:
    """Announce the first day without points; False when a stop was announced before."""
    return bool(
        await run(
            conn,
            "UPDATE fund SET stops_on = :stops_on, stop_announced_at = :now"
            " WHERE id = :id AND stops_on IS NULL",
            id=fund_id,
            stops_on=stops_on,
            now=now,
        )
    )


async def fund_ids(conn: AsyncConnection, wanted: Sequence[UUID]) -> set[UUID]:
    """Which of these are funds."""
    rows = await fetch(
        conn, "SELECT id FROM fund WHERE id = ANY(CAST(:ids AS uuid[]))", ids=list(wanted)
    )
    return {row.id for row in rows}
