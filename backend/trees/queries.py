"""Projects, pledges, plantings and deaths; who changes a pledge or a planting locks its row."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import fetch, fetch_one, run
from backend.trees.domain import Planting, Pledge

_PLEDGE = (
    "SELECT pledge.id, account_id, project_id, partner_id, trees, fulfilled, region FROM"
    " tree_pledge AS pledge JOIN tree_project AS project ON project.id = project_id"
)
_PLEDGE_SHOWN = (
    "SELECT pledge.id, project_id, kind, trees, amount_fen, fulfilled, pledged_at"
    " FROM tree_pledge AS pledge"
)
_CERTIFICATE = (
    "SELECT planting.id, number, planting, plot, species, planting.trees, planted_on, dead,"
    " recorded_at, planting.partner_id, pledge_id, account_id, kind, initial, name_hmac, region,"
    " project.name_zh, project.name_en FROM tree_planting AS planting"
    " JOIN tree_pledge AS pledge ON pledge.id = pledge_id"
    " JOIN tree_project AS project ON project.id = project_id"
    " LEFT JOIN tree_holder USING (pledge_id)"
)


async def insert_project(conn: AsyncConnection, **columns: Any) -> None:
    """Write a project of a partner that is there."""
    await run(
        conn,
        "INSERT INTO tree_project (id, partner_id, name_zh, name_en, region, created_by,"
        " created_at) VALUES (:id, :partner_id, :name_zh, :name_en, :region, :created_by,"
        " :created_at)",
        **columns,
    )


async def list_projects(
    conn: AsyncConnection, *, project_id: UUID | None, before_id: UUID | None, limit: int
) -> Sequence[Row[Any]]:
    """Projects, newest first."""
    return await fetch(
        conn,
        "SELECT id, partner_id, name_zh, name_en, region, created_at FROM tree_project"
        " WHERE (CAST(:project AS uuid) IS NULL OR id = :project)"
        " AND (CAST(:before AS uuid) IS NULL OR id < :before) ORDER BY id DESC LIMIT :limit",
        project=project_id,
        before=before_id,
        limit=limit,
    )


async def insert_pledge(
    conn: AsyncConnection, *, initial: str, name_hmac: bytes, **columns: Any
) -> None:
    """Write a pledge and what is kept of its holder's name."""
    await run(
        conn,
        "WITH made AS (INSERT INTO tree_pledge (id, account_id, project_id, kind, trees,"
        " amount_fen, pledged_at) VALUES (:id, :account_id, :project_id, :kind, :trees,"
        " :amount_fen, :pledged_at) RETURNING id) INSERT INTO tree_holder (pledge_id, initial,"
        " name_hmac) SELECT id, :initial, :name_hmac FROM made",
        initial=initial,
        name_hmac=name_hmac,
        **columns,
    )


async def lock_pledge(conn: AsyncConnection, pledge_id: UUID) -> Pledge | None:
    """A pledge, locked: two fulfilments of it follow each other."""
    row = await fetch_one(
        conn, f"{_PLEDGE} WHERE pledge.id = :id FOR UPDATE OF pledge", id=pledge_id
    )
    return Pledge._make(row) if row else None


async def shown_pledge(conn: AsyncConnection, pledge_id: UUID) -> Row[Any] | None:
    """A pledge as its owner and its partner see it."""
    return await fetch_one(conn, f"{_PLEDGE_SHOWN} WHERE pledge.id = :id", id=pledge_id)


async def pledges_of(
    conn: AsyncConnection, account_id: UUID, *, before_id: UUID | None, limit: int
) -> Sequence[Row[Any]]:
    """Pledges of one account, newest first."""
    return await fetch(
        conn,
        f"{_PLEDGE_SHOWN} WHERE account_id = :account"
        " AND (CAST(:before AS uuid) IS NULL OR pledge.id < :before)"
        " ORDER BY pledge.id DESC LIMIT :limit",
        account=account_id,
        before=before_id,
        limit=limit,
    )


async def open_pledges(
    conn: AsyncConnection, partner_id: UUID, *, after_id: UUID | None, limit: int
) -> Sequence[Row[Any]]:
    """Pledges to a partner's projects for which trees are still to be planted, oldest first."""
    return await fetch(
        conn,
        f"{_PLEDGE_SHOWN} JOIN tree_project AS project ON project.id = project_id"
        " WHERE partner_id = :partner AND fulfilled < trees"
        " AND (CAST(:after AS uuid) IS NULL OR pledge.id > :after) ORDER BY pledge.id LIMIT :limit",
        partner=partner_id,
        after=after_id,
        limit=limit,
    )


