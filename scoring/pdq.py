"""PDQ: 256 bits of a picture's low frequencies, near for near copies.

Arrays only: decoding and shrinking a photo belong to `scoring.photo` and `scoring.fingerprint`. The
idea: box filters, decimation and cosine transform are linear and separable, so that
only what the 64 x 64 decimated points take in is ever computed.

Source:
    "The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm", Facebook, 2019
    (`hashing.pdf` in github.com/facebook/ThreatExchange). The constants and the behaviour at the
    borders are those of the reference implementation beside it, `pdq/php/pdqhasher.php`; read
    2026-11-21.
"""

import math
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Bits = NDArray[np.bool_]

LUMINANCE_RGB: Final = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # ITU-R BT.601
SIDE: Final = 64  # every picture is decimated to SIDE x SIDE
FREQUENCIES: Final = 16  # per direction, from 1: the constant part says only how bright it is
QUALITY_MAX: Final = 100
# Sum of gradients, in percent of full scale, per point of quality: the reference's own constant.
GRADIENT_PER_QUALITY: Final = 90


def dihedral_hashes(rgb: NDArray[np.uint8]) -> tuple[Bits, int]:
    """Hash a picture in its eight orientations, at the cost of one.

    Args:
        rgb: shape (height, width, 3), uint8, RGB.

    Returns:
        Bits of shape (8, 256), highest frequency first: upright, turned anticlockwise by 90, 180
        and 270 degrees, flipped top to bottom, flipped left to right, transposed, transversed; and
        the quality, 0 to 100.
    """
    blocks = decimated(rgb)
    turned = orientations(_cosine_transform(blocks))
    values = turned.reshape(len(turned), -1)
    # The lower of the two middle values, as in the reference: half of the bits are set.
    middle = values.shape[1] // 2 - 1
    medians = np.partition(values, middle, axis=1)[:, middle, None]
    return (values > medians)[:, ::-1], quality(blocks)


def decimated(rgb: NDArray[np.uint8]) -> Floats:
    """Luminance, smoothed and decimated to shape (64, 64), float32 in [0, 255].

    All three steps are linear, so that the rows go first: the rest then has an eighth of the work.
    """
    luminance = (_shrink(rgb) * LUMINANCE_RGB).sum(axis=2)
    return _shrink(luminance.T).T


def quality(blocks: Floats) -> int:
    """Sum of the gradients between neighbours, each cut to whole percent; near 0 when flat."""
    total = sum(
        int(np.abs(np.trunc(np.diff(blocks, axis=axis) * np.float32(100 / 255))).sum())
        for axis in (0, 1)
    )
    return min(total // GRADIENT_PER_QUALITY, QUALITY_MAX)


def orientations(transform: Floats) -> Floats:
    """Cosine transforms of the turned pictures, from the upright one; shape (8, 16, 16).

    Mirroring a direction multiplies its k-th frequency by (-1)^k, since
    cos(pi k (2 (63 - j) + 1) / 128) = (-1)^k cos(pi k (2 j + 1) / 128); a turn is a mirrored
    transpose.
    """
    along = np.float32(-1) ** np.arange(1, FREQUENCIES + 1, dtype=np.float32)
    down = along[:, None]
    crossed = transform.T
    return np.stack(
        (
            transform,
            crossed * down,
            transform * down * along,
            crossed * along,
            transform * down,
            transform * along,
            crossed,
            crossed * down * along,
        )
    )


def _shrink(values: NDArray[np.generic]) -> Floats:
    """Smooth the first axis by two boxes of half a block, keep the middles of its 64 blocks.

    Tap by tap, because matrix products of this size go to BLAS threads, which wait for each other
    for tens of milliseconds when the cores are busy.
    """
    total = np.zeros((SIDE, *values.shape[1:]), dtype=np.float32)
    for places, weights in zip(*_tent(len(values)), strict=True):
        total += values[places] * weights.reshape(SIDE, *(1,) * (values.ndim - 1))
    return total


def _tent(length_px: int) -> tuple[NDArray[np.intp], Floats]:
    """Where each block reads and how much it takes there; both of shape (taps, 64).

    A box is a mean, cut at the borders; one of even width reaches a pixel further ahead than back.
    """
    window = -(-length_px // (2 * SIDE))
    steps = np.arange(window)[:, None] + window // 2 - window + 1
    middles = ((np.arange(SIDE) + 0.5) * length_px / SIDE).astype(np.intp)
    weights = np.zeros((2 * window - 1, SIDE))
    for tap, share in enumerate(_box(middles, steps, length_px)):
        inner = _box(middles + steps[tap], steps, length_px)
        weights[tap : tap + window] += share * inner
    places = middles + 2 * steps[0] + np.arange(2 * window - 1)[:, None]
    return places.clip(0, length_px - 1), weights.astype(np.float32)


def _box(centres: NDArray[np.intp], steps: NDArray[np.intp], length_px: int) -> NDArray[np.float64]:
    """Share of each step from each centre in the mean; shape (window, centres)."""
    inside = (centres + steps >= 0) & (centres + steps < length_px)
    shares: NDArray[np.float64] = inside / np.maximum(inside.sum(axis=0), 1)
    return shares


def _cosine_transform(blocks: Floats) -> Floats:
    """Frequencies 1 to 16 of both directions; shape (16, 16)."""
    transform: Floats = np.linalg.multi_dot((_cosines(), blocks, _cosines().T))
    return transform


@cache
def _cosines() -> Floats:
    """The type II cosine transform for frequencies 1 to 16; shape (16, 64)."""
    frequency = np.arange(1, FREQUENCIES + 1)[:, None]
    place = 2 * np.arange(SIDE)[None, :] + 1
    waves = np.cos(math.pi * frequency * place / (2 * SIDE))
    scaled: Floats = (math.sqrt(2 / SIDE) * waves).astype(np.float32)
    return scaled
