"""What a reviewer may decide and a member may appeal: pure rules over one case.

A photo is looked at by a person at most twice: once when the model was unsure, once when its owner
appealed, and then by somebody else. What the second one says stands.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

from backend.checkins.correction_reasons import EVIDENCE_DOES_NOT_SHOW
from backend.checkins.domain import Change, Status, final_rejection, first_rejection
from backend.checkins.reasons import (
    APPEALED,
    EDITED,
    LEFTOVERS,
    NO_PLATE,
    PHOTO_ALREADY_USED,
    RECAPTURED,
    RESIDUE,
)
from backend.review.refusals import (
    AlreadyAppealed,
    AlreadyDecided,
    AppealClosed,
    AppealNotOverdue,
    DecidedBefore,
    DecisionNotClear,
    NotAppealable,
    NotInReview,
    OwnCheckIn,
    TakenByAnother,
)

LEASE: Final = timedelta(minutes=10)  # a photo takes seconds; a telephone call should not cost it
STAND_IN_AFTER: Final = timedelta(days=3)  # holidays of the second reviewer, if there is one
TEXT_CHARACTERS_MAX: Final = 500  # some sentences; a longer story is for the help desk


class Outcome(StrEnum):
    """What a reviewer decided."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"


class Label(StrEnum):
    """What a reviewer saw, in the words that training uses."""

    CLEAN = "clean"
    RESIDUE = "residue"
    LEFTOVER = "leftover"
    FULL = "full"
    NOT_A_PLATE = "not_a_plate"
    RECAPTURED = "recaptured"
    EDITED = "edited"
    # Of photos that are no plates, such as a pair of odometers.
    SHOWN = "shown"
    NOT_SHOWN = "not_shown"


PLATE: Final = "clean_plate"
PLATE_LABELS: Final = frozenset(Label) - {Label.SHOWN, Label.NOT_SHOWN}
OTHER_LABELS: Final = frozenset({Label.SHOWN, Label.NOT_SHOWN, Label.RECAPTURED, Label.EDITED})
ACCEPTED_LABELS: Final = frozenset({Label.CLEAN, Label.SHOWN})
# What the member reads. What shows all that it should is rejected only beside one that looks alike.
REASON_OF: Final[Mapping[Label, str]] = {
    Label.CLEAN: PHOTO_ALREADY_USED,
    Label.RESIDUE: RESIDUE,
    Label.LEFTOVER: LEFTOVERS,
    Label.FULL: LEFTOVERS,
    Label.NOT_A_PLATE: NO_PLATE,
    Label.RECAPTURED: RECAPTURED,
    Label.EDITED: EDITED,
    Label.SHOWN: PHOTO_ALREADY_USED,
    Label.NOT_SHOWN: EVIDENCE_DOES_NOT_SHOW,
}


class Decision(NamedTuple):
    """One row of `review_decision`."""

    id: UUID
    check_in_id: UUID
    is_on_appeal: bool
    outcome: Outcome
    label: Label
    note: str | None
    reviewer: str
    model_sha256: str | None
    decided_at: datetime


class Appeal(NamedTuple):
    """One row of `appeal`.

    Attributes:
        reason: Why the check-in had been rejected.
    """

    check_in_id: UUID
    text: str | None
    reason: str
    appealed_at: datetime


class Lease(NamedTuple):
    """Who looks at a check-in, and until when nobody else should."""

    check_in_id: UUID
    reviewer: str
    expires_at: datetime


class Case(NamedTuple):
    """All that is known of a check-in when a reviewer or its owner says something about it.

    Attributes:
        has_look_alike: It stopped because another photo looks the same.
        decisions: At most two, the one on an appeal last.
    """

    check_in_id: UUID
    account_id: UUID
    action: str
    status: Status
    reason: str | None
    appeal_until: datetime | None
    in_review_since: datetime | None
    model_sha256: str | None
    has_look_alike: bool
    appeal: Appeal | None = None
    lease: Lease | None = None
    decisions: Sequence[Decision] = ()


class Reviewer(NamedTuple):
    """Who reviews.

    Attributes:
        name: Issuer and subject of the sign-in token.
        account_id: The reviewer's own account, for those who are members too.
        stands_in_after: How long an appeal must have waited for an operator who is no reviewer;
            None for a reviewer.
    """

    name: str
    account_id: UUID | None
    stands_in_after: timedelta | None = None


class DecisionRequest(NamedTuple):
    """A reviewer has looked."""

    check_in_id: UUID
    reviewer: Reviewer
    outcome: Outcome
    label: Label
    note: str | None


class LeaseRequest(NamedTuple):
    """A reviewer is about to look."""

    check_in_id: UUID
    reviewer: Reviewer


class AppealRequest(NamedTuple):
    """A member asks for a second look."""

    check_in_id: UUID
    account_id: UUID
    text: str | None


