"""Check-ins that a correction changed after they were credited; the caller holds the account."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import run

_encode = msgspec.json.Encoder().encode


class Amended(NamedTuple):
    """What a credited check-in says since its correction."""

    check_in_id: UUID
    action: str
    quantities: Mapping[str, int]
    tier: str
    ended_at: datetime | None


async def amend_check_ins(conn: AsyncConnection, amended: Sequence[Amended]) -> int:
    """Write corrected actions, amounts and tiers of credited check-ins; return how many stood."""
    if not amended:
        return 0
    return await run(
        conn,
        "UPDATE check_in SET action = given.action, tier = given.tier, ended_at = given.ended_at,"
        " quantities = CAST(given.quantities AS jsonb) FROM unnest(CAST(:ids AS uuid[]),"
        " CAST(:actions AS text[]), CAST(:quantities AS text[]), CAST(:tiers AS text[]),"
        " CAST(:ends AS timestamptz[])) AS given(id, action, quantities, tier, ended_at)"
        " WHERE check_in.id = given.id AND check_in.status = 'credited'",
        ids=[each.check_in_id for each in amended],
        actions=[each.action for each in amended],
        quantities=[_encode(each.quantities).decode() for each in amended],
        tiers=[each.tier for each in amended],
        ends=[each.ended_at for each in amended],
    )
