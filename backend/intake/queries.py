"""Captures."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import copy_rows, fetch
from backend.intake.domain import Capture


async def insert_captures(conn: AsyncConnection, captures: Sequence[Capture]) -> None:
    """Write captures."""
    await copy_rows(conn, "capture", Capture._fields, captures)


async def captures_by_id(conn: AsyncConnection, ids: Sequence[UUID]) -> Mapping[UUID, Capture]:
    """Captures that exist among these ids, whoever owns them."""
    rows = await fetch(
        conn,
        "SELECT id, account_id, action, created_at, region, meal_window FROM capture"
        " WHERE id = ANY(CAST(:ids AS uuid[]))",
        ids=list(ids),
    )
    return {row.id: Capture._make(row) for row in rows}
