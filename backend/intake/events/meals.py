"""`tanhui.meal.returned.v1`: a tray that came back to a canteen's camera."""

from datetime import UTC, datetime
from typing import Annotated

import msgspec

from backend.errors import DomainError
from backend.intake.bodies import Moment, Region
from backend.intake.domain import in_utc
from backend.intake.events.domain import Deed, EventKind, Thing


class MealPhotoNeeded(DomainError):
    """A meal is scored by the programme from the tray's photo, which this inlet does not take."""


class MealReturned(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A tray that a camera has seen; identity is the device and its sequence."""

    device: Thing
    sequence: Annotated[int, msgspec.Meta(ge=1)]
    returned_at: Moment
    region: Region | None = None


def _meal(data: MealReturned) -> Deed:
    """The score is always ours, so a partner's word alone is no evidence of a clean plate."""
    in_utc(data.returned_at)
    raise MealPhotoNeeded


MEAL = EventKind(
    "tanhui.meal.returned",
    "餐盘归还",
    "Tray returned",
    MealReturned,
    _meal,
    (
        MealReturned(
            device="tray-return-1",
            sequence=1_024,
            returned_at=datetime(2026, 11, 20, 4, tzinfo=UTC),
            region="330100",
        ),
    ),
)
