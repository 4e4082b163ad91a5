"""PDQ: 256 bits of a picture's low frequencies, near for near copies.

Arrays only: decoding and shrinking a photo belong to `scoring.photo` and `scoring.fingerprint`. The
idea: box filters, decimation and cosine transform are all linear and separable, so that each side
of the picture needs one small matrix.

Source:
    "The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm", Facebook, 2019
    (`hashing.pdf` in github.com/facebook/ThreatExchange), and the constants of the reference
    implementation in `pdq/` there; read 2026-11-21.
"""

from functools import lru_cache
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
# A photo is at most 512 px here, in few formats: 64 sizes are 8 MB and hit nearly always.
SIZES_KEPT_MAX: Final = 64


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
    turned = orientations(_cosines() @ blocks @ _cosines().T)
    values = turned.reshape(len(turned), -1)
    # The lower of the two middle values, as in the reference: one bit more than half is set.
    middle = values.shape[1] // 2 - 1
    medians = np.partition(values, middle, axis=1)[:, middle, None]
    return (values > medians)[:, ::-1], quality(blocks)


def decimated(rgb: NDArray[np.uint8]) -> Floats:
    """Luminance, smoothed and decimated to shape (64, 64), float32 in [0, 255]."""
    height, width, _ = rgb.shape
    luminance = rgb.astype(np.float32) @ LUMINANCE_RGB
    return _shrinking(height) @ luminance @ _shrinking(width).T


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


@lru_cache(maxsize=SIZES_KEPT_MAX)
def _shrinking(length_px: int) -> Floats:
    """Smooth by two boxes, which make a tent, and keep each block's middle; shape (64, length)."""
    box = _box(length_px)
    middles = ((np.arange(SIDE) + 0.5) * length_px / SIDE).astype(np.intp)
    return box[middles] @ box


def _box(length_px: int) -> Floats:
    """Mean over a window of half a block, cut at the borders; shape (length, length).

    An even window reaches one pixel further ahead than behind.
    """
    window = -(-length_px // (2 * SIDE))
    ahead = window // 2
    places = np.arange(length_px, dtype=np.int32)
    reach = places[None, :] - places[:, None]
    inside = ((reach <= ahead) & (reach > ahead - window)).astype(np.float32)
    return inside / inside.sum(axis=1, keepdims=True)


@lru_cache(maxsize=1)
def _cosines() -> Floats:
    """The type II cosine transform for frequencies 1 to 16; shape (16, 64)."""
    frequency = np.arange(1, FREQUENCIES + 1)[:, None]
    place = 2 * np.arange(SIDE)[None, :] + 1
    waves = np.sqrt(2 / SIDE) * np.cos(np.pi * frequency * place / (2 * SIDE))
    return waves.astype(np.float32)
