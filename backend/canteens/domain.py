"""A tray as a value, and what makes of it a check-in. Pure: no database, no clock."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from backend.checkins.domain import DEVICE, CheckIn, MealWindow, Status, window_at
from backend.errors import DomainError
from backend.ids import uuid7
from backend.intake.domain import (
    CAPTURE_LIFE,
    EvidenceTooLate,
    TimeNotPlausible,
    outside_meals,
)
from backend.partners.devices import Device

# A camera that was without a network for eight hours still sends in time; the day of a photo is as
# long as that of a member's own.
LATE_WINDOW = CAPTURE_LIFE
AHEAD_MAX = timedelta(minutes=1)  # what drift and the way of a heartbeat leave of a corrected clock
CLAIM_WITHIN = timedelta(seconds=20)  # the tray stands on the belt, the member holds the phone
CLAIM_BEFORE = timedelta(seconds=5)  # the code is on the screen a moment before the shutter


class Meal(NamedTuple):
    """A photographed tray whose evidence is stored.

    Attributes:
        account_id: Whose it is; None while nobody is known, its evidence is the device's then.
        taken_at: By our clock.
        content_sha256: HMAC of all that the device said of it: card numbers could be tried.
        code_sha256: Of the code that was shown beside it.
    """

    device: Device
    region: str
    account_id: UUID | None
    sequence: int
    taken_at: datetime
    evidence_sha256: str
    pixel_sha256: bytes
    content_sha256: bytes
    subject_token: str | None
    code_sha256: bytes | None


class Tray(NamedTuple):
    """What is kept of a tray; the fields are the columns of `tray`."""

    id: UUID
    device_id: UUID
    canteen_id: UUID
    sequence: int
    taken_at: datetime
    received_at: datetime
    meal_window: str
    evidence_sha256: str
    pixel_sha256: bytes
    content_sha256: bytes
    subject_token: str | None
    code_sha256: bytes | None
    status: str
    check_in_id: UUID | None


class TrayClaim(NamedTuple):
    """A member scanned the code of a tray."""

    code_sha256: bytes
    account_id: UUID
    claimed_at: datetime


def corrected(taken_at: datetime, clock_offset_ms: int) -> datetime:
    """The moment by our clock of what the device's clock called `taken_at`.

    Raises:
        TimeNotPlausible: No moment at all: before the year 1 or after 9999.
    """
    try:
        return taken_at + timedelta(milliseconds=clock_offset_ms)
    except OverflowError:
        raise TimeNotPlausible from None


def window_of(taken_at: datetime, windows: Iterable[MealWindow], now: datetime) -> str:
    """The meal that a tray belongs to.

    Raises:
        TimeNotPlausible: In the future.
        EvidenceTooLate: Older than the late window.
        OutsideMealWindow: Nobody eats at this time.
    """
    if taken_at > now + AHEAD_MAX:
        raise TimeNotPlausible
    if now - taken_at > LATE_WINDOW:
        raise EvidenceTooLate(days=LATE_WINDOW.days)
    window = window_at(taken_at, windows)
    if window is None:
        raise outside_meals(taken_at, windows)
    return window


def tray_of(meal: Meal, windows: Iterable[MealWindow], now: datetime) -> Tray | DomainError:
    """The tray as it is kept while it waits, or why it is not taken."""
    try:
        window = window_of(meal.taken_at, windows, now)
    except DomainError as refusal:
        return refusal
    return Tray(
        uuid7(),
        meal.device.id,
        meal.device.place_id,
        meal.sequence,
        meal.taken_at,
        now,
        window,
        meal.evidence_sha256,
        meal.pixel_sha256,
        meal.content_sha256,
        meal.subject_token,
        meal.code_sha256,
        "waiting",
        None,
    )


def check_in_of(tray: Tray, account_id: UUID, region: str, now: datetime) -> CheckIn:
    """The check-in of a tray: documented, because an enrolled device vouches for it."""
    return CheckIn(
        uuid7(),
        account_id,
        "clean_plate",
        Status.RECEIVED,
        None,
        "documented",
        DEVICE,
        region,
        tray.taken_at,
        None,
        now,
        None,
        {"meals": 1},
        natural_key(tray),
        tray.evidence_sha256,
        tray.meal_window,
    )


def natural_key(tray: Tray) -> str:
    """What names a tray in the world."""
    return f"tray:{tray.device_id}:{tray.sequence}"


def is_in_time(claimed_at: datetime, taken_at: datetime) -> bool:
    """Whether a scan belongs to a photo: the tray had gone by 20 seconds later."""
    return -CLAIM_BEFORE <= claimed_at - taken_at <= CLAIM_WITHIN


def joined(tray: Tray, check_in_id: UUID) -> Tray:
    """The tray of a member; whose card it was is told by the check-in alone."""
    return tray._replace(status="joined", check_in_id=check_in_id, subject_token=None)
