"""Two models on the same photos: where they disagree, before one takes the other's place.

Photos go the way of uploads: sanitised first, so that what is compared is what the service would
have said.
"""

import csv
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from scoring.photo import UPLOAD_BYTES_MAX, PhotoUnreadable, sanitise
from scoring.plate import PlateRecogniser, PlateScore

MANIFEST: Final = "manifest.csv"  # with at least the columns `path` and `label`
UNLABELLED: Final = "unlabelled"
VERDICTS: Final = ("accepted", "in_review", "rejected")
_ENDINGS: Final = frozenset({".jpg", ".jpeg", ".png", ".webp"})


class FolderNotComparable(Exception):
    """The folder has no photos that can be read, or its manifest cannot."""


@dataclass(frozen=True, slots=True)
class Compared:
    """What two models said of one photo.

    Attributes:
        path: relative to the folder.
        label: of the manifest, or `unlabelled`.
    """

    path: str
    label: str
    old: PlateScore
    new: PlateScore

    @property
    def agrees(self) -> bool:
        """Whether both gave the same verdict."""
        return self.old.verdict == self.new.verdict

    @property
    def distance(self) -> int:
        """By how much the score for clean moved, per 10,000; it is what earns."""
        return abs(self.new.scores["clean"] - self.old.scores["clean"])

    def as_dict(self) -> Mapping[str, Any]:
        """For a program to read."""
        return {
            "path": self.path,
            "label": self.label,
            "old": _said(self.old),
            "new": _said(self.new),
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two models on one folder.

    Attributes:
        unreadable: paths that are no photos; both models would be asked in vain.
    """

    old_sha256: str
    new_sha256: str
    photos: Sequence[Compared]
    unreadable: Sequence[str]

    @property
    def disagreements(self) -> list[Compared]:
        """Photos with two verdicts, those first whose score for clean moved the most."""
        apart = [photo for photo in self.photos if not photo.agrees]
        return sorted(apart, key=lambda photo: (-photo.distance, photo.path))

    def by_verdict(self) -> Mapping[tuple[str, str], int]:
        """How many photos had which verdict of the old and of the new model."""
        return Counter((photo.old.verdict, photo.new.verdict) for photo in self.photos)

    def by_label(self) -> Mapping[str, tuple[int, int, int, int]]:
        """Per label: photos, accepted by the old model, by the new one, and disagreements."""
        return {
            label: (
                len(those),
                sum(each.old.verdict == "accepted" for each in those),
                sum(each.new.verdict == "accepted" for each in those),
                sum(not each.agrees for each in those),
            )
            for label in sorted({photo.label for photo in self.photos})
            for those in [[photo for photo in self.photos if photo.label == label]]
        }

    def as_dict(self, *, limit: int) -> Mapping[str, Any]:
        """The whole comparison, with at most `limit` disagreements listed."""
        keys = ("photos", "accepted_old", "accepted_new", "disagreements")
        return {
            "old": self.old_sha256,
            "new": self.new_sha256,
            "photos": len(self.photos),
            "unreadable": list(self.unreadable),
            "by_verdict": [
                {"old": old, "new": new, "photos": count}
                for (old, new), count in sorted(self.by_verdict().items())
            ],
            "by_label": {
                label: dict(zip(keys, counts, strict=True))
                for label, counts in self.by_label().items()
            },
            "disagreements": len(self.disagreements),
            "worst": [photo.as_dict() for photo in self.disagreements[:limit]],
        }

    def as_lines(self, *, limit: int) -> Iterator[str]:
        """For a person to read."""
        yield f"old {self.old_sha256}"
        yield f"new {self.new_sha256}"
        yield f"{len(self.photos)} photos, {len(self.disagreements)} with two verdicts"
        yield from (f"not a photo: {path}" for path in self.unreadable)
        yield ""
        yield f"{'old verdict':<12} " + " ".join(f"{'new ' + each:>14}" for each in VERDICTS)
        counts = self.by_verdict()
        for was in VERDICTS:
            yield f"{was:<12} " + " ".join(f"{counts.get((was, new), 0):>14}" for new in VERDICTS)
        yield ""
        yield f"{'label':<16} {'photos':>8} {'accepted old':>14} {'accepted new':>14} {'differ':>8}"
        for label, (photos, before, after, differ) in self.by_label().items():
            yield f"{label:<16} {photos:>8} {before:>14} {after:>14} {differ:>8}"
        yield ""
        for photo in self.disagreements[:limit]:
            yield f"{photo.path} ({photo.label}): {_words(photo.old)} -> {_words(photo.new)}"


def compare_models(old: PlateRecogniser, new: PlateRecogniser, folder: Path) -> Comparison:
    """Show every photo of a folder to both models.

    Raises:
        FolderNotComparable: see the class.
    """
    photos, unreadable = [], []
    for path, label in _listed(folder):
        try:
            jpeg = sanitise(_read(folder / path)).jpeg
        except (PhotoUnreadable, OSError):
            unreadable.append(path)
        else:
            [was], [becomes] = old.score([jpeg]), new.score([jpeg])
            photos.append(Compared(path, label, was, becomes))
    if not photos:
        raise FolderNotComparable(f"none of the {len(unreadable)} files of {folder} is a photo")
    return Comparison(old.card.sha256, new.card.sha256, photos, unreadable)


def _listed(folder: Path) -> list[tuple[str, str]]:
    """Paths and labels: those of the manifest, else every picture below the folder."""
    manifest = folder / MANIFEST
    if manifest.is_file():
        return _of_manifest(manifest)
    found = [path for path in folder.rglob("*") if path.suffix.lower() in _ENDINGS]
    if not found:
        raise FolderNotComparable(f"{folder} holds no JPEG, PNG or WebP photo and no {MANIFEST}")
    return [(path.relative_to(folder).as_posix(), UNLABELLED) for path in sorted(found)]


def _of_manifest(manifest: Path) -> list[tuple[str, str]]:
    try:
        with manifest.open(encoding="utf-8-sig", newline="") as file:
            rows = [(row["path"], row["label"] or UNLABELLED) for row in csv.DictReader(file)]
    except (KeyError, UnicodeDecodeError, csv.Error) as error:
        raise FolderNotComparable(f"{manifest} needs the columns path and label") from error
    if not rows:
        raise FolderNotComparable(f"{manifest} lists no photo")
    return rows


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(UPLOAD_BYTES_MAX + 1)


def _said(score: PlateScore) -> Mapping[str, Any]:
    return {
        "verdict": score.verdict,
        "reason": score.reason,
        "scores": score.scores,
        "recapture": score.recapture,
    }


def _words(score: PlateScore) -> str:
    why = f", {score.reason}" if score.reason else ""
    return f"{score.verdict} (clean {score.scores['clean']}{why})"
