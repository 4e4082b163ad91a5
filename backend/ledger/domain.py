"""Values of the ledger, and which points are taken first."""

from collections.abc import Iterable, Sequence
from datetime import date
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from backend.errors import DomainError

GRAMS_LOT = 0  # grams are a record in lot 0, never spent; every other lot is points

# Issues every gram; debit-normal, so its balance is what the programme has credited in all.
ISSUANCE_ACCOUNT = UUID("00000000-0000-7000-8000-000000000001")


class InsufficientPoints(DomainError):
    """The account has fewer points available than this needs."""


class HoldResolved(DomainError):
    """This hold was settled, released or expired before; a hold resolves exactly once."""


class Purpose(StrEnum):
    """Why an amount moved."""

    CREDIT = "credit"
    REVERSE = "reverse"
    SETTLE = "settle"
    REFUND = "refund"
    EXPIRE = "expire"
    CLAW_BACK = "claw_back"
    REPAY = "repay"
    ADJUST = "adjust"


class Transfer(NamedTuple):
    """One amount that moves from one account to another, in one lot; immutable once booked.

    Attributes:
        account_id: The side that keeps the row: the person's, else the merchant's or the fund's.
        cause_id: The booking, reversal, settlement or expiry that made it.
        debit: Account that gives.
        credit: Account that receives.
        amount: gCO2e in lot 0, points elsewhere; above zero.
        occurred_on: Shanghai day of the activity, which may lie before the booking.
    """

    account_id: UUID
    cause_id: UUID
    purpose: Purpose
    lot_id: int
    debit: UUID
    credit: UUID
    amount: int
    occurred_on: date


class LotBalance(NamedTuple):
    """What an account has in one lot of points."""

    lot_id: int
    expires_on: date
    posted: int
    held: int

    @property
    def available(self) -> int:
        """Points that can be held or taken."""
        return self.posted - self.held

    def spendable_on(self, day: date) -> int:
        """Points that can be spent on a Shanghai day: none once the lot is over, swept or not."""
        return self.available if self.expires_on >= day else 0


class Portion(NamedTuple):
    """A part of an amount, in one lot."""

    lot_id: int
    amount: int


def take_earliest(lots: Iterable[LotBalance], amount: int) -> Sequence[Portion]:
    """Cut `amount` points out of the lots that expire first.

    Raises:
        InsufficientPoints: The lots together hold less.
    """
    portions, missing = take_available(lots, amount)
    if missing:
        raise InsufficientPoints(needed=amount, available=amount - missing)
    return portions


def take_available(
    lots: Iterable[LotBalance], amount: int, *, first_lot: int | None = None
) -> tuple[Sequence[Portion], int]:
    """Take what is there, from `first_lot` and then by expiry; also say what is missing."""
    ordered = sorted(lots, key=lambda lot: (lot.lot_id != first_lot, lot.expires_on, lot.lot_id))
    portions = []
    for lot in ordered:
        part = min(amount, lot.available)
        if part > 0:
            portions.append(Portion(lot.lot_id, part))
            amount -= part
    return portions, amount


def without(lots: Iterable[LotBalance], gone: Iterable[Portion]) -> list[LotBalance]:
    """The lots once these portions have left them."""
    taken = dict(gone)
    return [lot._replace(posted=lot.posted - taken.get(lot.lot_id, 0)) for lot in lots]


def points_expire_on(occurred_on: date) -> date:
    """Points live until 31 December of the year after the activity.

    Source:
        The programme's default; a member has between twelve and twenty-four months to use them.
    """
    return date(occurred_on.year + 1, 12, 31)
