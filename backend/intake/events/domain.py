"""A partner's event as a value, what it says was done, and the refusals that are its own.

An event reports an activity, completes one, corrects one or withdraws one. What counts in the end
depends on the set of events about one activity, never on the order in which they came.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID

import msgspec

from backend.crediting.domain import Credit
from backend.errors import DomainError
from backend.http.principal import Reach
from backend.http.problem import Refusal

# The widest late window of the catalogue: an older `time` is a clock that was never set.
EVENT_AGE_MAX = timedelta(days=400)
_NEVER = datetime.min.replace(tzinfo=UTC)


# A partner's own name for one thing: an order, a parcel, a meter, a planting.
Thing = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class EventIdReused(DomainError):
    """This source and id named another event before."""


class EventTypeUnknown(Refusal):
    """Events of this type are not taken."""


class CorrectionTooWide(DomainError):
    """A correction keeps the kind, the start and what was claimed; here one of them differs."""


class Role(StrEnum):
    """What an event does to an activity."""

    REPORTED = "reported"
    COMPLETED = "completed"
    CORRECTED = "corrected"
    WITHDRAWN = "withdrawn"


class EventKey(NamedTuple):
    """What names an event for ever."""

    partner_id: UUID
    source: str
    event_id: str


class Deed(NamedTuple):
    """What an event says was done.

    Attributes:
        occurred_at: Start of the activity; None in an event that completes one.
        quantities: Activity data in base units.
        claim: What is used up: a word for the kind of thing, and its name.
        claimed_by: Whether the name is the member's own (a ride) or the partner's (an order).
        natural_key: Its place among activities of one moment; the event's own name unless given.
        further_claims: What else is used up, such as the other days of a period.
        told_from: When it could be told first, from which its late window runs; the start unless
            given.
        open_for: How long it waits for the event that completes it.
        bag: Code of the bag whose binding names the member.
        residue_g: What sorting the bag left over, and `loss_g` what was lost before.
        tray: Device and sequence of the tray whose photo is judged, with a colon between.
    """

    action: str
    occurred_at: datetime | None
    ended_at: datetime | None
    quantities: Mapping[str, int]
    claim: tuple[str, ...]
    claimed_by: Literal["account", "partner"] = "partner"
    region: str | None = None
    natural_key: str | None = None
    further_claims: tuple[tuple[str, ...], ...] = ()
    told_from: datetime | None = None
    open_for: timedelta | None = None
    bag: str | None = None
    tray: str | None = None
    residue_g: int = 0
    loss_g: int | None = None


def _anything(_: Deed, __: datetime) -> None:
    """Nothing more to check than the times that every deed has."""


def _nothing(_: Any) -> None:
    """No event of this kind completes another one."""


class EventKind(NamedTuple):
    """One row of the table of event types.

    Attributes:
        name: Without its version: `tanhui.trip` stands for `tanhui.trip.v1`,
            `tanhui.trip.corrected.v1` and `tanhui.trip.withdrawn.v1`.
        data: Struct, or tagged union of such, of the event's data.
        deed: What the data says was done; pure, and refuses what cannot be.
        check: Refuses a deed that is not plausible at `now`, completed or corrected as it is.
        completes: The id of the event that this data completes, if it does.
        has_subject: Whether `subject` names the partner's customer.
    """

    name: str
    title_zh: str
    title_en: str
    data: Any
    deed: Callable[[Any], Deed]
    examples: tuple[Any, ...]
    check: Callable[[Deed, datetime], None] = _anything
    completes: Callable[[Any], str | None] = _nothing
    has_subject: bool = True


class PartnerEvent(NamedTuple):
    """One event, read and found good in itself.

    Attributes:
        about: Id of the event that this one completes, corrects or withdraws; of the same source.
        told_at: The event's `time`.
        region: Where it counts unless its data says otherwise.
        reported_by: `partner` or `device`, as the key is one.
        body: What identity is decided by, as canonical JSON; kept while the event waits.
        waits_for: It was recorded before and waits in `parked_event`, for this.
        reach: Where its key may report from; None is everywhere, or was looked at before.
    """

    key: EventKey
    kind: EventKind
    role: Role
    subject: str | None
    about: str | None
    told_at: datetime | None
    data: Any
    region: str
    reported_by: str
    body: bytes
    sha256: bytes
    waits_for: str | None = None
    reach: Reach | None = None

    @property
    def type(self) -> str:
        """The CloudEvents type."""
        return type_name(self.kind.name, self.role)

    @property
    def story(self) -> EventKey:
        """The event that reports the activity: this one, or the one that it is about."""
        return self.key if self.about is None else self.key._replace(event_id=self.about)

    @property
    def is_waiting(self) -> bool:
        """Whether it is on record already."""
        return self.waits_for is not None

    @property
    def rank(self) -> tuple[int, datetime, str]:
        """Of the changes to one activity the highest counts, whenever it arrived."""
        return rank_of(self.role, self.told_at, self.key.event_id)


class Wait(NamedTuple):
    """What an event waits for, and until when.

    Attributes:
        waits_for: `link`, `event`, `bag`, `tap_out`, `tray` or `score`.
        awaited: The partner's customer, the event's id, the bag's code or the tray.
    """

    waits_for: str
    awaited: str
    until: datetime


class Became(NamedTuple):
    """What an event has become.

    Attributes:
        status: credited, doubted, corrected, withdrawn, superseded, parked or duplicate.
        credit: The booking that counts now, if there is one.
    """

    status: str
    check_in_id: UUID | None = None
    credit: Credit | None = None
    wait: Wait | None = None


class Standing(NamedTuple):
    """An event as it is on record, with the check-in that its activity has become."""

    sha256: bytes
    type: str
    role: Role
    about: str | None
    outcome: str
    check_in_id: UUID | None
    account_id: UUID | None
    action: str | None
    occurred_at: datetime | None
    ended_at: datetime | None


def type_name(name: str, role: Role) -> str:
    """`tanhui.trip.v1`, `tanhui.trip.corrected.v1`; what completes is a report by its type."""
    if role in {Role.CORRECTED, Role.WITHDRAWN}:
        return f"{name}.{role.value}.v1"
    return f"{name}.v1"


def rank_of(role: Role, told_at: datetime | None, event_id: str) -> tuple[int, datetime, str]:
    """The order of changes to one activity: completions first, then corrections by their time."""
    places = {Role.COMPLETED: 0, Role.CORRECTED: 1, Role.WITHDRAWN: 2}
    is_completion = role == Role.COMPLETED
    return (places[role], _NEVER if is_completion else told_at or _NEVER, event_id)
