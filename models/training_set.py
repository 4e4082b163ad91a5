"""What training draws from: photos and made pictures in memory, and how often each is seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

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
    chosen = _sure_of(photos, part)
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


def pool_of(photos: Sequence[Photo], made: Pictures) -> Pool:
    """Join the training photos and the made pictures.

    Among the photographed plates every class is drawn equally often. A source of n things is drawn
    by the square root of n: a few hundred rooms and streets count beside thousands of shirts.
    """
    photographed = pictures_of(photos, "train")
    plate = photographed.labels != CLASSES.index("not_a_plate")
    sources = np.array([photo.dataset for photo in _sure_of(photos, "train")])
    odds = np.zeros(len(plate))
    odds[plate] = _spread(PLATES_SHARE, photographed.labels[plate], power=0.0)
    odds[~plate] = _spread(1 - MADE_SHARE - PLATES_SHARE, sources[~plate], power=0.5)
    odds = np.concatenate([odds, np.full(len(made.labels), MADE_SHARE / len(made.labels))])
    return Pool(Pictures.joined(photographed, made), odds / odds.sum())


def _sure_of(photos: Sequence[Photo], part: Part) -> list[Photo]:
    return [photo for photo in photos if photo.part == part and photo.sure]


def _spread(share: float, groups: NDArray[Any], *, power: float) -> NDArray[np.float64]:
    """Odds of members that sum to a share, of which a group of n has its part by n ** power."""
    _, group, counts = np.unique(groups, return_inverse=True, return_counts=True)
    parts = counts**power
    return np.asarray(share * (parts / parts.sum() / counts)[group], np.float64)
