"""`tanhui.meal.returned.v1`: whose tray it is that a canteen's camera has photographed.

The score is always ours. The event names a tray by its device and sequence, and brings no photo:
that one the device sends itself. Before or after, the tray becomes its customer's check-in.
"""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import msgspec

from backend.intake.bodies import Moment, Region
from backend.intake.domain import in_utc
from backend.intake.events.domain import Deed, EventKind


class MealReturned(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A tray of a device of yours; `device` is its id, `sequence` its count of this tray."""

    device: UUID
    sequence: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
    returned_at: Moment
    region: Region | None = None


def _meal(data: MealReturned) -> Deed:
    names = (str(data.device), str(data.sequence))
    return Deed(
        "clean_plate",
        in_utc(data.returned_at),
        None,
        {"meals": 1},
        ("tray", *names),
        region=data.region,
        tray=":".join(names),
    )


MEAL = EventKind(
    "tanhui.meal.returned",
    "餐盘归还",
    "Tray returned",
    MealReturned,
    _meal,
    (
        MealReturned(
            device=UUID("019ff7a0-0000-7000-8000-000000000001"),
            sequence=1_024,
            returned_at=datetime(2026, 11, 20, 4, tzinfo=UTC),
            region="330100",
        ),
    ),
)
