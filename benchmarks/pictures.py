"""Photos as phones send them, from the project's renderer: each shows another table."""

import io
from functools import cache, lru_cache
from typing import Final

from PIL import Image

from models.renderer import render

HD, TWELVE_MP = (1920, 1080), (4000, 3000)
SMALL, LARGE = 250_000, 4_000_000  # bytes: a mini-program's photo, and an original from the album
# Seeds of training, evaluation and the demo lie elsewhere.
SEED_FIRST: Final = 3_000_000_000
KINDS: Final = ("clean", "leftover", "clean", "residue", "clean", "full")
# A render of 12 MP takes seconds; a new crop of an old one is another picture in 0.2 s.
RENDERS_OF_12_MP = 4
CROP_SHARE, CROP_STEPS = 0.7, 7
QUALITIES: Final = (80, 84, 88, 90, 92, 94, 96, 97, 98)


def photo(number: int, size: tuple[int, int] = HD, bytes_about: int = SMALL) -> bytes:
    """A JPEG of about this many bytes; equal numbers give equal bytes."""
    picture = _twelve_megapixels(number) if size == TWELVE_MP else _rendered(number, size)
    return _jpeg(picture, _quality(size, bytes_about))


@cache
def _quality(size: tuple[int, int], bytes_about: int) -> int:
    """The least quality at which the first picture has so many bytes, or the best one."""
    picture = _rendered(0, size)
    fitting = (each for each in QUALITIES if len(_jpeg(picture, each)) >= bytes_about)
    return next(fitting, QUALITIES[-1])


@lru_cache(RENDERS_OF_12_MP)
def _rendered(number: int, size: tuple[int, int]) -> Image.Image:
    return render(KINDS[number % len(KINDS)], SEED_FIRST + number, size)


def _twelve_megapixels(number: int) -> Image.Image:
    width, height = TWELVE_MP
    across, down = divmod(number // RENDERS_OF_12_MP % CROP_STEPS**2, CROP_STEPS)
    left = int(width * (1 - CROP_SHARE) * across / (CROP_STEPS - 1))
    top = int(height * (1 - CROP_SHARE) * down / (CROP_STEPS - 1))
    box = (left, top, left + int(width * CROP_SHARE), top + int(height * CROP_SHARE))
    base = _rendered(number % RENDERS_OF_12_MP, TWELVE_MP)
    return base.resize(TWELVE_MP, Image.Resampling.BILINEAR, box=box)


def _jpeg(picture: Image.Image, quality: int) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()
