import io
import json
import shutil
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

import models
from models.renderer import KINDS, render
from scoring.model_card import ModelNotInCard, Thresholds, read_card
from scoring.photo import PhotoUnreadable, sanitise
from scoring.plate import BATCH_MAX, CLASSES, PARTS, PlateRecogniser, Quality, decide, quantised
from scoring.score_files import score_files

PACKAGED = Path(models.__file__).parent / "plate.onnx"
THRESHOLDS = Thresholds(
    clean_accepted_min=8_000,
    not_a_plate_rejected_min=7_000,
    food_rejected_min=6_000,
    recapture_review_min=5_000,
    luminance_min=35.0,
    sharpness_min=45.0,
)
GOOD = Quality(luminance=180.0, sharpness=300.0)


@pytest.fixture(scope="module")
def recogniser():
    return PlateRecogniser.load()


def jpeg_of(image):
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def evidence(kind, seed=1):
    return sanitise(jpeg_of(render(kind, seed, (480, 360)))).jpeg


def parts(**scores):
    rest = PARTS - sum(scores.values())
    return dict.fromkeys(CLASSES, 0) | scores | {"residue": scores.get("residue", 0) + rest}


@pytest.mark.parametrize(
    ("scores", "recapture", "quality", "outcome"),
    [
        (parts(clean=8_000), 0, GOOD, ("accepted", None)),
        (parts(clean=7_999), 0, GOOD, ("in_review", "uncertain")),
        (parts(clean=8_000), 5_000, GOOD, ("in_review", "looks_like_screen")),
        (parts(clean=8_000), 4_999, GOOD, ("accepted", None)),
        (parts(not_a_plate=7_000), 0, GOOD, ("rejected", "no_plate")),
        (parts(not_a_plate=6_999), 0, GOOD, ("in_review", "uncertain")),
        (parts(leftover=3_000, full=3_000), 0, GOOD, ("rejected", "leftovers")),
        (parts(leftover=3_000, full=2_999), 0, GOOD, ("in_review", "uncertain")),
        (parts(clean=10_000), 0, Quality(34.9, 300.0), ("rejected", "too_dark")),
        (parts(clean=10_000), 0, Quality(35.0, 300.0), ("accepted", None)),
        (parts(clean=10_000), 0, Quality(180.0, 44.9), ("rejected", "too_blurry")),
        # A screen is also no plate; a person decides, never the machine alone.
        (parts(not_a_plate=10_000), 9_000, GOOD, ("in_review", "looks_like_screen")),
    ],
)
def test_scores_become_verdicts_at_the_thresholds_of_the_card(scores, recapture, quality, outcome):
    assert decide(scores, recapture, quality, THRESHOLDS) == outcome


@pytest.mark.parametrize(
    "probabilities",
    [[0.2] * 5, [1.0, 0, 0, 0, 0], [1 / 3, 1 / 3, 1 / 3, 0, 0], [0.99994, 0.00006, 0, 0, 0]],
)
def test_quantised_scores_sum_to_the_whole_and_stay_within_one_part(probabilities):
    exact = np.array(probabilities, np.float32)
    whole = quantised(exact)

    assert sum(whole) == PARTS
    assert np.abs(np.array(whole) - exact * PARTS).max() <= 1


def test_the_packaged_model_scores_every_kind_of_render(recogniser):
    scored = recogniser.score([evidence(kind) for kind in KINDS])

    for score in scored:
        assert set(score.scores) == set(CLASSES)
        assert sum(score.scores.values()) == PARTS
        assert 0 <= score.recapture <= PARTS
        assert (score.reason is None) == (score.verdict == "accepted")
        assert score.model == recogniser.card.sha256


def test_rendered_meals_are_never_accepted_and_look_less_clean_than_clean_plates(recogniser):
    clean = recogniser.score([evidence("clean", seed) for seed in range(20, 32)])
    meals = recogniser.score([evidence("full", seed) for seed in range(20, 32)])

    assert all(score.verdict != "accepted" for score in meals)
    assert np.median([score.scores["clean"] for score in clean]) > np.median(
        [score.scores["clean"] for score in meals]
    )


def test_the_place_in_a_batch_changes_a_score_by_at_most_one_part(recogniser):
    photos = [evidence("leftover", seed) for seed in range(BATCH_MAX + 1)]
    together = recogniser.score(photos)
    alone = [recogniser.score([photo])[0] for photo in photos]

    for one, other in zip(together, alone, strict=True):
        assert one.verdict == other.verdict
        assert one.fingerprints == other.fingerprints
        assert all(abs(one.scores[name] - other.scores[name]) <= 1 for name in CLASSES)