def decide(case: Case, request: DecisionRequest, *, id: UUID, now: datetime) -> Decision:
    """The decision to write, or the earlier one that this request repeats.

    Raises:
        OwnCheckIn, AlreadyDecided, DecidedBefore, NotInReview, AppealNotOverdue, TakenByAnother,
        DecisionNotClear.
    """
    _check_not_own(case, request.reviewer)
    is_open = case.status == Status.IN_REVIEW
    for earlier in case.decisions:
        if _is_repeated(earlier, request):
            return earlier
        if is_open and earlier.reviewer == request.reviewer.name:
            raise DecidedBefore
    if not is_open and case.decisions:
        raise AlreadyDecided(decided_at=case.decisions[-1].decided_at)
    _check_free(case, request.reviewer, now)
    _check_clear(case, request)
    return Decision(
        id,
        case.check_in_id,
        case.appeal is not None,
        request.outcome,
        request.label,
        request.note,
        request.reviewer.name,
        case.model_sha256,
        now,
    )


def change_by(decision: Decision, appeal_window: timedelta) -> Change:
    """What a decision does to its check-in; one on an appeal cannot be appealed again."""
    was = Status.IN_REVIEW
    if decision.outcome == Outcome.ACCEPTED:
        return Change(decision.check_in_id, was, Status.SCORED)
    rejected = Change(decision.check_in_id, was, Status.REJECTED, REASON_OF[decision.label])
    if decision.is_on_appeal:
        return final_rejection(rejected, decision.decided_at)
    return first_rejection(rejected, decision.decided_at, appeal_window)


def take_up(case: Case, request: LeaseRequest, now: datetime) -> Lease:
    """The lease of a reviewer; asking again renews it.

    Raises:
        OwnCheckIn, DecidedBefore, NotInReview, AppealNotOverdue, TakenByAnother.
    """
    _check_not_own(case, request.reviewer)
    if any(each.reviewer == request.reviewer.name for each in case.decisions):
        raise DecidedBefore if case.status == Status.IN_REVIEW else NotInReview
    _check_free(case, request.reviewer, now)
    return Lease(case.check_in_id, request.reviewer.name, now + LEASE)


def appeal(case: Case, request: AppealRequest, now: datetime) -> Appeal:
    """The appeal to write, or the earlier one that this request repeats.

    Raises:
        AlreadyAppealed, NotAppealable, AppealClosed.
    """
    if case.appeal is not None:
        if case.appeal.text == request.text:
            return case.appeal
        raise AlreadyAppealed(appealed_at=case.appeal.appealed_at)
    if case.status != Status.REJECTED or case.appeal_until is None or case.reason is None:
        raise NotAppealable
    if case.appeal_until < now:
        raise AppealClosed(appeal_until=case.appeal_until)
    return Appeal(case.check_in_id, request.text, case.reason, now)


def change_by_appeal(made: Appeal) -> Change:
    """What an appeal does to its check-in."""
    return Change(made.check_in_id, Status.REJECTED, Status.IN_REVIEW, APPEALED)


def _is_repeated(earlier: Decision, request: DecisionRequest) -> bool:
    said = (request.reviewer.name, request.outcome, request.label, request.note)
    return said == (earlier.reviewer, earlier.outcome, earlier.label, earlier.note)


def _check_clear(case: Case, request: DecisionRequest) -> None:
    if request.label not in (PLATE_LABELS if case.action == PLATE else OTHER_LABELS):
        raise DecisionNotClear
    is_as_it_should = request.label in ACCEPTED_LABELS
    if request.outcome == Outcome.ACCEPTED and not is_as_it_should:
        raise DecisionNotClear
    if request.outcome == Outcome.REJECTED and is_as_it_should and not case.has_look_alike:
        raise DecisionNotClear


def _check_not_own(case: Case, reviewer: Reviewer) -> None:
    if case.account_id == reviewer.account_id:
        raise OwnCheckIn


def _check_overdue(case: Case, reviewer: Reviewer, now: datetime) -> None:
    """Let an operator in where no second reviewer has come; the first decision is never theirs."""
    if reviewer.stands_in_after is None:
        return
    if case.appeal is None:
        raise AppealNotOverdue(operator_from=None)
    operator_from = case.appeal.appealed_at + reviewer.stands_in_after
    if now < operator_from:
        raise AppealNotOverdue(operator_from=operator_from)


def _check_free(case: Case, reviewer: Reviewer, now: datetime) -> None:
    """Refuse what waits for nobody, and what another reviewer has in hand."""
    if case.status != Status.IN_REVIEW:
        raise NotInReview
    _check_overdue(case, reviewer, now)
    lease = case.lease
    if lease is not None and lease.reviewer != reviewer.name and lease.expires_at > now:
        raise TakenByAnother(expires_at=lease.expires_at)
