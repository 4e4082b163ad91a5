import csv
import hashlib
import io
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

import models
from backend.cli import main
from scoring.comparison import Compared, Comparison, FolderNotComparable, compare_models
from scoring.model_card import ModelCard, Thresholds
from scoring.plate import CLASSES
from tests.fakes import make_score

PACKAGED_CARD = Path(models.__file__).parent / "plate.card.md"
THRESHOLDS = Thresholds(9_000, 9_000, 9_000, 8_000, 35.0, 45.0)


class ScriptedRecogniser:
    """Says of a photo what its red says, and a stricter one says no to dark red."""

    def __init__(self, name, accepts_from):
        self.card = ModelCard(name * 64, CLASSES, 160, 64, THRESHOLDS)
        self._accepts_from = accepts_from

    def score(self, jpegs):
        reds = [Image.open(io.BytesIO(jpeg)).convert("RGB").getpixel((5, 5))[0] for jpeg in jpegs]
        return [
            make_score(verdict="accepted" if red >= self._accepts_from else "in_review")
            for red in reds
        ]


@pytest.fixture
def folder(tmp_path):
    for name, red in (("bright.jpg", 250), ("middle.jpg", 150), ("dark.png", 50)):
        Image.new("RGB", (128, 128), (red, 0, 0)).save(tmp_path / name)
    (tmp_path / "note.txt").write_text("no photo")
    return tmp_path


def written_manifest(folder, *rows):
    with (folder / "manifest.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("path", "label"), *rows])


OLD, NEW = ScriptedRecogniser("a", 100), ScriptedRecogniser("b", 200)


def test_disagreements_are_counted_by_verdict_and_by_label(folder):
    rows = [("bright.jpg", "clean"), ("middle.jpg", "leftover"), ("dark.png", "leftover")]
    written_manifest(folder, *rows, ("gone.jpg", "clean"))
    found = compare_models(OLD, NEW, folder)
    assert [photo.path for photo in found.disagreements] == ["middle.jpg"]
    assert found.by_verdict() == {
        ("accepted", "accepted"): 1,
        ("accepted", "in_review"): 1,
        ("in_review", "in_review"): 1,
    }
    assert found.by_label() == {"clean": (1, 1, 1, 0), "leftover": (2, 1, 0, 1)}
    assert found.unreadable == ["gone.jpg"]


def test_without_a_manifest_every_picture_of_the_folder_is_compared(folder):
    found = compare_models(OLD, NEW, folder)
    assert [photo.path for photo in found.photos] == ["bright.jpg", "dark.png", "middle.jpg"]
    assert found.by_label() == {"unlabelled": (3, 2, 1, 1)}


@pytest.mark.parametrize("content", ["", "path,label\n", "name,label\na.jpg,clean\n"])
def test_a_manifest_that_lists_nothing_is_refused(folder, content):
    (folder / "manifest.csv").write_text(content)
    with pytest.raises(FolderNotComparable, match=r"manifest\.csv"):
        compare_models(OLD, NEW, folder)


def test_a_folder_without_photos_is_refused(tmp_path):
    with pytest.raises(FolderNotComparable, match="no JPEG"):
        compare_models(OLD, NEW, tmp_path)


def test_a_folder_of_which_nothing_is_a_photo_is_no_agreement(folder):
    written_manifest(folder, ("note.txt", "clean"), ("gone.jpg", "clean"))
    with pytest.raises(FolderNotComparable, match="none of the 2 files"):
        compare_models(OLD, NEW, folder)


def test_a_manifest_that_a_spreadsheet_saved_is_read(folder):
    rows = "path,label\nbright.jpg,clean\n"
    (folder / "manifest.csv").write_text(rows, encoding="utf-8-sig")
    assert [photo.label for photo in compare_models(OLD, NEW, folder).photos] == ["clean"]


def test_the_worst_disagreement_comes_first():
    def compared(path, clean):
        new = make_score(verdict="in_review", reason="uncertain")
        return Compared(path, "clean", make_score(), replace(new, scores={"clean": clean}))

    found = Comparison("a", "b", [compared("near", 8_000), compared("far", 100)], [])
    assert [photo.path for photo in found.disagreements] == ["far", "near"]
    assert [each["path"] for each in found.as_dict(limit=1)["worst"]] == ["far"]
    lines = list(found.as_lines(limit=1))
    assert lines[-1] == ("far (clean): accepted (clean 10000) -> in_review (clean 100, uncertain)")


def test_the_packaged_model_agrees_with_itself(folder, capsys):
    assert main(["model", "compare", "packaged", "packaged", str(folder), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["photos"], found["disagreements"], found["worst"]) == (3, 0, [])
    assert found["old"] == found["new"]


def test_a_model_without_a_card_is_refused(folder, capsys):
    (folder / "new.onnx").write_bytes(b"no model")
    arguments = ["model", "compare", "packaged", str(folder / "new.onnx"), str(folder)]
    assert main(arguments) == 2
    assert "refused" in (said := capsys.readouterr().err)
    assert "new.card.md cannot be read" in said


def test_a_file_of_a_card_that_is_no_model_is_refused(folder, capsys):
    (folder / "new.onnx").write_bytes(b"no model")
    digest = hashlib.sha256(b"no model").hexdigest()
    card = PACKAGED_CARD.read_text(encoding="utf-8")
    (folder / "new.card.md").write_text(re.sub("[0-9a-f]{64}", digest, card, count=1))
    assert main(["score", "--model", str(folder / "new.onnx"), str(folder / "bright.jpg")]) == 2
    assert "cannot run this file" in capsys.readouterr().err


def test_a_folder_that_is_not_there_is_wrong_input(tmp_path, capsys):
    arguments = ["model", "compare", "packaged", "packaged", str(tmp_path / "nowhere")]
    assert main(arguments) == 2
    assert "no JPEG" in capsys.readouterr().err
