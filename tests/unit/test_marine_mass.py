"""Any sequence of steps: nothing leaves that did not come in, and no gram is lost unsaid."""

from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from hypothesis import given, strategies as st

from backend.errors import DomainError
from backend.marine.domain import (
    STAGES,
    Loss,
    Lot,
    Making,
    Site,
    StepOutOfOrder,
    Taking,
    check_order,
    decide_step,
    make_code,
    payout_fen,
)
from backend.marine.trace import WayStep, passages_of

NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)
SITES = [Site(number, number, stage, "331081") for number, stage in enumerate(STAGES)]
MATERIALS = ("unsorted_waste", "sorted_plastic", "product")

grams = st.integers(1, 400)
asked_steps = st.lists(
    st.tuples(
        st.sampled_from(SITES),
        st.dictionaries(st.integers(0, 12), grams, min_size=1, max_size=3),
        st.lists(st.tuples(st.sampled_from(MATERIALS), grams), min_size=1, max_size=3),
        st.none() | st.tuples(grams, st.sampled_from(("drying", "residue"))),
        st.booleans(),
    ),
    max_size=12,
)


def shore_lot(number, mass_g, material):
    return Lot(number, str(number), 0, "shore", material, mass_g, mass_g, NOON)


def fitted(takings, makings, loss):
    """Masses that balance, so that more than refusals are explored."""
    rest = sum(each.mass_g for each in takings) - (loss.mass_g if loss else 0)
    fitting = [Making(each.material, 1) for each in makings[:-1]]
    return [*fitting, Making(makings[-1].material, max(1, rest - len(fitting)))]


@given(st.lists(st.tuples(grams, st.sampled_from(MATERIALS[:2])), min_size=1), asked_steps)
def test_every_gram_is_in_a_lot_or_a_stated_loss(shore, steps):
    lots = [shore_lot(number, *each) for number, each in enumerate(shore)]
    ids, came_in, lost = count(len(lots)), sum(mass_g for mass_g, _ in shore), 0
    for site, taken, made, loss_given, fits in steps:
        takings = [Taking(lots[n], mass_g) for n, mass_g in taken.items() if n < len(lots)]
        makings, loss = [Making(*each) for each in made], Loss(*loss_given) if loss_given else None
        if not takings:
            continue
        makings = fitted(takings, makings, loss) if fits else makings
        try:
            step = decide_step(site, takings, makings, loss, occurred_at=NOON, now=NOON)
        except DomainError:
            continue
        assert step.taken_g == step.made_g + step.loss_g
        lost += step.loss_g
        for lot, mass_g in takings:
            lots[lot.id] = lots[lot.id]._replace(left_g=lots[lot.id].left_g - mass_g)
        lots += [
            Lot(next(ids), "", site.id, site.stage, each.material, each.mass_g, each.mass_g, NOON)
            for each in makings
        ]
    assert all(0 <= lot.left_g <= lot.mass_g for lot in lots)
    assert sum(lot.left_g for lot in lots) + lost == came_in


@pytest.mark.parametrize(
    ("occurred_at", "is_refused"),
    [
        (NOON, False),
        (NOON + timedelta(minutes=5), False),
        (NOON + timedelta(minutes=6), True),  # the future
        (NOON - timedelta(seconds=1), True),  # before the lot was there
    ],
)
def test_a_step_happens_after_its_lots_and_not_in_the_future(occurred_at, is_refused):
    expected = pytest.raises(StepOutOfOrder) if is_refused else nullcontext()
    with expected:
        check_order([NOON], occurred_at, NOON)


@pytest.mark.parametrize(
    ("mass_g", "fen_per_kg", "fen"), [(1_000, 133, 133), (1_999, 100, 199), (4, 200, 0)]
)
def test_less_than_a_fen_is_not_paid(mass_g, fen_per_kg, fen):
    assert payout_fen(mass_g, fen_per_kg) == fen


@pytest.mark.parametrize(("people", "told_g"), [((10, 10), 30), ((10, 9), None)])
def test_masses_are_told_only_when_ten_people_are_behind_every_gathered_lot(people, told_g):
    steps = [
        WayStep("gathered", "shore", "331081", NOON, 15, 15, 0, None, number) for number in people
    ]
    [passage] = passages_of(steps)
    assert (passage.taken_g, passage.first) == (told_g, "2026-11-20" if told_g else "2026-11")


def test_codes_are_told_apart_on_paper():
    codes = {make_code() for _ in range(100)}
    assert len(codes) == 100
    assert not set("".join(codes)) & set("ILOU")
