import io
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import models
from models.card import card_text, provisional_card, with_experiments
from models.evaluate import main as evaluate
from models.evaluation import Scored, figures_of, kinds_of
from models.metrics import auc, auc_interval, calibration_error, rate_bound
from models.photos import PHOTOS_DEFAULT, PhotosMissing, photos_in
from models.repetitions import record, repetitions_text
from models.sheets import COLUMNS, TILE_PX, worst_sheet
from models.thresholds import chosen_thresholds, crossed
from scoring.fingerprint import Fingerprints
from scoring.model_card import read_card
from scoring.plate import CLASSES, PARTS, PlateScore, Quality

CARD = Path(models.__file__).parent / "plate.card.md"


def made_score(clean, *, verdict="in_review", not_a_plate=0, recapture=0):
    rest = PARTS - clean - not_a_plate
    scores = dict.fromkeys(CLASSES, 0)
    scores |= {"clean": clean, "not_a_plate": not_a_plate, "leftover": rest}
    return PlateScore(
        scores=scores,
        recapture=recapture,
        leftover_fraction=0,
        verdict=verdict,
        reason=None if verdict == "accepted" else "uncertain",
        model="0" * 64,
        embedding=b"",
        fingerprints=Fingerprints((b"",) * 8, 100),
        quality=Quality(180.0, 300.0),
    )


def made_row(label, clean, *, source="canteen_dish", name="a photo", **changes):
    return Scored(name, source, label, made_score(clean, **changes))


@pytest.mark.parametrize(
    ("scores", "positive", "expected"),
    [
        ([1, 2, 3, 4], [0, 0, 1, 1], 1.0),
        ([4, 3, 2, 1], [0, 0, 1, 1], 0.0),
        ([1, 1, 1, 1], [0, 1, 0, 1], 0.5),
        ([1, 2, 2, 3], [0, 0, 1, 1], 0.875),  # pairs: 2>1, 2=2, 3>1, 3>2: 3.5 of 4
    ],
)
def test_area_under_the_curve_counts_pairs(scores, positive, expected):
    assert auc(np.array(scores, float), np.array(positive, bool)) == pytest.approx(expected)


def test_the_area_of_one_class_alone_is_not_a_number():
    assert math.isnan(auc(np.array([1.0]), np.array([True])))
    assert all(math.isnan(end) for end in auc_interval(np.array([1.0]), np.array([False])))


def test_the_interval_holds_the_area():
    random = np.random.default_rng(3)
    positive = np.arange(200) < 60
    scores = random.normal(0, 1, 200) + positive
    low, high = auc_interval(scores, positive)

    assert low < auc(scores, positive) < high


@pytest.mark.parametrize(
    ("count", "total", "bound"),
    [
        (0, 100, 1 - 0.05 ** (1 / 100)),  # (1 - p)^100 = 0.05
        (0, 1, 0.95),
        (1, 2, 0.95**0.5),  # 1 - p^2 = 0.05
        (5, 5, 1.0),
        (0, 0, 1.0),
    ],
)
def test_a_rate_has_the_exact_binomial_upper_bound(count, total, bound):
    assert rate_bound(count, total) == pytest.approx(bound, abs=1e-4)


def test_calibration_error_is_the_gap_between_confidence_and_truth():
    confidence = np.array([0.95, 0.95, 0.55, 0.55])

    assert calibration_error(confidence, np.array([1, 1, 1, 0], bool)) == pytest.approx(0.05)
    assert calibration_error(confidence, np.zeros(4, bool)) == pytest.approx(0.75)


def test_thresholds_let_at_most_one_leftover_in_a_hundred_through():
    rows = [made_row("clean", 9_800) for _ in range(50)]
    rows += [made_row("leftover", 100 * at) for at in range(100)]
    thresholds = chosen_thresholds(rows)
    credited = sum(
        row.label == "leftover" and row.score.scores["clean"] >= thresholds.clean_accepted_min
        for row in rows
    )

    assert credited <= 1
    assert thresholds.clean_accepted_min < 9_950


def test_the_worst_source_decides_a_threshold():
    easy = [made_row("leftover", 1_000, source="easy") for _ in range(50)]
    hard = [made_row("leftover", 9_000, source="hard") for _ in range(50)]
    rows = [*easy, *hard, made_row("clean", 9_500)]

    assert chosen_thresholds(rows).clean_accepted_min > 9_000
    assert chosen_thresholds([*easy, rows[-1]]).clean_accepted_min < 9_000


def test_pictures_of_packages_have_no_say_in_the_thresholds():
    rows = [made_row("not_a_plate", 1_000), made_row("clean", 9_500)]
    strange = made_row("not_a_plate", 9_900, source="packages")

    assert chosen_thresholds([*rows, strange]) == chosen_thresholds(rows)


def test_figures_are_per_source_and_never_pooled():
    rows = [
        made_row("clean", 9_000, source="one", verdict="accepted"),
        made_row("leftover", 100, source="one"),
        made_row("clean", 100, source="two"),
        made_row("leftover", 9_000, source="two", verdict="accepted"),
    ]
    one, two = figures_of(rows)

    assert (one.source, one.clean_auc[0], one.accepted["leftover"]) == ("one", 1.0, 0)
    assert (two.source, two.clean_auc[0], two.accepted["leftover"]) == ("two", 0.0, 1)
    assert two.accepted_bound("leftover") == 1.0


