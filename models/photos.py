"""The photos with stated licences, their labels, and the split that everything here shares.

The folder lies outside the repository, and no commit contains a photo from it.
"""

import csv
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Part = Literal["train", "tune", "held_out"]
PHOTOS_DEFAULT: Final = Path("../shared/photos")
# The folder's labels in the recogniser's words.
CLASS_OF_LABEL: Final = {
    "clean": "clean",
    "dirty": "residue",
    "leftover": "leftover",
    "full": "full",
    "not_plate": "not_a_plate",
    # Of the class that made pictures of them have, too: the dish is not in front of the camera.
    "recaptured": "not_a_plate",
    "edited": "not_a_plate",
}
RECAPTURED_LABELS: Final = frozenset({"recaptured", "edited"})
MATERIAL: Final = (
    "material_"  # begins the labels of recyclables, which are things that are no plate
)
# Whole sources that the shipped model never sees: they answer how it does elsewhere. The canteen's
# days are left out one at a time by `models.experiments`.
LEFT_OUT: Final = frozenset({"steel_tray", "bottles_cups"})
HELD_OUT_SHARE: Final = 0.25  # of the groups of each source, a group being one tray
TUNE_SHARE: Final = 0.06  # of the groups: chooses the temperatures
_COLUMNS: Final = ("path", "dataset", "label", "leftover_fraction", "group", "note")
_FRACTION: Final = re.compile(r"(0(\.\d+)?|1(\.0+)?)?")
_UNSURE: Final = frozenset({"near-clean", "borderline"})  # graded unsure by the folder's own README


class PhotosMissing(Exception):
    """The folder of photos is not there, or not what its manifest lists."""


@dataclass(frozen=True, slots=True)
class Photo:
    """One labelled photo.

    Attributes:
        dataset: the source, as the manifest names it.
        label: one of the recogniser's classes.
        part: which part of the split it belongs to; a group is never split, and a photo without
            a group is one of its own.
        sure: False for what was graded unsure; kept out of training and scores.
        leftover_fraction: 0 to 1 where somebody measured it, else None.
        is_recaptured: a screen, a print or an edited photo: a dish that is not there.
    """

    path: Path
    dataset: str
    label: str
    part: Part
    sure: bool
    leftover_fraction: float | None = None
    is_recaptured: bool = False


def photos_in(folder: Path, left_out: frozenset[str] = LEFT_OUT) -> list[Photo]:
    """Read the manifest.

    Args:
        folder: holds `manifest.csv` beside its pictures.
        left_out: datasets, and days of the canteen (`20220527`), that are held out whole.

    Raises:
        PhotosMissing: with a sentence that says what to fetch or to correct.
    """
    manifest = folder / "manifest.csv"
    if not manifest.is_file():
        raise PhotosMissing(
            f"{manifest} is missing: training and evaluation need the folder of licensed photos "
            "(manifest.csv beside its pictures); pass its place with --photos"
        )
    return list(_listed(manifest, left_out))


def reviewed_in(folder: Path) -> list[Photo]:
    """What `tanhui review export` wrote; all of it is for training.

    Models are compared on another period, whose photos neither has seen.

    Raises:
        PhotosMissing: see `photos_in`.
    """
    if not (folder / "manifest.csv").is_file():
        raise PhotosMissing(
            f"{folder} has no manifest.csv: --reviewed takes what tanhui review export wrote"
        )
    return [replace(photo, part="train") for photo in photos_in(folder, frozenset())]


def manifest_sha256(folder: Path) -> str:
    """The hash of a folder's list, which stands for the folder in notes and file names."""
    return hashlib.sha256((folder / "manifest.csv").read_bytes()).hexdigest()


def _listed(manifest: Path, left_out: frozenset[str]) -> Iterator[Photo]:
    # Spreadsheets put a mark before the first column, and may save in another encoding.
    with manifest.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        rows = csv.DictReader(file)
        for row in rows:
            fault = _fault(manifest.parent, row)
            if fault:
                raise PhotosMissing(f"{manifest}, line {rows.line_num}: {fault}")
            yield _photo(manifest.parent, row, left_out)


def _fault(folder: Path, row: dict[str, str]) -> str | None:
    absent = [name for name in _COLUMNS if row.get(name) is None]
    if absent:
        return f"nothing in {', '.join(absent)}"
    if not (folder / row["path"]).is_file():
        return f"there is no photo {row['path']}"
    if row["label"] not in CLASS_OF_LABEL and not row["label"].startswith(MATERIAL):
        known = ", ".join([*CLASS_OF_LABEL, f"{MATERIAL}..."])
        return f"the label {row['label']!r} is none of {known}"
    if not _FRACTION.fullmatch(row["leftover_fraction"]):
        return f"leftover_fraction {row['leftover_fraction']!r} is not between 0 and 1"
    return None


def _photo(folder: Path, row: dict[str, str], left_out: frozenset[str]) -> Photo:
    return Photo(
        path=folder / row["path"],
        dataset=row["dataset"],
        label=CLASS_OF_LABEL.get(row["label"], "not_a_plate"),
        part=_part(row["dataset"], row["group"] or row["path"], left_out),
        sure=row["note"] not in _UNSURE,
        leftover_fraction=float(row["leftover_fraction"]) if row["leftover_fraction"] else None,
        is_recaptured=row["label"] in RECAPTURED_LABELS,
    )


def _part(dataset: str, group: str, left_out: frozenset[str]) -> Part:
    canteen = dataset.startswith("canteen")
    if dataset in left_out or (canteen and group[:8] in left_out):
        return "held_out"
    lot = int.from_bytes(hashlib.sha256(group.encode()).digest()[:4], "big") / 2**32
    if lot < HELD_OUT_SHARE:
        return "held_out"
    return "tune" if lot < HELD_OUT_SHARE + TUNE_SHARE else "train"


def opened(photo: Photo) -> Image.Image:
    """The picture, RGB, in memory.

    Raises:
        PhotosMissing: the file is no photo.
    """
    try:
        with Image.open(photo.path) as image:
            return image.convert("RGB")
    except OSError as error:
        raise PhotosMissing(f"{photo.path} is no photo: {error}") from error


def squeezed(image: Image.Image, side: int) -> NDArray[np.uint8]:
    """A picture squeezed into a square, as the recogniser sees it.

    Returns:
        Array of shape (side, side, 3), uint8, RGB.
    """
    small = image.convert("RGB").resize((side, side), Image.Resampling.BOX, reducing_gap=2.0)
    return np.asarray(small)
