"""Random fields and soft shapes from which a scene is made: numpy arrays of shape (height, width).

All values are float32; coordinates run over the picture with x to the right and y down, and the
longer side measures 2 (from -1 to 1).
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter, ImageOps

Field = NDArray[np.float32]
Colour = NDArray[np.float32]
Random = np.random.Generator


def resized(field: Field, width: int, height: int) -> Field:
    """Scale smoothly, as PIL does on its own floating-point mode."""
    image = Image.fromarray(np.ascontiguousarray(field, dtype=np.float32))
    return np.asarray(image.resize((width, height), Image.Resampling.BICUBIC))


def blurred(field: Field, radius_px: float) -> Field:
    """Blur by shrinking and growing: cheap, and soft enough for shadows and lights."""
    height, width = field.shape
    factor = max(1, int(radius_px))
    small = Image.fromarray(np.ascontiguousarray(field, dtype=np.float32)).resize(
        (max(2, width // factor), max(2, height // factor)), Image.Resampling.BOX
    )
    return np.asarray(small.resize((width, height), Image.Resampling.BICUBIC))


def noise(random: Random, shape: tuple[int, int], cells: float, octaves: int = 3) -> Field:
    """Smooth noise with about `cells` bumps along the longer side, mostly within -1 to 1."""
    height, width = shape
    total = np.zeros(shape, np.float32)
    weight = 1.0
    for octave in range(octaves):
        step = cells * 2**octave / max(width, height)
        rows, columns = max(2, int(height * step) + 2), max(2, int(width * step) + 2)
        grid = random.standard_normal((rows, columns)).astype(np.float32)
        total += weight * resized(grid, width, height)
        weight *= 0.5
    return np.asarray(total / 1.8, np.float32)


def grid(shape: tuple[int, int]) -> tuple[Field, Field]:
    """Coordinates of every pixel."""
    height, width = shape
    scale = 2 / max(width, height)
    ys = (np.arange(height, dtype=np.float32) - height / 2) * scale
    xs = (np.arange(width, dtype=np.float32) - width / 2) * scale
    return np.broadcast_to(xs, shape), np.broadcast_to(ys[:, None], shape)


def smoothstep(field: Field, low: float, high: float) -> Field:
    """0 below `low`, 1 above `high`, without a kink."""
    part = np.clip((field - low) / (high - low), 0, 1).astype(np.float32)
    return np.asarray(part * part * (3 - 2 * part), np.float32)


def mix(below: Colour, above: Colour, alpha: Field) -> Colour:
    """Lay one colour picture over another."""
    return np.asarray(below + (above - below) * alpha[..., None], np.float32)


def softened(mask: Image.Image, radius_px: float) -> Field:
    """A drawn 8-bit mask as a field within 0 to 1, its edges softened."""
    soft = mask.filter(ImageFilter.GaussianBlur(radius_px)) if radius_px > 0 else mask
    return np.asarray(soft, np.float32) / np.float32(255)


def colour(*channels: float) -> Colour:
    """An RGB colour within 0 to 1, to be broadcast over a picture."""
    return np.asarray(channels, np.float32)


def varied(random: Random, base: Colour, spread: float) -> Colour:
    """A colour near `base`."""
    return np.clip(base + random.normal(0, spread, 3), 0.01, 1).astype(np.float32)


def turned(x: Field, y: Field, angle: float) -> tuple[Field, Field]:
    """The same points in coordinates that are turned by `angle`."""
    cos, sin = math.cos(angle), math.sin(angle)
    return np.asarray(cos * x + sin * y, np.float32), np.asarray(cos * y - sin * x, np.float32)


def rounded(x: Field, y: Field, power: float) -> Field:
    """Distance from the middle whose unit circle is round (2) to nearly square (9)."""
    if power == 2:  # noqa: PLR2004 - the circle, ten times faster than powers
        return np.asarray(np.hypot(x, y), np.float32)
    x, y = np.abs(x), np.abs(y)
    near, far = np.minimum(x, y), np.maximum(x, y)
    ratio = near / np.maximum(far, 1e-6)
    return np.asarray(far * (1 + ratio**power) ** (1 / power), np.float32)


def happens(random: Random, share: float) -> bool:
    """True in `share` of the cases."""
    return float(random.random()) < share


def covers(mask: Field) -> NDArray[np.bool_]:
    """Where a soft mask is at least half."""
    return mask >= 0.5  # noqa: PLR2004 - half


def touched(mask: Field) -> tuple[slice, slice]:
    """The smallest box of rows and columns outside which a mask is 0."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if rows.size == 0:
        return slice(0, 0), slice(0, 0)
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def photographed_patch(
    random: Random, pictures: Sequence[Image.Image], shape: tuple[int, int], part: float = 0.4
) -> Colour:
    """A random piece of a photograph, at least `part` of its shorter side, stretched to `shape`."""
    picked = pictures[int(random.integers(len(pictures)))].convert("RGB")
    side = max(8.0, min(picked.size) * random.uniform(part, 1.0))
    left, top = random.uniform(0, picked.width - side), random.uniform(0, picked.height - side)
    box = (int(left), int(top), int(left + side), int(top + side))
    fitted = ImageOps.fit(picked.crop(box), (max(2, shape[1]), max(2, shape[0])))
    turned_over = fitted.transpose(Image.Transpose(int(random.integers(5))))
    pixels = np.asarray(turned_over.resize((shape[1], shape[0])), np.float32)
    return np.asarray(pixels * np.float32(random.uniform(0.6, 1.05) / 255), np.float32)
