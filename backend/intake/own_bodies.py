"""What members report on their own word, on the wire."""

from datetime import date
from typing import Annotated
from uuid import UUID

import msgspec

from backend.intake.bodies import Moment, Region

# Wider than what is plausible: a number too high is told what the limit is, not that it is no
# number.
Amount = Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000)]
Source = Annotated[
    str,
    msgspec.Meta(
        pattern="^[a-z0-9][a-z0-9_.-]{0,63}$",
        description="The device that counted, for example `phone` or `watch`",
    ),
]


class StepsBody(
    msgspec.Struct, tag_field="kind", tag="steps", kw_only=True, forbid_unknown_fields=True
):
    """The steps of a Shanghai day so far, as one device counted them; a later total replaces it."""

    day: date
    steps: Amount
    source: Source
    measured_at: Moment
    region: Region | None = None


class SheetsBody(
    msgspec.Struct, tag_field="kind", tag="sheets", kw_only=True, forbid_unknown_fields=True
):
    """All A4 sheets that a day saved, such as by printing on both sides; replaces itself."""

    day: date
    sheets: Amount
    measured_at: Moment | None = None
    region: Region | None = None


class OwnCupBody(
    msgspec.Struct, tag_field="kind", tag="own_cup", kw_only=True, forbid_unknown_fields=True
):
    """All drinks of a day that were taken in an own cup; replaces itself."""

    day: date
    items: Amount
    measured_at: Moment | None = None
    region: Region | None = None


class NoDriveDayBody(
    msgspec.Struct, tag_field="kind", tag="no_drive_day", kw_only=True, forbid_unknown_fields=True
):
    """A fuel car that stood still: the odometer in the morning and in the evening of one day.

    Both photos were sent to their captures before. The plate is kept as a keyed hash only.
    """

    morning_capture: UUID
    evening_capture: UUID
    plate: Annotated[str, msgspec.Meta(min_length=7, max_length=16)]
    region: Region | None = None


class OdometerAnswer(msgspec.Struct, kw_only=True):
    """A stored odometer photo; `documented` photos came within ten minutes of their capture."""

    capture_id: UUID
    window: str
    documented: bool
