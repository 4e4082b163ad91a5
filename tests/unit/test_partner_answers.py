"""What a partner's answer means, and when it is asked again."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from backend.rewards.call_domain import (
    ASKED_FOR,
    Call,
    Outcome,
    Said,
    ask_again_at,
    kind_of,
    read_answer,
)

NOON = datetime(2026, 11, 21, 4, tzinfo=UTC)


def make_call(attempts, attempts_before=0):
    ids = [UUID(int=number) for number in range(4)]
    return Call(
        *(*ids, 30, "https://partner.example/", None, attempts, attempts_before),
        ask_until=NOON + ASKED_FOR,
        created_at=NOON,
        leased_at=NOON,
        secrets=[],
    )


@pytest.mark.parametrize(
    ("code", "body", "outcome"),
    [
        (200, b'{"status":"fulfilled","reference":"R-1"}', (Said.FULFILLED, "R-1", None, None)),
        (201, b'{"status":"fulfilled","reference":" R\\n1 "}', (Said.FULFILLED, "R1", None, None)),
        (200, b'{"status":"refused","reason":"gone"}', (Said.REFUSED, None, "gone", None)),
        (422, b'{"status":"refused"}', (Said.REFUSED, None, "refused", None)),
        (202, b'{"status":"pending"}', (Said.UNKNOWN, None, None, "pending")),
        (200, b'{"status":"fulfilled"}', (Said.UNKNOWN, None, None, "not_understood")),
        (
            422,
            b'{"status":"fulfilled","reference":"R"}',
            (Said.UNKNOWN, None, None, "not_understood"),
        ),
        (200, b"OK", (Said.UNKNOWN, None, None, "not_understood")),
        (200, b"", (Said.UNKNOWN, None, None, "not_understood")),
        (
            422,
            '{"status":"refused","reason":"号码已停机"}'.encode("gb18030"),
            (Said.UNKNOWN, None, None, "not_understood"),
        ),
        (500, b'{"status":"refused"}', (Said.UNKNOWN, None, None, "status_refused")),
        (400, b'{"status":"refused"}', (Said.UNKNOWN, None, None, "status_refused")),
        (302, b"", (Said.UNKNOWN, None, None, "status_refused")),
        (404, b"", (Said.ABSENT, None, None, None)),
        (405, b"", (Said.ABSENT, None, None, None)),
    ],
)
def test_only_a_clear_answer_is_known(code, body, outcome):
    said, reference, reason, error = outcome
    assert read_answer(code, body) == Outcome(said, code, reference, reason, error)


def test_asks_grow_further_apart_and_end_with_a_day():
    now, pauses = NOON, []
    for attempts in range(1, 50):
        due_at = ask_again_at(make_call(attempts), now)
        if due_at is None:
            break
        pauses.append((due_at - now).total_seconds())
        now = due_at
    # 2, 10, 60, 300, 900, 3,600, 7,200 and then 14,400 s, each up to a tenth shorter.
    assert len(pauses) == 12
    assert 1.8 <= pauses[0] <= 2
    assert all(12_960 <= pause <= 14_400 for pause in pauses[7:])
    assert NOON + timedelta(hours=20) < now < NOON + ASKED_FOR


def test_pauses_begin_again_when_a_person_has_it_asked_again():
    due_at = ask_again_at(make_call(13, attempts_before=12), NOON)
    assert NOON + timedelta(seconds=1.8) <= due_at <= NOON + timedelta(seconds=2)


@pytest.mark.parametrize(
    ("recipient", "kind"),
    [("13800138000", "phone"), ("12800138000", "account"), ("li@example.org", "account")],
)
def test_a_phone_number_is_told_from_another_name(recipient, kind):
    assert kind_of(recipient) == kind
