"""Where scores become verdicts: chosen on the held-out split, where the worst source decides."""

import re
import zlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.evaluation import MADE, Scored, parts_of
from scoring.model_card import Thresholds
from scoring.plate import PARTS, decide

FOOD_ACCEPTED_RATE_MAX: Final = 0.01  # visible leftovers that would be credited
RESIDUE_ACCEPTED_RATE_MAX: Final = 0.05  # films and specks that would be credited
THING_ACCEPTED_RATE_MAX: Final = 0.005  # photos of no plate that would be credited
PLATE_REFUSED_RATE_MAX: Final = 0.02  # plates that would be told "no plate", or "a screen"
CLEAN_REFUSED_RATE_MAX: Final = 0.01  # clean plates that would be told "leftovers"
STEP: Final = 50
THRESHOLD_MIN: Final = 5_000  # what is less likely than all else together decides nothing
# Measured: no plate of the folder is darker than 52 in its brightest tenth; half of that is night.
LUMINANCE_MIN: Final = 35.0
# Measured: plates of the folder are at 151 or more, blurred by 2.5 % of their side at 55 or less.
SHARPNESS_MIN: Final = 45.0
# Pictures that nobody chose thresholds for: they show what the thresholds do elsewhere.
JUDGED_ONLY: Final = frozenset({"packages"})
_TRAY: Final = re.compile(r"\d{8}T\d{6}")  # dishes of one tray, and repaints of them, stay together


def chosen_thresholds(rows: Sequence[Scored]) -> Thresholds:
    """The lowest thresholds that keep every source within its allowed rates."""
    rows = [row for row in rows if row.source not in JUDGED_ONLY]
    recapture = _recapture(rows)
    # What goes to a person as a suspected screen cannot be accepted whatever its score.
    judged = [row for row in rows if row.score.recapture < recapture]
    return Thresholds(
        clean_accepted_min=max(
            _strictest(judged, ("clean",), {"leftover", "full"}, FOOD_ACCEPTED_RATE_MAX),
            _strictest(judged, ("clean",), {"residue"}, RESIDUE_ACCEPTED_RATE_MAX),
            _strictest(judged, ("clean",), {"not_a_plate"}, THING_ACCEPTED_RATE_MAX),
        ),
        not_a_plate_rejected_min=_strictest(
            judged, ("not_a_plate",), {"clean", "residue"}, PLATE_REFUSED_RATE_MAX
        ),
        food_rejected_min=_strictest(
            judged, ("leftover", "full"), {"clean"}, CLEAN_REFUSED_RATE_MAX
        ),
        recapture_review_min=recapture,
        luminance_min=LUMINANCE_MIN,
        sharpness_min=SHARPNESS_MIN,
    )


def judged_by(thresholds: Thresholds, rows: Sequence[Scored]) -> list[Scored]:
    """The same photos with the verdicts that these thresholds give."""
    return [_judged(row, thresholds) for row in rows]


def crossed(rows: Sequence[Scored]) -> list[Scored]:
    """Each half of the photos with the verdicts of thresholds that the other half chose.

    No photo has a say in the threshold that judges it, so the rates of this are not optimistic.
    """
    halves = [[row for row in rows if _half(row) == half] for half in (0, 1)]
    return [
        row
        for own, other in (halves, reversed(halves))
        for row in judged_by(chosen_thresholds(other), own)
    ]


def _half(row: Scored) -> int:
    tray = _TRAY.match(row.name)
    return zlib.crc32((tray[0] if tray else row.name).encode()) % 2


def _judged(row: Scored, thresholds: Thresholds) -> Scored:
    score = row.score
    verdict, reason = decide(score.scores, score.recapture, score.quality, thresholds)
    return replace(row, score=replace(score, verdict=verdict, reason=reason))


def _strictest(
    rows: Sequence[Scored], classes: tuple[str, ...], wrong: set[str], rate_max: float
) -> int:
    """The threshold that every source needs for its photos of the wrong classes."""
    suspects = [row for row in rows if row.label in wrong]
    needed = [
        _lowest(parts_of([row for row in suspects if row.source == source], *classes), rate_max)
        for source in {row.source for row in suspects}
    ]
    return max(needed, default=THRESHOLD_MIN)


def _recapture(rows: Sequence[Scored]) -> int:
    real = [row for row in rows if row.source not in MADE and row.label != "not_a_plate"]
    if not real:
        return THRESHOLD_MIN
    parts = np.array([row.score.recapture for row in real], np.float64)
    return _lowest(parts, PLATE_REFUSED_RATE_MAX)


def _lowest(parts: NDArray[np.float64], rate_max: float) -> int:
    """The lowest threshold that at most `rate_max` of the photos reach."""
    for threshold in range(THRESHOLD_MIN, PARTS, STEP):
        if float((parts >= threshold).mean()) <= rate_max:
            return threshold
    return PARTS
