"""Evidence of check-ins that more than one photo shows; read by whoever looks at all of it."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import copy_rows, fetch


class PhotoEvidence(NamedTuple):
    """One of several photos of a check-in; the fields are the columns of `check_in_evidence`.

    Attributes:
        part: `morning` or `evening`.
        evidence_sha256: Key in the store of evidence, under the check-in's account.
    """

    check_in_id: UUID
    part: str
    capture_id: UUID
    evidence_sha256: str
    taken_at: datetime


async def insert_evidence(conn: AsyncConnection, photos: Sequence[PhotoEvidence]) -> None:
    """Write the photos of new check-ins."""
    await copy_rows(conn, "check_in_evidence", PhotoEvidence._fields, photos)


async def evidence_of(conn: AsyncConnection, check_in_id: UUID) -> list[PhotoEvidence]:
    """All photos of a check-in that has several, in the order in which they were taken."""
    rows = await fetch(
        conn,
        f"SELECT {', '.join(PhotoEvidence._fields)} FROM check_in_evidence"
        " WHERE check_in_id = :id ORDER BY taken_at",
        id=check_in_id,
    )
    return [PhotoEvidence._make(row) for row in rows]
