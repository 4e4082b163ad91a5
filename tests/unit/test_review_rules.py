"""Who may decide and appeal what, as tables; no database."""

from datetime import timedelta

import pytest

from backend.checkins.domain import (
    DECIDED,
    NO_PLATE_KEPT,
    SETTLED,
    Change,
    Status,
    final_rejection,
    first_rejection,
    outcomes_after,
)
from backend.checkins.reasons import REASONS
from backend.ids import uuid7
from backend.review.answers import thresholds_of
from backend.review.domain import (
    REASON_OF,
    Appeal,
    AppealRequest,
    Case,
    Decision,
    DecisionRequest,
    Label,
    Lease,
    LeaseRequest,
    Outcome,
    Reviewer,
    appeal,
    change_by,
    decide,
    take_up,
)
from backend.review.refusals import (
    AlreadyAppealed,
    AlreadyDecided,
    AppealClosed,
    DecidedBefore,
    DecisionNotClear,
    NotAppealable,
    NotInReview,
    OwnCheckIn,
    TakenByAnother,
)
from scoring.model_card import load_card
from tests.builders import NOON

WEEK = timedelta(days=7)
ID, OWNER = uuid7(), uuid7()
REV, OTHER = Reviewer("issuer|rev", None), Reviewer("issuer|other", uuid7())
MEMBER = Reviewer("issuer|li", OWNER)
REJECTED = Decision(
    *(uuid7(), ID, False, Outcome.REJECTED, Label.LEFTOVER, None, REV.name, "model", NOON)
)
APPEALED = Appeal(ID, "look again", "leftovers", NOON)


def make_case(**changes):
    case = Case(
        ID,
        OWNER,
        "clean_plate",
        Status.IN_REVIEW,
        "uncertain",
        None,
        NOON,
        "model",
        has_look_alike=False,
    )
    return case._replace(**changes)


def make_request(reviewer=REV, label=Label.LEFTOVER, outcome=Outcome.REJECTED, note=None):
    return DecisionRequest(ID, reviewer, outcome, label, note)


OPEN = make_case()
ON_APPEAL = make_case(appeal=APPEALED, decisions=(REJECTED,), reason="appealed")
CLOSED = make_case(status=Status.REJECTED, decisions=(REJECTED,))
TAKEN = make_case(lease=Lease(ID, OTHER.name, NOON + timedelta(seconds=1)))
LAPSED = make_case(lease=Lease(ID, OTHER.name, NOON))
CREDITED = make_case(status=Status.CREDITED)
ALIKE = make_case(has_look_alike=True)
ODOMETERS = make_case(action="no_drive", model_sha256=None)


@pytest.mark.parametrize(
    ("case", "asked", "refusal"),
    [
        (OPEN, make_request(MEMBER), OwnCheckIn),
        (CREDITED, make_request(), NotInReview),
        (CLOSED, make_request(label=Label.FULL), AlreadyDecided),
        (CLOSED, make_request(OTHER), AlreadyDecided),
        (CLOSED, make_request(note="more"), AlreadyDecided),
        (ON_APPEAL, make_request(label=Label.FULL), DecidedBefore),
        (TAKEN, make_request(), TakenByAnother),
        (OPEN, make_request(label=Label.CLEAN), DecisionNotClear),
        (OPEN, make_request(outcome=Outcome.ACCEPTED), DecisionNotClear),
        (OPEN, make_request(label=Label.SHOWN, outcome=Outcome.ACCEPTED), DecisionNotClear),
        (ODOMETERS, make_request(label=Label.CLEAN, outcome=Outcome.ACCEPTED), DecisionNotClear),
        (ODOMETERS, make_request(label=Label.LEFTOVER), DecisionNotClear),
        (ODOMETERS, make_request(label=Label.SHOWN), DecisionNotClear),
    ],
)
def test_a_decision_is_refused(case, asked, refusal):
    with pytest.raises(refusal):
        decide(case, asked, id=uuid7(), now=NOON)


@pytest.mark.parametrize(
    ("case", "asked", "is_on_appeal"),
    [
        (OPEN, make_request(), False),
        (OPEN, make_request(label=Label.CLEAN, outcome=Outcome.ACCEPTED), False),
        (ALIKE, make_request(label=Label.CLEAN), False),
        (TAKEN, make_request(OTHER), False),
        (LAPSED, make_request(), False),
        (ON_APPEAL, make_request(OTHER), True),
    ],
)
def test_a_decision_is_made(case, asked, is_on_appeal):
    made = decide(case, asked, id=ID, now=NOON)
    assert (made.id, made.is_on_appeal, made.model_sha256) == (ID, is_on_appeal, "model")
    assert (made.reviewer, made.label, made.decided_at) == (asked.reviewer.name, asked.label, NOON)


def test_photos_of_other_things_show_what_was_reported_or_do_not():
    shown = make_request(label=Label.SHOWN, outcome=Outcome.ACCEPTED)
    assert decide(ODOMETERS, shown, id=ID, now=NOON).label == Label.SHOWN
    not_shown = decide(ODOMETERS, make_request(label=Label.NOT_SHOWN), id=ID, now=NOON)
    assert change_by(not_shown, WEEK).reason == "evidence_does_not_show"


