"""Weighings that wait for an operator's look, and what was decided."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import fetch, run
from backend.recycling.domain import Actor, Doubt

_encode = msgspec.json.Encoder().encode
_COLUMNS = ", ".join(Doubt._fields)


async def insert_doubts(conn: AsyncConnection, doubts: Sequence[Doubt]) -> None:
    """Write doubts of locked bags that have none open; a second one is a class 23 error."""
    if not doubts:
        return
    await run(
        conn,
        "INSERT INTO bag_doubt (id, code, kind, quantities, residue_g, actor, partner_id, place,"
        " weighed_at, reported_at, loss_g, outcome)"
        " SELECT id, code, kind, CAST(quantities AS jsonb), residue_g, actor, partner_id, place,"
        " weighed_at, reported_at, loss_g, 'pending' FROM unnest("
        "CAST(:ids AS uuid[]), CAST(:codes AS text[]), CAST(:kinds AS text[]),"
        " CAST(:quantities AS text[]), CAST(:residues AS bigint[]), CAST(:actors AS text[]),"
        " CAST(:partners AS uuid[]), CAST(:places AS text[]), CAST(:weighed AS timestamptz[]),"
        " CAST(:reported AS timestamptz[]), CAST(:losses AS bigint[])) AS given(id, code, kind,"
        " quantities, residue_g, actor, partner_id, place, weighed_at, reported_at, loss_g)",
        ids=[each.id for each in doubts],
        codes=[each.code for each in doubts],
        kinds=[each.kind for each in doubts],
        quantities=[_encode(each.quantities).decode() for each in doubts],
        residues=[each.residue_g for each in doubts],
        actors=[each.actor for each in doubts],
        partners=[each.partner_id for each in doubts],
        places=[each.place for each in doubts],
        weighed=[each.weighed_at for each in doubts],
        reported=[each.reported_at for each in doubts],
        losses=[each.loss_g for each in doubts],
    )


async def open_doubts(conn: AsyncConnection, codes: Sequence[str]) -> Mapping[str, Doubt]:
    """The doubt that is open about each of these bags."""
    rows = await fetch(
        conn,
        f"SELECT {_COLUMNS} FROM bag_doubt WHERE outcome = 'pending'"
        " AND code = ANY(CAST(:codes AS text[]))",
        codes=list(codes),
    )
    return {row.code: _doubt(row) for row in rows}


async def doubts_by_id(conn: AsyncConnection, ids: Sequence[UUID]) -> Mapping[UUID, Doubt]:
    """These doubts; those that do not exist are missing."""
    rows = await fetch(
        conn,
        f"SELECT {_COLUMNS} FROM bag_doubt WHERE id = ANY(CAST(:ids AS uuid[]))",
        ids=list(ids),
    )
    return {row.id: _doubt(row) for row in rows}


async def list_doubts(
    conn: AsyncConnection, outcome: str, *, after_id: UUID | None, limit: int
) -> list[Doubt]:
    """Doubts with one outcome, oldest first: who waited longest is looked at first."""
    rows = await fetch(
        conn,
        f"SELECT {_COLUMNS} FROM bag_doubt WHERE outcome = :outcome AND id > :after"
        " ORDER BY id LIMIT :limit",
        outcome=outcome,
        after=after_id or UUID(int=0),
        limit=limit,
    )
    return [_doubt(row) for row in rows]


async def decide_doubts(conn: AsyncConnection, doubts: Sequence[Doubt], now: datetime) -> None:
    """Write what was decided of open doubts whose bags are locked."""
    if not doubts:
        return
    await run(
        conn,
        "UPDATE bag_doubt SET outcome = given.outcome, mass_g_decided = given.mass_g,"
        " decided_by = given.by, decided_at = :now FROM unnest(CAST(:ids AS uuid[]),"
        " CAST(:outcomes AS text[]), CAST(:masses AS bigint[]), CAST(:persons AS text[]))"
        " AS given(id, outcome, mass_g, by) WHERE bag_doubt.id = given.id"
        " AND bag_doubt.outcome = 'pending'",
        ids=[each.id for each in doubts],
        outcomes=[each.outcome for each in doubts],
        masses=[each.mass_g_decided for each in doubts],
        persons=[each.decided_by for each in doubts],
        now=now,
    )


def _doubt(row: Row[Any]) -> Doubt:
    doubt = Doubt._make(row)
    return doubt._replace(actor=Actor(doubt.actor))
