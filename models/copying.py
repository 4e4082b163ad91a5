"""What people do to a photo that they use again: the copies whose detection the card states."""

import io
import math
from collections.abc import Callable, Mapping
from typing import Final

from PIL import Image, ImageEnhance, ImageOps

from models.renderer.fields import Random

Copying = Callable[[Image.Image, Random], Image.Image]

_BACKGROUND: Final = (18, 18, 20)  # a gallery's black
_SCREEN: Final = (9, 19)  # what phones' screens measure, width to height


def _recompressed(picture: Image.Image, _: Random) -> Image.Image:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=50)
    with Image.open(buffer) as image:
        return image.convert("RGB")


def _halved(picture: Image.Image, _: Random) -> Image.Image:
    return picture.resize((picture.width // 2, picture.height // 2), Image.Resampling.LANCZOS)


def _cropped(share: float) -> Copying:
    """Takes `share` off each side length, wherever the crop happens to lie."""

    def crop(picture: Image.Image, random: Random) -> Image.Image:
        width, height = (round(side * (1 - share)) for side in picture.size)
        left = int(random.integers(picture.width - width + 1))
        top = int(random.integers(picture.height - height + 1))
        return picture.crop((left, top, left + width, top + height))

    return crop


def _upright_turn(picture: Image.Image, random: Random) -> Image.Image:
    turns = (Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270)
    return picture.transpose(turns[int(random.integers(len(turns)))])


def _off_centre(picture: Image.Image, _: Random) -> Image.Image:
    """Cropped by 15 % of each side, all of it right and below."""
    width, height = (round(side * 0.85) for side in picture.size)
    return picture.crop((0, 0, width, height))


def _turned(degrees: float) -> Copying:
    """Turned either way and cropped so that no empty corner shows, as an editor does."""

    def turn(picture: Image.Image, random: Random) -> Image.Image:
        either_way = degrees if random.random() < 0.5 else -degrees  # noqa: PLR2004
        turned = picture.rotate(either_way, Image.Resampling.BICUBIC)
        aspect = max(picture.width / picture.height, picture.height / picture.width)
        share = 1 / (math.cos(math.radians(degrees)) + aspect * math.sin(math.radians(degrees)))
        width, height = (int(side * share) for side in picture.size)
        left, top = (picture.width - width) // 2, (picture.height - height) // 2
        return turned.crop((left, top, left + width, top + height))

    return turn


def _one_after_another(*copyings: Copying) -> Copying:
    def copy(picture: Image.Image, random: Random) -> Image.Image:
        for copying in copyings:
            picture = copying(picture, random)
        return picture

    return copy


def _mirrored(picture: Image.Image, _: Random) -> Image.Image:
    return ImageOps.mirror(picture)


def _brighter(picture: Image.Image, _: Random) -> Image.Image:
    return ImageEnhance.Brightness(picture).enhance(1.2)


def _screenshot(picture: Image.Image, _: Random) -> Image.Image:
    """The photo between the black bars of a gallery, scaled to a phone's screen."""
    width = 720
    height = width * _SCREEN[1] // _SCREEN[0]
    screen = Image.new("RGB", (width, height), _BACKGROUND)
    shown = ImageOps.contain(picture, (width, height), Image.Resampling.BICUBIC)
    screen.paste(shown, ((width - shown.width) // 2, (height - shown.height) // 2))
    return screen


COPIES: Final[Mapping[str, Copying]] = {
    "compressed again": _recompressed,
    "half the size": _halved,
    "cropped by 5 %": _cropped(0.05),
    "cropped by 15 %": _cropped(0.15),
    "cropped by 15 %, off centre": _off_centre,
    "turned by 90, 180 or 270 degrees": _upright_turn,
    "turned by 3 degrees": _turned(3),
    "turned by 10 degrees": _turned(10),
    "mirrored": _mirrored,
    "20 % brighter": _brighter,
    "screenshot": _screenshot,
    "cropped by 10 % and mirrored": _one_after_another(_cropped(0.1), _mirrored),
    "cropped by 10 %, brighter, compressed": _one_after_another(
        _cropped(0.1), _brighter, _recompressed
    ),
}
