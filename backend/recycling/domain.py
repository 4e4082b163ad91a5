"""The rules of a bag: bound by one member, weighed once, in time."""

from datetime import timedelta

from backend.errors import DomainError

BAG_CODE_PATTERN = "[0-9A-Z]{4,32}"
MASS_G_MAX = 50_000  # a bag that a person carries; more is a typing error of the station
LATE_WINDOW = timedelta(days=14)  # methodology.md, late windows: a bag counts within two weeks


class BagUnknown(DomainError):
    """No bag of this programme carries this code."""


class BagAlreadyBound(DomainError):
    """Another member has bound this bag."""


class BagNotBound(DomainError):
    """Nobody has bound this bag, so there is no account to credit."""


class BagAlreadyWeighed(DomainError):
    """This bag was weighed before, with another result."""


class BagLapsed(DomainError):
    """This bag was bound more than fourteen days ago."""
