"""What a metro, a bus or a bicycle company sends about one day, with all that goes wrong.

Pure: the same seed, day and number give the same events to the byte, so a plan that is sent twice
doubles nothing.
"""

import random  # noqa: TID251  # a seeded generator: the whole point is that it can be repeated
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple

from backend.units import SHANGHAI

Document = dict[str, Any]

# Shares per 1,000 rides, as operators tell of theirs: gates that lose their line send again, and
# clearing corrects a few fares.
DUPLICATES: Final = 50
LATE: Final = 50
CORRECTED: Final = 10
WITHDRAWN: Final = 5
TAPPED: Final = 100  # told as a tap-in and a tap-out
TAP_OUTS_LOST: Final = 100  # of those
LATE_DAYS_MAX: Final = 4  # with the day itself and the time of sending, within the window of seven
REACH_EVENTS: Final = 150  # how far behind its place in the line an event may come

SLOT: Final = timedelta(minutes=40)  # rides of one customer never overlap
SLOTS_PER_DAY: Final = 24
FIRST_RIDE: Final = timedelta(hours=5, minutes=30)
# Metres per minute: below what is refused as not plausible, above walking.
SPEEDS: Final = {"metro": (500, 1_100), "bus": (200, 500), "cycling": (150, 300)}


class Plan(NamedTuple):
    """A day to be sent.

    Attributes:
        mode: metro, bus or cycling.
        subject: The partner's name for its customer, with `{number}` in it.
        customers: Who rides, from number 0 on.
        rides: How many; a customer has at most `SLOTS_PER_DAY`.
    """

    mode: str
    day: date
    rides: int
    customers: int
    seed: int
    source: str
    subject: str
    region: str


class Planned(NamedTuple):
    """One event of the line, and whether the same one went before it."""

    document: Document
    is_duplicate: bool


def customers_for(rides: int) -> int:
    """As many customers as make ten rides each, and never fewer than ten."""
    return max(10, -(-rides // 10))


def line_of(plan: Plan) -> list[Planned]:
    """All events of the plan in the order in which they are sent.

    Each moves back by up to `REACH_EVENTS` places, so corrections come before what they correct and
    tap-outs before tap-ins; of equal ones the first that is sent is the original.
    """
    generator = random.Random(f"{plan.seed} {plan.mode} {plan.day}")  # noqa: S311  # no secret
    drawn: list[tuple[float, Document]] = []
    for number in range(plan.rides):
        for document in _ride(plan, number, generator):
            drawn.append((len(drawn) + generator.uniform(0, REACH_EVENTS), document))
    drawn.sort(key=lambda each: each[0])
    seen: set[str] = set()
    line = []
    for _, document in drawn:
        line.append(Planned(document, document["id"] in seen))
        seen.add(document["id"])
    return line


def batches_of(line: Sequence[Planned], size: int) -> Iterator[Sequence[Planned]]:
    """The line in pieces of at most `size`."""
    for start in range(0, len(line), size):
        yield line[start : start + size]


def _ride(plan: Plan, number: int, generator: random.Random) -> Iterator[Document]:
    """The events that one ride makes."""
    late_days = generator.randint(1, LATE_DAYS_MAX) if _happens(generator, LATE) else 0
    slot = number // plan.customers
    day = datetime.combine(plan.day, datetime.min.time(), SHANGHAI) - timedelta(days=late_days)
    started_at = day + FIRST_RIDE + slot * SLOT + timedelta(seconds=generator.randrange(600))
    duration = timedelta(minutes=generator.randint(4, 28))
    distance_m = int(duration.total_seconds() / 60) * generator.randint(*SPEEDS[plan.mode])
    ride = {
        "record": "ride",
        "mode": plan.mode,
        "started_at": started_at.isoformat(),
        "ended_at": (started_at + duration).isoformat(),
        "distance_m": distance_m,
        "region": plan.region,
    }
    is_tapped = plan.mode != "cycling" and _happens(generator, TAPPED)
    made = list(_taps(plan, number, ride, generator) if is_tapped else [_whole(plan, number, ride)])
    yield from made
    if _happens(generator, DUPLICATES):
        yield made[0]
    if not is_tapped and _happens(generator, CORRECTED):
        shorter = {**ride, "corrects": made[0]["id"], "distance_m": distance_m - 1}
        yield _event(plan, number, "corrected", shorter, told_at=started_at + timedelta(hours=2))
    elif _happens(generator, WITHDRAWN):
        gone = {"withdraws": made[0]["id"]}
        yield _event(plan, number, "withdrawn", gone, told_at=started_at + timedelta(hours=3))


def _happens(generator: random.Random, per_thousand: int) -> bool:
    return generator.randrange(1_000) < per_thousand


def _whole(plan: Plan, number: int, ride: Document) -> Document:
    return _event(plan, number, "ride", ride, told_at=datetime.fromisoformat(ride["ended_at"]))


def _taps(plan: Plan, number: int, ride: Document, generator: random.Random) -> Iterator[Document]:
    """A tap-in, and a tap-out unless the gate has lost it."""
    entered, left = (datetime.fromisoformat(ride[name]) for name in ("started_at", "ended_at"))
    tap_in = {
        "record": "tap_in",
        "mode": plan.mode,
        "tapped_at": entered.isoformat(),
        "region": plan.region,
    }
    first = _event(plan, number, "in", tap_in, told_at=entered)
    yield first
    if not _happens(generator, TAP_OUTS_LOST):
        tap_out = {
            "record": "tap_out",
            "tap_in": first["id"],
            "mode": plan.mode,
            "tapped_at": left.isoformat(),
            "distance_m": ride["distance_m"],
        }
        yield _event(plan, number, "out", tap_out, told_at=left)


def _event(plan: Plan, number: int, what: str, data: Document, *, told_at: datetime) -> Document:
    amends = what if what in {"corrected", "withdrawn"} else ""
    document = {
        "specversion": "1.0",
        "id": f"{plan.mode}-{plan.day:%Y%m%d}-{plan.seed}-{number:07d}-{what}",
        "source": plan.source,
        "type": f"tanhui.trip.{amends}.v1" if amends else "tanhui.trip.v1",
        "time": told_at.isoformat(),
        "datacontenttype": "application/json",
        "data": data,
    }
    if what != "withdrawn":
        document["subject"] = plan.subject.format(number=number % plan.customers)
    return document
