"""Perceptual fingerprints: near copies of a photo stay near, whatever way it is turned.

What is fingerprinted and how near is near; the algorithm and its source are in `scoring.pdq`.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL import Image

from scoring.pdq import dihedral_hashes

FINGERPRINT_BYTES: Final = 32
# PDQ itself shrinks to 64 x 64: 512 px give the same bits within noise, and evidence is decoded at
# that scale for the fingerprint and the recogniser together.
FINGERPRINT_SIDE_PX_MAX: Final = 512
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
    """Fingerprint an RGB image in its eight orientations, at the cost of one."""
    small = image
    if max(image.size) > FINGERPRINT_SIDE_PX_MAX:
        small = image.copy()
        small.thumbnail((FINGERPRINT_SIDE_PX_MAX, FINGERPRINT_SIDE_PX_MAX), Image.Resampling.BOX)
    bits, quality = dihedral_hashes(np.asarray(small))
    return Fingerprints(
        orientations=tuple(np.packbits(row).tobytes() for row in bits),
        quality=quality,
    )


def distance(one: bytes, other: bytes) -> int:
    """Bits that differ, 0 to 256; unrelated photos lie near 128, copies within 31."""
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).bit_count()
