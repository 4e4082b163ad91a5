from datetime import timedelta

import pytest

from backend.ids import uuid7
from backend.webhooks.domain import (
    FAILING_FOR_MAX,
    PAUSES_S,
    TRIED_FOR,
    Attempt,
    Result,
    Stop,
    due_again,
    error_of,
    stop_of,
)
from tests.builders import NOON


def make_attempt(**changes):
    attempt = Attempt(
        delivery_id=uuid7(),
        endpoint_id=uuid7(),
        attempts=1,
        attempts_before=0,
        url="https://example.com/",
        body="{}",
        sealed_secrets=(),
        leased_at=NOON,
        give_up_at=NOON + TRIED_FOR,
    )
    return attempt._replace(**changes)


def failed(code=500, **changes):
    return Result(code, 12, error_of(code))._replace(**changes)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        *((200, None), (204, None), (299, None), (300, "redirected"), (301, "redirected")),
        *((308, "redirected"), (400, "status_refused"), (404, "status_refused"), (410, "gone")),
        *((429, "status_refused"), (503, "status_refused"), (101, "status_refused")),
    ],
)
def test_only_a_status_of_success_is_success(code, error):
    assert error_of(code) == error


def test_retries_come_later_and_later_and_end_within_three_days():
    now, attempts, waits = NOON, 1, []
    while due := due_again(make_attempt(attempts=attempts), failed(), now):
        waits.append((due - now).total_seconds())
        now, attempts = due, attempts + 1
        assert attempts < 20
    assert len(waits) >= len(PAUSES_S)
    for wait, pause in zip(waits, PAUSES_S, strict=False):
        assert 0.9 * pause <= wait <= pause
    assert timedelta(days=2) < now - NOON < TRIED_FOR


def test_retries_of_different_messages_do_not_come_in_step():
    dues = {due_again(make_attempt(attempts=4), failed(), NOON) for _ in range(50)}
    assert len(dues) > 10


def test_a_receiver_that_asks_to_wait_is_given_its_time():
    due = due_again(make_attempt(), failed(503, retry_after_s=600), NOON)
    assert due == NOON + timedelta(seconds=600)
    soon = due_again(make_attempt(attempts=3), failed(429, retry_after_s=1), NOON)
    assert soon >= NOON + timedelta(seconds=0.9 * PAUSES_S[2])
    for_ever = due_again(make_attempt(), failed(429, retry_after_s=10**9), NOON)
    assert for_ever == NOON + timedelta(days=1)


def test_a_replay_begins_with_short_pauses_again():
    due = due_again(make_attempt(attempts=11, attempts_before=10), failed(), NOON)
    assert due <= NOON + timedelta(seconds=PAUSES_S[0])


def test_a_receiver_that_is_gone_is_not_asked_again():
    assert due_again(make_attempt(), failed(410), NOON) is None
    assert stop_of(make_attempt(), failed(410), None, NOON) == Stop.GONE


def test_an_endpoint_is_disabled_after_days_without_a_success():
    since = NOON - FAILING_FOR_MAX
    assert stop_of(make_attempt(), failed(), None, NOON) is None
    assert stop_of(make_attempt(), failed(), since + timedelta(seconds=1), NOON) is None
    assert stop_of(make_attempt(), failed(), since, NOON) == Stop.FAILING


def test_an_endpoint_whose_name_leads_inside_is_disabled_at_the_third_look():
    refused = Result(None, 1, "address_refused")
    stops = [stop_of(make_attempt(attempts=n), refused, NOON, NOON) for n in (1, 2, 3)]
    assert stops == [None, None, Stop.ADDRESS_REFUSED]
