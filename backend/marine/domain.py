"""The rules of the way from the shore to a product: what a step may take and make.

A step takes mass out of lots and makes lots. What it makes and what it states as lost are together
what it took: between the shore and the product nothing appears and nothing vanishes unseen.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple
from uuid import UUID

from backend.errors import DomainError
from backend.ids import READABLE_ALPHABET, make_readable_code

Stage = Literal["shore", "port", "sorter", "recycler"]
Waste = Literal["sorted_plastic", "unsorted_waste"]
Material = Literal["unsorted_waste", "sorted_plastic", "product"]
LossReason = Literal["drying", "not_plastic", "residue", "spilled", "other"]

STAGES: Final[tuple[Stage, ...]] = ("shore", "port", "sorter", "recycler")
# What a site can make of what it holds; everything else it can only merge, split and pass on.
MAKES: Final[dict[tuple[str, str], str]] = {
    ("sorter", "unsorted_waste"): "sorted_plastic",
    ("recycler", "sorted_plastic"): "product",
}

MASS_G_MAX: Final = 500_000  # a boat's load on a beach scale; more is weighed in portions
LOTS_PER_STEP_MAX: Final = 100  # a truck's worth of sacks
HAND_INS_PER_LOT_MAX: Final = 500
HAND_IN_WAITS: Final = timedelta(days=7)  # as long as the late window of TPH-MARINE-01
CLOCK_TOLERANCE: Final = timedelta(minutes=5)  # scales and tablets are a little fast
FEN_PER_KG_MAX: Final = 100_000  # 1,000 yuan a kilogram is a typing error
G_PER_KG: Final = 1_000
TRACED_PEOPLE_MIN: Final = 10  # ADR 0008: fewer people behind a mass could be named

CODE_CHARACTERS: Final = 12  # 60 random bits: nobody meets another lot's code by typing
CODE_PATTERN: Final = f"[{READABLE_ALPHABET}]{{{CODE_CHARACTERS}}}"


class SiteElsewhere(DomainError):
    """This site belongs to another partner, or is not of the stage that this needs."""


class HandInUnknown(DomainError):
    """No hand-in carries this code."""


class HandInLapsed(DomainError):
    """This hand-in was requested more than seven days ago."""


class HandInWeighed(DomainError):
    """This hand-in was weighed before, with another result."""


class HandInNotWeighed(DomainError):
    """Nobody has weighed this hand-in."""


class HandInGathered(DomainError):
    """A hand-in goes into one lot, and this one is in a lot already."""


class HandInPaid(DomainError):
    """This hand-in was paid before, with other terms."""


class LotUnknown(DomainError):
    """No lot carries this code."""


class LotElsewhere(DomainError):
    """A lot moves on from stage to stage; this one is not on its way to this site."""


class MoreThanLeft(DomainError):
    """More was taken out of a lot than is left of it."""


class LotWithdrawn(DomainError):
    """The step that made this lot was withdrawn; what it was made of is back where it was."""


class StepBuiltUpon(DomainError):
    """Later steps have taken from what this one made: they are withdrawn first."""


class StepNotWithdrawn(DomainError):
    """A step takes the place of one at the same site that was withdrawn and has no other heir."""


class MaterialsMixed(DomainError):
    """A step takes one material, and this one takes several."""


class MaterialNotMadeHere(DomainError):
    """This site cannot make this material of what it takes."""


class MassNotBalanced(DomainError):
    """What a step makes and loses is not what it takes."""


class StepOutOfOrder(DomainError):
    """A step happens after what it takes was there, and not in the future."""


class PayoutPeriodNotValid(DomainError):
    """A period of payouts begins on or before its end and is at most 366 days long."""


class PayoutsTooMany(DomainError):
    """This period has more payouts than a file should."""


class ShoreWeighingNotClear(DomainError):
    """A hand-in is named by its code or by the station's own name of a customer, not by both."""


class Site(NamedTuple):
    """Where material is kept on its way."""

    id: UUID
    partner_id: UUID
    stage: str
    region: str


