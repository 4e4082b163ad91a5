"""What reviewers and appealing members are refused."""

from backend.errors import DomainError


class NotInReview(DomainError):
    """This check-in does not wait for a reviewer."""


class AlreadyDecided(DomainError):
    """This check-in was decided, and differently or by somebody else."""


class OwnCheckIn(DomainError):
    """Nobody reviews a check-in of their own."""


class DecidedBefore(DomainError):
    """An appeal is decided by somebody else than the reviewer who rejected."""


class AppealNotOverdue(DomainError):
    """An operator stands in for a second reviewer only when an appeal has waited for days."""


class TakenByAnother(DomainError):
    """Another reviewer is looking at this check-in."""


class DecisionNotClear(DomainError):
    """The label does not fit the action, or the outcome: what is shown as it should is accepted."""


class NotAppealable(DomainError):
    """Only a photo that was rejected can be appealed, and only where a look at it can help."""


class AlreadyAppealed(DomainError):
    """A check-in can be appealed once, and this one was."""


class AppealClosed(DomainError):
    """The time in which this check-in could be appealed is over."""
