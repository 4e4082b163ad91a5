"""Charity projects and donations."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import fetch, fetch_one, run
from backend.ids import LAST_ID


class Donation(NamedTuple):
    """Points that a member gave; its id is the cause of the transfers."""

    id: UUID
    project_id: UUID
    account_id: UUID
    points: int
    donated_at: datetime


async def insert_project(conn: AsyncConnection, values: Mapping[str, Any]) -> None:
    """Write a project whose account is there."""
    names = ", ".join(values)
    given = ", ".join(f":{name}" for name in values)
    await run(conn, f"INSERT INTO charity_project ({names}) VALUES ({given})", **values)


async def insert_donations(conn: AsyncConnection, donations: Sequence[Donation]) -> None:
    """Write donations from locked accounts."""
    if not donations:
        return
    columns = list(zip(*donations, strict=True))
    await run(
        conn,
        "INSERT INTO donation (id, project_id, account_id, points, donated_at)"
        " SELECT *, :now FROM unnest(CAST(:ids AS uuid[]), CAST(:projects AS uuid[]),"
        " CAST(:accounts AS uuid[]), CAST(:points AS bigint[]))",
        ids=columns[0],
        projects=columns[1],
        accounts=columns[2],
        points=columns[3],
        now=donations[0].donated_at,
    )


async def projects_by_id(
    conn: AsyncConnection, ids: Iterable[UUID]
) -> Mapping[UUID, datetime | None]:
    """When each project ends; None for one without an end, unknown ones are missing."""
    rows = await fetch(
        conn,
        "SELECT id, ends_at FROM charity_project WHERE id = ANY(CAST(:ids AS uuid[]))",
        ids=sorted(set(ids)),
    )
    return {row.id: row.ends_at for row in rows}


# The running total is the project's balance: what the roller has folded, and what waits for it.
_SHOWN = (
    "SELECT charity_project.*, (SELECT coalesce(sum(amount), 0)::bigint FROM ("
    "SELECT posted AS amount FROM account_lot WHERE account_id = charity_project.id"
    " UNION ALL SELECT amount FROM account_delta WHERE account_id = charity_project.id) AS parts)"
    " AS total_points FROM charity_project"
)


async def shown_projects(
    conn: AsyncConnection, *, before_id: UUID | None, limit: int
) -> Sequence[Row[Any]]:
    """Projects with their running totals, newest first."""
    return await fetch(
        conn,
        f"{_SHOWN} WHERE id < :before ORDER BY id DESC LIMIT :limit",
        before=before_id or LAST_ID,
        limit=limit,
    )


async def shown_project(conn: AsyncConnection, project_id: UUID) -> Row[Any] | None:
    """One project with its running total."""
    return await fetch_one(conn, f"{_SHOWN} WHERE id = :id", id=project_id)


async def donations_of(
    conn: AsyncConnection, account_id: UUID, *, before_id: UUID | None, limit: int
) -> Sequence[Row[Any]]:
    """An account's donations, newest first."""
    return await fetch(
        conn,
        "SELECT donation.*, name_zh, name_en FROM donation JOIN charity_project AS project"
        " ON project.id = project_id WHERE account_id = :account AND donation.id < :before"
        " ORDER BY donation.id DESC LIMIT :limit",
        account=account_id,
        before=before_id or LAST_ID,
        limit=limit,
    )
