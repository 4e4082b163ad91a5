"""The held-out split, scored by the path that the service takes, and its figures per source."""

import io
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.metrics import auc, auc_interval, calibration_error, rate_bound
from models.photos import Photo, opened
from models.renderer import KINDS, rendered
from models.renderer.scene import Stock
from models.renders import HELD_OUT_SEED
from models.repaint import repainted
from scoring.photo import sanitise
from scoring.plate import CLASSES, PARTS, PlateRecogniser, PlateScore

RENDERED_PER_KIND: Final = 60
RENDERED: Final = "rendered"
REPAINTED: Final = "repainted"  # held-out real dishes under glazes that nobody photographed
REPAINTED_EACH: Final = 4
MADE: Final = frozenset({RENDERED, REPAINTED})
TIGHT: Final = "canteen_dish"
_RENDERED_SIZE: Final = (480, 360)


@dataclass(frozen=True, slots=True)
class Scored:
    """One held-out photo with its true class and what the recogniser said.

    Attributes:
        leftover_fraction: the true one, 0 to 1, where somebody knows it.
        jpeg: the photo, for the sheet of the worst.
    """

    name: str
    source: str
    label: str
    score: PlateScore
    leftover_fraction: float | None = None
    jpeg: bytes = b""


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
        fraction_error: mean distance of the leftover fraction from the truth, 0 to 1; NaN where
            nobody knows the truth.
    """

    source: str
    counts: dict[str, int]
    clean_auc: tuple[float, float, float]
    plate_auc: float
    accepted: dict[str, int]
    rejected: dict[str, int]
    suspected: dict[str, int]
    calibration: float
    fraction_error: float

    def accepted_bound(self, label: str) -> float:
        """Upper 95 % bound of the rate at which photos of a class are accepted."""
        return rate_bound(self.accepted[label], self.counts[label])


def scored_held_out(photos: Sequence[Photo], recogniser: PlateRecogniser) -> list[Scored]:
    """Score every sure held-out photo, repaints of them, and renders that no training saw."""
    held_out = [photo for photo in photos if photo.part == "held_out" and photo.sure]
    things = [opened(photo) for photo in held_out if photo.dataset == "clothing"]
    return [
        *(_scored_photo(photo, recogniser) for photo in held_out),
        *_scored_repaints(held_out, Stock(things), recogniser),
        *_scored_renders(Stock(things), recogniser),
    ]


def _scored_photo(photo: Photo, recogniser: PlateRecogniser) -> Scored:
    jpeg = photo.path.read_bytes()
    score = _score(jpeg, recogniser)
    return Scored(photo.path.name, photo.dataset, photo.label, score, photo.leftover_fraction, jpeg)


def _scored_repaints(
    photos: Sequence[Photo], stock: Stock, recogniser: PlateRecogniser
) -> Iterator[Scored]:
    for photo in photos:
        if photo.dataset != TIGHT:
            continue
        random = np.random.default_rng(zlib.crc32(photo.path.name.encode()))
        for number in range(REPAINTED_EACH):
            jpeg = _jpeg(repainted(opened(photo), random, stock))
            name = f"{photo.path.name}-{number}"
            yield Scored(name, REPAINTED, photo.label, _score(jpeg, recogniser), jpeg=jpeg)


def _scored_renders(stock: Stock, recogniser: PlateRecogniser) -> Iterator[Scored]:
    for kind, label in KINDS.items():
        for seed in range(HELD_OUT_SEED, HELD_OUT_SEED + RENDERED_PER_KIND):
            made = rendered(kind, seed, _RENDERED_SIZE, stock)
            jpeg = _jpeg(made.picture)
            score = _score(jpeg, recogniser)
            yield Scored(f"{kind}-{seed}", RENDERED, label, score, made.leftover_fraction, jpeg)


def _jpeg(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def _score(data: bytes, recogniser: PlateRecogniser) -> PlateScore:
    [score] = recogniser.score([sanitise(data).jpeg])
    return score


def figures_of(rows: Sequence[Scored]) -> list[SourceFigures]:
    """Figures per source, in the order of their names, and never pooled."""
    plates = [row for row in rows if row.source == TIGHT]
    return [
        _figures(source, [row for row in rows if row.source == source], plates)
        for source in sorted({row.source for row in rows})
    ]


def kinds_of(rows: Sequence[Scored]) -> list[SourceFigures]:
    """Figures of rendered pictures of no plate, kind by kind, against rendered plates."""
    renders = [row for row in rows if row.source == RENDERED]
    things = [replace(row, source=_kind(row)) for row in renders if row.label == "not_a_plate"]
    plates = [row for row in renders if row.label != "not_a_plate"]
    return [
        _figures(kind, [row for row in things if row.source == kind], plates)
        for kind in sorted({row.source for row in things})
    ]


def _kind(row: Scored) -> str:
    return row.name.rpartition("-")[0]


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
        fraction_error=_fraction_error(eaten),
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


def _fraction_error(plates: list[Scored]) -> float:
    errors = [
        abs(row.score.leftover_fraction / PARTS - row.leftover_fraction)
        for row in plates
        if row.leftover_fraction is not None
    ]
    return float(np.mean(errors)) if errors else float("nan")