def test_embeddings_have_length_one_and_copies_lie_close(recogniser):
    image = render("leftover", 3, (640, 480))
    crop = image.crop((16, 12, 624, 468))
    other = render("leftover", 4, (640, 480))
    vectors = [
        np.frombuffer(score.embedding, "<f2").astype(np.float64)
        for score in recogniser.score([sanitise(jpeg_of(i)).jpeg for i in (image, crop, other)])
    ]

    assert all(len(vector) == recogniser.card.embedding_dim for vector in vectors)
    assert np.linalg.norm(vectors[0]) == pytest.approx(1, abs=2e-3)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]


def test_dark_and_blurred_photos_get_a_retake_hint(recogniser):
    image = render("clean", 1, (480, 360))
    dark = image.point(lambda value: value // 12)
    blurred = image.filter(ImageFilter.GaussianBlur(25))
    scores = recogniser.score([sanitise(jpeg_of(photo)).jpeg for photo in (dark, blurred)])

    assert [score.reason for score in scores] == ["too_dark", "too_blurry"]


def test_no_photo_is_no_work(recogniser):
    assert recogniser.score([]) == []


def test_rotten_evidence_is_an_error_and_no_verdict(recogniser):
    with pytest.raises(PhotoUnreadable):
        recogniser.score([evidence("clean"), b"rotten"])


def test_a_model_with_another_hash_than_its_cards_is_refused(tmp_path):
    shutil.copy(PACKAGED, tmp_path / "plate.onnx")
    shutil.copy(PACKAGED.with_name("plate.card.md"), tmp_path)
    assert PlateRecogniser.load(tmp_path / "plate.onnx").card.sha256

    with (tmp_path / "plate.onnx").open("ab") as file:
        file.write(b"\0")
    with pytest.raises(ModelNotInCard):
        PlateRecogniser.load(tmp_path / "plate.onnx")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda _: b"no model", "cannot run this file"),
        (lambda model: model.replace(b"recapture", b"recaptura"), "it has no recapture"),
    ],
)
def test_a_file_that_its_card_names_and_that_recognises_no_plates_is_refused(
    tmp_path, change, said
):
    with pytest.raises(ModelNotInCard, match=said):
        PlateRecogniser.load(model_with_its_card(tmp_path, change(PACKAGED.read_bytes())))


def model_with_its_card(folder, model):
    """A file beside the packaged card, which is made to be about it."""
    text = PACKAGED.with_name("plate.card.md").read_text(encoding="utf-8")
    packaged, ours = (sha256(each).hexdigest() for each in (PACKAGED.read_bytes(), model))
    (folder / "plate.card.md").write_text(text.replace(packaged, ours), encoding="utf-8")
    (folder / "plate.onnx").write_bytes(model)
    return folder / "plate.onnx"


def test_a_model_without_a_card_and_a_missing_model_are_refused(tmp_path):
    shutil.copy(PACKAGED, tmp_path / "other.onnx")

    for name in ("other.onnx", "missing.onnx"):
        with pytest.raises(ModelNotInCard):
            PlateRecogniser.load(tmp_path / name)


@pytest.mark.parametrize(
    "text",
    ["", "# a card", "+++\nsha256 = 1", "+++\n= broken\n+++\n", '+++\nsha256 = "a"\n+++\n'],
)
def test_a_card_without_complete_front_matter_is_refused(text):
    with pytest.raises(ModelNotInCard):
        read_card(text)


def test_files_are_scored_one_by_one_and_a_bad_one_does_not_stop_the_rest(tmp_path, recogniser):
    good, bad, gone = tmp_path / "plate.jpg", tmp_path / "notes.jpg", tmp_path / "gone.jpg"
    good.write_bytes(jpeg_of(render("clean", 1, (320, 240))))
    bad.write_bytes(b"no photo")
    records = list(score_files([bad, gone, good, tmp_path], recogniser))

    assert [record["reason"] for record in records][:2] == ["unsupported_type", "missing"]
    assert [record["verdict"] for record in records][:2] == ["rejected", "rejected"]
    assert records[3]["reason"] == "missing"
    assert records[0]["scores"] is None
    assert sum(records[2]["scores"].values()) == pytest.approx(1)
    assert {record["model"] for record in records} == {recogniser.card.sha256}
    assert json.loads(json.dumps(records))[2]["path"] == str(good)


def test_a_whole_photo_is_seen_whatever_its_shape(recogniser):
    wide = Image.new("RGB", (960, 96), (120, 90, 60))

    assert recogniser.score([sanitise(jpeg_of(wide)).jpeg])[0].scores
