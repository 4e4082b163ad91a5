"""An upload becomes evidence: bytes in, a small upright JPEG without any metadata out.

Nothing here reads a clock, a file or a network. The stored JPEG, and never the upload, is what is
kept, hashed, fingerprinted and shown to the model, so one photo has one identity.
"""

import hashlib
import io
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from PIL import Image, UnidentifiedImageError

UPLOAD_BYTES_MAX: Final = 10_000_000  # what a phone makes at full quality; more is not a snapshot
PIXELS_MAX: Final = 40_000_000  # phones go to 12 to 50 MP; refused before anything is decoded
SIDE_PX_MIN: Final = 96  # below this no residue can be seen
ASPECT_MAX: Final = 10  # a strip is no photo, and scaling it to 1,024 px leaves nothing to see
EVIDENCE_SIDE_PX_MAX: Final = 1_024  # enough for reviewers; keeps a photo near 100 kB
EVIDENCE_QUALITY: Final = 88  # above the uploads' own 80, so that this step adds little loss

# An allow-list is the upstream advice against holes in rarely used decoders. "JPEG" also opens the
# multi-picture kind (MPO) of phones, whose first frame is the photo.
_FORMATS: Final = ("JPEG", "PNG", "WEBP")
_HEIC_BRANDS: Final = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"})
_HEIF_BRANDS: Final = frozenset({b"mif1", b"msf1"})  # the container alone; AVIF uses it as well
_EXIF_ORIENTATION: Final = 0x0112
_EXIF_SOFTWARE: Final = 0x0131  # phones write their own version there, editors their name
_EDITORS: Final = (
    *("affinity", "canva", "faceapp", "gimp", "krita", "lightroom", "meitu", "paint.net"),
    *("photoscape", "photoshop", "picsart", "pixelmator", "snapseed", "vsco", "xingtu"),
)
_UPRIGHT: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# What Pillow was seen to raise for hostile or broken files; a zTXt bomb, for one, is a ValueError.
_DECODER_ERRORS: Final = (
    ValueError,
    OSError,
    SyntaxError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    EOFError,
    OverflowError,
    MemoryError,
    struct.error,
)


