"""Captures, and which evidence can be taken at all."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import copy_rows, fetch, fetch_one
from backend.intake.actions import LiveSources
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


async def live_sources(conn: AsyncConnection, account_id: UUID) -> LiveSources:
    """Which evidence can be taken: bags with a scale, rides by a partner linked with the member."""
    row = await fetch_one(
        conn,
        "SELECT EXISTS (SELECT FROM bag) AND EXISTS (SELECT FROM partner_key"
        " WHERE NOT is_revoked AND ('bag.weigh' = ANY(scopes) OR 'event.send' = ANY(scopes)"
        " AND 'tanhui.recycling.bag.weighed.v1' = ANY(event_types))),"
        " EXISTS (SELECT FROM partner_link JOIN partner_key USING (partner_id)"
        " WHERE account_id = :account AND NOT is_revoked AND ('trip.report' = ANY(scopes)"
        " OR 'event.send' = ANY(scopes)"
        " AND (event_types = '{}' OR 'tanhui.trip.v1' = ANY(event_types))))",
        account=account_id,
    )
    assert row is not None, "a SELECT without FROM has a row"
    return LiveSources._make(row)
