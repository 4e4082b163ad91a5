from importlib import resources

import numpy as np
import pytest

from models.canteen import canteen_plate
from models.copies import chosen_limits, copies_table, with_copies
from models.copy_figures import REAL, Copied, CopyFigures, Looks, Nearest, measured, nearest_others
from models.copying import COPIES
from scoring.model_card import CopyLimits, read_card
from scoring.plate import PlateRecogniser


def make_nearest(source, bits, *, parts=500, plates=3_500, also=()):
    """Plates whose nearest neighbour lies at `bits`, but for those named in `also`."""
    distances = np.full(plates, bits)
    distances[: len(also)] = also
    return Nearest(source, distances, np.full(plates, float(parts)), 1_000)


def make_figures(*honest):
    copied = Copied("rendered plates", "mirrored", np.array([0, 20, 60]), np.array([0.0, 0, 9_000]))
    return CopyFigures(honest, [copied])


@pytest.mark.parametrize(
    ("honest", "expected"),
    [
        # 3,500 plates without a meeting bound the rate at 0.09 %; with the first one it is 0.14 %.
        ([make_nearest("canteen 1", 20)], 19),
        ([make_nearest("canteen 1", 40, also=[7])], 6),
        # 2,900 plates are too few to say 0.1 % of anything.
        ([make_nearest("canteen 1", 40, plates=2_900)], -1),
        # However few real dishes there are, none of them may be refused.
        ([make_nearest("canteen 1", 40), make_nearest(REAL, 60, plates=50, also=[5])], 4),
        ([make_nearest("canteen 1", 200)], 30),
    ],
)
def test_a_distance_refuses_only_as_far_as_it_is_measured_as_safe(honest, expected):
    assert chosen_limits(make_figures(*honest)).fingerprint_refused_max == expected


def test_review_reaches_as_far_as_people_can_look():
    few_meet = make_nearest("canteen 1", 60, parts=150, also=[12] * 40)  # 1.1 %, bound 1.5 %
    limits = chosen_limits(make_figures(few_meet))
    assert limits == CopyLimits(11, 31, 149, 5_000)


def test_a_photo_meets_its_nearest_other_in_any_orientation():
    random = np.random.default_rng(1)
    turns = np.where(random.random((3, 8, 256)) < 0.5, -1, 1).astype(np.float32)
    turns[1, 5] = turns[0, 0]
    turns[1, 5, :7] *= -1
    embeddings = np.array([[1, 0], [0.6, 0.8], [0, 1]], np.float32)
    found = nearest_others("canteen 1", Looks(turns, embeddings))
    assert list(found.bits[:2]) == [7, 7]
    assert list(found.parts) == [4_000, 2_000, 2_000]
    assert found.others == 2


def test_plates_of_one_canteen_share_their_design_and_no_photo_is_another_one():
    one, again, other = canteen_plate(1, 0), canteen_plate(1, 0), canteen_plate(1, 1)
    assert one.tobytes() == again.tobytes()
    assert one.size != other.size or one.tobytes() != other.tobytes()
    here, there = (np.asarray(each.resize((8, 8)), float) for each in (one, canteen_plate(2, 0)))
    beside = np.asarray(other.resize((8, 8)), float)
    assert np.abs(here - beside).mean() < np.abs(here - there).mean()


def test_the_card_says_what_the_service_reads():
    figures = measured(PlateRecogniser.load(), [], canteens=1, plates=4)
    card = (resources.files("models") / "plate.card.md").read_text(encoding="utf-8")
    written = with_copies(card, figures)
    assert read_card(written).copies == chosen_limits(figures)
    assert read_card(written).thresholds == read_card(card).thresholds
    assert copies_table(figures) in written
    assert with_copies(written, figures) == written
    assert [line for line in written.splitlines() if line.startswith("## Copies")] == ["## Copies"]


def test_every_kind_of_copy_is_a_picture_that_an_upload_may_be():
    original, random = canteen_plate(3, 0), np.random.default_rng(0)
    for kind, copying in COPIES.items():
        copy = copying(original, random)
        assert copy.mode == "RGB", kind
        assert min(copy.size) >= 96, kind
        assert copy.tobytes() != original.tobytes(), kind
