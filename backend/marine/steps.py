"""Gathering hand-ins into lots, and moving, merging, splitting and processing lots.

Every write happens once per Idempotency-Key. Lots and hand-ins are locked in id order, so two
steps that take from the same lot follow each other, and the second sees what the first has left.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.http.principal import Reach
from backend.ids import uuid7
from backend.marine.domain import (
    HandInGathered,
    HandInNotWeighed,
    HandInUnknown,
    Loss,
    LotUnknown,
    Making,
    MaterialsMixed,
    Site,
    SiteElsewhere,
    Step,
    Taking,
    check_order,
    decide_step,
    make_code,
)
from backend.marine.lot_queries import (
    MadeLot,
    Recorded,
    gather,
    insert_lots,
    insert_step,
    lock_lots,
    take_from_lots,
)
from backend.marine.queries import HandIn, lock_hand_ins, site_by_id
from backend.marine.withdrawing import check_replaced


class Recorder(NamedTuple):
    """The key that records, the partner whose it is, and where it may report from."""

    principal_id: str
    partner_id: UUID
    reach: Reach


class Gathering(NamedTuple):
    """Hand-ins that become one lot at their shore."""

    site_id: UUID
    hand_in_ids: Sequence[UUID]
    occurred_at: datetime
    replaces: UUID | None = None


class Stepping(NamedTuple):
    """A step as a partner tells it: grams out of lots by code, lots made, and what was lost."""

    site_id: UUID
    taken: Sequence[tuple[str, int]]
    made: Sequence[Making]
    loss: Loss | None
    occurred_at: datetime
    replaces: UUID | None = None


async def own_site(
    conn: AsyncConnection, site_id: UUID, recorder: Recorder, stage: str | None = None
) -> Site:
    """The site, when it is of this key's partner, of this stage, and in the key's regions.

    Raises:
        SiteElsewhere, RegionNotGranted.
    """
    site = await site_by_id(conn, site_id)
    if site is None or site.partner_id != recorder.partner_id or stage not in {None, site.stage}:
        raise SiteElsewhere
    refusal = recorder.reach.refusal_at(site.region)
    if refusal is not None:
        raise refusal
    return site


async def gather_hand_ins(
    conn: AsyncConnection, asked: Gathering, recorder: Recorder, now: datetime
) -> UUID:
    """Make a lot of whole hand-ins that were weighed at one shore; return the step's id.

    Raises:
        SiteElsewhere, RegionNotGranted, StepNotWithdrawn, HandInUnknown, HandInNotWeighed,
        MaterialsMixed, StepOutOfOrder, HandInGathered.
    """
    site = await own_site(conn, asked.site_id, recorder, "shore")
    await check_replaced(conn, asked.replaces, site)
    found = await lock_hand_ins(conn, asked.hand_in_ids)
    material, mass_g = _of_one_material(site, asked, [found.get(id) for id in asked.hand_in_ids])
    weighed = [each.weighed_at for each in found.values() if each.weighed_at]
    check_order(weighed, asked.occurred_at, now)
    step = Step("gathered", mass_g, mass_g, 0, None)
    made = [Making(material, mass_g)]
    by = recorder.principal_id
    recorded = Recorded(uuid7(), step, site, by, asked.occurred_at, now, asked.replaces)
    await _record(conn, recorded, made)
    if await gather(conn, recorded.id, asked.hand_in_ids) != len(asked.hand_in_ids):
        raise HandInGathered
    return recorded.id


def _of_one_material(
    site: Site, asked: Gathering, hand_ins: Sequence[HandIn | None]
) -> tuple[str, int]:
    """What these hand-ins are made of, and their grams together."""
    for hand_in_id, each in zip(asked.hand_in_ids, hand_ins, strict=True):
        if each is None or each.site_id not in {None, site.id}:
            raise HandInUnknown(hand_in=str(hand_in_id))
        if each.site_id is None:
            raise HandInNotWeighed(hand_in=str(hand_in_id))
    materials = {each.material for each in hand_ins if each}
    if len(materials) > 1:
        raise MaterialsMixed(materials=sorted(materials))
    return materials.pop(), sum(each.mass_g or 0 for each in hand_ins if each)


async def take_step(
    conn: AsyncConnection, asked: Stepping, recorder: Recorder, now: datetime
) -> UUID:
    """Move, merge, split or process lots; return the step's id.

    Raises:
        SiteElsewhere, RegionNotGranted, StepNotWithdrawn, LotUnknown, and what `decide_step`
        refuses.
    """
    site = await own_site(conn, asked.site_id, recorder)
    await check_replaced(conn, asked.replaces, site)
    lots = await lock_lots(conn, [code for code, _ in asked.taken])
    for code, _ in asked.taken:
        if code not in lots:
            raise LotUnknown(lot=code)
    takings = [Taking(lots[code], mass_g) for code, mass_g in asked.taken]
    step = decide_step(
        site, takings, asked.made, asked.loss, occurred_at=asked.occurred_at, now=now
    )
    by = recorder.principal_id
    recorded = Recorded(uuid7(), step, site, by, asked.occurred_at, now, asked.replaces)
    await _record(conn, recorded, asked.made)
    await take_from_lots(conn, recorded.id, takings)
    return recorded.id


async def _record(conn: AsyncConnection, recorded: Recorded, made: Sequence[Making]) -> None:
    await insert_step(conn, recorded)
    lots = [MadeLot(uuid7(), make_code(), each.material, each.mass_g) for each in made]
    await insert_lots(conn, recorded, lots)