def test_rendered_things_are_told_from_rendered_plates_kind_by_kind():
    rows = [
        made_row("clean", 9_000, not_a_plate=200, source="rendered", name="clean-1"),
        made_row("not_a_plate", 0, not_a_plate=9_000, source="rendered", name="disc-1"),
        made_row("not_a_plate", 0, not_a_plate=100, source="rendered", name="empty_table-1"),
        made_row("not_a_plate", 0, not_a_plate=9_000, source="trashnet", name="glass-1"),
    ]
    disc, table = kinds_of(rows)

    assert (disc.source, disc.plate_auc) == ("disc", 1.0)
    assert (table.source, table.plate_auc) == ("empty_table", 0.0)


def test_a_written_card_is_read_back_by_the_service():
    card = provisional_card(b"a model")
    notes = dict.fromkeys(
        (
            "input_px",
            "made",
            "manifest_sha256",
            "plate",
            "reviewed_sha256",
            "seed",
            "state",
            "steps",
        ),
        "1",
    )
    rows = [made_row("clean", 9_000, verdict="accepted"), made_row("leftover", 100)]

    assert read_card(card_text(card, rows, rows, notes)) == card


def test_the_shipped_card_names_every_source_and_its_licence():
    text = CARD.read_text(encoding="utf-8")

    for word in (
        "CC BY 4.0",
        "CC0",
        "MIT",
        "massarrahelenna",
        "MealScan",
        "TrashNet",
        "DataCluster",
    ):
        assert word in text
    assert "never seen" in text


def test_without_the_folder_the_commands_say_what_is_missing(tmp_path, monkeypatch, capsys):
    with pytest.raises(PhotosMissing, match=r"manifest\.csv"):
        photos_in(tmp_path)

    monkeypatch.setattr("sys.argv", ["evaluate", "--photos", str(tmp_path)])
    assert evaluate() == 2
    assert "--photos" in capsys.readouterr().err


def test_no_group_of_photos_is_split():
    if not (PHOTOS_DEFAULT / "manifest.csv").is_file():
        pytest.skip(f"{PHOTOS_DEFAULT} is not here")
    photos = photos_in(PHOTOS_DEFAULT)
    trays = {}
    for photo in photos:
        if "canteen" in photo.dataset:
            trays.setdefault(photo.path.name[:15], set()).add(photo.part)

    assert all(len(parts) == 1 for parts in trays.values())
    assert {p.part for p in photos if p.dataset == "steel_tray"} == {"held_out"}
    assert {p.part for p in photos if p.dataset == "canteen_dish"} == {"train", "tune", "held_out"}


def test_a_day_that_is_left_out_is_held_out_whole():
    if not (PHOTOS_DEFAULT / "manifest.csv").is_file():
        pytest.skip(f"{PHOTOS_DEFAULT} is not here")
    photos = photos_in(PHOTOS_DEFAULT, frozenset({"20220527"}))
    parts = {p.part for p in photos if p.path.name.startswith("20220527")}

    assert parts == {"held_out"}


def test_new_experiments_replace_the_table_of_a_card():
    card = "before\n| training | steps | a: clean |\n|---|\n\n## After\nend"
    areas = {"a day left out": {"steps": 500, "auc": {"canteen_dish: clean": [0.9, 0.8, 0.95]}}}
    text = with_experiments(card, areas)

    assert "| a day left out | 500 | 0.900 (0.800 to 0.950) |" in text
    assert text.startswith("before\n")
    assert text.endswith("\n## After\nend")
    assert "a: clean" not in text


def test_a_photo_has_no_say_in_the_threshold_that_judges_it():
    trays = [f"20220527T1300{second:02}" for second in range(40)]
    rows = [
        replace(made_row("leftover", 9_000), name=f"{tray}_{dish}")
        for tray in trays
        for dish in (0, 1)
    ]
    strange = replace(made_row("leftover", 9_900), name="20220527T140000_0")
    by_name = {row.name: row.score.verdict for row in crossed([*rows, strange])}

    # The other half has seen 9,000 at most, so its threshold lets the one that is worse pass.
    assert by_name.pop(strange.name) == "accepted"
    assert len(by_name) == 80
    assert set(by_name.values()) == {"in_review"}
    # Chosen with a say of its own the threshold would have kept it out.
    assert chosen_thresholds([*rows, strange]).clean_accepted_min > 9_900


def test_a_repetition_stands_beside_the_shipped_figures_and_says_whether_it_is_inside(
    tmp_path, monkeypatch
):
    rows = [
        *(made_row("clean", clean) for clean in (7_000, 8_000, 9_000)),
        *(made_row("leftover", clean) for clean in (1_000, 2_000, 7_500)),
    ]
    figures = figures_of(rows)
    monkeypatch.setattr("models.repetitions.REPETITIONS", tmp_path / "repetitions.json")
    assert "none yet" in repetitions_text(figures)

    record("seed 2", figures)
    assert "canteen_dish: clean | 0.889" in repetitions_text(figures)
    assert repetitions_text(figures).endswith("0.889, inside |")


def test_the_worst_sheet_shows_the_farthest_from_the_truth_first():
    tile = io.BytesIO()
    Image.new("RGB", (8, 8)).save(tile, "JPEG")
    rows = [replace(made_row("leftover", clean), jpeg=tile.getvalue()) for clean in (0, 9_000)]

    assert worst_sheet(rows).size == (COLUMNS * TILE_PX, TILE_PX)
