"""The chain of custody: written once per step, read bag by bag."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import fetch, run
from backend.recycling.domain import Actor, Bag, Custody, Step

_encode = msgspec.json.Encoder().encode
_COLUMNS = ", ".join(Custody._fields)


async def record_custody(conn: AsyncConnection, links: Sequence[Custody]) -> int:
    """Add links to the chains of locked bags; a step that stands already stays as it is."""
    if not links:
        return 0
    return await run(
        conn,
        f"INSERT INTO bag_custody ({_COLUMNS}) SELECT code, step, occurred_at, recorded_at, actor,"
        " partner_id, place, mass_g, CAST(quantities AS jsonb), residue_g, loss_g FROM unnest("
        "CAST(:codes AS text[]), CAST(:steps AS text[]), CAST(:occurred AS timestamptz[]),"
        " CAST(:recorded AS timestamptz[]), CAST(:actors AS text[]), CAST(:partners AS uuid[]),"
        " CAST(:places AS text[]), CAST(:masses AS bigint[]), CAST(:quantities AS text[]),"
        " CAST(:residues AS bigint[]), CAST(:losses AS bigint[]))"
        f" AS given({_COLUMNS}) ON CONFLICT DO NOTHING",
        codes=[each.code for each in links],
        steps=[each.step for each in links],
        occurred=[each.occurred_at for each in links],
        recorded=[each.recorded_at for each in links],
        actors=[each.actor for each in links],
        partners=[each.partner_id for each in links],
        places=[each.place for each in links],
        masses=[each.mass_g for each in links],
        quantities=[
            None if each.quantities is None else _encode(each.quantities).decode() for each in links
        ],
        residues=[each.residue_g for each in links],
        losses=[each.loss_g for each in links],
    )


async def custody_of(
    conn: AsyncConnection, codes: Sequence[str]
) -> Mapping[str, Sequence[Custody]]:
    """The chains of these bags, each in the order in which things happened."""
    rows = await fetch(
        conn,
        f"SELECT {_COLUMNS} FROM bag_custody WHERE code = ANY(CAST(:codes AS text[]))"
        # What was weighed and sorted in one report was weighed first.
        " ORDER BY code, occurred_at, recorded_at, step = 'sorted', step",
        codes=list(codes),
    )
    chains: dict[str, list[Custody]] = defaultdict(list)
    for row in rows:
        link = Custody._make(row)
        chains[row.code].append(link._replace(step=Step(row.step), actor=Actor(row.actor)))
    return chains


async def list_bags(
    conn: AsyncConnection, *, batch_id: UUID | None, stage: str | None, after: str, limit: int
) -> list[Bag]:
    """Bags in the order of their codes; `stage` is a key of `STAGES`."""
    where = f" AND {STAGES[stage]}" if stage else ""
    rows = await fetch(
        conn,
        f"SELECT {', '.join(Bag._fields)} FROM bag WHERE code > :after"
        f" AND (CAST(:batch AS uuid) IS NULL OR batch_id = :batch){where}"
        " ORDER BY code LIMIT :limit",
        batch=batch_id,
        after=after,
        limit=limit,
    )
    return [Bag._make(row) for row in rows]


STAGES: Mapping[str, str] = {
    "printed": "bound_at IS NULL",
    "waiting": "bound_at IS NOT NULL AND num_nonnulls(weighed_at, lapsed_at, lost_at) = 0",
    "weighed": "weighed_at IS NOT NULL AND sorted_at IS NULL",
    "sorted": "sorted_at IS NOT NULL",
    "lapsed": "lapsed_at IS NOT NULL",
    "lost": "lost_at IS NOT NULL",
}


async def partner_names(
    conn: AsyncConnection, partner_ids: Sequence[UUID]
) -> Mapping[UUID, Row[Any]]:
    """Names of partners: name_zh, name_en."""
    rows = await fetch(
        conn,
        "SELECT id, name_zh, name_en FROM partner WHERE id = ANY(CAST(:ids AS uuid[]))",
        ids=list(partner_ids),
    )
    return {row.id: row for row in rows}