class PhotoUnreadable(Exception):
    """The upload cannot become evidence.

    Attributes:
        reason: `heic`, `unsupported_type`, `too_large`, `too_small`, `too_many_pixels`,
            `several_frames` or `broken`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class SanitisedPhoto:
    """Evidence as it is stored.

    Attributes:
        jpeg: baseline JPEG, RGB, long side at most 1,024 px, upright, without metadata.
        sha256: of `jpeg`, hexadecimal: the key under which it is stored.
        pixel_sha256: of the size and the pixels that decode from `jpeg`: the claim's identity.
        width: in pixels.
        height: in pixels.
        edited_with: the editing program that named itself in the upload, of a fixed list.
    """

    jpeg: bytes
    sha256: str
    pixel_sha256: bytes
    width: int
    height: int
    edited_with: str | None = None


def sanitise(data: bytes) -> SanitisedPhoto:
    """Turn an upload into evidence; equal bytes give equal bytes.

    Meant for a worker process of one thread: warnings are filtered for the duration of the call.

    Raises:
        PhotoUnreadable: for every input that is not one acceptable photo; nothing else is raised.
    """
    _refuse_by_first_bytes(data)
    with (
        _decoder_errors_are_refusals(),
        Image.open(io.BytesIO(data), formats=_FORMATS) as image,
    ):
        _refuse_by_header(image)
        editor = _editor(image)
        fresh = _upright_rgb(image)
    jpeg = _encoded(fresh)
    width, height = fresh.size
    return SanitisedPhoto(
        jpeg=jpeg,
        sha256=hashlib.sha256(jpeg).hexdigest(),
        pixel_sha256=_pixel_sha256(jpeg),
        width=width,
        height=height,
        edited_with=editor,
    )


def decode_evidence(jpeg: bytes, side_px_max: int) -> Image.Image:
    """Evidence as RGB, decoded at a half, quarter or eighth while that stays above `side_px_max`.

    Raises:
        PhotoUnreadable: `broken`, when the stored bytes are not what `sanitise` wrote.
    """
    with (
        _decoder_errors_are_refusals(),
        Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as image,
    ):
        _draft(image, side_px_max)
        image.load()
        return image.convert("RGB")


@contextmanager
def _decoder_errors_are_refusals() -> Iterator[None]:
    with warnings.catch_warnings():
        # Complaints about odd EXIF or MPO tables are normal for phones, the size warning is ours.
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            yield
        except (Image.DecompressionBombWarning, Image.DecompressionBombError) as bomb:
            raise PhotoUnreadable("too_many_pixels") from bomb
        except UnidentifiedImageError as unknown:
            raise PhotoUnreadable("unsupported_type") from unknown
        except _DECODER_ERRORS as error:
            raise PhotoUnreadable("broken") from error


def _refuse_by_first_bytes(data: bytes) -> None:
    if len(data) > UPLOAD_BYTES_MAX:
        raise PhotoUnreadable("too_large")
    if data[4:8] == b"ftyp" and _is_heic(data):
        raise PhotoUnreadable("heic")


def _is_heic(data: bytes) -> bool:
    """By the brands of ISO/IEC 23008-12, Annex B; a bare HEIF container counts unless AVIF."""
    box = data[8 : min(int.from_bytes(data[:4], "big"), 256)]
    brands = {box[at : at + 4] for at in (0, *range(8, len(box), 4))}  # a version lies between
    return bool(brands & _HEIC_BRANDS) or (bool(brands & _HEIF_BRANDS) and b"avif" not in brands)


def _refuse_by_header(image: Image.Image) -> None:
    """Refuse before a pixel is decoded.

    Frames are not counted for JPEG: phones append a depth map or a preview, and the first picture
    is the photo.
    """
    short, long = sorted(image.size)
    if short * long > PIXELS_MAX:
        raise PhotoUnreadable("too_many_pixels")
    if short < SIDE_PX_MIN or long > ASPECT_MAX * short:
        raise PhotoUnreadable("too_small")
    if image.format in {"PNG", "WEBP"} and getattr(image, "n_frames", 1) > 1:
        raise PhotoUnreadable("several_frames")


def _upright_rgb(image: Image.Image) -> Image.Image:
    """A fresh image: pasted pixels carry no EXIF, GPS, XMP, profile or comment with them."""
    orientation = _orientation(image)
    _draft(image, EVIDENCE_SIDE_PX_MAX)
    image.load()
    image.thumbnail((EVIDENCE_SIDE_PX_MAX, EVIDENCE_SIDE_PX_MAX), Image.Resampling.BICUBIC)
    fresh = _flattened(image)
    turn = _UPRIGHT.get(orientation)
    return fresh if turn is None else fresh.transpose(turn)


def _draft(image: Image.Image, side_px_max: int) -> None:
    """Let the JPEG decoder skip what scaling down would throw away: 12 MP cost half the time."""
    if max(image.size) > side_px_max:
        scale = side_px_max / max(image.size)
        width, height = image.size
        image.draft(None, (max(1, int(width * scale)), max(1, int(height * scale))))


def _editor(image: Image.Image) -> str | None:
    """Known editors only: nothing that a stranger wrote into a file goes any further."""
    try:
        written = image.getexif().get(_EXIF_SOFTWARE) or image.info.get("Software")
    except _DECODER_ERRORS:
        return None
    named = str(written or "").casefold()
    return next((editor for editor in _EDITORS if editor in named), None)


def _orientation(image: Image.Image) -> int:
    try:
        value = image.getexif().get(_EXIF_ORIENTATION, 1)
    except _DECODER_ERRORS:
        return 1  # a broken EXIF table must not cost a member her photo
    return value if isinstance(value, int) else 1


def _flattened(image: Image.Image) -> Image.Image:
    """RGB on white; 16-bit grey keeps its upper eight bits."""
    fresh = Image.new("RGB", image.size, (255, 255, 255))
    if image.mode.startswith("I;16"):
        image = image.point(lambda value: value / 256).convert("L")
    if image.mode in {"RGBA", "LA", "PA", "RGBa", "La"} or "transparency" in image.info:
        layer = image.convert("RGBA")
        fresh.paste(layer.convert("RGB"), (0, 0), layer)
        return fresh
    fresh.paste(image.convert("RGB"))
    return fresh


def _encoded(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=EVIDENCE_QUALITY, subsampling="4:2:0")
    return buffer.getvalue()


def _pixel_sha256(jpeg: bytes) -> bytes:
    """Hash what decodes from the stored file, so that anyone can check it from the evidence."""
    with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as image:
        size = f"{image.width}x{image.height}:".encode()
        return hashlib.sha256(size + image.convert("RGB").tobytes()).digest()
