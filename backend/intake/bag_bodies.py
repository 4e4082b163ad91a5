"""What the routes of bags take and answer on the wire."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from sqlalchemy import Row

from backend.http.cursors import PageQuery
from backend.http.problem import Language
from backend.intake.bodies import MassG, Material, Moment, ResidueG
from backend.recycling.domain import Bag, Custody, Doubt

Place = Annotated[
    str,
    msgspec.Meta(min_length=1, max_length=100, description="the station as the partner calls it"),
]

STEP_WORDS = {
    "bound": ("已绑定", "bound"),
    "handed_in": ("已交投", "handed in"),
    "picked_up": ("已上门收取", "picked up"),
    "weighed": ("已称重", "weighed"),
    "sorted": ("已分拣", "sorted"),
    "lost": ("已报丢失", "reported lost"),
    "lapsed": ("已失效", "lapsed"),
}
ACTOR_WORDS = {
    "member": ("居民", "the member"),
    "partner": ("合作方", "partner"),
    "device": ("设备", "device"),
    "collector": ("收运员", "collector"),
    "operator": ("运营人员", "operator"),
    "programme": ("系统", "the programme"),
}


class WeighingBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One mass, or the shares after sorting: grams by material, residue, or both.

    Shares of a bag that has its weight replace what was credited; residue and loss earn nothing.
    They must add up to that weight within 5 % or 100 g, whichever is more; with `loss_g`, what was
    lost between scale and table, exactly.
    """

    mass_g: MassG | None = None
    materials: dict[Material, MassG] | None = None
    residue_g: ResidueG = 0
    loss_g: ResidueG | None = None
    weighed_at: Moment | None = None
    place: Place | None = None


class HandInBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A member left her bag at a station; `mass_g` where a scale stands at the counter."""

    handed_in_at: Moment | None = None
    place: Place | None = None
    mass_g: MassG | None = None


class CustodyAnswer(msgspec.Struct, kw_only=True):
    """One step of a bag, who took it by kind, and when; `step_text` and `by` are for people."""

    step: str
    step_text: str
    actor: str
    by: str
    place: str | None
    occurred_at: datetime
    recorded_at: datetime
    mass_g: int | None
    materials: dict[str, int] | None
    residue_g: int | None
    loss_g: int | None


class BagAnswer(msgspec.Struct, kw_only=True):
    """A bag with its chain of custody; `lapses_at` while it waits to be weighed."""

    code: str
    stage: str
    check_in_id: UUID | None
    bound_at: datetime | None
    lapses_at: datetime | None
    mass_g: int | None
    custody: list[CustodyAnswer]


class BagPage(msgspec.Struct, kw_only=True):
    """One page of bags, in the order of their codes."""

    items: list[BagAnswer]
    next_cursor: str | None


class BagQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which bags: of one batch, or in one stage of their life."""

    batch: UUID | None = None
    stage: Literal["printed", "waiting", "weighed", "sorted", "lapsed", "lost"] | None = None


class DoubtAnswer(msgspec.Struct, kw_only=True):
    """A weight out of range: `empty` under 50 g, `too_heavy` over 20 kg."""

    id: UUID
    code: str
    check_in_id: UUID | None
    kind: str
    mass_g: int
    materials: dict[str, int] | None
    residue_g: int
    loss_g: int | None
    actor: str
    place: str | None
    weighed_at: datetime
    reported_at: datetime
    outcome: str
    mass_g_decided: int | None
    decided_by: str | None
    decided_at: datetime | None


class DoubtPage(msgspec.Struct, kw_only=True):
    """One page of doubts, the oldest first."""

    items: list[DoubtAnswer]
    next_cursor: str | None


class DoubtQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which doubts: those that nobody decided, unless told."""

    outcome: Literal["pending", "credited", "dismissed"] = "pending"


class DoubtDecisionBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Credit it, with `mass_g` where the report was wrong; or dismiss it, to be weighed again."""

    decision: Literal["credit", "dismiss"]
    mass_g: MassG | None = None


def render_bag(
    bag: Bag, chain: Sequence[Custody], partners: Mapping[UUID, Row[Any]], language: Language
) -> BagAnswer:
    """The bag in the reader's language."""
    return BagAnswer(
        code=bag.code,
        stage=bag.stage,
        check_in_id=bag.check_in_id,
        bound_at=bag.bound_at,
        lapses_at=bag.lapses_at,
        mass_g=bag.mass_g,
        custody=[_link(each, partners, language) for each in chain],
    )


def _link(link: Custody, partners: Mapping[UUID, Row[Any]], language: Language) -> CustodyAnswer:
    at = 0 if language == "zh" else 1
    partner = partners.get(link.partner_id) if link.partner_id else None
    name = (partner.name_zh, partner.name_en)[at] if partner else ACTOR_WORDS[link.actor][at]
    return CustodyAnswer(
        step=link.step,
        step_text=STEP_WORDS[link.step][at],
        actor=link.actor,
        by=name,
        place=link.place,
        occurred_at=link.occurred_at,
        recorded_at=link.recorded_at,
        mass_g=link.mass_g,
        materials=_materials(link.quantities),
        residue_g=link.residue_g,
        loss_g=link.loss_g,
    )


def render_doubt(doubt: Doubt, check_in_id: UUID | None) -> DoubtAnswer:
    """The doubt as operators see it."""
    return DoubtAnswer(
        id=doubt.id,
        code=doubt.code,
        check_in_id=check_in_id,
        kind=doubt.kind,
        mass_g=doubt.mass_g,
        materials=_materials(doubt.quantities) or None,
        residue_g=doubt.residue_g,
        loss_g=doubt.loss_g,
        actor=doubt.actor,
        place=doubt.place,
        weighed_at=doubt.weighed_at,
        reported_at=doubt.reported_at,
        outcome=doubt.outcome,
        mass_g_decided=doubt.mass_g_decided,
        decided_by=doubt.decided_by,
        decided_at=doubt.decided_at,
    )


def _materials(quantities: Mapping[str, int] | None) -> dict[str, int] | None:
    """Grams by material, as they were sent."""
    if quantities is None:
        return None
    return {
        name.removeprefix("mass_g."): grams
        for name, grams in quantities.items()
        if name != "mass_g"
    }
