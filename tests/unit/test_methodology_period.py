"""One account's period: caps, exclusions, periods and what an activity must carry."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from scoring.methodology import (
    ENGINE,
    ENGINES,
    Activity,
    MissingInput,
    MixedPeriods,
    NaiveTime,
    Negative,
    NoFactor,
    NoVersion,
    RepeatedKey,
    Tier,
    UnknownInput,
    UnknownMethodology,
    load_catalogue,
    period_of,
    reduce_period,
)

CATALOGUE = load_catalogue()
METRO, BUS, CYCLING, NO_DRIVE = "TPH-MOB-05", "TPH-MOB-04", "TPH-MOB-02", "TPH-MOB-06"


def at(clock: str, day: int = 21) -> datetime:
    hour, minute = map(int, clock.split(":"))
    return datetime(2026, 11, day, hour, minute, tzinfo=timezone(timedelta(hours=8)))


def make_activity(
    key="a", methodology="TPH-FOOD-01", start="12:00", end=None, **changes
) -> Activity:
    fields = {
        "quantities": {"meals": 1},
        "tier": Tier.DOCUMENTED,
        "region": "330106",
        "occurred_at": at(start),
        "ended_at": end and at(end),
    } | changes
    return Activity(key=key, methodology_id=methodology, **fields)


def trip(key, methodology, start, end=None, *, metres=None, **changes) -> Activity:
    quantities = {"rides": 1} if metres is None else {"distance_m": metres}
    return make_activity(key, methodology, start, end, quantities=quantities, **changes)


def outcome(*activities: Activity) -> dict[str, tuple[int, str | None]]:
    reductions = reduce_period(activities, CATALOGUE)
    return {key: (each.grams, each.reason) for key, each in reductions.items()}


def test_three_meals_round_down_one_by_one_and_the_fourth_meets_the_cap() -> None:
    meals = [
        make_activity(key, start=start)
        for key, start in zip("abcd", ("07:30", "12:00", "18:00", "21:00"), strict=True)
    ]
    # 125.818 rounded down three times: 375, not 377
    assert outcome(*meals) == {
        "a": (125, None),
        "b": (125, None),
        "c": (125, None),
        "d": (0, "cap_reached"),
    }


def test_a_reduction_carries_all_that_a_credit_stores() -> None:
    reduction = reduce_period([make_activity()], CATALOGUE)["a"]
    version = CATALOGUE.version_on("TPH-FOOD-01", at("12:00").date())
    assert reduction.unrounded == "125.818"
    assert reduction.allowed == {"meals": 1}
    assert reduction.version == version.hash
    assert reduction.engine == ENGINE == 1
    assert reduction.factors == ("food-saved-clearplate-2021", "food-production-caas-2023")


def test_a_cap_is_shared_by_time_of_the_activity_and_not_by_its_place_in_the_list() -> None:
    late = trip("late", CYCLING, "18:00", metres=15_000)
    early = trip("early", CYCLING, "08:00", metres=15_000)
    # 15 x 46.7 = 700.5; the remaining 5 km: 233.5
    assert outcome(late, early) == {"early": (700, None), "late": (233, "cap_reached")}


def test_equal_times_are_ordered_by_key() -> None:
    meals = [make_activity(key) for key in "dcba"]
    assert outcome(*meals)["d"] == (0, "cap_reached")


def test_kilometres_and_rides_have_two_independent_caps() -> None:
    long_trip = trip("km", METRO, "06:00", metres=60_000)
    rides = [trip(f"r{hour}", METRO, f"{hour:02}:00") for hour in range(7, 12)]
    # 60 x 46.7 = 2,802; four rides of 46; the fifth over the cap
    assert outcome(long_trip, *rides) == {
        "km": (2802, None),
        "r7": (46, None),
        "r8": (46, None),
        "r9": (46, None),
        "r10": (46, None),
        "r11": (0, "cap_reached"),
    }


def test_caps_of_two_methodologies_do_not_touch_each_other() -> None:
    bus = trip("bus", BUS, "07:00", metres=40_000)
    metro = trip("metro", METRO, "09:00", metres=60_000)
    # 40 x 26.9 = 1,076; 60 x 46.7 = 2,802
    assert outcome(bus, metro) == {"bus": (1076, None), "metro": (2802, None)}


def test_of_overlapping_trips_the_earlier_start_counts() -> None:
    assert outcome(
        trip("second", BUS, "08:10", "08:40"),
        trip("first", METRO, "08:00", "08:30"),
        # overlaps only the excluded one, so it counts
        trip("third", BUS, "08:35", "08:50"),
    ) == {"first": (46, None), "second": (0, "excluded"), "third": (80, None)}


@pytest.mark.parametrize(
    ("start", "expected"),
    [("08:29", (0, "excluded")), ("08:30", (80, None)), ("08:00", (0, "excluded"))],
)
def test_a_trip_may_begin_when_the_one_before_ends(start, expected) -> None:
    first = trip("a", METRO, "08:00", "08:30")
    assert outcome(first, trip("b", BUS, start, "09:00"))["b"] == expected


def test_a_trip_without_an_end_takes_only_its_instant() -> None:
    assert outcome(trip("a", METRO, "08:00"), trip("b", BUS, "08:00"), trip("c", BUS, "08:01")) == {
        "a": (46, None),
        "b": (0, "excluded"),
        "c": (80, None),
    }


def test_an_end_before_the_start_takes_only_the_instant() -> None:
    assert outcome(
        trip("a", METRO, "08:00", "08:30"),
        trip("b", BUS, "08:30", "07:00"),
        trip("c", BUS, "08:30"),
        trip("d", BUS, "08:31"),
    ) == {"a": (46, None), "b": (80, None), "c": (0, "excluded"), "d": (80, None)}


def test_a_trip_with_a_distance_is_not_counted_as_a_ride_too() -> None:
    both = make_activity("a", METRO, quantities={"rides": 1, "distance_m": 12_000})
    reduction = reduce_period([both], CATALOGUE)["a"]
    assert (reduction.grams, reduction.allowed) == (560, {"distance_m": 12_000})


def test_an_excluded_trip_takes_nothing_from_the_cap() -> None:
    assert outcome(
        trip("a", CYCLING, "08:00", "09:00", metres=10_000),
        trip("b", CYCLING, "08:30", "09:30", metres=10_000),
        trip("c", CYCLING, "10:00", "11:00", metres=10_000),
    ) == {"a": (467, None), "b": (0, "excluded"), "c": (467, None)}


def test_a_no_drive_day_loses_to_trips_before_it() -> None:
    stood_still = make_activity("car", NO_DRIVE, "23:59", quantities={"days": 1})
    assert outcome(stood_still, trip("bus", BUS, "08:00")) == {
        "bus": (80, None),
        "car": (0, "excluded"),
    }


def test_a_no_drive_day_ends_the_mobility_credit_of_its_day_but_not_meals() -> None:
    stood_still = make_activity("car", NO_DRIVE, "07:00", quantities={"days": 1})
    assert outcome(stood_still, trip("bus", BUS, "08:00"), make_activity("meal")) == {
        "car": (1728, None),
        "bus": (0, "excluded"),
        "meal": (125, None),
    }


def test_a_total_of_steps_does_not_cost_the_no_drive_day() -> None:
    last = at("23:59").replace(second=59)
    stood_still = make_activity("car", NO_DRIVE, quantities={"days": 1}, occurred_at=last)
    steps = make_activity(
        "steps",
        "TPH-MOB-01",
        quantities={"steps": 9000},
        occurred_at=last.replace(microsecond=999_999),
    )
    assert outcome(steps, stood_still) == {"car": (1728, None), "steps": (0, "excluded")}


def box(key, start, thing, methodology="TPH-WASTE-04") -> Activity:
    quantities = {"boxes": 1} if methodology == "TPH-WASTE-04" else {"mass_g": 1_000}
    return make_activity(key, methodology, start, quantities=quantities, thing=thing)


def test_each_thing_counts_once_whatever_it_is_reported_as() -> None:
    # 37 g a box; 1 kg of old clothes 1,280 g; 1 kg of a mixed bag 101.6 g
    assert outcome(
        box("a", "08:00", "parcel:1"),
        box("b", "09:00", "parcel:2"),
        box("c", "10:00", "parcel:1"),
        box("d", "11:00", "parcel:2", "TPH-WASTE-03"),
        box("e", "12:00", "bag:1", "TPH-WASTE-03"),
        box("f", "13:00", "bag:1", "TPH-WASTE-02"),
        box("g", "14:00", ""),
        box("h", "15:00", ""),
    ) == {
        "a": (37, None),
        "b": (37, None),
        "c": (0, "excluded"),
        "d": (0, "excluded"),
        "e": (1280, None),
        "f": (0, "excluded"),
        "g": (37, None),
        "h": (37, None),
    }


def test_an_excluded_trip_does_not_use_up_its_thing() -> None:
    assert outcome(
        trip("a", METRO, "08:00", "09:00"),
        trip("b", BUS, "08:30", "08:50", thing="ticket:1"),
        trip("c", BUS, "09:30", "09:50", thing="ticket:1"),
    ) == {"a": (46, None), "b": (0, "excluded"), "c": (80, None)}


def test_a_thing_that_counted_already_takes_no_time() -> None:
    assert outcome(
        trip("a", METRO, "08:00", "08:10", thing="ticket:1"),
        trip("b", BUS, "09:00", "10:00", thing="ticket:1"),
        trip("c", BUS, "09:30", "09:50"),
    ) == {"a": (46, None), "b": (0, "excluded"), "c": (80, None)}


def test_each_meter_has_its_own_number_of_days() -> None:
    drafts = CATALOGUE.rehearsing(*CATALOGUE.drafts)
    start = datetime(2027, 3, 1, 1, tzinfo=UTC)
    power = make_activity(
        "a", "TPH-HOME-01", quantities={"energy_wh": 1_000, "days": 30}, occurred_at=start
    )
    gas = make_activity(
        "b", "TPH-HOME-02", quantities={"volume_l": 9_000, "days": 1}, occurred_at=start
    )
    # one day of gas: 3 of 9 m3 x 2,162.1
    found = reduce_period([power, gas], drafts)["b"]
    assert (found.grams, found.reason) == (6486, "cap_reached")


def test_every_engine_number_stays_callable() -> None:
    meal = make_activity()
    for number in ENGINES:
        assert reduce_period([meal], CATALOGUE, number)["a"].engine == number


def test_statements_of_one_meter_day_share_the_wider_cap() -> None:
    def statement(key, start, watt_hours, days) -> Activity:
        quantities = {"energy_wh": watt_hours, "days": days}
        return make_activity(key, "TPH-HOME-01", start, quantities=quantities)

    # 30 days x 10 kWh = 300 kWh: 200 x 497.4 = 99,480; then 100 x 497.4 = 49,740
    assert outcome(statement("a", "01:00", 200_000, 30), statement("b", "02:00", 150_000, 10)) == {
        "a": (99_480, None),
        "b": (49_740, "cap_reached"),
    }


def test_a_longer_statement_widens_a_cap_that_was_met() -> None:
    def statement(key, start, days) -> Activity:
        quantities = {"energy_wh": 200_000, "days": days}
        return make_activity(key, "TPH-HOME-01", start, quantities=quantities)

    # 10 days: 100 of 200 kWh, 49,740 g; 30 days leave 200 kWh more: 99,480 g
    assert outcome(statement("a", "01:00", 10), statement("b", "02:00", 30)) == {
        "a": (49_740, "cap_reached"),
        "b": (99_480, None),
    }


def test_trees_share_a_yearly_cap() -> None:
    spring = make_activity(
        "a", "TPH-TREE-01", quantities={"trees": 3}, occurred_at=datetime(2026, 3, 12, tzinfo=UTC)
    )
    autumn = make_activity(
        "b", "TPH-TREE-01", quantities={"trees": 3}, occurred_at=datetime(2026, 11, 1, tzinfo=UTC)
    )
    # 3 x 1,790; then 2 x 1,790
    assert outcome(spring, autumn) == {"a": (5370, None), "b": (3580, "cap_reached")}


@pytest.mark.parametrize(
    ("methodology", "occurred_at", "period"),
    [
        ("TPH-FOOD-01", datetime(2026, 11, 20, 15, 59, tzinfo=UTC), "2026-11-20"),
        # 16:00 UTC is midnight in Shanghai
        ("TPH-FOOD-01", datetime(2026, 11, 20, 16, 0, tzinfo=UTC), "2026-11-21"),
        ("TPH-TREE-01", datetime(2026, 12, 31, 16, 0, tzinfo=UTC), "2027"),
    ],
)
def test_a_period_is_a_shanghai_day_or_year(methodology, occurred_at, period) -> None:
    activity = make_activity(methodology=methodology, occurred_at=occurred_at)
    assert period_of(activity, CATALOGUE) == period


def test_nothing_in_gives_nothing_out() -> None:
    assert reduce_period([], CATALOGUE) == {}


@pytest.mark.parametrize(
    ("activities", "refusal"),
    [
        ([make_activity("a"), make_activity("b", occurred_at=at("12:00", day=22))], MixedPeriods),
        ([make_activity("a"), make_activity("a", start="18:00")], RepeatedKey),
        ([make_activity(occurred_at=datetime(2026, 11, 21))], NaiveTime),  # noqa: DTZ001
        ([make_activity(occurred_at=datetime(2025, 12, 31, 15, tzinfo=UTC))], NoVersion),
        ([make_activity(methodology="TPH-FOOD-99")], UnknownMethodology),
        ([make_activity(quantities={"rides": 1})], UnknownInput),
        ([make_activity(quantities={"meals": 1, "rides": 1})], UnknownInput),
        ([make_activity(quantities={})], MissingInput),
        ([make_activity(methodology="TPH-HOME-01", quantities={"days": 3})], MissingInput),
        ([make_activity(quantities={"meals": -1})], Negative),
        # Tibet has no published grid factor
        (
            [
                make_activity(
                    methodology="TPH-HOME-01", quantities={"energy_wh": 1}, region="540100"
                )
            ],
            NoFactor,
        ),
    ],
)
def test_a_period_is_refused_by_name(activities, refusal) -> None:
    with pytest.raises(refusal):
        reduce_period(activities, CATALOGUE)


def test_a_quantity_that_is_not_counted_is_named() -> None:
    meal = make_activity(quantities={"meals": 1, "rides": 1})
    with pytest.raises(UnknownInput, match=r"does not count \['rides'\]"):
        reduce_period([meal], CATALOGUE)
