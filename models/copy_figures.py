"""How near copies come to their originals, and how near honest photos come to each other."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.canteen import canteen_plate
from models.copying import COPIES
from models.metrics import rate_bound
from models.photos import Photo
from scoring.photo import sanitise
from scoring.plate import PARTS, PlateRecogniser

OTHERS: Final = 1_000  # decision 8: among so many others of its canteen's 48 hours
CANTEENS: Final = 6
COPIED_PER_CANTEEN: Final = 16
COPIED_SIDE_PX: Final = 720  # the short side: a mini-program's photo
UPLOAD_QUALITY: Final = 85  # what phones write
REAL, RENDERED = "real dishes", "rendered plates"

Bits = NDArray[np.int64]
Parts = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Looks:
    """What the service keeps of photos.

    Attributes:
        turns: fingerprints in eight orientations, shape (n, 8, 256), -1 and 1, float32.
        embeddings: shape (n, dimension), float32, as float16 stores them.
    """

    turns: NDArray[np.float32]
    embeddings: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Nearest:
    """Of each photo, the nearest other photo of its canteen.

    Attributes:
        bits: between fingerprints in their nearest orientation.
        parts: 1 minus the cosine of embeddings, per 10,000.
        others: how many others each photo was compared with.
    """

    source: str
    bits: Bits
    parts: Parts
    others: int


@dataclass(frozen=True, slots=True)
class Copied:
    """Of each photo, the distance of one kind of copy to it."""

    source: str
    kind: str
    bits: Bits
    parts: Parts


@dataclass(frozen=True, slots=True)
class CopyFigures:
    """All that was measured.

    Attributes:
        honest: one entry per canteen.
        copied: one entry per source and kind of copy.
    """

    honest: Sequence[Nearest]
    copied: Sequence[Copied]


def measured(
    recogniser: PlateRecogniser,
    photos: Sequence[Photo],
    *,
    canteens: int = CANTEENS,
    plates: int = OTHERS + 1,
) -> CopyFigures:
    """Compare the clean dishes among `photos`, where there are any, and rendered canteens."""
    honest, copied = [], []
    real = _clean_dishes(photos)
    if real:
        looks = looks_of(real, recogniser)
        honest.append(nearest_others(REAL, looks))
        copied += _copied(REAL, real, looks, recogniser)
    pictures: list[Image.Image] = []
    for canteen in range(canteens):
        series = [canteen_plate(canteen, number) for number in range(plates)]
        honest.append(nearest_others(f"canteen {canteen + 1}", looks_of(series, recogniser)))
        pictures += [_as_large_as_a_phone_s(each) for each in series[:COPIED_PER_CANTEEN]]
    copied += _copied(RENDERED, pictures, looks_of(pictures, recogniser), recogniser)
    return CopyFigures(honest, copied)


def _clean_dishes(photos: Sequence[Photo]) -> list[Image.Image]:
    chosen = [each for each in photos if each.dataset == "canteen_dish" and each.label == "clean"]
    pictures = []
    for photo in chosen:
        with Image.open(photo.path) as image:
            pictures.append(_as_large_as_a_phone_s(image.convert("RGB")))
    return pictures


def _as_large_as_a_phone_s(picture: Image.Image) -> Image.Image:
    """What is copied is a phone's photo, of which even a half has more pixels than we keep."""
    scale = max(1.0, COPIED_SIDE_PX / min(picture.size))
    size = (round(picture.width * scale), round(picture.height * scale))
    return picture.resize(size, Image.Resampling.BICUBIC)


def _copied(
    source: str, pictures: Sequence[Image.Image], looks: Looks, recogniser: PlateRecogniser
) -> list[Copied]:
    found = []
    for kind, copy in COPIES.items():
        random = np.random.default_rng(0)
        copies = looks_of([copy(picture, random) for picture in pictures], recogniser)
        bits = np.array(
            [
                _bits_between(one, other)
                for one, other in zip(copies.turns, looks.turns, strict=True)
            ]
        )
        cosines = (copies.embeddings * looks.embeddings).sum(axis=1)
        found.append(Copied(source, kind, bits, _parts(cosines)))
    return found


def looks_of(pictures: Sequence[Image.Image], recogniser: PlateRecogniser) -> Looks:
    """Fingerprints and embeddings by the path that an upload takes."""
    turns, embeddings = [], []
    for picture in pictures:
        [score] = recogniser.score([sanitise(_uploaded(picture)).jpeg])
        packed = np.stack(
            [np.frombuffer(each, np.uint8) for each in score.fingerprints.orientations]
        )
        turns.append(np.unpackbits(packed, axis=1).astype(np.float32) * 2 - 1)
        embeddings.append(np.frombuffer(score.embedding, "<f2").astype(np.float32))
    return Looks(np.stack(turns), np.stack(embeddings))


def _uploaded(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=UPLOAD_QUALITY)
    return buffer.getvalue()


def nearest_others(source: str, looks: Looks) -> Nearest:
    """The nearest other photo of each, by fingerprint and by embedding."""
    upright = looks.turns[:, 0]
    count, size = upright.shape
    bits = np.full((count, count), size, np.int64)
    for turn in range(looks.turns.shape[1]):
        agree = looks.turns[:, turn] @ upright.T
        np.minimum(bits, ((size - agree) / 2).round().astype(np.int64), out=bits)
    bits = np.minimum(bits, bits.T)
    np.fill_diagonal(bits, size)
    cosines = looks.embeddings @ looks.embeddings.T
    np.fill_diagonal(cosines, -1)
    return Nearest(source, bits.min(axis=1), _parts(cosines.max(axis=1)), count - 1)


def _bits_between(copy: NDArray[np.float32], original: NDArray[np.float32]) -> int:
    return round(float((copy.shape[1] - (copy @ original[0]).max()) / 2))


def _parts(cosines: NDArray[np.float32]) -> Parts:
    return np.asarray(np.clip(np.round(PARTS * (1 - cosines)), 0, None), np.float64)


def met(honest: Sequence[Nearest], limits: Mapping[str, int]) -> tuple[int, int, float]:
    """Honest photos that meet another one within a limit, of how many, and the upper bound.

    Args:
        honest: of which canteens; pooled, since none alone has enough photos for a bound of 0.1 %.
        limits: `bits` or `parts` to the distance; a photo that is within any of them counts.
    """
    hits = [
        np.any([getattr(each, name) <= limit for name, limit in limits.items()], axis=0)
        for each in honest
    ]
    count, total = sum(int(each.sum()) for each in hits), sum(len(each) for each in hits)
    return count, total, rate_bound(count, total)
