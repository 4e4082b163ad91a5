"""What comes in, as values, and the rules that it must meet before anything is looked up."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from backend.checkins.domain import CheckIn, MealWindow, next_window
from backend.crediting.domain import Credit
from backend.errors import DomainError
from backend.http.principal import Reach
from backend.idempotency import Intention
from backend.partners.queries import Customer
from backend.recycling.domain import Actor

CAPTURE_LIFE = timedelta(hours=24)  # an offline queue works, a hoard of captures does not
FRESH_FOR = timedelta(minutes=10)  # a photo sent this soon after its capture is documented
CLOCK_TOLERANCE = timedelta(minutes=5)  # phones and gates run a little ahead
TRIP_DURATION_MAX = timedelta(hours=12)  # the longest metro line end to end, four times over
DISTANCE_M_MAX = 300_000  # further is no trip within a city

# Fastest plausible average over a whole trip, km/h: above it the times or the distance are wrong.
# Metro lines run at up to 160 km/h between far stations; buses on expressways; riders downhill.
# An e-bike is built for 25 km/h (GB 17761), a light electric moped for 50.
SPEED_KMH_MAX: Mapping[str, int] = {"metro": 160, "bus": 100, "cycling": 45, "e_bike": 50}
COUNTED_BY_DISTANCE = frozenset({"cycling", "e_bike"})


class TimeNotPlausible(DomainError):
    """The activity would end before it begins, last too long, or lie in the future."""


class EvidenceTooLate(DomainError):
    """Evidence of this kind of activity is taken only for some days after it."""


class DistanceNotPlausible(DomainError):
    """Nobody travels this far in this time by this mode."""


class DistanceNeeded(DomainError):
    """This mode is credited by distance, and none was given."""


class CaptureExpired(DomainError):
    """This capture was made more than 24 hours ago."""


class CaptureUsed(DomainError):
    """This capture has its photo already, and it is another one."""


class RetriesUsedUp(DomainError):
    """This meal has had its photo and three retries."""


class OutsideMealWindow(DomainError):
    """No meal window is open at this time."""


class ActionNotPhotographed(DomainError):
    """Captures are for actions that a photo can show."""


class Capture(NamedTuple):
    """Permission to take one photo; its time of creation is the photo's time."""

    id: UUID
    account_id: UUID
    action: str
    created_at: datetime
    region: str
    meal_window: str


class CaptureRequest(NamedTuple):
    """A member is about to take a photo."""

    account_id: UUID
    action: str
    region: str
    intention: Intention | None


class Photo(NamedTuple):
    """Evidence that is stored and waits to be written down as a check-in.

    Attributes:
        edited_with: The editing program that named itself in the upload.
    """

    capture: Capture
    evidence_sha256: str
    pixel_sha256: bytes
    edited_with: str | None = None


class Trip(NamedTuple):
    """One ride, reported by a member or by a partner for her.

    Attributes:
        account_id: None until the batch has found the account behind `customer`.
        customer: The member as the partner names her; None when she reports herself.
    """

    account_id: UUID | None
    customer: Customer | None
    action: str
    started_at: datetime
    ended_at: datetime
    distance_m: int | None
    region: str
    tier: str
    reported_by: str
    intention: Intention


class Binding(NamedTuple):
    """A member scanned the code of a recycling bag."""

    account_id: UUID
    code: str
    region: str