async def planting_named(conn: AsyncConnection, partner_id: UUID, planting: str) -> Row[Any] | None:
    """The planting that a partner calls so."""
    return await fetch_one(
        conn,
        f"{_CERTIFICATE} WHERE planting.partner_id = :partner AND planting = :planting",
        partner=partner_id,
        planting=planting,
    )


async def insert_planting(
    conn: AsyncConnection, pledge: Pledge, planting: Planting, **columns: Any
) -> None:
    """Write trees for a locked pledge, and count them as fulfilled."""
    await run(
        conn,
        "WITH planted AS (INSERT INTO tree_planting (id, number, pledge_id, partner_id, planting,"
        " plot, species, trees, planted_on, recorded_by, recorded_at) VALUES (:id, :number,"
        " :pledge, :partner, :planting, :plot, :species, :trees, :planted_on, :recorded_by,"
        " :recorded_at)) UPDATE tree_pledge SET fulfilled = fulfilled + :trees WHERE id = :pledge",
        pledge=pledge.id,
        partner=pledge.partner_id,
        **planting._asdict(),
        **columns,
    )


async def lock_planting(conn: AsyncConnection, planting_id: UUID) -> Row[Any] | None:
    """A planting, locked: id, partner_id, trees, dead, planted_on, and its project's region."""
    return await fetch_one(
        conn,
        "SELECT planting.id, planting.partner_id, planting.trees, dead, planted_on, region"
        " FROM tree_planting AS planting JOIN tree_pledge AS pledge ON pledge.id = pledge_id"
        " JOIN tree_project AS project ON project.id = project_id WHERE planting.id = :id"
        " FOR UPDATE OF planting",
        id=planting_id,
    )


async def deaths_on(conn: AsyncConnection, planting_id: UUID, seen_on: date) -> int | None:
    """How many trees were found dead on a day; None when nobody said."""
    row = await fetch_one(
        conn,
        "SELECT trees FROM tree_death WHERE planting_id = :id AND seen_on = :day",
        id=planting_id,
        day=seen_on,
    )
    return row.trees if row else None


async def insert_deaths(
    conn: AsyncConnection,
    planting_id: UUID,
    *,
    seen_on: date,
    trees: int,
    recorded_by: str,
    now: datetime,
) -> None:
    """Write dead trees of a locked planting."""
    await run(
        conn,
        "WITH died AS (INSERT INTO tree_death (planting_id, seen_on, trees, recorded_by,"
        " recorded_at) VALUES (:id, :day, :trees, :by, :now))"
        " UPDATE tree_planting SET dead = dead + :trees WHERE id = :id",
        id=planting_id,
        day=seen_on,
        trees=trees,
        by=recorded_by,
        now=now,
    )


async def certificate_by_number(conn: AsyncConnection, number: str) -> Row[Any] | None:
    """A certificate with its project and what is kept of its holder."""
    return await fetch_one(conn, f"{_CERTIFICATE} WHERE number = :number", number=number)


async def certificate_by_id(conn: AsyncConnection, planting_id: UUID) -> Row[Any] | None:
    """The same by the id of the planting."""
    return await fetch_one(conn, f"{_CERTIFICATE} WHERE planting.id = :id", id=planting_id)


async def certificates_of(
    conn: AsyncConnection, account_id: UUID, *, before_id: UUID | None, limit: int
) -> Sequence[Row[Any]]:
    """Certificates of one account, newest first."""
    return await fetch(
        conn,
        f"{_CERTIFICATE} WHERE account_id = :account"
        " AND (CAST(:before AS uuid) IS NULL OR planting.id < :before)"
        " ORDER BY planting.id DESC LIMIT :limit",
        account=account_id,
        before=before_id,
        limit=limit,
    )


async def certified(
    conn: AsyncConnection, plantings: Sequence[tuple[UUID, str]]
) -> Mapping[tuple[UUID, str], tuple[UUID, int]]:
    """Whose these plantings are and how many trees of each live; locked, by partner and name.

    A planting that nobody pledged is missing: its trees are the partner's affair.
    """
    rows = await fetch(
        conn,
        "SELECT planting.partner_id, planting.planting, account_id, planting.trees - dead AS alive"
        " FROM unnest(CAST(:partners AS uuid[]), CAST(:names AS text[]))"
        " AS asked(partner_id, planting) JOIN tree_planting AS planting"
        " USING (partner_id, planting) JOIN tree_pledge AS pledge ON pledge.id = pledge_id"
        " ORDER BY planting.id FOR SHARE OF planting",
        partners=[partner_id for partner_id, _ in plantings],
        names=[name for _, name in plantings],
    )
    return {(row.partner_id, row.planting): (row.account_id, row.alive) for row in rows}
