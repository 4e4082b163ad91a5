"""Perceptual fingerprints: near copies of a photo stay near, whatever way it is turned.

What is fingerprinted and how near is near; the algorithm and its source are in `scoring.pdq`.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scoring.pdq import dihedral_hashes

# Evidence is decoded at this scale for the fingerprint and the recogniser together.
FINGERPRINT_SIDE_PX_MAX: Final = 512
# PDQ decimates to 64 x 64. Blocks of five pixels have a middle one, so that a mirrored picture has
# exactly the mirrored blocks: mirrored copies lie 0 bits apart on the median, and 15 without this.
FINGERPRINT_SIDE_PX: Final = 320
BAR_LUMINANCE_MAX: Final = 40  # the dark of galleries and players
BAR_SHARE_MIN: Final = 0.97  # of a line: compression spoils some pixels of the last one
KEPT_SHARE_MIN: Final = 0.2  # a photo that is nearly all bar is fingerprinted as it is
# The order of `Fingerprints.orientations`: what was done to the photo before hashing it.
ORIENTATIONS: Final = (
    "upright",
    "rotated_90",
    "rotated_180",
    "rotated_270",
    "flipped_top_bottom",
    "flipped_left_right",
    "transposed",
    "transversed",
)


@dataclass(frozen=True, slots=True)
class Fingerprints:
    """One photo's fingerprint in each orientation.

    Attributes:
        orientations: eight times 32 bytes, in the order of `ORIENTATIONS` (turns are
            anticlockwise).
        quality: 0 to 100 as PDQ defines it; a picture without structure is near 0, and its
            fingerprint then says little.
    """

    orientations: tuple[bytes, ...]
    quality: int

    @property
    def upright(self) -> bytes:
        """The photo as it was stored: the one to store; the other seven are for searching."""
        return self.orientations[0]


def fingerprints_of(image: Image.Image) -> Fingerprints:
    """Fingerprint an RGB image in its eight orientations, at the cost of one.

    The dark bars that a gallery or a screenshot puts round a photo are no part of it: callers hand
    over what `without_bars` leaves.
    """
    side = (FINGERPRINT_SIDE_PX, FINGERPRINT_SIDE_PX)
    small = image.resize(side, Image.Resampling.BILINEAR)
    bits, quality = dihedral_hashes(np.asarray(small))
    return Fingerprints(
        orientations=tuple(np.packbits(row).tobytes() for row in bits),
        quality=quality,
    )


def without_bars(image: Image.Image) -> Image.Image:
    """Cut off dark, even rows above and below, and columns left and right.

    A camera's dark is noisy and a screen's is not; bright bars are left alone, because an
    overexposed table is as even as they are, and cutting it off would make plates look alike.
    """
    grey = np.asarray(image.convert("L"), np.int16)
    top, bottom = _inside(grey)
    left, right = _inside(grey.T)
    if (top, bottom, left, right) == (0, image.height, 0, image.width):
        return image
    return image.crop((left, top, right, bottom))


def _inside(grey: NDArray[np.int16]) -> tuple[int, int]:
    """The longest run of lines that are no bar: a clock or buttons on a bar are shorter runs."""
    if not _are_bars(grey[[0, -1]]).any():  # bars reach the border; most photos end here
        return 0, len(grey)
    edges = np.flatnonzero(np.diff(_are_bars(grey).astype(np.int8), prepend=1, append=1))
    starts, ends = edges[::2], edges[1::2]
    longest = int(np.argmax(ends - starts)) if len(starts) else -1
    if longest < 0 or ends[longest] - starts[longest] < len(grey) * KEPT_SHARE_MIN:
        return 0, len(grey)
    return int(starts[longest]), int(ends[longest])


def _are_bars(lines: NDArray[np.int16]) -> NDArray[np.bool_]:
    are_dark = (lines <= BAR_LUMINANCE_MAX).mean(axis=1) >= BAR_SHARE_MIN
    are_even = np.median(np.abs(np.diff(lines, axis=1)), axis=1) == 0
    return np.asarray(are_dark & are_even)


def distance(one: bytes, other: bytes) -> int:
    """Bits that differ, 0 to 256; unrelated photos lie near 128, copies within 31."""
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).bit_count()
