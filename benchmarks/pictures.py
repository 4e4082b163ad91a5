"""Photos as phones send them, from the project's renderer: each shows another table."""

import io
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.renderer import render

HD, TWELVE_MP = (1920, 1080), (4000, 3000)
SMALL, LARGE = 250_000, 4_000_000  # bytes: a mini-program's photo, and an original from the album
# Seeds of training, evaluation and the demo lie elsewhere.
SEED_FIRST: Final = 3_000_000_000
KINDS: Final = ("clean", "leftover", "clean", "residue", "clean", "full")
# A render of 12 MP takes seconds; a smaller one that is enlarged lacks only the sensor's grain.
RENDERED_FOR_12_MP: Final = (1440, 1080)
GRAIN_GREY: Final = 6  # standard deviation, of 255; an original then has its 4 MB
QUALITIES: Final = (80, 84, 88, 90, 92, 94, 96, 97, 98)


def photo(number: int, size: tuple[int, int] = HD, bytes_about: int = SMALL) -> bytes:
    """A JPEG of about this many bytes; equal numbers give equal bytes."""
    return _jpeg(_picture(number, size), _quality(size, bytes_about))


@cache
def _quality(size: tuple[int, int], bytes_about: int) -> int:
    """The least quality at which the first picture has so many bytes, or the best one."""
    picture = _picture(0, size)
    fitting = (each for each in QUALITIES if len(_jpeg(picture, each)) >= bytes_about)
    return next(fitting, QUALITIES[-1])


def _picture(number: int, size: tuple[int, int]) -> Image.Image:
    return _twelve_megapixels(number) if size == TWELVE_MP else _rendered(number, size)


def _rendered(number: int, size: tuple[int, int]) -> Image.Image:
    return render(KINDS[number % len(KINDS)], SEED_FIRST + number, size)


def _twelve_megapixels(number: int) -> Image.Image:
    enlarged = _rendered(number, RENDERED_FOR_12_MP).resize(TWELVE_MP, Image.Resampling.BICUBIC)
    grainy = np.asarray(enlarged, np.int16) + _grain()
    return Image.fromarray(np.clip(grainy, 0, 255).astype(np.uint8))


@cache
def _grain() -> NDArray[np.int16]:
    """Of every picture the same: only its size in a JPEG matters. Shape (height, width, 1)."""
    width, height = TWELVE_MP
    grain = np.random.default_rng(0).normal(0, GRAIN_GREY, (height, width, 1))
    return grain.astype(np.int16)


def _jpeg(picture: Image.Image, quality: int) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()
