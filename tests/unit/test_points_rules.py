"""Which rule prices an activity, and what is said of a budget: tables of values."""

from datetime import date, timedelta
from uuid import UUID

import pytest

from backend.campaigns.domain import (
    FUND_EXHAUSTED,
    PROGRAMME_FUND,
    SELF_DECLARED_EARNS_NONE,
    BudgetState,
    PointsRule,
    PointsRules,
    Price,
    Scope,
    budget_state,
    overlap,
    runs_out_on,
    used_percent,
)

BANK = UUID(int=7)
DAY = date(2026, 11, 21)
THREE_DAYS = timedelta(days=3)


def make_rule(**changes):
    rule = PointsRule(
        label="launch-2026",
        fund_id=PROGRAMME_FUND,
        is_default=True,
        region="",
        valid_from=date(2026, 1, 1),
        valid_until=None,
        action="metro",
        points=10,
        multiplier_percent=None,
        self_declared_points=0,
        stops_on=None,
    )
    return rule._replace(**changes)


def make_campaign_rule(**changes):
    campaign = {"label": "metro-week", "fund_id": BANK, "is_default": False, "points": 30}
    return make_rule(**{**campaign, **changes})


def price(*rules, action="metro", region="330106", day=DAY, is_documented=True):
    return PointsRules(rules).price(action, region, day, is_documented=is_documented)


def test_the_rule_of_the_programme_pays_where_no_campaign_does():
    assert price(make_rule()) == Price(10, "launch-2026", PROGRAMME_FUND, None)


@pytest.mark.parametrize(
    ("campaign", "wanted"),
    [
        (make_campaign_rule(), (30, "metro-week")),
        (make_campaign_rule(region="33"), (30, "metro-week")),
        (make_campaign_rule(region="330106"), (30, "metro-week")),
        (make_campaign_rule(region="330105"), (10, "launch-2026")),
        (make_campaign_rule(action="bus"), (10, "launch-2026")),
        (make_campaign_rule(valid_from=DAY), (30, "metro-week")),
        (make_campaign_rule(valid_from=date(2026, 11, 22)), (10, "launch-2026")),
        (make_campaign_rule(valid_until=DAY), (30, "metro-week")),
        (make_campaign_rule(valid_until=date(2026, 11, 20)), (10, "launch-2026")),
        # 10 x 250 % = 25; 10 x 33 % = 3.3, rounded down
        (make_campaign_rule(points=None, multiplier_percent=250), (25, "metro-week")),
        (make_campaign_rule(points=None, multiplier_percent=33), (3, "metro-week")),
        # its money stops on the day itself, or on the day after
        (make_campaign_rule(stops_on=DAY), (10, "launch-2026")),
        (make_campaign_rule(stops_on=date(2026, 11, 22)), (30, "metro-week")),
    ],
)
def test_the_narrowest_rule_that_is_in_force_counts(campaign, wanted):
    for rules in ([make_rule(), campaign], [campaign, make_rule()]):
        found = price(*rules)
        assert (found.points, found.rule) == wanted


def test_the_longer_region_goes_before_the_shorter_one():
    city = make_campaign_rule(label="city", region="3301", points=20)
    district = make_campaign_rule(label="district", region="330106", points=7)
    assert price(make_rule(), city, district).rule == "district"
    assert price(make_rule(), city, district, region="330105").rule == "city"


def test_multipliers_multiply_what_the_next_wider_rule_gives():
    city = make_campaign_rule(label="city", region="3301", points=None, multiplier_percent=200)
    district = make_campaign_rule(
        label="district", region="330106", points=None, multiplier_percent=150
    )
    assert price(make_rule(), city, district).points == 30  # 10 x 200 % x 150 %


def test_a_multiplier_of_nothing_is_nothing():
    assert price(make_campaign_rule(points=None, multiplier_percent=200)).points == 0


def test_what_is_only_declared_earns_nothing_unless_a_rule_says_so():
    declared = price(make_rule(), is_documented=False)
    assert (declared.points, declared.reason) == (0, SELF_DECLARED_EARNS_NONE)
    generous = price(make_rule(self_declared_points=2), is_documented=False)
    assert (generous.points, generous.reason) == (2, None)


