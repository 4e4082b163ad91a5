"""What people do to a photo that they use again: the copies whose detection the card states."""

import io
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


def _turned_slightly(picture: Image.Image, random: Random) -> Image.Image:
    """Turned by 3 degrees and cropped so that no empty corner shows, as an editor does."""
    degrees = 3.0 if random.random() < 0.5 else -3.0  # noqa: PLR2004 - either way
    turned = picture.rotate(degrees, Image.Resampling.BICUBIC)
    short = 0.05 * min(picture.size)
    return turned.crop(
        (int(short), int(short), int(picture.width - short), int(picture.height - short))
    )


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
    "turned by 90, 180 or 270 degrees": _upright_turn,
    "turned by 3 degrees": _turned_slightly,
    "mirrored": _mirrored,
    "20 % brighter": _brighter,
    "screenshot": _screenshot,
}
