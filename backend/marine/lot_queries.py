"""Steps and the lots they take from and make; lots are locked in id order before they change."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import fetch, fetch_one, run
from backend.marine.domain import Lot, Site, Step, Taking


class Recorded(NamedTuple):
    """A step on record: where, by whom, when."""

    id: UUID
    step: Step
    site: Site
    recorded_by: str
    occurred_at: datetime
    recorded_at: datetime
    replaces: UUID | None = None


class MadeLot(NamedTuple):
    """A lot that a step has made."""

    id: UUID
    code: str
    material: str
    mass_g: int


_LOT = (
    "SELECT lot.id, code, site_id, stage, material, mass_g, left_g, formed_at, EXISTS (SELECT FROM"
    " marine_withdrawal AS withdrawal WHERE withdrawal.step_id = lot.step_id) AS is_withdrawn"
    " FROM marine_lot AS lot JOIN marine_site AS site ON site.id = site_id"
)
_STEP = (
    "SELECT step.id, kind, site_id, stage, occurred_at, recorded_at, taken_g, made_g, loss_g,"
    " loss_reason, ARRAY(SELECT code FROM marine_taken JOIN marine_lot ON marine_lot.id = lot_id"
    " WHERE marine_taken.step_id = step.id ORDER BY code) AS taken, ARRAY(SELECT code FROM"
    " marine_lot WHERE step_id = step.id ORDER BY code) AS made, withdrawn_at,"
    " reason AS withdrawn_for, replaces, (SELECT heir.id FROM marine_step AS heir"
    " WHERE heir.replaces = step.id) AS replaced_by"
    " FROM marine_step AS step JOIN marine_site AS site ON site.id = site_id"
    " LEFT JOIN marine_withdrawal ON marine_withdrawal.step_id = step.id"
)


async def lock_lots(conn: AsyncConnection, codes: Sequence[str]) -> dict[str, Lot]:
    """Lots by code, locked in id order."""
    rows = await fetch(
        conn,
        f"{_LOT} WHERE code = ANY(CAST(:codes AS text[])) ORDER BY lot.id FOR UPDATE OF lot",
        codes=list(codes),
    )
    return {row.code: Lot._make(row) for row in rows}


async def insert_step(conn: AsyncConnection, recorded: Recorded) -> None:
    """Write a step; the table refuses one whose masses do not balance."""
    step, site = recorded.step, recorded.site
    await run(
        conn,
        "INSERT INTO marine_step (id, kind, site_id, partner_id, recorded_by, occurred_at,"
        " recorded_at, taken_g, made_g, loss_g, loss_reason, replaces) VALUES (:id, :kind, :site,"
        " :partner, :by, :occurred, :recorded, :taken, :made, :loss, :reason, :replaces)",
        id=recorded.id,
        kind=step.kind,
        site=site.id,
        partner=site.partner_id,
        by=recorded.recorded_by,
        occurred=recorded.occurred_at,
        recorded=recorded.recorded_at,
        taken=step.taken_g,
        made=step.made_g,
        loss=step.loss_g,
        reason=step.loss_reason,
        replaces=recorded.replaces,
    )


async def take_from_lots(conn: AsyncConnection, step_id: UUID, takings: Sequence[Taking]) -> None:
    """Write what a step takes out of locked lots, and leave that much less in them."""
    await run(
        conn,
        "WITH given AS (SELECT * FROM unnest(CAST(:lots AS uuid[]), CAST(:masses AS bigint[]))"
        " AS given(lot_id, mass_g)), written AS (INSERT INTO marine_taken (step_id, lot_id,"
        " mass_g) SELECT :step, lot_id, mass_g FROM given)"
        " UPDATE marine_lot SET left_g = left_g - given.mass_g FROM given WHERE id = lot_id",
        step=step_id,
        lots=[each.lot.id for each in takings],
        masses=[each.mass_g for each in takings],
    )


async def insert_lots(conn: AsyncConnection, recorded: Recorded, lots: Sequence[MadeLot]) -> None:
    """Write the lots that a step makes, at its site."""
    await run(
        conn,
        "INSERT INTO marine_lot (id, code, step_id, site_id, material, mass_g, left_g, formed_at)"
        " SELECT id, code, :step, :site, material, mass_g, mass_g, :at FROM unnest("
        " CAST(:ids AS uuid[]), CAST(:codes AS text[]), CAST(:materials AS text[]),"
        " CAST(:masses AS bigint[])) AS given(id, code, material, mass_g)",
        step=recorded.id,
        site=recorded.site.id,
        at=recorded.occurred_at,
        ids=[each.id for each in lots],
        codes=[each.code for each in lots],
        materials=[each.material for each in lots],
        masses=[each.mass_g for each in lots],
    )


async def gather(conn: AsyncConnection, step_id: UUID, hand_in_ids: Sequence[UUID]) -> int:
    """Put locked hand-ins into the lot of a step; return how many were in none before."""
    return await run(
        conn,
        "INSERT INTO marine_gathered (hand_in_id, step_id)"
        " SELECT unnest(CAST(:ids AS uuid[])), :step ON CONFLICT DO NOTHING",
        ids=sorted(hand_in_ids),
        step=step_id,
    )


async def shown_step(conn: AsyncConnection, step_id: UUID) -> Row[Any]:
    """A step with the codes of its lots."""
    row = await fetch_one(conn, f"{_STEP} WHERE step.id = :id", id=step_id)
    assert row is not None, "steps are never deleted, and this one was just written or found"
    return row


async def list_steps(
    conn: AsyncConnection, partner_id: UUID | None, *, before_id: UUID | None, limit: int
) -> Sequence[Row[Any]]:
    """Steps of one partner, or of all, newest first."""
    return await fetch(
        conn,
        f"{_STEP} WHERE (CAST(:partner AS uuid) IS NULL OR step.partner_id = :partner)"
        " AND (CAST(:before AS uuid) IS NULL OR step.id < :before)"
        " ORDER BY step.id DESC LIMIT :limit",
        partner=partner_id,
        before=before_id,
        limit=limit,
    )


async def shown_lot(conn: AsyncConnection, code: str) -> Row[Any] | None:
    """A lot by its code."""
    return await fetch_one(conn, f"{_LOT} WHERE code = :code", code=code)


async def list_lots(
    conn: AsyncConnection,
    partner_id: UUID | None,
    *,
    is_left: bool,
    before_id: UUID | None,
    limit: int,
) -> Sequence[Row[Any]]:
    """Lots at the sites of one partner, or at all, newest first; `is_left` hides empty ones."""
    return await fetch(
        conn,
        f"{_LOT} WHERE (CAST(:partner AS uuid) IS NULL OR partner_id = :partner)"
        " AND (NOT :is_left OR left_g > 0)"
        " AND (CAST(:before AS uuid) IS NULL OR lot.id < :before)"
        " ORDER BY lot.id DESC LIMIT :limit",
        partner=partner_id,
        is_left=is_left,
        before=before_id,
        limit=limit,
    )
