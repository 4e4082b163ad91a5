"""What a partner's system sends about one day, with all that goes wrong.

Pure: the same seed, kind and day give the same events to the byte, so a plan that is sent twice
doubles nothing.
"""

import random  # noqa: TID251  # a seeded generator: the whole point is that it can be repeated
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

from backend.sandbox.kinds import KINDS, Deed, Document, Kind
from backend.units import SHANGHAI

# Shares per 1,000 deeds, as operators tell of theirs: gates that lose their line send again, and
# clearing corrects a few fares.
DUPLICATES: Final = 50
LATE: Final = 50
CORRECTED: Final = 10
WITHDRAWN: Final = 5
TAP_OUTS_LOST: Final = 100  # of those that are told as taps
LATE_DAYS_MAX: Final = 4  # with the day itself and the time of sending, within the window of seven
REACH_EVENTS: Final = 150  # how far behind its place in the line an event may come
DEEDS_PER_CUSTOMER: Final = 10
AMENDED_AFTER: Final = timedelta(hours=1)  # before the next day, so that it never is the future


class Plan(NamedTuple):
    """A day to be sent.

    Attributes:
        kind: A name of `KINDS`.
        subject: The partner's name for its customer, with `{number}` in it.
        customers: Who does it, from number 0 on.
        deeds: How many; a customer has at most the kind's `slots_per_day`.
        things: What names each deed's thing, in order; empty for names that this plan makes up.
    """

    kind: str
    day: date
    deeds: int
    customers: int
    seed: int
    source: str
    subject: str
    region: str
    things: Sequence[str] = ()

    def id_of(self, number: int) -> str:
        """What all ids of one deed begin with."""
        return f"{self.kind}-{self.day:%Y%m%d}-{self.seed}-{number:07d}"


class Planned(NamedTuple):
    """One event of the line, and whether the same one went before it."""

    document: Document
    is_duplicate: bool


def customers_for(kind: Kind, deeds: int) -> int:
    """As many customers as do ten each, or what a day has room for, and never fewer than ten."""
    return max(10, -(-deeds // min(DEEDS_PER_CUSTOMER, kind.slots_per_day)))


def line_of(plan: Plan) -> list[Planned]:
    """All events of the plan in the order in which they are sent.

    Each moves back by up to `REACH_EVENTS` places, so corrections come before what they correct and
    tap-outs before tap-ins; of equal ones the first that is sent is the original.
    """
    generator = random.Random(f"{plan.seed} {plan.kind} {plan.day}")  # noqa: S311  # no secret
    drawn: list[tuple[float, Document]] = []
    for number in range(plan.deeds):
        for document in _told(plan, number, generator):
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


def _told(plan: Plan, number: int, generator: random.Random) -> Iterator[Document]:
    """The events that one deed makes."""
    kind = KINDS[plan.kind]
    deed = _deed(plan, kind, number, generator)
    data = kind.data_of(deed)
    is_tapped = _happens(generator, kind.tapped)
    made = list(
        _taps(plan, number, deed, data)
        if is_tapped
        else [_event(plan, number, "told", data, told_at=deed.ended_at)]
    )
    yield from made
    if _happens(generator, DUPLICATES):
        yield made[0]
    amended_at = deed.ended_at + AMENDED_AFTER
    if kind.amount and not is_tapped and _happens(generator, CORRECTED):
        less = {**data, "corrects": made[0]["id"], kind.amount: data[kind.amount] - 1}
        yield _event(plan, number, "corrected", less, told_at=amended_at)
    elif _happens(generator, WITHDRAWN):
        gone = {"withdraws": made[0]["id"]}
        yield _event(plan, number, "withdrawn", gone, told_at=amended_at)


def _deed(plan: Plan, kind: Kind, number: int, generator: random.Random) -> Deed:
    late_days = generator.randint(1, LATE_DAYS_MAX) if _happens(generator, LATE) else 0
    day = datetime.combine(plan.day, datetime.min.time(), SHANGHAI) - timedelta(days=late_days)
    slot = number // plan.customers
    began_at = day + kind.first + slot * kind.slot + timedelta(seconds=generator.randrange(600))
    ended_at = began_at + timedelta(minutes=generator.randint(*kind.minutes))
    thing = plan.things[number] if plan.things else plan.id_of(number)
    return Deed(thing, began_at, ended_at, plan.region, generator)


def _happens(generator: random.Random, per_thousand: int) -> bool:
    return generator.randrange(1_000) < per_thousand


def _taps(plan: Plan, number: int, deed: Deed, ride: Document) -> Iterator[Document]:
    """A tap-in, and a tap-out unless the gate has lost it."""
    tap_in = {
        "record": "tap_in",
        "mode": ride["mode"],
        "tapped_at": ride["started_at"],
        "region": plan.region,
    }
    first = _event(plan, number, "in", tap_in, told_at=deed.began_at)
    yield first
    if not _happens(deed.generator, TAP_OUTS_LOST):
        tap_out = {
            "record": "tap_out",
            "tap_in": first["id"],
            "mode": ride["mode"],
            "tapped_at": ride["ended_at"],
            "distance_m": ride["distance_m"],
        }
        yield _event(plan, number, "out", tap_out, told_at=deed.ended_at)


def _event(plan: Plan, number: int, what: str, data: Document, *, told_at: datetime) -> Document:
    kind = KINDS[plan.kind]
    amends = f".{what}" if what in {"corrected", "withdrawn"} else ""
    document = {
        "specversion": "1.0",
        "id": f"{plan.id_of(number)}-{what}",
        "source": plan.source,
        "type": f"{kind.event}{amends}.v1",
        "time": told_at.isoformat(),
        "datacontenttype": "application/json",
        "data": data,
    }
    if kind.has_subject and what != "withdrawn":
        document["subject"] = plan.subject.format(number=number % plan.customers)
    return document