def test_after_the_stop_of_the_last_fund_there_are_no_points_and_it_says_why():
    stopped = price(make_rule(stops_on=DAY))
    assert stopped == Price(0, "launch-2026", PROGRAMME_FUND, FUND_EXHAUSTED)


def test_multipliers_of_multipliers_end_at_what_one_booking_can_give():
    wide = make_campaign_rule(region="33", points=100_000)
    more = {"points": None, "multiplier_percent": 1_000}
    nested = [make_campaign_rule(region=region, **more) for region in ("3301", "330106")]
    assert price(wide, *nested).points == 1_000_000


def test_an_action_that_no_rule_names_earns_nothing():
    assert price(make_rule(), action="tree") == Price(0, "launch-2026", PROGRAMME_FUND, None)
    assert price().rule == "none"


WEEK = Scope(
    name="a",
    version=2,
    is_default=False,
    region="3301",
    valid_from=DAY,
    valid_until=date(2026, 11, 27),
    actions=frozenset({"metro"}),
)


@pytest.mark.parametrize(
    ("other", "meets"),
    [
        (WEEK._replace(name="b"), True),
        (WEEK._replace(name="b", valid_from=date(2026, 11, 27), valid_until=None), True),
        (WEEK._replace(name="b", valid_from=date(2026, 11, 28), valid_until=None), False),
        (WEEK._replace(name="b", region="33"), False),
        (WEEK._replace(name="b", is_default=True), False),
        (WEEK._replace(name="b", actions=frozenset({"bus"})), False),
        # It was ended before it began.
        (
            WEEK._replace(name="b", valid_from=DAY + THREE_DAYS, valid_until=DAY),
            False,
        ),
        (WEEK, False),
    ],
)
def test_equally_narrow_campaigns_meet_on_a_day_and_an_action(other, meets):
    assert overlap(WEEK, [other]) == (other if meets else None)
    assert overlap(other, [WEEK]) == (WEEK if meets else None)


@pytest.mark.parametrize(
    ("later", "meets"),
    [
        (WEEK._replace(version=3), True),
        (WEEK._replace(version=3, region="33", actions=frozenset({"bus"})), True),
        (WEEK._replace(version=3, valid_from=date(2026, 11, 28), valid_until=None), False),
    ],
)
def test_a_version_takes_over_from_earlier_ones_and_never_from_later_ones(later, meets):
    assert overlap(WEEK, [later]) == (later if meets else None)
    assert overlap(later, [WEEK]) is None


@pytest.mark.parametrize(
    ("budget", "available", "is_queued", "stops_on", "state"),
    [
        (100, 100, False, None, BudgetState.OPEN),
        (100, 6, False, None, BudgetState.OPEN),
        (100, 5, False, None, BudgetState.SHORT),
        (100, 100, True, None, BudgetState.SHORT),
        (0, 0, False, None, BudgetState.SHORT),
        (100, 100, False, date(2026, 11, 22), BudgetState.OPEN),
        (100, 100, True, DAY, BudgetState.ENDED),
    ],
)
def test_what_members_are_told_of_a_budget(budget, available, is_queued, stops_on, state):
    found = budget_state(
        budget=budget, available=available, is_queued=is_queued, stops_on=stops_on, today=DAY
    )
    assert found is state


@pytest.mark.parametrize(
    ("budget", "available", "percent"),
    [(100, 100, 0), (100, 31, 69), (100, 30, 70), (1_000, 150, 85), (1_000, 151, 84), (0, 0, 100)],
)
def test_the_used_part_of_a_budget_is_rounded_down(budget, available, percent):
    assert used_percent(budget, available) == percent


@pytest.mark.parametrize(
    ("available", "drawn", "days", "on"),
    [
        (70, 70, 7, date(2026, 11, 28)),  # ten a day, seven days left
        (75, 70, 7, date(2026, 11, 28)),
        (0, 70, 7, DAY),
        (70, 0, 7, None),
        (70, 70, 0, None),
        (10**12, 1, 7, date(2126, 10, 28)),
    ],
)
def test_the_run_out_day_follows_the_rate_of_the_week(available, drawn, days, on):
    assert runs_out_on(available, drawn=drawn, days=days, today=DAY) == on
