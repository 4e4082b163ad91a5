"""What a member can do here and now, as values: caps left, points, meal windows, live inlets."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from backend.crediting.domain import Booked
from scoring.methodology import Catalogue, MethodologyVersion, NotCreditable, NoVersion
from scoring.methodology.quantities import kind_of
from scoring.methodology.version import Cap


class LiveSources(NamedTuple):
    """Which evidence this deployment can take at all.

    Attributes:
        has_bags: Printed bags are registered, and a scale may report their weight.
        has_partner_trips: A partner that reports rides is linked with the member.
    """

    has_bags: bool
    has_partner_trips: bool


class Offer(NamedTuple):
    """An action that can be credited today, and how well it is evidenced at best."""

    action: str
    inlet: str
    version: MethodologyVersion
    is_documented: bool


class CapLeft(NamedTuple):
    """A cap of today, or of this year, and what is left of it; base units."""

    cap: Cap
    left: int


def offers(
    catalogue: Catalogue, inlets: Mapping[str, str], live: LiveSources, today: date
) -> list[Offer]:
    """Actions with an inlet, a live source and a version in force, by name; others are hidden."""
    found = []
    for action in sorted(inlets):
        version = _version(catalogue, action, today)
        if version is None or not _is_live(inlets[action], live):
            continue
        is_documented = _is_documented(inlets[action], live)
        found.append(Offer(action, inlets[action], version, is_documented))
    return found


def period_keys(today: date) -> tuple[str, str]:
    """The periods in which caps run today: the day and the year."""
    return today.isoformat(), str(today.year)


def caps_left(version: MethodologyVersion, booked: Iterable[Booked], today: date) -> list[CapLeft]:
    """What the live credits of the day or year leave; a cap is the methodology's, not a version's.

    A cap that widens with the days of a statement is told for one day.
    """
    day, year = period_keys(today)
    period = year if version.period == "year" else day
    used = _used(version.methodology_id, booked, period)
    return [
        CapLeft(cap, max(0, cap.most - used.get(cap.quantity, 0))) for cap in version.caps.values()
    ]


def _used(methodology_id: str, booked: Iterable[Booked], period: str) -> Mapping[str, int]:
    used: dict[str, int] = {}
    for each in booked:
        if (each.credit.methodology_id, each.credit.period) == (methodology_id, period):
            for quantity, amount in each.credit.allowed.items():
                kind = kind_of(quantity)
                used[kind] = used.get(kind, 0) + amount
    return used


def _version(catalogue: Catalogue, action: str, today: date) -> MethodologyVersion | None:
    methodology_id = catalogue.actions.get(action)
    if methodology_id is None:
        return None
    try:
        return catalogue.version_on(methodology_id, today)
    except (NoVersion, NotCreditable):
        return None


def _is_live(inlet: str, live: LiveSources) -> bool:
    """Photos and members' own reports need nobody else; a bag needs a scale."""
    return live.has_bags if inlet == "bag" else True


def _is_documented(inlet: str, live: LiveSources) -> bool:
    if inlet == "trip":
        return live.has_partner_trips
    return inlet in {"photo", "bag", "no_drive_day"}


def without_closed(found: Sequence[Offer], closed: Collection[str]) -> list[Offer]:
    """Leave out what takes no new bookings."""
    return [each for each in found if each.version.hash not in closed]
