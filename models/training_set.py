"""What training draws from: photos and renders in memory, and how often each is seen."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.photos import Part, Photo, squeezed
from models.renders import SIDE_PX, Pictures
from scoring.plate import CLASSES

# Of each batch: half renders, a quarter plates of the canteen, the rest photographed things.
RENDERED_SHARE: Final = 0.5
PLATES_SHARE: Final = 0.25


@dataclass(frozen=True, slots=True)
class Pool:
    """Pictures with the odds of drawing each."""

    pictures: Pictures
    odds: NDArray[np.float64]


def pictures_of(photos: list[Photo], part: Part) -> Pictures:
    """Load the sure photos of one part of the split."""
    chosen = [photo for photo in photos if photo.part == part and photo.sure]
    pixels = np.empty((len(chosen), SIDE_PX, SIDE_PX, 3), np.uint8)
    for at, photo in enumerate(chosen):
        with Image.open(photo.path) as image:
            pixels[at] = squeezed(image, SIDE_PX)
    labels = np.array([CLASSES.index(photo.label) for photo in chosen], np.int64)
    return Pictures(pixels, labels, np.zeros(len(chosen), np.float32))


def pool_of(photographed: Pictures, renders: Pictures) -> Pool:
    """Join both; among the canteen's plates every class is drawn equally often."""
    pictures = Pictures(
        np.concatenate([photographed.pixels, renders.pixels]),
        np.concatenate([photographed.labels, renders.labels]),
        np.concatenate([photographed.recaptured, renders.recaptured]),
    )
    odds = np.zeros(len(pictures.labels))
    real = np.arange(len(odds)) < len(photographed.labels)
    plate = pictures.labels != CLASSES.index("not_a_plate")
    odds[~real] = RENDERED_SHARE / (~real).sum()
    thing_share = 1 - RENDERED_SHARE - PLATES_SHARE
    odds[real & ~plate] = thing_share / max(1, (real & ~plate).sum())
    present = np.unique(pictures.labels[real & plate])
    for label in present:
        members = real & (pictures.labels == label)
        odds[members] = PLATES_SHARE / len(present) / members.sum()
    return Pool(pictures, odds / odds.sum())
