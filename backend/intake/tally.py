"""A day's count of something, as one source tells it: steps, sheets of paper, own cups.

A person walks one set of steps a day, however many devices count them. So there is one check-in
per account, action and day; of each source its latest reading counts, and of several sources the
highest. Nothing depends on the order in which readings arrive.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from uuid import UUID

from backend.errors import DomainError
from backend.intake.domain import CLOCK_TOLERANCE, EvidenceTooLate, TimeNotPlausible
from backend.units import SHANGHAI

OWN_SOURCE = "self"  # of what a person counts herself

QUANTITY_OF: Mapping[str, str] = {"walking": "steps", "paper_avoided": "sheets", "own_cup": "items"}

# Most that anybody plausibly does in a day; beyond it the counter or the typing is wrong.
AMOUNT_MAX: Mapping[str, int] = {
    "walking": 100_000,  # about 70 km on foot, a walker's hundred-kilometre race aside
    "paper_avoided": 500,  # a whole ream
    "own_cup": 20,  # a cup every waking hour
}


class AmountNotPlausible(DomainError):
    """Nobody does this much of it in one day."""


class DayReversed(DomainError):
    """The programme has reversed this day's report, so it cannot be replaced."""


class Reading(NamedTuple):
    """What a source's counter stood at; the later reading counts, of equal ones the higher."""

    measured_at: datetime
    amount: int


class TallyKey(NamedTuple):
    """What one check-in of a tally stands for."""

    account_id: UUID
    action: str
    day: date

    @property
    def natural_key(self) -> str:
        """Unique per account."""
        return f"{self.action}:{self.day.isoformat()}"

    @property
    def occurred_at(self) -> datetime:
        """The last moment of the day: what stands for a whole day comes after its trips."""
        return datetime.combine(self.day, time.max, SHANGHAI)


class TallyReport(NamedTuple):
    """One reading as it comes in; without `measured_at` it was read when it arrived."""

    key: TallyKey
    source: str
    amount: int
    measured_at: datetime | None
    region: str


def counted(readings: Iterable[Reading]) -> int:
    """The day's amount: the same steps are counted by several devices, so they do not add up."""
    return max(reading.amount for reading in readings)


def reading_of(report: TallyReport, now: datetime, late_window: timedelta) -> Reading:
    """The reading of a plausible report.

    Raises:
        AmountNotPlausible, TimeNotPlausible, EvidenceTooLate.
    """
    action, occurred_at = report.key.action, report.key.occurred_at
    if report.amount > AMOUNT_MAX[action]:
        raise AmountNotPlausible(amount_max=AMOUNT_MAX[action])
    measured_at = report.measured_at or now
    begins_at = datetime.combine(report.key.day, time(), SHANGHAI)
    if not begins_at <= measured_at <= now + CLOCK_TOLERANCE:
        raise TimeNotPlausible
    if occurred_at < now - late_window:
        raise EvidenceTooLate(days=late_window.days)
    return Reading(measured_at, report.amount)
