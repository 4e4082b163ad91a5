"""The statements of odometer photos."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import copy_rows, fetch
from backend.intake.no_drive import KeptOdometer


async def insert_odometers(conn: AsyncConnection, photos: Sequence[KeptOdometer]) -> None:
    """Write photos; a second one for a capture is a class 23 error."""
    await copy_rows(conn, "odometer_photo", KeptOdometer._fields, photos)


async def odometers_by_capture(
    conn: AsyncConnection, capture_ids: Sequence[UUID]
) -> Mapping[UUID, KeptOdometer]:
    """The photos of these captures; a capture without one is missing."""
    rows = await fetch(
        conn,
        f"SELECT {', '.join(KeptOdometer._fields)} FROM odometer_photo"
        " WHERE capture_id = ANY(CAST(:ids AS uuid[]))",
        ids=list(capture_ids),
    )
    return {row.capture_id: KeptOdometer._make(row) for row in rows}
