"""What training draws from: photos and made pictures in memory, and how often each is seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.photos import Part, Photo, opened, squeezed
from models.renders import SIDE_PX, Pictures
from scoring.plate import CLASSES

# Of each batch: made pictures, plates of the canteen, and the rest photographed things.
MADE_SHARE: Final = 0.68
PLATES_SHARE: Final = 0.16


@dataclass(frozen=True, slots=True)
class Pool:
    """Pictures with the odds of drawing each."""

    pictures: Pictures
    odds: NDArray[np.float64]


def pictures_of(photos: Sequence[Photo], part: Part) -> Pictures:
    """Load the sure photos of one part of the split.

    Raises:
        PhotosMissing: one of the files is no photo.
    """
    chosen = [photo for photo in photos if photo.part == part and photo.sure]
    pixels = np.empty((len(chosen), SIDE_PX, SIDE_PX, 3), np.uint8)
    for at, photo in enumerate(chosen):
        pixels[at] = squeezed(opened(photo), SIDE_PX)
    fractions = [
        np.nan if one.leftover_fraction is None else one.leftover_fraction for one in chosen
    ]
    return Pictures(
        pixels,
        np.array([CLASSES.index(photo.label) for photo in chosen], np.int64),
        np.array([photo.is_recaptured for photo in chosen], np.float32),
        np.array(fractions, np.float32),
    )


def pool_of(photographed: Pictures, made: Pictures) -> Pool:
    """Join both; among the photographed plates every class is drawn equally often."""
    pictures = Pictures.joined(photographed, made)
    odds = np.zeros(len(pictures.labels))
    real = np.arange(len(odds)) < len(photographed.labels)
    plate = pictures.labels != CLASSES.index("not_a_plate")
    odds[~real] = MADE_SHARE / (~real).sum()
    thing_share = 1 - MADE_SHARE - PLATES_SHARE
    odds[real & ~plate] = thing_share / max(1, (real & ~plate).sum())
    present = np.unique(pictures.labels[real & plate])
    for label in present:
        members = real & (pictures.labels == label)
        odds[members] = PLATES_SHARE / len(present) / members.sum()
    return Pool(pictures, odds / odds.sum())
