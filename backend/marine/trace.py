"""The way of a product lot from the shore, told to everybody: no person, no exact place.

ADR 0008: a mass behind which fewer than ten people stand could be somebody's. A lot's mass at the
shore is the sum of its hand-ins, and later masses follow from it; so either every lot gathered on
the way has ten people behind it and all masses are told, or none is, and days become months.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import fetch, fetch_one
from backend.marine.domain import STAGES, TRACED_PEOPLE_MIN
from backend.units import shanghai_day

_CITY_DIGITS = 4  # of GB/T 2260: the prefecture; the district would be the harbour

# UNION, not UNION ALL: lots that were split and merged again lead to one step by several ways.
_WAY = """
WITH RECURSIVE way(step_id) AS (
  SELECT step_id FROM marine_lot WHERE code = :code AND material = 'product'
  UNION
  SELECT lot.step_id FROM way JOIN marine_taken USING (step_id)
  JOIN marine_lot AS lot ON lot.id = lot_id
)
SELECT kind, stage, region, occurred_at, taken_g, made_g, loss_g, loss_reason,
       CASE WHEN kind = 'gathered' THEN (
         SELECT count(DISTINCT coalesce(account_id, '00000000-0000-0000-0000-000000000000'))
         FROM marine_gathered AS gathered JOIN marine_hand_in AS hand_in ON hand_in.id = hand_in_id
         WHERE gathered.step_id = step.id
       ) END AS people
FROM way JOIN marine_step AS step ON step.id = step_id
JOIN marine_site AS site ON site.id = site_id ORDER BY occurred_at, step.id
"""


class WayStep(NamedTuple):
    """One step on the way.

    Attributes:
        people: Of a gathered lot, how many people are surely behind it: everybody who is not
            registered counts as one person, because it may have been the same one.
    """

    kind: str
    stage: str
    region: str
    occurred_at: datetime
    taken_g: int
    made_g: int
    loss_g: int
    loss_reason: str | None
    people: int | None


class Product(NamedTuple):
    """A lot at the end of the way."""

    code: str
    mass_g: int
    formed_at: datetime
    region: str


class Passage(NamedTuple):
    """What happened at one stage, over all steps of one kind.

    Attributes:
        cities: Six digits each, of prefectures.
        first, last: Days, or months as `2026-11` when masses are withheld.
        losses: Grams by reason.
    """

    stage: str
    kind: str
    cities: Sequence[str]
    first: str
    last: str
    taken_g: int | None
    made_g: int | None
    losses: Sequence[tuple[str, int]] | None


async def find_product(conn: AsyncConnection, code: str) -> Product | None:
    """The product lot with this code; others are nobody's business, withdrawn ones nothing."""
    row = await fetch_one(
        conn,
        "SELECT code, mass_g, formed_at, region FROM marine_lot JOIN marine_site AS site"
        " ON site.id = site_id WHERE code = :code AND material = 'product'"
        " AND NOT EXISTS (SELECT FROM marine_withdrawal AS withdrawal"
        " WHERE withdrawal.step_id = marine_lot.step_id)",
        code=code,
    )
    return Product._make(row) if row else None


async def way_of(conn: AsyncConnection, code: str) -> Sequence[WayStep]:
    """All steps behind a product lot, earliest first."""
    return [WayStep._make(row) for row in await fetch(conn, _WAY, code=code)]


def is_withheld(steps: Sequence[WayStep]) -> bool:
    """Whether some lot on the way was gathered from too few people to tell any mass."""
    return any(each.people is not None and each.people < TRACED_PEOPLE_MIN for each in steps)


def passages_of(steps: Sequence[WayStep]) -> list[Passage]:
    """The way stage by stage, as it may be told."""
    kinds = ("gathered", "moved", "processed")
    hidden = is_withheld(steps)
    passages = []
    for stage in STAGES:
        for kind in kinds:
            here = [each for each in steps if (each.stage, each.kind) == (stage, kind)]
            if here:
                passages.append(_passage(here, hidden=hidden))
    return passages


def city_of(region: str) -> str:
    """The prefecture of a place, six digits."""
    return region[:_CITY_DIGITS].ljust(6, "0")


def _passage(steps: Sequence[WayStep], *, hidden: bool) -> Passage:
    days = sorted(shanghai_day(each.occurred_at) for each in steps)
    lost: dict[str, int] = {}
    for each in steps:
        if each.loss_reason is not None:
            lost[each.loss_reason] = lost.get(each.loss_reason, 0) + each.loss_g
    return Passage(
        steps[0].stage,
        steps[0].kind,
        sorted({city_of(each.region) for each in steps}),
        _told(days[0], hidden=hidden),
        _told(days[-1], hidden=hidden),
        None if hidden else sum(each.taken_g for each in steps),
        None if hidden else sum(each.made_g for each in steps),
        None if hidden else sorted(lost.items()),
    )


def _told(day: date, *, hidden: bool) -> str:
    return f"{day:%Y-%m}" if hidden else day.isoformat()
