"""Where scores become verdicts: chosen on the held-out split, where the worst source decides."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.evaluation import Scored, parts_of
from scoring.model_card import Thresholds
from scoring.plate import PARTS

FOOD_ACCEPTED_RATE_MAX: Final = 0.01  # visible leftovers that would be credited
THING_ACCEPTED_RATE_MAX: Final = 0.005  # photos of no plate that would be credited
PLATE_REFUSED_RATE_MAX: Final = 0.01  # plates that would be told "no plate", or "a screen"
CLEAN_REFUSED_RATE_MAX: Final = 0.02  # clean plates that would be told "leftovers"
STEP: Final = 50
# Measured: no plate of the folder is darker than 52 in its brightest tenth; half of that is night.
LUMINANCE_MIN: Final = 35.0
# Measured: plates of the folder are at 151 or more, blurred by 2.5 % of their side at 55 or less.
SHARPNESS_MIN: Final = 45.0

Chosen = Callable[[Scored], bool]


def chosen_thresholds(rows: Sequence[Scored]) -> Thresholds:
    """The lowest thresholds that keep every source within its allowed rates."""

    def lowest(classes: tuple[str, ...], wrong: Chosen, rate_max: float) -> int:
        sources = {row.source for row in rows}
        groups = [[row for row in rows if row.source == name and wrong(row)] for name in sources]
        return max(_lowest(parts_of(group, *classes), rate_max) for group in groups if group)

    return Thresholds(
        clean_accepted_min=max(
            lowest(
                ("clean",), lambda row: row.label in {"leftover", "full"}, FOOD_ACCEPTED_RATE_MAX
            ),
            lowest(("clean",), lambda row: row.label == "not_a_plate", THING_ACCEPTED_RATE_MAX),
        ),
        not_a_plate_rejected_min=lowest(
            ("not_a_plate",), lambda row: row.label in {"clean", "residue"}, PLATE_REFUSED_RATE_MAX
        ),
        food_rejected_min=lowest(
            ("leftover", "full"), lambda row: row.label == "clean", CLEAN_REFUSED_RATE_MAX
        ),
        recapture_review_min=_recapture(rows),
        luminance_min=LUMINANCE_MIN,
        sharpness_min=SHARPNESS_MIN,
    )


def _recapture(rows: Sequence[Scored]) -> int:
    real = [row for row in rows if row.source != "rendered" and row.label != "not_a_plate"]
    return _lowest(
        np.array([row.score.recapture for row in real], np.float64), PLATE_REFUSED_RATE_MAX
    )


def _lowest(parts: NDArray[np.float64], rate_max: float) -> int:
    """The lowest threshold, from a third on, that at most `rate_max` of the photos reach."""
    for threshold in range(PARTS // 3, PARTS, STEP):
        if float((parts >= threshold).mean()) <= rate_max:
            return threshold
    return PARTS
