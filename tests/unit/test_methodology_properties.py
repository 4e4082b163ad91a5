"""Properties: a day depends on its set of activities, and time only adds to it."""

from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from itertools import pairwise

from hypothesis import given, settings, strategies as st

from scoring.methodology import (
    SHANGHAI,
    Activity,
    Reduction,
    Tier,
    load_catalogue,
    reduce_period,
)
from scoring.methodology.units import UNITS

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
        thing=draw(st.sampled_from(["", "", "bag:1", "meter:1"])),
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


@settings(max_examples=60)
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


Events = list[tuple[str, Activity]]


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Activity], Events]:
    """A final day, and one way in which it came about: late, corrected, withdrawn, in any order.

    A corrected activity first came with other contents under its key; a withdrawn one is not part
    of the final day.
    """
    final = draw(days)
    kept = {activity.key for activity in final}
    withdrawn = draw(
        st.lists(
            activities().filter(lambda each: each.key not in kept),
            max_size=3,
            unique_by=lambda activity: activity.key,
        )
    )
    corrected = draw(st.lists(st.sampled_from(final), max_size=3, unique_by=lambda each: each.key))
    first_told = {each.key: draw(activities())._replace(key=each.key) for each in corrected}
    stories: list[Events] = [[("book", each), ("withdraw", each)] for each in withdrawn]
    for each in final:
        story: Events = [("book", each)]
        if each.key in first_told:
            story.insert(0, ("book", first_told[each.key]))
        stories.append(story)
    events: Events = []
    while stories:
        place = draw(st.integers(0, len(stories) - 1))
        events.append(stories[place].pop(0))
        stories = [story for story in stories if story]
    return final, events


@settings(max_examples=60)  # each draws some fifteen activities
@given(histories())
def test_any_interleaving_of_late_corrected_and_withdrawn_gives_the_same_day(history) -> None:
    final, events = history
    accepted: dict[str, Activity] = {}
    reductions: dict[str, Reduction] = {}
    booked = 0
    for event, activity in events:
        if event == "withdraw":
            del accepted[activity.key]
        else:
            accepted[activity.key] = activity
        now = reduce_period(accepted.values(), CATALOGUE)
        # What a ledger does: the differences are booked, netted per activity.
        for key in now.keys() | reductions.keys():
            booked += (now[key].grams if key in now else 0) - (
                reductions[key].grams if key in reductions else 0
            )
        reductions = now
        assert booked >= 0
    expected = reduce_period(final, CATALOGUE)
    assert reductions == expected
    assert booked == sum(each.grams for each in expected.values())


@settings(max_examples=60)
@given(days)
def test_one_thing_counts_once(day) -> None:
    counted = [
        activity.thing
        for activity, reduction in _with_reductions(day)
        if activity.thing and reduction.reason != "excluded"
    ]
    assert len(counted) == len(set(counted))


@settings(max_examples=60)
@given(days)
def test_counted_travel_never_overlaps_and_shares_no_day_with_a_day_without_driving(day) -> None:
    counted = sorted(
        (
            (activity.occurred_at, activity.ended_at or activity.occurred_at, activity)
            for activity, reduction in _with_reductions(day)
            if reduction.reason != "excluded" and activity.methodology_id.startswith("TPH-MOB")
        ),
        key=lambda trip: trip[:2],
    )
    trips = [each for each in counted if each[2].methodology_id != "TPH-MOB-06"]
    assert not trips or len(trips) == len(counted)
    for (_, ends, _), (starts, _, _) in pairwise(trips):
        assert ends <= starts


@settings(max_examples=60)
@given(days)
def test_each_reduction_follows_from_what_it_stores(day) -> None:
    # The second opinion of an auditor: allowed amounts x factors x tier, in decimals.
    for activity, reduction in _with_reductions(day):
        rule = CATALOGUE.rule_of(reduction.version, MIDNIGHT.date(), activity.region)
        net = sum(
            (
                amount * _net(rule.version, rule.terms[name].baseline_factors, rule.terms[name])
                for name, amount in reduction.allowed.items()
            ),
            Decimal(0),
        )
        tier = Decimal(rule.version.multipliers[activity.tier])
        assert Decimal(reduction.unrounded) == max(net, Decimal(0)) * tier


AMOUNTS_OF = {
    "TPH-FOOD-01": "meals",
    "TPH-WASTE-02": "mass_g",
    "TPH-MOB-01": "steps",
    "TPH-MOB-03": "distance_m",
    "TPH-OFF-01": "sheets",
    "TPH-HOME-01": "energy_wh",
}


@given(
    st.sampled_from(sorted(AMOUNTS_OF)),
    st.integers(0, 80_000),
    st.integers(0, 80_000),
    st.sampled_from(Tier),
)
def test_more_is_never_less_and_beyond_the_cap_it_is_the_same(name, one, other, tier) -> None:
    quantity = AMOUNTS_OF[name]
    cap = CATALOGUE.version_on(name, MIDNIGHT.date()).caps[quantity].most

    def grams(amount: int) -> int:
        told = Activity("a", name, MIDNIGHT, None, {quantity: amount}, tier, "330106")
        return reduce_period([told], CATALOGUE)["a"].grams

    less, more = sorted((one, other))
    assert 0 <= grams(less) <= grams(more) <= grams(cap)
    assert grams(cap + more) == grams(cap)


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


def _net(version, rows, term) -> Decimal:
    """Grams per base unit, multiplied out from the rows themselves."""
    sides = []
    for ids in (rows, term.project_factors):
        product = Decimal(1) if ids else Decimal(0)
        for row in (version.factors[name] for name in ids):
            above, below = UNITS[row.numerator].exponent, UNITS[row.denominator].exponent
            product *= row.amount.scaleb(above - below)
        sides.append(product)
    return sides[0] - sides[1]


def _with_reductions(day):
    reductions = reduce_period(day, CATALOGUE)
    return [(activity, reductions[activity.key]) for activity in day]
