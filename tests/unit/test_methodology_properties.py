"""Properties of decision 9: a day depends on its set of activities, and time only adds to it."""

from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal

from hypothesis import given, settings, strategies as st

from scoring.methodology import SHANGHAI, Activity, Tier, load_catalogue, reduce_period

CATALOGUE = load_catalogue()
MIDNIGHT = datetime(2026, 11, 21, tzinfo=SHANGHAI)
MATERIALS = ("pet", "glass", "corrugated_board", "aluminium_cans")

amounts = st.integers(0, 80_000)
quantities = {
    "TPH-FOOD-01": st.fixed_dictionaries({"meals": st.integers(0, 4)}),
    "TPH-WASTE-01": st.dictionaries(
        st.sampled_from([f"mass_g.{name}" for name in MATERIALS]), amounts, min_size=1
    ),
    "TPH-WASTE-02": st.fixed_dictionaries({"mass_g": amounts}),
    "TPH-MOB-02": st.fixed_dictionaries({"distance_m": amounts}),
    "TPH-MOB-03": st.fixed_dictionaries({"distance_m": amounts}),
    "TPH-MOB-05": st.one_of(
        st.fixed_dictionaries({"distance_m": amounts}),
        st.fixed_dictionaries({"rides": st.integers(1, 3)}),
    ),
    "TPH-MOB-06": st.just({"days": 1}),
    "TPH-HOME-01": st.fixed_dictionaries(
        {"energy_wh": amounts}, optional={"days": st.integers(1, 31)}
    ),
}


@st.composite
def activities(draw: st.DrawFn) -> Activity:
    methodology_id = draw(st.sampled_from(sorted(quantities)))
    # Few minutes and few keys: ties and overlaps must be common.
    occurred_at = MIDNIGHT + timedelta(minutes=draw(st.integers(0, 40)))
    lasts = draw(st.one_of(st.none(), st.integers(0, 15)))
    return Activity(
        key=draw(st.text("abcdefgh", min_size=1, max_size=4)),
        methodology_id=methodology_id,
        occurred_at=occurred_at,
        ended_at=None if lasts is None else occurred_at + timedelta(minutes=lasts),
        quantities=draw(quantities[methodology_id]),
        tier=draw(st.sampled_from(Tier)),
        region=draw(st.sampled_from(["330106", "440305"])),
    )


days = st.lists(activities(), min_size=1, max_size=9, unique_by=lambda activity: activity.key)


@given(days, st.randoms(use_true_random=False))
def test_the_order_of_arrival_changes_nothing(day, shuffler) -> None:
    expected = reduce_period(day, CATALOGUE)
    shuffled = list(day)
    shuffler.shuffle(shuffled)
    assert reduce_period(shuffled, CATALOGUE) == expected


@given(days)
def test_the_newest_activity_changes_no_earlier_reduction(day) -> None:
    ordered = sorted(day, key=lambda activity: (activity.occurred_at, activity.key))
    whole = reduce_period(ordered, CATALOGUE)
    for length in range(1, len(ordered)):
        before = reduce_period(ordered[:length], CATALOGUE)
        assert before == {activity.key: whole[activity.key] for activity in ordered[:length]}


@given(days)
def test_grams_are_the_unrounded_amount_rounded_down_and_never_negative(day) -> None:
    for reduction in reduce_period(day, CATALOGUE).values():
        exact = Decimal(reduction.unrounded)
        assert reduction.grams == int(exact.to_integral_value(ROUND_DOWN)) >= 0


@given(days)
def test_no_cap_is_ever_passed(day) -> None:
    allowed: dict[tuple[str, str], int] = {}
    for activity, reduction in _with_reductions(day):
        for name, amount in reduction.allowed.items():
            assert 0 <= amount <= activity.quantities[name]
            place = (activity.methodology_id, name.partition(".")[0])
            allowed[place] = allowed.get(place, 0) + amount
    for (methodology_id, kind), total in allowed.items():
        cap = CATALOGUE.version_on(methodology_id, MIDNIGHT.date()).caps[kind]
        assert total <= cap.most * (31 if cap.per else 1)


@given(st.integers(0, 70_000), st.integers(0, 70_000), st.sampled_from(Tier))
def test_more_is_never_less(one, other, tier) -> None:
    less, more = sorted((one, other))
    assert _metro_grams(less, tier) <= _metro_grams(more, tier)


@settings(max_examples=200)
@given(st.integers(0, 70_000))
def test_a_metro_ride_agrees_with_decimal_arithmetic(metres) -> None:
    # second opinion: capped km x 46.7, in Decimal instead of scaled integers
    exact = Decimal(min(metres, 60_000)) / 1000 * Decimal("46.7")
    assert _metro_grams(metres, Tier.DOCUMENTED) == int(exact)


def _metro_grams(metres: int, tier: Tier) -> int:
    ride = Activity("a", "TPH-MOB-05", MIDNIGHT, None, {"distance_m": metres}, tier, "330106")
    return reduce_period([ride], CATALOGUE)["a"].grams


def _with_reductions(day):
    reductions = reduce_period(day, CATALOGUE)
    return [(activity, reductions[activity.key]) for activity in day]
