"""How a check-in has changed since it was first credited, as the member reads it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.checkins.reasons import REASONS
from backend.db import fetch
from backend.http.problem import Language


class RestatementAnswer(msgspec.Struct, kw_only=True):
    """One change of a credit: when, why, and from what to what.

    `reason` is a stable code and `message` its words; `note` is what the programme wrote beside it.
    `caused_by` is the check-in that changed: this one, or another of the same day.
    """

    restated_at: datetime
    reason: str
    message: str
    note: str | None
    caused_by: UUID
    grams_before: int
    grams: int
    points_before: int
    points: int


async def history_of(
    conn: AsyncConnection, check_in_id: UUID, language: Language
) -> list[RestatementAnswer]:
    """Every change of this check-in's credit, oldest first."""
    return [_render(row, language) for row in await _restatements(conn, check_in_id)]


async def _restatements(conn: AsyncConnection, check_in_id: UUID) -> Sequence[Row[Any]]:
    return await fetch(
        conn,
        "SELECT reversal.reversed_at, reversal.reason, restatement.check_in_id AS caused_by,"
        " CASE WHEN restatement.check_in_id = old.check_in_id THEN note END AS note,"
        " old.grams AS grams_before, coalesce(new.grams, 0) AS grams,"
        " old.points AS points_before, coalesce(new.points, 0) AS points"
        " FROM credit AS old JOIN reversal ON reversal.credit_id = old.id"
        " JOIN restatement ON restatement.id = reversal.restatement_id"
        " LEFT JOIN credit AS new ON new.check_in_id = old.check_in_id"
        " AND new.booking = old.booking + 1"
        " WHERE old.check_in_id = :id ORDER BY old.booking",
        id=check_in_id,
    )


def _render(row: Row[Any], language: Language) -> RestatementAnswer:
    reason = REASONS[row.reason]
    return RestatementAnswer(
        restated_at=row.reversed_at,
        reason=row.reason,
        message=reason.text_zh if language == "zh" else reason.text_en,
        note=row.note,
        caused_by=row.caused_by,
        grams_before=row.grams_before,
        grams=row.grams,
        points_before=row.points_before,
        points=row.points,
    )
