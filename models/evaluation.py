"""The held-out split, scored by the path that the service takes, and its figures per source."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.metrics import auc, auc_interval, calibration_error, rate_bound
from models.photos import Photo
from models.renderer import KINDS, render
from models.renders import HELD_OUT_SEED
from scoring.photo import sanitise
from scoring.plate import CLASSES, PARTS, PlateRecogniser, PlateScore

RENDERED_PER_KIND: Final = 40
RENDERED: Final = "rendered"
_RENDERED_SIZE: Final = (480, 360)


@dataclass(frozen=True, slots=True)
class Scored:
    """One held-out photo with its true class and what the recogniser said."""

    name: str
    source: str
    label: str
    score: PlateScore


@dataclass(frozen=True, slots=True)
class SourceFigures:
    """What the held-out part of one source shows.

    Attributes:
        counts: photos by true class.
        clean_auc: clean against every other class of plate, with its 95 % interval.
        plate_auc: plates of the canteen against the things of this source.
        accepted: photos accepted, by true class.
        rejected: photos rejected, by true class.
        suspected: photos sent to a person as suspected screens or prints, by true class.
        calibration: expected calibration error of the highest class.
    """

    source: str
    counts: dict[str, int]
    clean_auc: tuple[float, float, float]
    plate_auc: float
    accepted: dict[str, int]
    rejected: dict[str, int]
    suspected: dict[str, int]
    calibration: float

    def accepted_bound(self, label: str) -> float:
        """Upper 95 % bound of the rate at which photos of a class are accepted."""
        return rate_bound(self.accepted[label], self.counts[label])


def scored_held_out(photos: Sequence[Photo], recogniser: PlateRecogniser) -> list[Scored]:
    """Score every sure held-out photo, and renders of seeds that no training uses."""
    rows = [
        Scored(
            photo.path.name, photo.dataset, photo.label, _score(photo.path.read_bytes(), recogniser)
        )
        for photo in photos
        if photo.part == "held_out" and photo.sure
    ]
    rows.extend(_scored_renders(recogniser))
    return rows


def _scored_renders(recogniser: PlateRecogniser) -> Iterator[Scored]:
    for kind, label in KINDS.items():
        for seed in range(HELD_OUT_SEED, HELD_OUT_SEED + RENDERED_PER_KIND):
            buffer = io.BytesIO()
            render(kind, seed, _RENDERED_SIZE).save(buffer, "JPEG", quality=85)
            yield Scored(f"{kind}-{seed}", RENDERED, label, _score(buffer.getvalue(), recogniser))


def _score(data: bytes, recogniser: PlateRecogniser) -> PlateScore:
    [score] = recogniser.score([sanitise(data).jpeg])
    return score


def figures_of(rows: Sequence[Scored]) -> list[SourceFigures]:
    """Figures per source, in the order of their names, and never pooled."""
    plates = [row for row in rows if row.source == "canteen_dish"]
    return [
        _figures(source, [row for row in rows if row.source == source], plates)
        for source in sorted({row.source for row in rows})
    ]


def _figures(source: str, rows: list[Scored], plates: list[Scored]) -> SourceFigures:
    eaten = [row for row in rows if row.label != "not_a_plate"]
    things = [row for row in rows if row.label == "not_a_plate"]
    own = eaten if source == RENDERED else plates
    clean = np.array([row.label == "clean" for row in eaten], bool)
    scores = parts_of(eaten, "clean")
    low, high = auc_interval(scores, clean)
    both = np.concatenate([parts_of(things, "not_a_plate"), parts_of(own, "not_a_plate")])
    flags = np.arange(len(both)) < len(things)
    return SourceFigures(
        source=source,
        counts=_counts(rows),
        clean_auc=(auc(scores, clean), low, high),
        plate_auc=auc(both, flags),
        accepted=_counts([row for row in rows if row.score.verdict == "accepted"]),
        rejected=_counts([row for row in rows if row.score.verdict == "rejected"]),
        suspected=_counts([row for row in rows if row.score.reason == "looks_like_screen"]),
        calibration=_calibration(rows),
    )


def parts_of(rows: Sequence[Scored], *classes: str) -> NDArray[np.float64]:
    """The summed score of some classes, one per photo, in parts per 10,000."""
    return np.array([sum(row.score.scores[name] for name in classes) for row in rows], np.float64)


def _counts(rows: Sequence[Scored]) -> dict[str, int]:
    return {name: sum(row.label == name for row in rows) for name in CLASSES}


def _calibration(rows: Sequence[Scored]) -> float:
    best = [max(row.score.scores, key=row.score.scores.__getitem__) for row in rows]
    confidence = np.array(
        [row.score.scores[name] / PARTS for row, name in zip(rows, best, strict=True)]
    )
    right = np.array([row.label == name for row, name in zip(rows, best, strict=True)], bool)
    return calibration_error(confidence, right)
