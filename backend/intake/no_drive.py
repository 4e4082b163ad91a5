"""A day on which a fuel car stood still, shown by its odometer in the morning and evening."""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from uuid import UUID

from backend.errors import DomainError
from backend.intake.domain import Capture, EvidenceTooLate, photo_tier
from backend.units import SHANGHAI

ACTION = "no_drive_day"
MORNING, EVENING = "morning", "evening"
# Design choice: the commute lies between, so a car that was driven to work shows it.
MORNING_UNTIL, EVENING_FROM = time(9), time(19)

# GA 36-2018: province, office letter, five characters; new-energy cars have six (read 2026-11-21).
_PLATE = re.compile(r"[一-鿿][A-Z][A-Z0-9]{5,6}")
_SEPARATORS = re.compile(r"[\s·.・-]")
NEW_ENERGY_LENGTH = 8


class OutsideOdometerWindow(DomainError):
    """Odometers are photographed before nine in the morning or after seven in the evening."""


class OdometersNotOfOneDay(DomainError):
    """A no-drive day needs the morning and the evening capture of one and the same day."""


class OdometerPhotoMissing(DomainError):
    """One of the two captures has no photo yet."""


class OdometerPhotoApart(DomainError):
    """An odometer photo is sent to its capture, not as a check-in."""


class PlateNotClear(DomainError):
    """This is no licence plate of mainland China."""


class PlateNotEligible(DomainError):
    """A new-energy car saves no fuel by standing still, so its no-drive day is not counted."""


class OdometerPhoto(NamedTuple):
    """Evidence that is stored and belongs to a capture."""

    capture: Capture
    evidence_sha256: str
    pixel_sha256: bytes


class KeptOdometer(NamedTuple):
    """An odometer photo that was written down; the fields are the columns of `odometer_photo`."""

    capture_id: UUID
    account_id: UUID
    evidence_sha256: str
    pixel_sha256: bytes
    received_at: datetime


class NoDriveDay(NamedTuple):
    """A member's report; `plate` as it was typed."""

    account_id: UUID
    morning_id: UUID
    evening_id: UUID
    plate: str
    region: str


def window_of(moment: datetime) -> str | None:
    """Day and part for an odometer photo, such as `2026-11-21/morning`; None in between."""
    local = moment.astimezone(SHANGHAI)
    if local.time() < MORNING_UNTIL:
        return f"{local.date().isoformat()}/{MORNING}"
    if local.time() >= EVENING_FROM:
        return f"{local.date().isoformat()}/{EVENING}"
    return None


def day_of_pair(morning: Capture, evening: Capture) -> date:
    """The day that two captures frame.

    Raises:
        OdometersNotOfOneDay: They are not its morning and its evening.
    """
    day, _, part = morning.meal_window.partition("/")
    if part != MORNING or evening.meal_window != f"{day}/{EVENING}":
        raise OdometersNotOfOneDay
    return date.fromisoformat(day)


def occurred_at(day: date) -> datetime:
    """The last second of the day, so that its trips come before it and cost it."""
    return datetime.combine(day, time(23, 59, 59), SHANGHAI).astimezone(UTC)


def check_late(day: date, now: datetime, late_window: timedelta) -> None:
    """Refuse what comes after the window.

    Raises:
        EvidenceTooLate.
    """
    if occurred_at(day) < now - late_window:
        raise EvidenceTooLate(days=late_window.days)


def spelled(text: str) -> str:
    """The plate without separators, in capitals; not checked."""
    return _SEPARATORS.sub("", text).upper()


def plate_of(text: str) -> str:
    """The plate in one spelling.

    Raises:
        PlateNotClear, PlateNotEligible.
    """
    plate = spelled(text)
    if not _PLATE.fullmatch(plate):
        raise PlateNotClear
    if len(plate) == NEW_ENERGY_LENGTH:
        raise PlateNotEligible
    return plate


def tier_of(morning: Capture, evening: Capture, photos: tuple[KeptOdometer, KeptOdometer]) -> str:
    """Documented when both photos came soon after their captures."""
    tiers = {
        photo_tier(capture, photo.received_at)
        for capture, photo in zip((morning, evening), photos, strict=True)
    }
    return "documented" if tiers == {"documented"} else "self_declared"