@pytest.mark.parametrize("case", [CLOSED, ON_APPEAL])
def test_the_same_decision_again_is_the_one_that_was_made(case):
    assert decide(case, make_request(), id=uuid7(), now=NOON + WEEK) == REJECTED


@pytest.mark.parametrize(
    ("case", "reviewer", "refusal"),
    [
        (OPEN, MEMBER, OwnCheckIn),
        (TAKEN, REV, TakenByAnother),
        (CREDITED, REV, NotInReview),
        (CLOSED, REV, NotInReview),
        (ON_APPEAL, REV, DecidedBefore),
    ],
)
def test_a_lease_is_refused(case, reviewer, refusal):
    with pytest.raises(refusal):
        take_up(case, LeaseRequest(ID, reviewer), NOON)


STOPPED = make_case(
    status=Status.REJECTED, reason="leftovers", appeal_until=NOON, in_review_since=None
)


@pytest.mark.parametrize(
    ("case", "text", "refusal"),
    [
        (OPEN, None, NotAppealable),
        (CREDITED, None, NotAppealable),
        (STOPPED._replace(appeal_until=None), None, NotAppealable),
        (STOPPED._replace(appeal_until=NOON - timedelta(microseconds=1)), None, AppealClosed),
        (ON_APPEAL, "something else", AlreadyAppealed),
        (ON_APPEAL, None, AlreadyAppealed),
    ],
)
def test_an_appeal_is_refused(case, text, refusal):
    with pytest.raises(refusal):
        appeal(case, AppealRequest(ID, OWNER, text), NOON)


def test_an_appeal_in_its_last_moment_keeps_why_the_photo_was_rejected():
    assert appeal(STOPPED, AppealRequest(ID, OWNER, None), NOON) == Appeal(
        ID, None, "leftovers", NOON
    )
    assert appeal(ON_APPEAL, AppealRequest(ID, OWNER, "look again"), NOON + WEEK) == APPEALED


def test_every_label_has_its_reason_and_every_reason_its_words():
    assert set(REASON_OF) == set(Label)
    assert set(REASON_OF.values()) <= REASONS.keys()


# Reason, until when it can be appealed, until when the photo stays.
@pytest.mark.parametrize(
    ("reason", "appeal_until", "evidence_until"),
    [
        ("leftovers", NOON + WEEK, None),
        ("copy_of_earlier_photo", NOON + WEEK, None),
        ("no_plate", NOON + NO_PLATE_KEPT, NOON + NO_PLATE_KEPT),
        ("meal_already_counted", None, None),
        ("photo_unreadable", None, None),
    ],
)
def test_a_rejection_says_until_when(reason, appeal_until, evidence_until):
    change = Change(ID, Status.RECEIVED, Status.REJECTED, reason)
    made = first_rejection(change, NOON, WEEK)
    assert (made.appeal_until, made.evidence_until) == (appeal_until, evidence_until)
    final = final_rejection(change, NOON)
    assert (final.appeal_until, final.evidence_until) == (None, evidence_until)
    assert made[:4] == change[:4]


def test_a_short_window_is_never_made_longer():
    change = Change(ID, Status.RECEIVED, Status.REJECTED, "no_plate")
    made = first_rejection(change, NOON, timedelta(hours=1))
    assert made.appeal_until == NOON + timedelta(hours=1)
    assert made.evidence_until == NOON + NO_PLATE_KEPT
    assert timedelta(hours=24) - NO_PLATE_KEPT == timedelta(hours=2)


def test_the_decision_on_an_appeal_cannot_be_appealed():
    first = change_by(REJECTED, WEEK)
    assert (first.reason, first.appeal_until) == ("leftovers", NOON + WEEK)
    assert change_by(REJECTED._replace(is_on_appeal=True), WEEK).appeal_until is None
    accepted = REJECTED._replace(outcome=Outcome.ACCEPTED, label=Label.CLEAN)
    assert change_by(accepted, WEEK) == Change(ID, Status.IN_REVIEW, Status.SCORED)


def test_who_waits_in_review_waits_for_the_person():
    assert outcomes_after(Status.IN_REVIEW) == DECIDED
    assert {outcomes_after(each) for each in Status if each != Status.IN_REVIEW} == {SETTLED}


def test_each_line_of_the_card_is_held_against_its_score():
    card = load_card(None)
    assert card is not None
    least = card.thresholds.clean_accepted_min
    scores = {"clean": least, "residue": 10_000 - least, "leftover": 0, "full": 0, "not_a_plate": 0}
    lines = thresholds_of(scores, 10_000, card)
    assert {line.name: line.passed for line in lines} == {
        "recapture": False,
        "not_a_plate": True,
        "leftover_and_full": True,
        "clean": True,
    }
    [clean] = [line for line in lines if line.name == "clean"]
    assert (clean.value, clean.limit) == (least, least)
    below = thresholds_of(scores | {"clean": least - 1}, 0, card)
    assert {line.name: line.passed for line in below}["clean"] is False
