"""The check-in as a value, and the statuses that it moves through.

`received → scored → credited | in_review | rejected`; `bound → credited | lapsed` (bags);
`in_review → credited | rejected`; `rejected → in_review` (one appeal); `credited → reversed`.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from backend.checkins.reasons import MEAL_ALREADY_COUNTED, NO_PLATE, NOT_COVERED
from backend.checkins.upload_reasons import PHOTO_UNREADABLE
from backend.units import SHANGHAI, shanghai_day

RETRIES_PER_WINDOW = 3  # a dark canteen or a shaky hand; beyond it a person tries what passes
MINUTES_PER_HOUR = 60
APPEAL_WINDOW = timedelta(days=7)  # a week holds somebody's day off; `TANHUI_APPEAL_DAYS` says it
# A photo of no plate must be gone within 24 h; two hours are left for a processor that was away.
NO_PLATE_KEPT = timedelta(hours=22)
# No person who looks at the photo could decide otherwise.
BEYOND_APPEAL = frozenset({MEAL_ALREADY_COUNTED, NOT_COVERED, PHOTO_UNREADABLE})

DEVICE = "device"  # reported by a fixed camera or another enrolled machine


class Status(StrEnum):
    """Where a check-in is in its life."""

    RECEIVED = "received"
    BOUND = "bound"
    SCORED = "scored"
    IN_REVIEW = "in_review"
    CREDITED = "credited"
    REJECTED = "rejected"
    REVERSED = "reversed"
    LAPSED = "lapsed"


# A member who waits for an outcome waits until one of these.
SETTLED = frozenset(
    {Status.IN_REVIEW, Status.CREDITED, Status.REJECTED, Status.REVERSED, Status.LAPSED}
)

# What has been said about a check-in for good, but for an appeal or a reversal.
DECIDED = SETTLED - {Status.IN_REVIEW}

# What brought nothing so far and waits for a person, or for an appeal; operators count these.
STOPPED = frozenset({Status.IN_REVIEW, Status.REJECTED})


def outcomes_after(status: Status) -> frozenset[Status]:
    """What a member who waits from here waits for: in review, that is what the person decided."""
    return DECIDED if status == Status.IN_REVIEW else SETTLED


class CheckIn(NamedTuple):
    """One activity that a person reports, or a partner or device for her.

    Attributes:
        reported_by: `member`, `partner` or `device`.
        occurred_at: Start of the activity in the world.
        received_at: When it reached us, by the database's clock.
        quantities: Activity data in base units; empty until a bag is weighed.
        natural_key: Capture id, bag code, or the partner's source and event id.
        meal_window: Day and window of a plate, such as `2026-11-21/lunch`.
        appeal_until: Until when its owner may appeal; None when there is nothing to appeal.
    """

    id: UUID
    account_id: UUID
    action: str
    status: Status
    reason: str | None
    tier: str
    reported_by: str
    region: str
    occurred_at: datetime
    ended_at: datetime | None
    received_at: datetime
    decided_at: datetime | None
    quantities: Mapping[str, int]
    natural_key: str
    evidence_sha256: str | None
    meal_window: str | None
    appeal_until: datetime | None = None


class AcceptedPhoto(NamedTuple):
    """What crediting needs of a photo whose verdict was accepted."""

    id: UUID
    account_id: UUID
    action: str
    natural_key: str
    occurred_at: datetime
    quantities: Mapping[str, int]
    tier: str
    region: str
    meal_window: str | None


class Change(NamedTuple):
    """One step in the life of a check-in.

    Attributes:
        was: The status that it must still have; if somebody else moved it, nothing changes.
        quantities: Activity data in base units; None keeps what is recorded.
        action: What a bag turned out to be; None keeps it.
        appeal_until: Until when a rejection may be appealed.
        evidence_until: When its evidence goes unless it is appealed.
    """

    check_in_id: UUID
    was: Status
    status: Status
    reason: str | None = None
    quantities: Mapping[str, int] | None = None
    action: str | None = None
    appeal_until: datetime | None = None
    evidence_until: datetime | None = None


class MealWindow(NamedTuple):
    """A time of the Shanghai day in which one plate counts; minutes of the day, half open."""

    id: str
    name_zh: str
    name_en: str
    opens_minute: int
    closes_minute: int


class Opening(NamedTuple):
    """A meal window on a day: `2026-11-21/lunch`, and when it opens."""

    key: str
    opens_at: datetime


class WindowUse(NamedTuple):
    """What a member did in a meal window so far.

    Attributes:
        rejected: Photos that were not counted.
        undecided: Photos that are being scored or reviewed.
        credited: 1 when the meal counts already.
    """

    rejected: int = 0
    undecided: int = 0
    credited: int = 0

    @property
    def has_retries_left(self) -> bool:
        """Whether another photo may be tried."""
        return self.rejected + self.undecided <= RETRIES_PER_WINDOW


def first_rejection(change: Change, now: datetime, window: timedelta) -> Change:
    """A rejection that its owner may appeal within `window`, unless no person could change it."""
    final = final_rejection(change, now)
    if change.reason in BEYOND_APPEAL:
        return final
    until = now + window
    return final._replace(appeal_until=min(until, final.evidence_until or until))


def final_rejection(change: Change, now: datetime) -> Change:
    """A rejection that stands; a photo of no plate goes soon, as after every rejection."""
    return change._replace(
        appeal_until=None,
        evidence_until=now + NO_PLATE_KEPT if change.reason == NO_PLATE else None,
    )


def window_at(moment: datetime, windows: Iterable[MealWindow]) -> str | None:
    """Day and window of `moment` (aware), such as `2026-11-21/lunch`; None between meals."""
    local = moment.astimezone(SHANGHAI)
    minute = local.hour * MINUTES_PER_HOUR + local.minute
    for window in windows:
        if window.opens_minute <= minute < window.closes_minute:
            return _window_key(local.date(), window)
    return None


def next_window(moment: datetime, windows: Iterable[MealWindow]) -> Opening | None:
    """The window that opens next after `moment` (aware); None in a programme without windows."""
    today = shanghai_day(moment)
    openings = [
        Opening(_window_key(day, window), _opening(day, window.opens_minute))
        for window in windows
        for day in (today, today + timedelta(days=1))
    ]
    later = [opening for opening in openings if opening.opens_at > moment]
    return min(later, key=lambda opening: opening.opens_at, default=None)


def _window_key(day: date, window: MealWindow) -> str:
    return f"{day.isoformat()}/{window.id}"


def _opening(day: date, minute: int) -> datetime:
    return datetime.combine(day, time(), SHANGHAI) + timedelta(minutes=minute)
