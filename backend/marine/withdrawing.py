"""Withdraw a step that was recorded wrongly: what it took is back, what it made counts no more.

Nothing is deleted: the step, its lots and what it took stay on record with the reason. A chain is
withdrawn from its end, so that nothing ever rests on a lot that is not there.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import fetch, fetch_one, run
from backend.errors import NotFound
from backend.marine.domain import Site, StepBuiltUpon, StepNotWithdrawn


class Withdrawal(NamedTuple):
    """An operator says that a step is wrong."""

    step_id: UUID
    reason: str
    by: str


async def withdraw_step(conn: AsyncConnection, asked: Withdrawal, now: datetime) -> None:
    """Let a step count no more; the second time changes nothing, and the first reason stays.

    Raises:
        NotFound: There is no such step.
        StepBuiltUpon: Later steps have taken from what it made.
    """
    lots = await _lock_lots(conn, asked.step_id)
    if not lots:
        raise NotFound  # every step makes a lot
    if await is_withdrawn(conn, asked.step_id):
        return
    used = sorted(lot.code for lot in lots if lot.is_made and lot.left_g != lot.mass_g)
    if used:
        raise StepBuiltUpon(lots=used)
    await _insert(conn, asked, now)
    await _give_back(conn, asked.step_id)


async def check_replaced(conn: AsyncConnection, step_id: UUID | None, site: Site) -> None:
    """Refuse to take the place of anything but a step of this site that was withdrawn.

    Raises:
        StepNotWithdrawn.
    """
    if step_id is None:
        return
    # Its lots stand for it: of two heirs at once the second one sees the first.
    await _lock_lots(conn, step_id)
    found = await fetch_one(
        conn,
        "SELECT step.id FROM marine_step AS step JOIN marine_withdrawal ON step_id = step.id"
        " WHERE step.id = :id AND site_id = :site"
        " AND NOT EXISTS (SELECT FROM marine_step AS heir WHERE heir.replaces = step.id)",
        id=step_id,
        site=site.id,
    )
    if found is None:
        raise StepNotWithdrawn


async def is_withdrawn(conn: AsyncConnection, step_id: UUID) -> bool:
    """Whether the step counts no more."""
    found = await fetch_one(
        conn, "SELECT step_id FROM marine_withdrawal WHERE step_id = :id", id=step_id
    )
    return found is not None


async def _lock_lots(conn: AsyncConnection, step_id: UUID) -> Sequence[Row[tuple[str, int, int]]]:
    """The lots that a step took from and made, locked in id order."""
    return await fetch(
        conn,
        "SELECT code, mass_g, left_g, step_id = :step AS is_made FROM marine_lot AS lot"
        " WHERE step_id = :step OR id IN (SELECT lot_id FROM marine_taken WHERE step_id = :step)"
        " ORDER BY lot.id FOR UPDATE",
        step=step_id,
    )


async def _insert(conn: AsyncConnection, asked: Withdrawal, now: datetime) -> None:
    await run(
        conn,
        "INSERT INTO marine_withdrawal (step_id, reason, withdrawn_by, withdrawn_at)"
        " VALUES (:step, :reason, :by, :now)",
        step=asked.step_id,
        reason=asked.reason,
        by=asked.by,
        now=now,
    )


async def _give_back(conn: AsyncConnection, step_id: UUID) -> None:
    """Put what the step took into its lots again, and empty those that it made."""
    await run(
        conn,
        "UPDATE marine_lot SET left_g = left_g + taken.mass_g FROM marine_taken AS taken"
        " WHERE taken.step_id = :step AND lot_id = marine_lot.id",
        step=step_id,
    )
    await run(conn, "UPDATE marine_lot SET left_g = 0 WHERE step_id = :step", step=step_id)
    await run(
        conn, "UPDATE marine_gathered SET is_withdrawn = true WHERE step_id = :step", step=step_id
    )
