"""What the custody of marine plastic takes and answers on the wire. Masses are whole grams."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from sqlalchemy import Row

from backend.http.cursors import PageQuery
from backend.marine.domain import (
    CODE_PATTERN,
    HAND_INS_PER_LOT_MAX,
    LOTS_PER_STEP_MAX,
    MASS_G_MAX,
    LossReason,
    Material,
    Stage,
    Waste,
)
from backend.units import REGION_PATTERN

STEP_G_MAX = 1_000_000_000  # a thousand tonnes: more than a recycler's yard holds

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Region = Annotated[str, msgspec.Meta(pattern=REGION_PATTERN, description="GB/T 2260, six digits")]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
Code = Annotated[str, msgspec.Meta(pattern=f"^{CODE_PATTERN}$")]
HandInGrams = Annotated[int, msgspec.Meta(ge=1, le=MASS_G_MAX)]
Replaced = Annotated[
    UUID | None, msgspec.Meta(description="The withdrawn step in whose place this one stands")
]
StepGrams = Annotated[int, msgspec.Meta(ge=1, le=STEP_G_MAX)]


class MarineSiteBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A place of a partner where material is kept on its way."""

    partner_id: UUID
    stage: Stage
    name_zh: Name
    name_en: Name
    region: Region


class MarineSiteAnswer(msgspec.Struct, kw_only=True):
    """A site."""

    id: UUID
    partner_id: UUID
    stage: Stage
    name_zh: str
    name_en: str
    region: str
    created_at: datetime


class MarineSitePage(msgspec.Struct, kw_only=True):
    """One page of sites, newest first."""

    items: list[MarineSiteAnswer]
    next_cursor: str | None


class HandInBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What a member will bring to the shore."""

    material: Waste


class HandInAnswer(msgspec.Struct, kw_only=True):
    """A hand-in; its `code` is what the keeper reads, and `lot` where it went."""

    id: UUID
    code: str
    material: Waste
    requested_at: datetime
    site_id: UUID | None
    mass_g: int | None
    weighed_at: datetime | None
    check_in_id: UUID | None
    lot: str | None
    amount_fen: int | None
    paid_at: datetime | None


class HandInPage(msgspec.Struct, kw_only=True):
    """One page of hand-ins, newest first."""

    items: list[HandInAnswer]
    next_cursor: str | None


class KeptQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Hand-ins of a site; `waiting` leaves those out that are in a lot."""

    waiting: bool = False


class GatheringBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Whole hand-ins of one material that become one lot at their shore."""

    site_id: UUID
    hand_ins: Annotated[
        tuple[UUID, ...], msgspec.Meta(min_length=1, max_length=HAND_INS_PER_LOT_MAX)
    ]
    occurred_at: Moment
    replaces: Replaced = None


class TakenBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Grams out of a lot; what is not taken stays in it."""

    lot: Code
    mass_g: StepGrams


class MadeBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A lot that comes out, as the scale shows it."""

    material: Material
    mass_g: StepGrams


class LossBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Grams that are in no lot any more, and why."""

    mass_g: StepGrams
    reason: LossReason


class StepBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A step at a site: grams taken are grams made and lost."""

    site_id: UUID
    taken: Annotated[
        tuple[TakenBody, ...], msgspec.Meta(min_length=1, max_length=LOTS_PER_STEP_MAX)
    ]
    made: Annotated[tuple[MadeBody, ...], msgspec.Meta(min_length=1, max_length=LOTS_PER_STEP_MAX)]
    loss: LossBody | None = None
    occurred_at: Moment
    replaces: Replaced = None


class StepAnswer(msgspec.Struct, kw_only=True):
    """A step; `taken` and `made` are codes of lots. One that was withdrawn counts no more."""

    id: UUID
    kind: str
    site_id: UUID
    stage: Stage
    occurred_at: datetime
    recorded_at: datetime
    taken_g: int
    made_g: int
    loss_g: int
    loss_reason: LossReason | None
    taken: list[str]
    made: list[str]
    withdrawn_at: datetime | None
    withdrawn_for: str | None
    replaces: UUID | None
    replaced_by: UUID | None


class WithdrawalBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Why a step counts no more, for everybody who reads its history."""

    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class StepPage(msgspec.Struct, kw_only=True):
    """One page of steps, newest first."""

    items: list[StepAnswer]
    next_cursor: str | None


class LotQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Lots; `is_left` leaves those out of which all was taken."""

    is_left: bool = False


class LotAnswer(msgspec.Struct, kw_only=True):
    """A lot, with what is left of it."""

    id: UUID
    code: str
    site_id: UUID
    stage: Stage
    material: Material
    mass_g: int
    left_g: int
    formed_at: datetime
    is_withdrawn: bool


class LotPage(msgspec.Struct, kw_only=True):
    """One page of lots, newest first."""

    items: list[LotAnswer]
    next_cursor: str | None


def render_hand_in(row: Row[Any]) -> HandInAnswer:
    """A hand-in as it is shown; whose it is and who kept it stays inside."""
    shown = {name: row._mapping[name] for name in HandInAnswer.__struct_fields__}  # noqa: SLF001
    return HandInAnswer(**shown)