class Weighing(NamedTuple):
    """A station weighed a bag: one mass, or grams by material after sorting.

    Attributes:
        quantities: `mass_g`, which is 0 where sorting found nothing but residue; or by material.
        actor: Who weighed: a partner's server, a device, or a collector at the door.
        residue_g: What sorting left over, which nobody is credited for.
        loss_g: What was lost between scale and sorting, if the station states it.
        weighed_at: When, for a report that comes later; None is the time of the batch.
        is_vouched: An operator has looked, so no weight is out of range.
        reach: Where the key that weighs may report from; None is everywhere.
    """

    code: str
    quantities: Mapping[str, int]
    partner_id: UUID | None = None
    actor: Actor = Actor.PARTNER
    place: str | None = None
    residue_g: int = 0
    weighed_at: datetime | None = None
    is_vouched: bool = False
    reach: Reach | None = None
    loss_g: int | None = None

    @property
    def sorted_g(self) -> int:
        """What lay on the scale or the sorting table."""
        return sum(self.quantities.values()) + self.residue_g

    @property
    def mass_g(self) -> int:
        """Whole mass of the bag."""
        return self.sorted_g + (self.loss_g or 0)

    @property
    def is_sorted(self) -> bool:
        """Whether the grams are shares of a bag: by material, or residue alone."""
        return not self.quantities.get("mass_g")

    @property
    def action(self) -> str:
        """Sorted material is a methodology of its own."""
        return "mixed_recycling" if "mass_g" in self.quantities else "sorted_recycling"

    @property
    def told(self) -> tuple[dict[str, int], int, int | None]:
        """What makes two weighings of a bag the same."""
        return dict(self.quantities), self.residue_g, self.loss_g


def quantities_of_bag(mass_g: int | None, materials: Mapping[Any, int] | None) -> dict[str, int]:
    """Activity data of one mass or of materials; of residue alone it is no mass at all."""
    if materials:
        return {f"mass_g.{material}": grams for material, grams in materials.items()}
    return {"mass_g": mass_g or 0}


class Received(NamedTuple):
    """A check-in as the batch has written it; a replay names the earlier one.

    Attributes:
        waits: A person must look before it is credited.
    """

    check_in_id: UUID
    check_in: CheckIn | None = None
    credit: Credit | None = None
    is_replay: bool = False
    waits: bool = False


def in_utc(moment: datetime) -> datetime:
    """The moment with one name: in UTC, however the client wrote its offset.

    Raises:
        TimeNotPlausible: The last hours of the year 9999, or the first ones of the year 1.
    """
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise TimeNotPlausible from None


def check_trip(trip: Trip, now: datetime, late_window: timedelta) -> None:
    """Refuse times and distances that cannot be, and trips that are told too late.

    Raises:
        TimeNotPlausible, EvidenceTooLate, DistanceNeeded, DistanceNotPlausible.
    """
    check_travel(trip.action, trip.started_at, trip.ended_at, distance_m=trip.distance_m, now=now)
    check_in_time(trip.started_at, now, late_window)


def check_in_time(occurred_at: datetime, now: datetime, late_window: timedelta) -> None:
    """Refuse what has not begun yet, and what began longer ago than is taken.

    Raises:
        TimeNotPlausible, EvidenceTooLate.
    """
    if occurred_at > now + CLOCK_TOLERANCE:
        raise TimeNotPlausible
    if occurred_at < now - late_window:
        raise EvidenceTooLate(days=late_window.days)


def check_travel(
    mode: str, started_at: datetime, ended_at: datetime, *, distance_m: int | None, now: datetime
) -> None:
    """Refuse durations and distances that cannot be.

    Raises:
        TimeNotPlausible, DistanceNeeded, DistanceNotPlausible.
    """
    duration = ended_at - started_at
    if not timedelta(0) < duration <= TRIP_DURATION_MAX or ended_at > now + CLOCK_TOLERANCE:
        raise TimeNotPlausible
    if distance_m is None:
        if mode in COUNTED_BY_DISTANCE:
            raise DistanceNeeded
        return
    if distance_m * 3_600 > SPEED_KMH_MAX[mode] * 1_000 * duration.total_seconds():
        raise DistanceNotPlausible(speed_kmh_max=SPEED_KMH_MAX[mode])


def trip_quantities(trip: Trip) -> Mapping[str, int]:
    """Activity data of a trip: its distance, or one ride when the distance is unknown."""
    return {"rides": 1} if trip.distance_m is None else {"distance_m": trip.distance_m}


def photo_tier(capture: Capture, now: datetime) -> str:
    """Freshness decides the tier, so that a queue of a phone without a network still counts."""
    return "documented" if now - capture.created_at <= FRESH_FOR else "self_declared"


def outside_meals(moment: datetime, windows: Iterable[MealWindow]) -> OutsideMealWindow:
    """The refusal of a photo of `moment` (aware), with when the next window after it opens."""
    opening = next_window(moment, windows)
    return OutsideMealWindow(opens_at=opening.opens_at.isoformat() if opening else None)
