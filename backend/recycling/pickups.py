"""Pickup at the door: slots, what a collector can report, and what the reports come to.

A collector is often offline, so reports arrive late, twice and in any order. Where a pickup stands
is a function of the set of reports, not of their arrival.
"""

from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

from backend.errors import DomainError
from backend.units import SHANGHAI, shanghai_day

# Hours of the Shanghai day in which somebody comes, by the hour in which they begin.
SLOT_ENDS: Final = {9: 12, 14: 18, 18: 21}
SLOT_NAMES: Final = {9: "morning", 14: "afternoon", 18: "evening"}
BOOKABLE: Final = timedelta(days=14)  # as long as a bag may wait
LATE_REPORTS: Final = timedelta(days=7)  # a phone that lay in a depot over the weekend
OPEN_AFTER_SLOT: Final = timedelta(days=7)  # then nobody comes any more, and the address goes
CLOCK_TOLERANCE: Final = timedelta(minutes=5)  # phones run a little ahead
ADDRESS_CHARACTERS_MAX: Final = 200
BAGS_MAX: Final = 20


class SlotNotBookable(DomainError):
    """This slot has begun, or lies more than two weeks ahead."""


class PickupOpen(DomainError):
    """The member has an open pickup already."""


class PickupClosed(DomainError):
    """This pickup is done, cancelled or has expired."""


class PickupNotYours(DomainError):
    """This pickup is not assigned to the collector who reports it."""


class ReportReused(DomainError):
    """The collector has used this id for another report."""


class ReportTooOld(DomainError):
    """A collector's report is taken for seven days, and never from the future."""


class ReportNotClear(DomainError):
    """A report carries what its kind needs, and nothing else."""


class PickupStatus(StrEnum):
    """Where a pickup is in its life."""

    OPEN = "open"
    NOT_HOME = "not_home"
    DONE = "done"
    CANCELLED = "cancelled"
    EXPIRED = "expired"

    @property
    def is_closed(self) -> bool:
        """Whether nobody comes any more; the address is gone then."""
        return self not in {PickupStatus.OPEN, PickupStatus.NOT_HOME}


class ReportKind(StrEnum):
    """What a collector reports from the door."""

    ARRIVED = "arrived"
    NOT_HOME = "not_home"
    RESCHEDULED = "rescheduled"
    PICKED_UP = "picked_up"
    DONE = "done"


class Slot(NamedTuple):
    """Hours of a Shanghai day; `hour` is a key of `SLOT_ENDS`."""

    day: date
    hour: int

    @property
    def starts_at(self) -> datetime:
        """When somebody comes at the earliest."""
        return datetime(self.day.year, self.day.month, self.day.day, self.hour, tzinfo=SHANGHAI)

    @property
    def hours(self) -> str:
        """From when to when somebody comes, for people."""
        return f"{self.hour:02d}:00–{SLOT_ENDS[self.hour]:02d}:00"


class Pickup(NamedTuple):
    """A member asks for somebody to come; the fields are the columns of `pickup`.

    Attributes:
        sealed_address: Opens under the pickup's id only; gone once the pickup is closed.
        bags: How many bags the member expects to hand over.
        collector: Principal of the collector who goes there.
        status_at: When what the status says happened; an earlier report changes nothing.
    """

    id: UUID
    account_id: UUID
    region: str
    slot_on: date
    slot_hour: int
    sealed_address: bytes | None
    bags: int
    status: PickupStatus
    status_at: datetime
    collector: str | None
    requested_at: datetime
    closed_at: datetime | None

    @property
    def slot(self) -> Slot:
        """When somebody comes."""
        return Slot(self.slot_on, self.slot_hour)


class Report(NamedTuple):
    """What a collector reports; the fields are the columns of `pickup_report` but two.

    Attributes:
        id: Made by the collector's phone, so that the same report counts once.
        code: Of a bag that was picked up; `mass_g` where it was weighed at the door.
        slot_on: With `slot_hour`, when somebody comes again.
    """

    id: UUID
    pickup_id: UUID
    kind: ReportKind
    occurred_at: datetime
    code: str | None = None
    mass_g: int | None = None
    slot_on: date | None = None
    slot_hour: int | None = None


def check_slot(slot: Slot, now: datetime) -> None:
    """Somebody can still come in this slot, and soon enough.

    Raises:
        SlotNotBookable: It has begun, or is more than two weeks ahead.
    """
    last = shanghai_day(now) + BOOKABLE
    if slot.starts_at <= now or slot.day > last:
        raise SlotNotBookable(until=last.isoformat())


def check_report(report: Report, now: datetime) -> None:
    """A report has the parts of its kind and a time that can be.

    Raises:
        ReportNotClear, ReportTooOld, SlotNotBookable.
    """
    needs_bag = report.kind is ReportKind.PICKED_UP
    needs_slot = report.kind is ReportKind.RESCHEDULED
    has_slot = (report.slot_on is not None, report.slot_hour is not None)
    if (report.code is not None) != needs_bag or has_slot != (needs_slot, needs_slot):
        raise ReportNotClear
    if report.mass_g is not None and not needs_bag:
        raise ReportNotClear
    if not now - LATE_REPORTS <= report.occurred_at <= now + CLOCK_TOLERANCE:
        raise ReportTooOld
    if report.slot_on is not None and report.slot_on > shanghai_day(now) + BOOKABLE:
        raise SlotNotBookable(until=(shanghai_day(now) + BOOKABLE).isoformat())


def check_open(pickup: Pickup, report: Report) -> None:
    """What is taken over at a door is taken over while the job lasts, however late it is told.

    Raises:
        PickupClosed: It happened after somebody had said that nobody comes any more.
    """
    if pickup.closed_at is not None and report.occurred_at > pickup.closed_at + CLOCK_TOLERANCE:
        raise PickupClosed(status=pickup.status)


def after(pickup: Pickup, report: Report, now: datetime) -> Pickup:
    """Where the pickup stands after a report, whenever that one arrives.

    Done is done. Of the others the one that happened last counts; what happened before the present
    status, the member's own rescheduling included, is history.
    """
    if pickup.status.is_closed:
        return pickup
    if report.kind is ReportKind.DONE:
        return closed(pickup, PickupStatus.DONE, report.occurred_at, now)
    if report.occurred_at <= pickup.status_at:
        return pickup
    if report.kind is ReportKind.NOT_HOME:
        return pickup._replace(status=PickupStatus.NOT_HOME, status_at=report.occurred_at)
    if report.kind is ReportKind.RESCHEDULED:
        assert report.slot_on is not None, "checked before"
        assert report.slot_hour is not None, "checked before"
        return pickup._replace(
            status=PickupStatus.OPEN,
            status_at=report.occurred_at,
            slot_on=report.slot_on,
            slot_hour=report.slot_hour,
        )
    return pickup._replace(status=PickupStatus.OPEN, status_at=report.occurred_at)


def closed(pickup: Pickup, status: PickupStatus, at: datetime, now: datetime) -> Pickup:
    """The pickup without its address: nobody comes any more."""
    return pickup._replace(status=status, status_at=at, closed_at=now, sealed_address=None)
