"""What crediting is about: orders, credits, corrections and claims, as values.

What is booked for a set of activities is decided in `day_rule`.
"""

import hmac
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple, cast
from uuid import UUID

from backend.campaigns.domain import PointsRules, Price
from backend.errors import DomainError
from backend.units import shanghai_day
from scoring.methodology import (
    Activity,
    CannotCalculate,
    Catalogue,
    Reason,
    Reduction,
    Tier,
    period_of,
    reduce_period,
)

PeriodKey = tuple[UUID, str]


class EvidenceAlreadyUsed(DomainError):
    """This photo, bag, ride or meal was counted before; each real thing counts once."""


class ActivityNotCovered(DomainError):
    """No published methodology covers this activity on its date and in its region."""


class NotCredited(DomainError):
    """This check-in is not credited, or not any more, so there is nothing to correct."""


class Order(NamedTuple):
    """An accepted activity that asks to be credited.

    Attributes:
        quantities: Activity data in base units.
        claim: Key of the real thing that this activity uses up for ever, made by `claim_key`.
        vesting_h: Hours that its points wait: evidence that a person could fake is paid later.
    """

    check_in_id: UUID
    account_id: UUID
    action: str
    methodology_id: str
    natural_key: str
    occurred_at: datetime
    ended_at: datetime | None
    quantities: Mapping[str, int]
    tier: str
    region: str
    claim: bytes | None = None
    vesting_h: int = 0


class Admitted(NamedTuple):
    """An order that a methodology covers, with its period and what it earns alone."""

    order: Order
    activity: Activity
    period: PeriodKey
    alone: Reduction


class Credit(NamedTuple):
    """One booking; the fields are the columns of `credit` without `lot_id` and `booked_at`."""

    id: UUID
    check_in_id: UUID
    booking: int
    account_id: UUID
    period: str
    action: str
    methodology_id: str
    natural_key: str
    occurred_at: datetime
    ended_at: datetime | None
    occurred_on: date
    quantities: Mapping[str, int]
    tier: str
    region: str
    version: str
    engine: int
    allowed: Mapping[str, int]
    unrounded: str
    grams: int
    reason: str | None
    points: int
    points_reason: str | None
    points_rule: str


class Booked(NamedTuple):
    """A live credit of a period, as it was read under the account lock."""

    credit: Credit
    lot_id: int


class Cause(NamedTuple):
    """Why a period was calculated again; the fields are the columns of `restatement`.

    Attributes:
        check_in_id: The activity that arrived late, was corrected, withdrawn or reversed.
        reason: Code of `backend.checkins.reasons`.
        note: What the programme tells the member beside the reason's own words.
        decided_by: Principal, where a person decided; `approved_by` is the second one.
    """

    id: UUID
    check_in_id: UUID
    account_id: UUID
    reason: str
    note: str | None = None
    decided_by: str | None = None
    approved_by: str | None = None


class Correction(NamedTuple):
    """A live credit that changed, and what replaces it.

    Attributes:
        new: Without grams and points where the activity counts no longer.
        reason: Of this one change; another activity of the day has its own.
        stands: False where the activity counts no longer, and `new` is not booked.
    """

    old: Booked
    reversal_id: UUID
    new: Credit
    cause: Cause
    reason: str
    stands: bool = True


class Decision(NamedTuple):
    """All that a batch books; new credits are keyed by check-in."""

    credits: Mapping[UUID, Credit]
    corrections: Sequence[Correction]
    causes: Sequence[Cause] = ()


def claim_key(secret: bytes, kind: str, *parts: str) -> bytes:
    """HMAC-SHA256 of what names one real thing; 32 bytes that tell nobody what it was."""
    return hmac.digest(secret, "\x1f".join((kind, *parts)).encode(), "sha256")


def fold_equal_claims(
    orders: Iterable[Order],
) -> tuple[list[Order], dict[UUID, DomainError]]:
    """Keep the first order of each claim within the batch; later ones are refused."""
    taken: set[bytes] = set()
    kept: list[Order] = []
    refused: dict[UUID, DomainError] = {}
    for order in orders:
        if order.claim is not None and order.claim in taken:
            refused[order.check_in_id] = EvidenceAlreadyUsed()
            continue
        if order.claim is not None:
            taken.add(order.claim)
        kept.append(order)
    return kept, refused


def activity_of(item: Order | Credit) -> Activity:
    """The engine's view of an order or of a booked credit."""
    return Activity(
        item.natural_key,
        item.methodology_id,
        item.occurred_at,
        item.ended_at,
        item.quantities,
        Tier(item.tier),
        item.region,
    )


def reduction_of(credit: Credit) -> Reduction:
    """The stored reduction behind a booking, as the engine gave it."""
    return Reduction(
        credit.natural_key,
        credit.grams,
        credit.unrounded,
        credit.allowed,
        cast("Reason | None", credit.reason),
        credit.version,
        credit.engine,
        (),
    )


def admit(
    orders: Iterable[Order], catalogue: Catalogue, closed: Collection[str] = ()
) -> tuple[list[Admitted], dict[UUID, DomainError]]:
    """Orders that a methodology covers, each with what it earns alone; the rest are refused.

    This comes before claims are taken, because a claim is never freed. `closed` are the hashes of
    versions that take no new bookings.
    """
    admitted: list[Admitted] = []
    refused: dict[UUID, DomainError] = {}
    for order in orders:
        activity = activity_of(order)
        try:
            period = period_of(activity, catalogue)
            alone = reduce_period((activity,), catalogue)[order.natural_key]
        except CannotCalculate as error:
            refused[order.check_in_id] = ActivityNotCovered(str(error))
            continue
        if alone.version in closed:
            refused[order.check_in_id] = ActivityNotCovered("The methodology's version is closed.")
        else:
            admitted.append(Admitted(order, activity, (order.account_id, period), alone))
    return admitted, refused


def price_of(item: Order | Credit, points: PointsRules) -> Price:
    """Points that an activity earns if it has grams, and the fund that pays them."""
    day = item.occurred_on if isinstance(item, Credit) else shanghai_day(item.occurred_at)
    is_documented = item.tier == Tier.DOCUMENTED
    return points.price(item.action, item.region, day, is_documented=is_documented)
