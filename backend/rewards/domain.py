"""Rewards and vouchers as values, and who may redeem what, when and where."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from backend.errors import DomainError
from backend.ledger.domain import InsufficientPoints
from backend.rewards.refusals import (
    AccountTooYoung,
    LimitReached,
    OutOfStock,
    PhoneNotBound,
    RewardElsewhere,
    RewardNotOffered,
    VoucherAlreadyExpired,
    VoucherAlreadySettled,
    VoucherAlreadyUndone,
    VoucherAlreadyVoided,
    VoucherBeingFulfilled,
)
from backend.units import SHANGHAI

MANAGER, CASHIER = "merchant_manager", "cashier"
STOCK_SLICES = 8  # as many as a fund has: more than the writers of two API processes
# Fewer pieces than this stand in one row: cutting ten pieces into eight helps nobody.
SLICED_FROM_PIECES = 1_000
UNDO_WITHIN = timedelta(minutes=10)  # a cashier sees the mistake while the customer is there


class VoucherStatus(StrEnum):
    """The life of a voucher: two states that hold points, then ends; `settled` can be undone.

    `fulfilling` waits for a partner's system, and only what that says ends it.
    """

    ISSUED = "issued"
    FULFILLING = "fulfilling"
    SETTLED = "settled"
    VOIDED = "voided"
    EXPIRED = "expired"
    UNDONE = "undone"
    RETURNED = "returned"


_ENDED: Mapping[VoucherStatus, tuple[type[DomainError], str]] = {
    VoucherStatus.SETTLED: (VoucherAlreadySettled, "settled_at"),
    VoucherStatus.VOIDED: (VoucherAlreadyVoided, "voided_at"),
    VoucherStatus.EXPIRED: (VoucherAlreadyExpired, "expired_at"),
    VoucherStatus.UNDONE: (VoucherAlreadyUndone, "undone_at"),
    VoucherStatus.RETURNED: (VoucherAlreadyVoided, "returned_at"),
}


def not_usable(
    status: VoucherStatus, *, expires_at: datetime, ended_at: datetime | None, now: datetime
) -> DomainError | None:
    """Why a voucher can be neither settled nor voided; it is over at the moment it expires."""
    if status is VoucherStatus.ISSUED:
        is_over = now >= expires_at
        return VoucherAlreadyExpired(expired_at=expires_at.isoformat()) if is_over else None
    if status is VoucherStatus.FULFILLING:
        return VoucherBeingFulfilled()
    kind, name = _ENDED[status]
    return kind(**{name: ended_at.isoformat() if ended_at else None})


class Reward(NamedTuple):
    """What is offered for points.

    Attributes:
        fund_id: Only points of this fund buy it; None takes any.
        regions: Six-digit codes; a city covers its districts. Empty means everywhere.
        is_offered: Neither the reward nor its merchant is paused.
        is_stocked: Whether its pieces are counted.
        recipient: What a member names for the partner: `phone`, `account`, or None for nothing.
    """

    id: UUID
    merchant_id: UUID
    points: int
    fund_id: UUID | None
    fulfilment: str
    regions: Sequence[str]
    valid_from: datetime
    valid_until: datetime | None
    voucher_days: int
    limit_per_member: int | None
    limit_per_period: int | None
    period: str | None
    is_offered: bool
    is_stocked: bool
    recipient: str | None


class Taken(NamedTuple):
    """How often a member has redeemed one reward, without what was given back."""

    ever: int = 0
    day: int = 0
    week: int = 0
    month: int = 0

    def plus_one(self) -> "Taken":
        """With one more, redeemed at this moment."""
        return Taken(*(count + 1 for count in self))


class Standing(NamedTuple):
    """What is known of the member who redeems.

    Attributes:
        points: Available in lots that have not expired, by fund.
    """

    opened_at: datetime
    has_redeemed: bool
    is_phone_verified: bool
    points: Mapping[UUID, int]


class FirstRedemption(NamedTuple):
    """What a programme asks for before the first voucher: farms of accounts wait and need phones.

    Attributes:
        account_age: How long the account must have existed.
    """

    needs_phone: bool
    account_age: timedelta


def why_not(
    reward: Reward,
    standing: Standing,
    taken: Taken,
    *,
    first: FirstRedemption,
    region: str,
    now: datetime,
) -> DomainError | None:
    """Why this member cannot redeem this reward here and now; stock is looked at elsewhere."""
    return (
        not_offered(reward, region=region, now=now)
        or _not_yet(standing, first, now)
        or _over_limit(reward, taken)
        or _too_dear(reward, standing.points)
    )


def not_offered(reward: Reward, *, region: str, now: datetime) -> DomainError | None:
    """Why nobody can redeem this reward here and now."""
    if not reward.is_offered or now < reward.valid_from:
        return RewardNotOffered(valid_from=reward.valid_from.isoformat())
    if reward.valid_until is not None and now >= reward.valid_until:
        return RewardNotOffered(valid_until=reward.valid_until.isoformat())
    if reward.regions and not set(reward.regions) & set(regions_around(region)):
        return RewardElsewhere(regions=list(reward.regions))
    return None


def out_of_stock(reward: Reward, pieces_left: int) -> DomainError | None:
    """Whether there is a piece."""
    return OutOfStock() if reward.is_stocked and pieces_left < 1 else None


def regions_around(region: str) -> Sequence[str]:
    """The district, its city and its province, as six digits each.

    Source:
        GB/T 2260: two digits for the province, two for the city, two for the district.
    """
    return (region, f"{region[:4]}00", f"{region[:2]}0000")


def period_starts(now: datetime) -> tuple[datetime, datetime, datetime]:
    """When the Shanghai day, week (from Monday) and month of `now` began."""
    day = now.astimezone(SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0)
    return day, day - timedelta(days=day.weekday()), day.replace(day=1)


def spendable_points(points: Mapping[UUID, int], fund_id: UUID | None) -> int:
    """Points that may buy what this fund pays for."""
    return sum(points.values()) if fund_id is None else points.get(fund_id, 0)


def slices_of(pieces: int) -> Iterable[tuple[int, int]]:
    """(slice, pieces): a large stock is cut, so that no batch waits for another one's row."""
    if pieces < SLICED_FROM_PIECES:
        return [(0, pieces)]
    share, rest = divmod(pieces, STOCK_SLICES)
    return [(number, share + (rest if number == 0 else 0)) for number in range(STOCK_SLICES)]


def _not_yet(standing: Standing, first: FirstRedemption, now: datetime) -> DomainError | None:
    if standing.has_redeemed:
        return None
    if first.needs_phone and not standing.is_phone_verified:
        return PhoneNotBound()
    redeem_from = standing.opened_at + first.account_age
    return AccountTooYoung(redeem_from=redeem_from.isoformat()) if now < redeem_from else None


def _over_limit(reward: Reward, taken: Taken) -> DomainError | None:
    if reward.limit_per_member is not None and taken.ever >= reward.limit_per_member:
        return LimitReached(limit=reward.limit_per_member)
    if reward.period is None or reward.limit_per_period is None:
        return None
    if taken._asdict()[reward.period] >= reward.limit_per_period:
        return LimitReached(limit=reward.limit_per_period, period=reward.period)
    return None


def _too_dear(reward: Reward, points: Mapping[UUID, int]) -> DomainError | None:
    available = spendable_points(points, reward.fund_id)
    if available < reward.points:
        return InsufficientPoints(needed=reward.points, available=available)
    return None
