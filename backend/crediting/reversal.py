"""A decision of the programme to reverse what was credited: values, refusals, who must agree.

A reversal takes from a member what she has seen on her account. So it has a reason and a note that
she reads, and a large one needs a second person.
"""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from backend.errors import DomainError


class ReversalOutcome(StrEnum):
    """Where a request to reverse stands."""

    PENDING = "pending"
    DONE = "done"
    DECLINED = "declined"


class ReversalAsked(DomainError):
    """Somebody has asked for the reversal of this check-in before."""


class ReversalDecided(DomainError):
    """This reversal was decided before."""


class ReversalNeedsSecondPerson(DomainError):
    """Whoever asked for this reversal cannot decide it; a large one needs two persons."""


class Asked(NamedTuple):
    """An operator asks to reverse a check-in; `note` is what the member reads."""

    check_in_id: UUID
    reason: str
    note: str
    operator: str


class Decided(NamedTuple):
    """A second operator approves a pending reversal, or declines it."""

    request_id: UUID
    operator: str
    is_approved: bool


class ReversalRequest(NamedTuple):
    """One request; the fields are the columns of `reversal_request`.

    Attributes:
        grams: Of the booking that counted when it was asked for.
    """

    id: UUID
    check_in_id: UUID
    grams: int
    reason: str
    note: str
    requested_by: str
    requested_at: datetime
    outcome: ReversalOutcome
    decided_by: str | None = None
    decided_at: datetime | None = None

    def is_asked_by(self, asked: Asked) -> bool:
        """Whether this is the same request, sent again."""
        return (self.requested_by, self.reason, self.note) == (
            asked.operator,
            asked.reason,
            asked.note,
        )


class Reversed(NamedTuple):
    """A request as it stands, and the check-ins whose credit changed just now."""

    request: ReversalRequest
    corrected: tuple[UUID, ...] = ()
    is_replay: bool = False


def opening_outcome(grams: int, alone_grams_max: int) -> ReversalOutcome:
    """One person is enough up to the programme's limit."""
    return ReversalOutcome.DONE if grams <= alone_grams_max else ReversalOutcome.PENDING


def decision_on(request: ReversalRequest, decided: Decided) -> ReversalOutcome:
    """What a request becomes by this decision.

    Raises:
        ReversalDecided: It was decided before.
        ReversalNeedsSecondPerson: The person who asked wants to decide too.
    """
    if request.outcome != ReversalOutcome.PENDING:
        raise ReversalDecided(outcome=request.outcome)
    if request.requested_by == decided.operator:
        raise ReversalNeedsSecondPerson
    return ReversalOutcome.DONE if decided.is_approved else ReversalOutcome.DECLINED
