from datetime import date, timedelta

import pytest

from backend.meters.domain import Average, MeterPeriod, Reading, baseline_of
from backend.trees.domain import initial_of, name_hmac

FIRST = date(2026, 10, 1)
PERIOD = MeterPeriod(1, "electricity", "m-1", FIRST, 30, 3, "330102")
CITY = [Average("330100", "electricity", date(2026, 1, 1), 2_000)]


def days_before(used, count=7, gap=0):
    """Daily readings that end `gap` days before the period."""
    return [Reading(FIRST - timedelta(days=n + gap), 1, used) for n in range(1, count + 1)]


@pytest.mark.parametrize(
    ("before", "baseline"),
    [
        ([], 180_000),  # 30 days x 3 persons x 2,000
        (days_before(5_700), 180_000),  # below the city: the city's average
        (days_before(7_000), 210_000),  # above it: 30 days x its own 7,000
        (days_before(7_000, count=6), 180_000),  # a day is missing: the city's average
        (days_before(7_000, gap=1), 180_000),
        (days_before(7_000) + days_before(1, count=1), 180_000),  # a day is told twice
        # A bill of 30 days says 210,000 / 30 of each of them.
        ([Reading(FIRST - timedelta(days=30), 30, 210_000)], 210_000),
        # 6 x 7,000 + 1 x 7,001 is 7,000 1/7 a day, and 30 days are rounded down once.
        ([*days_before(7_000, count=6), Reading(FIRST - timedelta(days=7), 1, 7_001)], 210_004),
    ],
)
def test_a_household_is_compared_with_its_city_or_above_it_with_itself(before, baseline):
    assert baseline_of(PERIOD, CITY, before) == baseline


@pytest.mark.parametrize(
    ("averages", "per_day"),
    [
        ([], None),
        ([CITY[0]._replace(medium="gas")], None),
        ([CITY[0]._replace(valid_from=date(2026, 10, 2))], None),  # not in force yet
        ([*CITY, CITY[0]._replace(valid_from=date(2026, 9, 1), average_wh_or_l=1_900)], 5_700),
        ([*CITY, CITY[0]._replace(region="330000", average_wh_or_l=9)], 6_000),  # narrowest
        ([*CITY, CITY[0]._replace(region="330102", average_wh_or_l=9)], 27),
        ([CITY[0]._replace(region="330200")], None),  # another city
    ],
)
def test_the_average_is_of_the_narrowest_region_and_in_force(averages, per_day):
    baseline = None if per_day is None else per_day * 30
    assert baseline_of(PERIOD, averages, []) == baseline


def test_a_name_is_one_however_it_is_spaced_and_differs_between_pledges():
    assert name_hmac(b"k", 1, "李 雷") == name_hmac(b"k", 1, " 李雷 ")
    assert name_hmac(b"k", 1, "李雷") != name_hmac(b"k", 2, "李雷")
    assert initial_of(" 李雷") == "李"
