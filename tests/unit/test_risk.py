import pytest

from scoring.model_card import CopyLimits, ModelCard, Thresholds
from scoring.plate import CLASSES, recapture_risk
from scoring.risk import Risk, risk_of

LIMITS = CopyLimits(embedding_review_max=200, risk_review_min=5_000)


def make_risk(**changes):
    usual = {
        "recapture_risk": 0,
        "is_edited": False,
        "embedding_distance": None,
        "limits": LIMITS,
    }
    return risk_of(**usual | changes)


def test_a_photo_without_signs_and_without_metadata_has_no_risk():
    assert make_risk() == Risk(0, 0, 0, 0)


@pytest.mark.parametrize(
    ("distance", "sign"),
    [
        (0, 10_000),  # the same embedding
        (100, 7_500),  # half way to the card's distance: half way down to the line
        (200, 5_000),  # on the card's distance the sign is on the line
        (201, 0),
        (None, 0),
    ],
)
def test_the_neighbour_is_a_sign_within_the_card_s_distance(distance, sign):
    assert make_risk(embedding_distance=distance).neighbour == sign


def test_a_card_without_measurements_makes_no_sign_of_embeddings():
    assert make_risk(embedding_distance=0, limits=CopyLimits()).per_10000 == 0


@pytest.mark.parametrize(
    ("recapture", "edited", "expected"),
    [
        (4_000, True, 7_000),  # 1 - 0.6 * 0.5
        (4_999, False, 4_999),
        (1, True, 5_001),  # 1 - 0.9999 * 0.5 = 0.50005, rounded up
        (10_000, True, 10_000),
    ],
)
def test_signs_add_up_as_if_they_were_independent(recapture, edited, expected):
    assert make_risk(recapture_risk=recapture, is_edited=edited).per_10000 == expected


def test_the_reason_is_the_largest_sign():
    assert make_risk(is_edited=True, recapture_risk=4_999).reason == "looks_edited"
    assert make_risk(is_edited=True, recapture_risk=5_001).reason == "looks_like_screen"
    assert make_risk(is_edited=True, embedding_distance=0).reason == "looks_like_another"


@pytest.mark.parametrize(("recapture", "risk"), [(0, 0), (4_000, 2_500), (8_000, 5_000)])
def test_the_two_lines_of_the_card_for_recaptures_fall_on_one_another(recapture, risk):
    thresholds = Thresholds(9_000, 9_000, 9_000, 8_000, 35.0, 45.0)
    assert recapture_risk(recapture, ModelCard("0", CLASSES, 160, 64, thresholds, LIMITS)) == risk
