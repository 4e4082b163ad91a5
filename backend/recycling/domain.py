"""The rules of a bag: bound by one member, weighed once, in time, sorted into what was weighed."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

from backend.errors import DomainError

BAG_CODE_PATTERN = "[0-9A-Z]{4,32}"
MASS_G_MAX = 50_000  # a bag that a person carries; more is a typing error of the station
EMPTY_G: Final = 50  # a rolled bag weighs 20 to 40 g itself; one bottle makes it more than this
PLAUSIBLE_G_MAX: Final = 20_000  # what a person carries down the stairs; more is looked at
LATE_WINDOW = timedelta(days=14)  # people bring their bags within two weeks
REMIND_BEFORE: Final = timedelta(days=3)  # holds a weekend, when people carry their bags
# Two scales, moisture and what falls through: the greater of both, in either direction.
TOLERANCE_PER_100: Final = 5
TOLERANCE_G_MIN: Final = 100


class BagUnknown(DomainError):
    """No bag of this programme carries this code."""


class BagCodeMistyped(DomainError):
    """The characters of this code do not fit each other: one is wrong, or two changed places."""


class BagForeign(DomainError):
    """This code was not made by this programme."""


class BagAlreadyBound(DomainError):
    """Another member has bound this bag."""


class BagUsed(DomainError):
    """This bag was weighed before; a code counts once."""


class BagNotBound(DomainError):
    """Nobody has bound this bag, so there is no account to credit."""


class BagAlreadyWeighed(DomainError):
    """This bag was weighed before, with another result."""


class BagAlreadySorted(DomainError):
    """This bag was sorted before, with another result."""


class BagLapsed(DomainError):
    """This bag was bound more than fourteen days ago."""


class BagLost(DomainError):
    """Its owner has reported this bag lost."""


class BagNotLosable(DomainError):
    """This bag is at the station already, so it cannot be reported lost."""


class SortingNotFitting(DomainError):
    """What was sorted out, the residue and the loss do not add up to what was weighed."""


class BagDoubtDecided(DomainError):
    """This weighing was decided before, in another way."""


class Step(StrEnum):
    """What happens to a bag, once each."""

    BOUND = "bound"
    HANDED_IN = "handed_in"
    PICKED_UP = "picked_up"
    WEIGHED = "weighed"
    SORTED = "sorted"
    LOST = "lost"
    LAPSED = "lapsed"


class Actor(StrEnum):
    """Who took a step; never which person."""

    MEMBER = "member"
    PARTNER = "partner"
    DEVICE = "device"
    COLLECTOR = "collector"
    OPERATOR = "operator"
    PROGRAMME = "programme"


class By(NamedTuple):
    """Who took a step of custody, and where.

    Attributes:
        partner_id: Whose key it was, for partners and devices.
        place: Name of the station or depot as the partner calls it.
    """

    actor: Actor
    partner_id: UUID | None = None
    place: str | None = None


class Custody(NamedTuple):
    """One link of a bag's chain; the fields are the columns of `bag_custody`.

    Attributes:
        occurred_at: When it happened, as the reporter says.
        mass_g: What the scale showed; of a sorting what was sorted out, residue included.
        quantities: Grams by material, `mass_g.pet` and so on.
        residue_g: What cannot be recycled.
        loss_g: What the station says was lost between scale and table; None if it says nothing.
    """

    code: str
    step: Step
    occurred_at: datetime
    recorded_at: datetime
    actor: Actor
    partner_id: UUID | None = None
    place: str | None = None
    mass_g: int | None = None
    quantities: Mapping[str, int] | None = None
    residue_g: int | None = None
    loss_g: int | None = None


class Bag(NamedTuple):
    """A printed code and what has happened to it.

    Attributes:
        waiting_since: Since when it waits for its scale: bound, or later handed in.
    """

    code: str
    account_id: UUID | None = None
    check_in_id: UUID | None = None
    region: str | None = None
    bound_at: datetime | None = None
    waiting_since: datetime | None = None
    weighed_at: datetime | None = None
    mass_g: int | None = None
    sorted_at: datetime | None = None
    lapsed_at: datetime | None = None
    lost_at: datetime | None = None

    @property
    def lapses_at(self) -> datetime | None:
        """Until when it must be weighed; None where nothing is waited for."""
        if self.waiting_since is None or self.is_ended:
            return None
        return self.waiting_since + LATE_WINDOW

    @property
    def stage(self) -> str:
        """Where it is in its life: a key of `custody_queries.STAGES`."""
        if self.lost_at or self.lapsed_at:
            return "lost" if self.lost_at else "lapsed"
        if self.weighed_at:
            return "sorted" if self.sorted_at else "weighed"
        return "waiting" if self.bound_at else "printed"

    @property
    def is_ended(self) -> bool:
        """Whether it was weighed, has lapsed or is lost: no weighing counts any more."""
        return bool(self.weighed_at or self.lapsed_at or self.lost_at)

    def is_late(self, moment: datetime) -> bool:
        """Whether a weighing at `moment` comes after the time that a bag has."""
        return self.waiting_since is not None and moment - self.waiting_since > LATE_WINDOW

    def why_ended(self) -> DomainError | None:
        """The refusal of a bag whose life is over without a weighing."""
        if self.lost_at is not None:
            return BagLost(lost_at=self.lost_at.isoformat())
        return BagLapsed() if self.lapsed_at is not None else None


def why_not_bound(bag: Bag, account_id: UUID) -> DomainError | None:
    """Why a member cannot bind a bag that somebody has bound; None when she did so herself.

    Her own stays hers when it is weighed: a phone that lost the answer asks again.
    """
    if (ended := bag.why_ended()) is not None:
        return ended
    if bag.account_id == account_id:
        return None
    return BagAlreadyBound() if bag.weighed_at is None else BagUsed()


def doubt_of(mass_g: int) -> str | None:
    """Why an operator must look at a weighing before it is credited; None when it is plausible."""
    if mass_g < EMPTY_G:
        return "empty"
    return "too_heavy" if mass_g > PLAUSIBLE_G_MAX else None


def tolerance_g(weighed_g: int) -> int:
    """How far the sum of a sorting may be from what was weighed, grams."""
    return max(TOLERANCE_G_MIN, weighed_g * TOLERANCE_PER_100 // 100)


def check_balance(weighed_g: int, sorted_g: int, *, states_loss: bool = False) -> None:
    """Nothing appears and nothing vanishes between the scale and the sorting table.

    Args:
        weighed_g: What the scale showed, grams.
        sorted_g: All shares together: materials, residue, and the loss if one is stated.
        states_loss: A loss is the rest of the weight, so it leaves nothing open.

    Raises:
        SortingNotFitting: Further apart than the tolerance.
    """
    tolerance = 0 if states_loss else tolerance_g(weighed_g)
    if abs(weighed_g - sorted_g) > tolerance:
        raise SortingNotFitting(weighed_g=weighed_g, sorted_g=sorted_g, tolerance_g=tolerance)


class Doubt(NamedTuple):
    """A weighing that an operator must look at; the fields are the columns of `bag_doubt`.

    Attributes:
        outcome: `pending`, `credited` or `dismissed`.
        mass_g_decided: What the operator found instead of what was reported.
    """

    id: UUID
    code: str
    kind: str
    quantities: Mapping[str, int]
    residue_g: int
    actor: Actor
    partner_id: UUID | None
    place: str | None
    weighed_at: datetime
    reported_at: datetime
    outcome: str = "pending"
    mass_g_decided: int | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None
    loss_g: int | None = None

    @property
    def mass_g(self) -> int:
        """What was reported, grams."""
        return sum(self.quantities.values()) + self.residue_g + (self.loss_g or 0)
