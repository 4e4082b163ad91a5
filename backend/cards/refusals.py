"""What the rules of cards refuse, one class per problem type."""

from backend.errors import DomainError


class CardNotValid(DomainError):
    """This card is blank, blocked, replaced, or none of ours."""


class CardLocked(DomainError):
    """Five wrong PINs were typed in a row; the desk sets another one."""


class CardNotBlank(DomainError):
    """This card has a holder already, or had one."""


class CardHeld(DomainError):
    """This member has a card already; a lost one is replaced, which ends it."""


class CardNotHeld(DomainError):
    """This card has no holder, or another one took its place."""


class PinWrong(DomainError):
    """This is not the PIN of the card."""


class PinTooSimple(DomainError):
    """A PIN is six digits that are neither all the same nor a run upwards or downwards."""


class RequestElsewhere(DomainError):
    """The PIN is typed at the till that scanned the card."""
