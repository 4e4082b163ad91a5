"""What the routes of pickups take and answer on the wire."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

from backend.http.cursors import PageQuery
from backend.http.problem import Language
from backend.intake.bodies import MassG, Moment, Region
from backend.recycling.pickups import ADDRESS_CHARACTERS_MAX, BAGS_MAX, SLOT_NAMES, Pickup, Slot

REPORTS_MAX = 100  # a day's round; a phone that was away longer sends several requests

SlotName = Literal["morning", "afternoon", "evening"]
SLOT_HOURS = {name: hour for hour, name in SLOT_NAMES.items()}
Address = Annotated[str, msgspec.Meta(min_length=2, max_length=ADDRESS_CHARACTERS_MAX)]
BagCount = Annotated[int, msgspec.Meta(ge=1, le=BAGS_MAX)]
Code = Annotated[str, msgspec.Meta(min_length=4, max_length=300)]

STATUS_WORDS = {
    "open": ("待上门", "waiting for the collector"),
    "not_home": ("上门时无人,请改约", "nobody was at home; choose another time"),
    "done": ("已完成", "done"),
    "cancelled": ("已取消", "cancelled"),
    "expired": ("已过期", "expired"),
}


class SlotBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A day and a part of it: morning 9 to 12, afternoon 14 to 18, evening 18 to 21."""

    day: date
    slot: SlotName

    @property
    def value(self) -> Slot:
        """The slot as the rules know it."""
        return Slot(self.day, SLOT_HOURS[self.slot])


class PickupBody(SlotBody, kw_only=True, forbid_unknown_fields=True):
    """Ask somebody to come. The address is read by the assigned collector while the job is open."""

    address: Address
    bags: BagCount = 1
    region: Region | None = None


class PickupAnswer(msgspec.Struct, kw_only=True):
    """One of the member's pickups; `address` while it is open."""

    id: UUID
    day: date
    slot: str
    slot_text: str
    region: str
    bags: int
    status: str
    status_text: str
    is_assigned: bool
    address: str | None
    requested_at: datetime
    closed_at: datetime | None


class PickupPage(msgspec.Struct, kw_only=True):
    """One page of the member's pickups, newest first."""

    items: list[PickupAnswer]
    next_cursor: str | None


class JobAnswer(msgspec.Struct, kw_only=True):
    """A pickup as its collector sees it: where to go, and nothing of who lives there."""

    id: UUID
    day: date
    slot: str
    slot_text: str
    region: str
    bags: int
    status: str
    address: str | None


class JobPage(msgspec.Struct, kw_only=True):
    """One page of a collector's round, in the order of the slots."""

    items: list[JobAnswer]
    next_cursor: str | None


class RoundQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of one day if given, such as `2026-12-01`."""

    day: date | None = None


class DispatchQuery(RoundQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`open=true` leaves out what is closed."""

    open: bool = False


class DispatchAnswer(msgspec.Struct, kw_only=True):
    """A pickup as operators see it: never its address."""

    id: UUID
    day: date
    slot: str
    region: str
    bags: int
    status: str
    status_at: datetime
    collector: str | None
    requested_at: datetime
    closed_at: datetime | None


class DispatchPage(msgspec.Struct, kw_only=True):
    """One page of pickups, in the order of the slots."""

    items: list[DispatchAnswer]
    next_cursor: str | None


class CollectorBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Who goes there: `issuer|subject` of somebody with the role collector."""

    collector: Annotated[str, msgspec.Meta(min_length=1, max_length=300)]


class ReportBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One report, named by an id of the collector's phone.

    `code` with `picked_up`, and `mass_g` where the bag was weighed at the door; `day` and `slot`
    with `rescheduled`.
    """

    id: UUID
    pickup_id: UUID
    kind: Literal["arrived", "not_home", "rescheduled", "picked_up", "done"]
    occurred_at: Moment
    code: Code | None = None
    mass_g: MassG | None = None
    day: date | None = None
    slot: SlotName | None = None


class ReportsBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What a collector's phone has gathered, in the order in which it happened."""

    reports: Annotated[list[ReportBody], msgspec.Meta(min_length=1, max_length=REPORTS_MAX)]


class ReportAnswer(msgspec.Struct, kw_only=True):
    """What became of one report.

    `recorded`, `duplicate` (it counts once), `waits` (an operator looks at the weight first), or
    `refused`, with the RFC 9457 problem and the status that it would have alone.
    """

    id: UUID
    outcome: str
    code: int
    problem: dict[str, Any] | None = None


class ReportsAnswer(msgspec.Struct, kw_only=True):
    """One answer per report, in order."""

    results: list[ReportAnswer]


def slot_words(pickup: Pickup) -> tuple[str, str]:
    """Name of the slot, and its hours for people."""
    return SLOT_NAMES[pickup.slot_hour], pickup.slot.hours


def render_pickup(pickup: Pickup, address: str | None, language: Language) -> PickupAnswer:
    """The pickup for the member who asked."""
    name, hours = slot_words(pickup)
    return PickupAnswer(
        id=pickup.id,
        day=pickup.slot_on,
        slot=name,
        slot_text=hours,
        region=pickup.region,
        bags=pickup.bags,
        status=pickup.status,
        status_text=STATUS_WORDS[pickup.status][0 if language == "zh" else 1],
        is_assigned=pickup.collector is not None,
        address=address,
        requested_at=pickup.requested_at,
        closed_at=pickup.closed_at,
    )


def render_job(pickup: Pickup, address: str | None) -> JobAnswer:
    """The pickup for the collector who goes there."""
    name, hours = slot_words(pickup)
    return JobAnswer(
        id=pickup.id,
        day=pickup.slot_on,
        slot=name,
        slot_text=hours,
        region=pickup.region,
        bags=pickup.bags,
        status=pickup.status,
        address=address,
    )


def render_dispatch(pickup: Pickup) -> DispatchAnswer:
    """The pickup for the operator who sends collectors."""
    return DispatchAnswer(
        id=pickup.id,
        day=pickup.slot_on,
        slot=slot_words(pickup)[0],
        region=pickup.region,
        bags=pickup.bags,
        status=pickup.status,
        status_at=pickup.status_at,
        collector=pickup.collector,
        requested_at=pickup.requested_at,
        closed_at=pickup.closed_at,
    )