class Lot(NamedTuple):
    """An amount of one material at one site, in grams, with what is left of it."""

    id: UUID
    code: str
    site_id: UUID
    stage: str
    material: str
    mass_g: int
    left_g: int
    formed_at: datetime
    is_withdrawn: bool = False


class Taking(NamedTuple):
    """Grams out of one lot."""

    lot: Lot
    mass_g: int


class Making(NamedTuple):
    """A lot that a step makes, in grams."""

    material: str
    mass_g: int


class Loss(NamedTuple):
    """Grams that are in no lot any more, and why."""

    mass_g: int
    reason: str


class Step(NamedTuple):
    """What a step comes to: `taken_g` is `made_g` plus `loss_g`."""

    kind: Literal["gathered", "moved", "processed"]
    taken_g: int
    made_g: int
    loss_g: int
    loss_reason: str | None


def decide_step(
    site: Site,
    takings: Sequence[Taking],
    makings: Sequence[Making],
    loss: Loss | None,
    *,
    occurred_at: datetime,
    now: datetime,
) -> Step:
    """What this step is; the lots are locked, and each is named once.

    Raises:
        StepOutOfOrder, LotWithdrawn, MoreThanLeft, MaterialsMixed, LotElsewhere,
        MaterialNotMadeHere, MassNotBalanced.
    """
    check_order([each.lot.formed_at for each in takings], occurred_at, now)
    for lot, mass_g in takings:
        if lot.is_withdrawn:
            raise LotWithdrawn(lot=lot.code)
        if mass_g > lot.left_g:
            raise MoreThanLeft(lot=lot.code, left_g=lot.left_g)
    is_move = _is_move(site, [each.lot for each in takings])
    _check_materials(site, takings, makings, is_move=is_move)
    taken_g = sum(each.mass_g for each in takings)
    made_g = sum(each.mass_g for each in makings)
    loss_g = loss.mass_g if loss else 0
    if taken_g != made_g + loss_g:
        raise MassNotBalanced(taken_g=taken_g, made_g=made_g, loss_g=loss_g)
    kind: Literal["moved", "processed"] = "moved" if is_move else "processed"
    return Step(kind, taken_g, made_g, loss_g, loss.reason if loss else None)


def check_order(there_since: Sequence[datetime], occurred_at: datetime, now: datetime) -> None:
    """Refuse a step before its material was there, or one that has not happened yet.

    Raises:
        StepOutOfOrder.
    """
    if occurred_at > now + CLOCK_TOLERANCE:
        raise StepOutOfOrder(now=now.isoformat())
    if occurred_at < max(there_since):
        raise StepOutOfOrder(there_since=max(there_since).isoformat())


def payout_fen(mass_g: int, fen_per_kg: int) -> int:
    """What a hand-in is paid, in fen, rounded down: less than a fen cannot be handed over."""
    return mass_g * fen_per_kg // G_PER_KG


def make_code() -> str:
    """A code for a hand-in or a lot."""
    return make_readable_code(CODE_CHARACTERS)


def _is_move(site: Site, lots: Sequence[Lot]) -> bool:
    """All lots are here, or all of them come from earlier stages."""
    here = [lot for lot in lots if lot.site_id == site.id]
    if len(here) == len(lots):
        return False
    arriving = STAGES.index(site.stage)
    for lot in lots:
        if STAGES.index(lot.stage) >= arriving:
            raise LotElsewhere(lot=lot.code, stage=lot.stage)
    return True


def _check_materials(
    site: Site, takings: Sequence[Taking], makings: Sequence[Making], *, is_move: bool
) -> None:
    taken = {each.lot.material for each in takings}
    if len(taken) > 1:
        raise MaterialsMixed(materials=sorted(taken))
    [material] = taken
    made_here = None if is_move else MAKES.get((site.stage, material))
    for each in makings:
        if each.material not in {material, made_here}:
            raise MaterialNotMadeHere(taken=material, made=each.material)
