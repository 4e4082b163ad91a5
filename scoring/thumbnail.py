"""Small grey pictures of photos, kept for as long as a photo may be used a second time.

A thumbnail says enough to lay two photos over each other (`scoring.registration`), and travels and
rests as plain bytes: width, height, then one byte per pixel.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

# What two honest photos of one design on one table differ in are specks and grain: at 128 px those
# stay below a resemblance of 0.92 at which at 96 px it had to be 0.985, and a crop of 15 % passed.
THUMBNAIL_SIDE_PX: Final = 128
SIDE_PX_MIN: Final = 8  # of the short side: a strip keeps its middle, and nothing divides by zero

Floats = NDArray[np.float32]


class NotAThumbnail(ValueError):
    """The bytes are not what `Thumbnail.packed` wrote."""


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A photo's luminance at a small size.

    Attributes:
        pixels: shape (height, width), uint8; both sides from 8 to 128.
    """

    pixels: NDArray[np.uint8]

    @property
    def packed(self) -> bytes:
        """As it is stored."""
        height, width = self.pixels.shape
        return bytes((width, height)) + self.pixels.tobytes()

    @classmethod
    def unpacked(cls, packed: bytes) -> "Thumbnail":
        """Read what `packed` wrote.

        Raises:
            NotAThumbnail: see the class.
        """
        width, height = packed[:2] if len(packed) > 1 else (0, 0)
        sides = range(SIDE_PX_MIN, THUMBNAIL_SIDE_PX + 1)
        if width not in sides or height not in sides or len(packed) != 2 + width * height:
            raise NotAThumbnail(f"{len(packed)} bytes that say {width} x {height}")
        return cls(np.frombuffer(packed, np.uint8, offset=2).reshape(height, width))


def thumbnail_of(image: Image.Image) -> Thumbnail:
    """Shrink an RGB image of any size; callers hand over what `without_bars` leaves of a photo."""
    scale = THUMBNAIL_SIDE_PX / max(image.size)
    width, height = (max(SIDE_PX_MIN, round(side * scale)) for side in image.size)
    # Boxes would alias a woven tablecloth, and no crop of it would look the same. The gap lets
    # whole blocks of pixels be added up first, at a fraction of the cost.
    grey = image.convert("L")
    small = grey.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=2.0)
    return Thumbnail(np.asarray(small))
