"""What the write side of check-ins takes and answers on the wire."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from backend.intake.domain import DISTANCE_M_MAX
from backend.recycling.domain import MASS_G_MAX
from backend.units import REGION_PATTERN

SCANNED_CHARACTERS_MAX = 300  # the link of a QR code, with what a resolver may add

Region = Annotated[str, msgspec.Meta(pattern=REGION_PATTERN, description="GB/T 2260, six digits")]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
Metres = Annotated[int, msgspec.Meta(ge=1, le=DISTANCE_M_MAX)]
MassG = Annotated[int, msgspec.Meta(ge=1, le=MASS_G_MAX, description="grams")]
ResidueG = Annotated[int, msgspec.Meta(ge=0, le=MASS_G_MAX, description="grams")]
Material = Literal[
    "aluminium_cans", "steel_cans", "mixed_metals", "glass", "pet", "hdpe", "pp", "mixed_plastics",
    "corrugated_board", "mixed_paper", "office_paper", "newspaper", "mixed_electronics",
]  # fmt: skip


class CaptureBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The photo that is about to be taken."""

    action: str = "clean_plate"
    region: Region | None = None


class CaptureAnswer(msgspec.Struct, kw_only=True):
    """Permission for one photo; send the photo with this id."""

    id: UUID
    action: str
    created_at: datetime
    documented_until: datetime
    expires_at: datetime
    region: str
    meal_window: str


class TripBody(
    msgspec.Struct, tag_field="kind", tag="trip", kw_only=True, forbid_unknown_fields=True
):
    """One ride; `subject_token` names a linked customer and is for partners only."""

    mode: Literal["metro", "bus", "cycling"]
    started_at: Moment
    ended_at: Moment
    distance_m: Metres | None = None
    region: Region | None = None
    subject_token: Annotated[str, msgspec.Meta(min_length=1, max_length=128)] | None = None


class BagBody(
    msgspec.Struct, tag_field="kind", tag="bag", kw_only=True, forbid_unknown_fields=True
):
    """A recycling bag: what its QR code says, or the printed code as it was typed."""

    code: Annotated[str, msgspec.Meta(min_length=4, max_length=SCANNED_CHARACTERS_MAX)]
    region: Region | None = None
