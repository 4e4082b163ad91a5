"""The rules of pledges and certificates (尽责): fulfilled once, by trees, and never transferred."""

import hmac
from datetime import date
from typing import Final, Literal, NamedTuple
from uuid import UUID

from backend.errors import DomainError
from backend.ids import READABLE_ALPHABET, make_readable_code

PledgeKind = Literal["donation", "planting_day"]

TREES_PLEDGED_MAX: Final = 1_000  # a company's planting day in one member's name is a typing error
NUMBER_CHARACTERS: Final = 10  # 50 random bits: numbers cannot be walked through
NUMBER_PATTERN: Final = f"[0-9]{{4}}-[{READABLE_ALPHABET}]{{{NUMBER_CHARACTERS}}}"


class ProjectElsewhere(DomainError):
    """This project of trees belongs to another partner."""


class MoreThanPledged(DomainError):
    """More trees than are still to be planted for this pledge."""


class PlantingRecorded(DomainError):
    """This planting is on record with another content."""


class PlantedInFuture(DomainError):
    """Trees are recorded when they stand in the ground."""


class MoreThanAlive(DomainError):
    """More trees than are alive of this planting."""


class DeathsRecorded(DomainError):
    """For this day another number of dead trees is on record."""


class NotTheHolder(DomainError):
    """This is not the name that the certificate was pledged for."""


class PlantingElsewhere(DomainError):
    """This planting was certified to somebody else."""


class Pledge(NamedTuple):
    """What a member promised: `trees` in all, `fulfilled` of them planted."""

    id: UUID
    account_id: UUID
    project_id: UUID
    partner_id: UUID
    trees: int
    fulfilled: int
    region: str


class Planting(NamedTuple):
    """Trees in the ground, as a partner tells it; `planting` is its own name for them."""

    planting: str
    plot: str
    species: str
    trees: int
    planted_on: date


def check_planting(pledge: Pledge, planting: Planting, today: date) -> None:
    """Refuse trees that nobody promised, and those that are not planted yet.

    Raises:
        PlantedInFuture, MoreThanPledged.
    """
    if planting.planted_on > today:
        raise PlantedInFuture
    if planting.trees > pledge.trees - pledge.fulfilled:
        raise MoreThanPledged(left=pledge.trees - pledge.fulfilled)


def make_number(planted_on: date) -> str:
    """The number of a certificate: the year of the trees, and what nobody can guess."""
    return f"{planted_on.year:04}-{make_readable_code(NUMBER_CHARACTERS)}"


def name_hmac(secret: bytes, pledge_id: UUID, name: str) -> bytes:
    """What is kept of a holder's name, 32 bytes; equal for equal names of one pledge."""
    message = "\x1f".join(("tree holder", str(pledge_id), _plain(name)))
    return hmac.digest(secret, message.encode(), "sha256")


def initial_of(name: str) -> str:
    """The first character of a name, which is its family name in Chinese."""
    return _plain(name)[0]


def is_same_name(given: bytes, kept: bytes) -> bool:
    """Whether two names are one, compared in constant time."""
    return hmac.compare_digest(given, kept)


def _plain(name: str) -> str:
    """White space apart, a name is written as its holder writes it."""
    return "".join(name.split())
