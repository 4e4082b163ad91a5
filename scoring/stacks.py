"""Small grey pictures of different shapes, side by side in one array.

So that one call of a numerical library works on all of them: for pictures this small the calls
cost more than the arithmetic.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from scoring.thumbnail import Floats


@dataclass(frozen=True, slots=True)
class Stack:
    """Pictures of one size level, each at the top left of a square canvas.

    Attributes:
        canvases: shape (n, side, side), float32; beyond a picture its border is repeated.
        sizes: shape (n, 2): width and height in pixels.
    """

    canvases: Floats
    sizes: NDArray[np.int64]

    def chosen(self, which: NDArray[np.intp] | slice) -> "Stack":
        """Some of the pictures, possibly several times."""
        return Stack(self.canvases[which], self.sizes[which])

    def picture(self, number: int) -> Floats:
        """One of the pictures, without what lies beyond it."""
        width, height = self.sizes[number]
        return self.canvases[number, :height, :width]

    def smooth(self) -> "Stack":
        """See `smooth`."""
        return Stack(smooth(self.canvases), self.sizes)

    def detail(self, reach_px: int) -> "Stack":
        """See `detail`."""
        return Stack(detail(self.canvases, reach_px), self.sizes)


def stacked(pictures: Sequence[NDArray[np.uint8]], side_px: int, factor: int) -> Stack:
    """Pictures whose sides are at most `side_px`, the mean of each square of `factor` pixels.

    `side_px` is a multiple of `factor`, which is at most 16.
    """
    canvases = np.empty((len(pictures), side_px, side_px), np.uint16)  # holds the sum of a square
    for canvas, picture in zip(canvases, pictures, strict=True):
        height, width = picture.shape
        canvas[:height, :width] = picture
        canvas[:height, width:] = picture[:, -1:]
        canvas[height:] = canvas[height - 1]
    rows = reduce(np.add, [canvases[:, start::factor] for start in range(factor)])
    sums = reduce(np.add, [rows[..., start::factor] for start in range(factor)])
    sizes = np.array([picture.shape[::-1] for picture in pictures], np.int64)
    return Stack(np.asarray(sums / factor**2, np.float32), -(-sizes // factor))


def smooth(pictures: Floats) -> Floats:
    """Weights 1, 2, 1 both ways: a copy is scaled, and what lies between two pixels is lost."""
    around = [(0, 0)] * (pictures.ndim - 2) + [(1, 1)] * 2
    padded = np.pad(pictures, around, mode="edge")
    rows = padded[..., :-2, :] + 2 * padded[..., 1:-1, :] + padded[..., 2:, :]
    return np.asarray((rows[..., :-2] + 2 * rows[..., 1:-1] + rows[..., 2:]) / 16, np.float32)


def mean_around(pictures: Floats, reach_px: int) -> Floats:
    """Mean over a square of `2 reach_px + 1`; what lies beyond the border repeats the border."""
    size = 2 * reach_px + 1
    around = [(0, 0)] * (pictures.ndim - 2) + [(reach_px + 1, reach_px)] * 2
    sums = np.pad(pictures, around, mode="edge").astype(np.float64)
    sums = sums.cumsum(axis=-1).cumsum(axis=-2)
    sums = sums[..., size:, :] - sums[..., :-size, :]
    return ((sums[..., size:] - sums[..., :-size]) / size**2).astype(np.float32)


def detail(pictures: Floats, reach_px: int) -> Floats:
    """What differs from its surroundings of this reach."""
    return pictures - mean_around(pictures, reach_px)
