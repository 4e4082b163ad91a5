"""The folder of labelled photos: what training reads of it, and what it says of a faulty one."""

import csv
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from models.evaluate import main as evaluate
from models.photos import PhotosMissing, photos_in, reviewed_in
from models.renders import SIDE_PX, Order, Pictures, main as renders
from models.sheets import main as sheets
from models.training_set import MADE_SHARE, PLATES_SHARE, pictures_of, pool_of
from scoring.plate import CLASSES


@pytest.mark.parametrize(
    ("main", "arguments"),
    [(sheets, ["out"]), (renders, ["--count", "1"])],
    ids=["sheets", "renders"],
)
def test_without_the_folder_every_command_says_so(main, arguments, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["it", "--photos", "nowhere", *arguments])
    assert main() == 2
    assert "--photos" in capsys.readouterr().err


def written_manifest(folder, *rows):
    header = ("path", "dataset", "label", "leftover_fraction", "group", "note")
    with (folder / "manifest.csv").open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def test_of_a_manifest_the_first_wrong_line_is_told(tmp_path):
    Image.new("RGB", (20, 20)).save(tmp_path / "a.jpg")
    good = ("a.jpg", "review", "clean", "", "day", "")
    for bad, words in (
        (("gone.jpg", *good[1:]), "there is no photo gone.jpg"),
        (("a.jpg", "review", "tasty", "", "", ""), "'tasty' is none of clean, dirty"),
        (("a.jpg", "review", "full", "a lot", "", ""), "'a lot' is not between 0 and 1"),
        (("a.jpg", "review"), "nothing in label, leftover_fraction"),
    ):
        written_manifest(tmp_path, good, bad)
        with pytest.raises(PhotosMissing) as refused:
            photos_in(tmp_path)
        said = str(refused.value)
        assert said.startswith(f"{tmp_path / 'manifest.csv'}, line 3: ")
        assert words in said


def test_what_reviewers_saw_on_a_screen_is_learned_as_a_screen(tmp_path):
    Image.new("RGB", (20, 20)).save(tmp_path / "a.jpg")
    labels = ("clean", "recaptured", "edited", "material_glass")
    written_manifest(tmp_path, *(("a.jpg", "review", label, "", "", "") for label in labels))
    pictures = pictures_of(reviewed_in(tmp_path), "train")
    assert pictures.recaptured.tolist() == [0, 1, 1, 0]
    assert [CLASSES[label] for label in pictures.labels] == ["clean", *["not_a_plate"] * 3]


def test_a_listed_file_that_is_no_photo_is_named(tmp_path):
    (tmp_path / "a.jpg").write_text("no photo")
    written_manifest(tmp_path, ("a.jpg", "review", "clean", "", "", ""))
    with pytest.raises(PhotosMissing, match=r"a\.jpg is no photo"):
        pictures_of(reviewed_in(tmp_path), "train")


def test_a_folder_that_review_never_wrote_is_told_as_such(tmp_path):
    with pytest.raises(PhotosMissing, match="tanhui review export"):
        reviewed_in(tmp_path)


@pytest.mark.parametrize("arguments", [[], ["--card"]], ids=["evaluate", "card"])
def test_a_model_that_is_not_there_is_named(arguments, tmp_path, monkeypatch, capsys):
    written_manifest(tmp_path)
    given = ["--photos", str(tmp_path), "--file", "missing.onnx", *arguments]
    monkeypatch.setattr("sys.argv", ["evaluate", *given])
    assert evaluate() == 2
    assert "missing.onnx" in capsys.readouterr().err


def test_classes_of_plates_are_drawn_alike_and_sources_of_things_by_their_root(tmp_path):
    Image.new("RGB", (20, 20)).save(tmp_path / "a.jpg")
    things = [*["shirts"] * 9, "rooms"]
    rows = [
        *(("a.jpg", "canteen", label, "", "", "") for label in ("clean", "clean", "full")),
        *(("a.jpg", source, "not_plate", "", "", "") for source in things),
    ]
    written_manifest(tmp_path, *rows)
    made = Pictures(
        np.zeros((2, SIDE_PX, SIDE_PX, 3), np.uint8),
        *(np.zeros(2, kind) for kind in (np.int64, np.float32, np.float32)),
    )
    odds = pool_of(reviewed_in(tmp_path), made).odds
    assert np.allclose(odds[:3], np.array([1, 1, 2]) / 4 * PLATES_SHARE)
    thing_share = 1 - MADE_SHARE - PLATES_SHARE
    assert np.allclose(odds[3:13], np.array([*[1 / 12] * 9, 1 / 4]) * thing_share)
    assert np.allclose(odds[13:], MADE_SHARE / 2)


def test_pictures_made_of_more_photos_are_kept_apart(tmp_path):
    written_manifest(tmp_path, ("a.jpg", "review", "clean", "", "", ""))
    without = Order(10, 1, tmp_path)
    assert replace(without, reviewed=(tmp_path,)).file != without.file
