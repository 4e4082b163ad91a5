"""What reconciliation takes and answers on the wire."""

from datetime import date, datetime
from typing import Annotated, Final, Literal
from uuid import UUID

import msgspec

from backend.http.cursors import PageQuery
from backend.intake.events.envelope import Name, Source

LISTED_MAX: Final = 10_000  # about 1 MB a call
PARTS_MAX: Final = 1_000  # ten million events a day; the largest metro has fewer

# As the data of the event names it, with its unit; one member of an object by a point.
AmountName = Annotated[
    str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,39}(\.[a-z][a-z0-9_]{0,39})?$")
]
Amount = Annotated[int, msgspec.Meta(ge=0, le=10**15)]
Amounts = Annotated[dict[AmountName, Amount], msgspec.Meta(max_length=20)]
DifferenceKind = Literal["missing_here", "missing_there", "other_quantity"]
EventType = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]


class ListedEvent(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """An event that the partner has, as it stands there after its own corrections."""

    id: Name
    amounts: Amounts = {}


class ControlTotalBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Count and sums of the whole day, and if you like one part of the events behind them."""

    source: Source
    type: EventType
    day: date
    count: Annotated[int, msgspec.Meta(ge=0, le=10**9)]
    sums: Amounts = {}
    part: Annotated[int, msgspec.Meta(ge=1, le=PARTS_MAX)] = 1
    events: Annotated[list[ListedEvent], msgspec.Meta(max_length=LISTED_MAX)] | None = None


class ControlTotalAnswer(msgspec.Struct, kw_only=True):
    """What was stated; `listed` events of `count` have been named."""

    id: UUID
    source: str
    type: str
    day: date
    count: int
    sums: dict[str, int]
    listed: int
    stated_at: datetime


class Totals(msgspec.Struct, kw_only=True):
    """Activities, and the sum of each amount by its name."""

    count: int
    sums: dict[str, int]


class OurTotals(Totals, kw_only=True):
    """The same on record here; `waiting` of them are parked and credited later, if at all."""

    waiting: int


class Reconciled(msgspec.Struct, kw_only=True):
    """Theirs against ours; sums of the amounts that the partner has stated."""

    id: UUID
    source: str
    type: str
    day: date
    theirs: Totals
    ours: OurTotals
    agreed: bool
    listed: int
    stated_at: datetime
    as_of: datetime


class ReconciledPage(msgspec.Struct, kw_only=True):
    """One page of a day's reconciliation."""

    items: list[Reconciled]
    next_cursor: str | None


class DayQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A Shanghai day, and one type of event when it is named."""

    day: date
    type: EventType | None = None


class Difference(msgspec.Struct, kw_only=True):
    """One event that the two sides do not agree about.

    Attributes:
        our_outcome: What the event has become here, also when it does not count; None when it
            never came.
        theirs: Amounts that the partner stated; None when it does not have the event.
        ours: Amounts as they stand here; None when the event does not count here on this day.
    """

    event_id: str
    type: str
    kind: DifferenceKind
    our_outcome: str | None
    theirs: dict[str, int] | None
    ours: dict[str, int] | None


class DifferencePage(msgspec.Struct, kw_only=True):
    """One page of differences, by event id."""

    items: list[Difference]
    next_cursor: str | None
