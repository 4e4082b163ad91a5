"""Canteens, devices and trays on the wire."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from backend.canteens.domain import LATE_WINDOW, Tray
from backend.checkins.domain import CheckIn
from backend.crediting.answers import Language, render
from backend.units import REGION_PATTERN

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Note = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
Region = Annotated[str, msgspec.Meta(pattern=REGION_PATTERN, description="GB/T 2260, six digits")]
TrayCode = Annotated[
    str,
    msgspec.Meta(
        pattern="^[A-Za-z0-9_-]{22,64}$",
        description="At least 128 random bits, new for each tray, in the alphabet of base64url",
    ),
]

TRAY_WORDS = {
    "waiting": ("等待会员", "waits for its member"),
    "joined": ("已归属会员", "belongs to a member"),
    "refused": ("未计入", "not counted"),
    "lapsed": ("无人认领", "nobody's"),
}


class CanteenBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A canteen, and the partner that runs it and whose card tokens its devices read."""

    partner_id: UUID
    name_zh: Name
    name_en: Name
    region: Region


class CanteenAnswer(msgspec.Struct, kw_only=True):
    """A canteen."""

    id: UUID
    partner_id: UUID
    name_zh: str
    name_en: str
    region: str
    created_at: datetime


class CanteenPage(msgspec.Struct, kw_only=True):
    """One page of canteens, newest first."""

    items: list[CanteenAnswer]
    next_cursor: str | None


class DeviceBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A device that will be enrolled in a canteen."""

    canteen_id: UUID
    name: Name
    kind: Literal["tray_return"] = "tray_return"


class DeviceAnswer(msgspec.Struct, kw_only=True):
    """A device as its last heartbeat left it.

    `clock_offset_ms` is our clock minus the device's. `code` is shown once, enrols one device and
    lives for ten minutes.
    """

    id: UUID
    partner_id: UUID
    kind: str
    name: str
    place_id: UUID
    status: str
    enrolled_at: datetime | None
    last_seen_at: datetime | None
    clock_offset_ms: int
    queue_length: int | None
    software_version: str | None
    code_expires_at: datetime | None
    created_at: datetime
    code: str | None = None


class DevicePage(msgspec.Struct, kw_only=True):
    """One page of devices, newest first."""

    items: list[DeviceAnswer]
    next_cursor: str | None


class DeviceChangeBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Whether a device may send, and why."""

    status: Literal["active", "suspended"]
    note: Note


class DeviceChangeAnswer(msgspec.Struct, kw_only=True):
    """What was done with a device, and by whom."""

    id: UUID
    what: str
    note: str | None
    changed_by: str
    changed_at: datetime


class DeviceChangePage(msgspec.Struct, kw_only=True):
    """One page of the history of a device, newest first."""

    items: list[DeviceChangeAnswer]
    next_cursor: str | None


class EnrolmentBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The code that somebody typed on the device, and the public half of the key it made."""

    code: Annotated[str, msgspec.Meta(min_length=8, max_length=16)]
    public_key: Annotated[
        str, msgspec.Meta(max_length=64, description="`whpk_` and the base64 of an Ed25519 key")
    ]
    software_version: Annotated[str, msgspec.Meta(min_length=1, max_length=50)]


class DeviceEnrolmentAnswer(msgspec.Struct, kw_only=True):
    """Who the device is from here on; `key` names the key that it signs with, and is no secret."""

    device_id: UUID
    key: str
    canteen: CanteenAnswer


class HeartbeatBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What a device says of itself; `clock` is its own time when it sends this."""

    clock: Moment
    queue_length: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
    software_version: Annotated[str, msgspec.Meta(min_length=1, max_length=50)]


class WindowAnswer(msgspec.Struct, kw_only=True):
    """A meal window: minutes of the Shanghai day, half open."""

    id: str
    opens_minute: int
    closes_minute: int


class HeartbeatAnswer(msgspec.Struct, kw_only=True):
    """Our time, the offset that will correct this device's, and what it needs to go on.

    A device that lost its count goes on after `last_sequence`.
    """

    now: datetime
    clock_offset_ms: int
    status: str
    last_sequence: int | None
    meal_windows: list[WindowAnswer]


class MealBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What a device says of one tray; `taken_at` is by its own clock."""

    sequence: Annotated[int, msgspec.Meta(ge=0)]
    taken_at: Moment
    subject_token: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | None = None
    tray_code: TrayCode | None = None


class MealAnswer(msgspec.Struct, kw_only=True):
    """A tray as we keep it; `taken_at` is by our clock.

    While it waits for its member, `waits_until` says how long. `outcome` and `message` are what a
    screen beside the belt may show: they name nobody and no balance.
    """

    id: UUID
    sequence: int
    status: str
    status_text: str
    taken_at: datetime
    meal_window: str
    waits_until: datetime | None
    outcome: str | None
    message: str | None


class TrayClaimBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The code that a device showed beside a tray."""

    tray_code: TrayCode


class TrayClaimAnswer(msgspec.Struct, kw_only=True):
    """A claimed tray; `check_in_id` is null until the device has sent its photo."""

    status: str
    status_text: str
    check_in_id: UUID | None


def render_meal(tray: Tray, check_in: CheckIn | None, language: Language) -> MealAnswer:
    """A tray for the device that sent it."""
    shown = render(check_in, None, language) if check_in else None
    return MealAnswer(
        id=tray.id,
        sequence=tray.sequence,
        status=tray.status,
        status_text=words_of(tray.status, language),
        taken_at=tray.taken_at,
        meal_window=tray.meal_window,
        waits_until=tray.taken_at + LATE_WINDOW if tray.status == "waiting" else None,
        outcome=shown.status if shown else None,
        message=shown.message if shown else None,
    )


def words_of(status: str, language: Language) -> str:
    """The words for people of where a tray is."""
    return TRAY_WORDS[status][0 if language == "zh" else 1]
