from datetime import UTC, datetime

import pytest

from backend.checkins.domain import (
    RETRIES_PER_WINDOW,
    MealWindow,
    WindowUse,
    next_window,
    window_at,
)
from backend.units import SHANGHAI

WINDOWS = (
    MealWindow("lunch", "午餐", "lunch", 630, 840),  # 10:30 to 14:00
    MealWindow("supper", "夜宵", "supper", 1260, 1440),  # 21:00 to midnight
)


def shanghai(text):
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-11-21T10:29:59.999999", None),
        ("2026-11-21T10:30:00", "2026-11-21/lunch"),
        ("2026-11-21T13:59:59.999999", "2026-11-21/lunch"),
        ("2026-11-21T14:00:00", None),
        ("2026-11-21T20:59:59", None),
        ("2026-11-21T21:00:00", "2026-11-21/supper"),
        ("2026-11-21T23:59:59.999999", "2026-11-21/supper"),
        ("2026-11-22T00:00:00", None),
    ],
)
def test_a_window_is_half_open(moment, expected):
    assert window_at(shanghai(moment), WINDOWS) == expected


def test_the_day_is_that_of_shanghai_wherever_the_time_was_written():
    # 15:30 in London is 23:30 in Shanghai.
    assert window_at(datetime(2026, 11, 21, 15, 30, tzinfo=UTC), WINDOWS) == "2026-11-21/supper"


@pytest.mark.parametrize(
    ("moment", "key", "opens_at"),
    [
        ("2026-11-21T08:00", "2026-11-21/lunch", "2026-11-21T10:30"),
        ("2026-11-21T10:30", "2026-11-21/supper", "2026-11-21T21:00"),
        ("2026-11-21T21:00", "2026-11-22/lunch", "2026-11-22T10:30"),
        ("2026-12-31T23:59", "2027-01-01/lunch", "2027-01-01T10:30"),
    ],
)
def test_the_next_window_opens_today_or_tomorrow(moment, key, opens_at):
    assert next_window(shanghai(moment), WINDOWS) == (key, shanghai(opens_at))


def test_a_programme_without_windows_has_no_next_one():
    assert next_window(shanghai("2026-11-21T08:00"), ()) is None


@pytest.mark.parametrize(("rejected", "expected"), [(0, True), (3, True), (4, False)])
def test_a_first_photo_and_three_retries(rejected, expected):
    assert RETRIES_PER_WINDOW == 3
    assert WindowUse(rejected=rejected).has_retries_left is expected
    assert WindowUse(undecided=rejected).has_retries_left is expected
