"""Who was restated, what changed and why: what the ids of `CreditRestated` stand for."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import fetch


class Restated(NamedTuple):
    """One booking that was taken back, and what stands in its place.

    Attributes:
        id: Of the reversal; the cause of the transfers that took the old grams back.
        reason: Code of `backend.checkins.reasons`.
        grams: Of the new booking; 0 where the activity counts no longer.
        credit_id: The new booking, or None where the activity counts no longer.
    """

    id: UUID
    account_id: UUID
    check_in_id: UUID
    action: str
    occurred_on: date
    reason: str
    restated_at: datetime
    grams_before: int
    points_before: int
    grams: int
    points: int
    credit_id: UUID | None


async def restated(conn: AsyncConnection, reversal_ids: Sequence[UUID]) -> list[Restated]:
    """What these reversals changed, by id; an id that does not exist is missing."""
    rows = await fetch(
        conn,
        "SELECT reversal.id, old.account_id, old.check_in_id, old.action, old.occurred_on,"
        " reversal.reason, reversal.reversed_at, old.grams AS grams_before,"
        " old.points AS points_before, coalesce(new.grams, 0) AS grams,"
        " coalesce(new.points, 0) AS points, new.id AS credit_id FROM reversal"
        " JOIN credit AS old ON old.id = reversal.credit_id"
        " LEFT JOIN credit AS new ON new.check_in_id = old.check_in_id"
        " AND new.booking = old.booking + 1"
        " WHERE reversal.id = ANY(CAST(:ids AS uuid[])) ORDER BY reversal.id",
        ids=list(reversal_ids),
    )
    return [Restated._make(row) for row in rows]
