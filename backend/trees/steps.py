"""Fulfilling pledges and recording deaths; each happens once, however often it is told."""

from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.errors import NotFound
from backend.http.principal import Reach
from backend.ids import uuid7
from backend.trees.domain import (
    DeathsRecorded,
    MoreThanAlive,
    PlantedInFuture,
    Planting,
    PlantingRecorded,
    ProjectElsewhere,
    check_planting,
    make_number,
)
from backend.trees.queries import (
    deaths_on,
    insert_deaths,
    insert_planting,
    lock_planting,
    lock_pledge,
    planting_named,
)
from backend.units import shanghai_day


class Recorder(NamedTuple):
    """The key that records, the partner whose it is, and where it may report from."""

    principal_id: str
    partner_id: UUID
    reach: Reach


async def fulfil_pledge(
    conn: AsyncConnection, pledge_id: UUID, planting: Planting, recorder: Recorder, now: datetime
) -> tuple[UUID, bool]:
    """Record trees for a pledge; give the certificate's id, and whether it stood already.

    The partner's own name of the planting is the natural key.

    Raises:
        NotFound, ProjectElsewhere, RegionNotGranted, PlantingRecorded, PlantedInFuture,
        MoreThanPledged.
    """
    pledge = await lock_pledge(conn, pledge_id)
    if pledge is None:
        raise NotFound
    _check_speaks_for(recorder, pledge.partner_id, pledge.region)
    stands = await planting_named(conn, recorder.partner_id, planting.planting)
    if stands is not None:
        return _same(stands, pledge_id, planting), True
    check_planting(pledge, planting, shanghai_day(now))
    planting_id = uuid7()
    await insert_planting(
        conn,
        pledge,
        planting,
        id=planting_id,
        number=make_number(planting.planted_on),
        recorded_by=recorder.principal_id,
        recorded_at=now,
    )
    return planting_id, False


def _check_speaks_for(recorder: Recorder, partner_id: UUID, region: str) -> None:
    if partner_id != recorder.partner_id:
        raise ProjectElsewhere
    refusal = recorder.reach.refusal_at(region)
    if refusal is not None:
        raise refusal


def _same(stands: Row[Any], pledge_id: UUID, planting: Planting) -> UUID:
    told = Planting(*(stands._mapping[name] for name in Planting._fields))  # noqa: SLF001
    if (stands.pledge_id, told) != (pledge_id, planting):
        raise PlantingRecorded(number=stands.number)
    planting_id: UUID = stands.id
    return planting_id


async def record_deaths(
    conn: AsyncConnection,
    planting_id: UUID,
    *,
    seen_on: date,
    trees: int,
    recorder: Recorder,
    now: datetime,
) -> None:
    """Record trees that were found dead on a day; they are never credited again.

    Raises:
        NotFound, ProjectElsewhere, RegionNotGranted, DeathsRecorded, PlantedInFuture,
        MoreThanAlive.
    """
    planting = await lock_planting(conn, planting_id)
    if planting is None:
        raise NotFound
    _check_speaks_for(recorder, planting.partner_id, planting.region)
    stands = await deaths_on(conn, planting_id, seen_on)
    if stands == trees:
        return
    if stands is not None:
        raise DeathsRecorded(trees=stands)
    if not planting.planted_on <= seen_on <= shanghai_day(now):
        raise PlantedInFuture
    if trees > planting.trees - planting.dead:
        raise MoreThanAlive(alive=planting.trees - planting.dead)
    by = recorder.principal_id
    await insert_deaths(conn, planting_id, seen_on=seen_on, trees=trees, recorded_by=by, now=now)
