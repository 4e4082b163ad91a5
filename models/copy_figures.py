"""How near copies come to their originals, and how near honest photos come to each other.

Every photo is one among all others of its canteen, and only those of them are laid over it that the
service would propose.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.canteen import canteen_plate
from models.copying import COPIES
from models.metrics import rate_bound
from models.photos import Photo
from scoring.photo import sanitise
from scoring.plate import PARTS, PlateRecogniser
from scoring.registration import (
    PROPOSED_BITS_MAX,
    PROPOSED_BY_EMBEDDING,
    PROPOSED_BY_FINGERPRINT,
    resemblances,
)
from scoring.thumbnail import Thumbnail

OTHERS: Final = 1_000  # each among so many others of its canteen's 48 hours
CANTEENS: Final = 4
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
        thumbnails: of all n photos.
    """

    turns: NDArray[np.float32]
    embeddings: NDArray[np.float32]
    thumbnails: Sequence[Thumbnail]

    def __add__(self, others: "Looks") -> "Looks":
        """These photos and then the others."""
        return Looks(
            np.concatenate([self.turns, others.turns]),
            np.concatenate([self.embeddings, others.embeddings]),
            [*self.thumbnails, *others.thumbnails],
        )

    def __getitem__(self, which: slice) -> "Looks":
        """Some of these photos."""
        return Looks(self.turns[which], self.embeddings[which], self.thumbnails[which])


@dataclass(frozen=True, slots=True)
class Nearest:
    """Of each photo, the nearest other photo of its canteen.

    Attributes:
        bits: between fingerprints in their nearest orientation.
        parts: 1 minus the cosine of embeddings, per 10,000.
        unlike: 10,000 minus the resemblance, in parts, of those that are laid over it.
        others: how many others each photo was compared with.
    """

    source: str
    bits: Bits
    parts: Parts
    unlike: Bits
    others: int


@dataclass(frozen=True, slots=True)
class Copied:
    """Of each photo, the distance of one kind of copy to it.

    Attributes:
        unlike: as in `Nearest`; 10,000 where the original is not among those that are laid over.
        proposed: whether it is among them.
    """

    source: str
    kind: str
    bits: Bits
    parts: Parts
    unlike: Bits
    proposed: NDArray[np.bool_]


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
    rendered = []
    for canteen in range(canteens):
        series = [canteen_plate(canteen, number) for number in range(plates)]
        looks = looks_of(series, recogniser)
        honest.append(nearest_others(f"canteen {canteen + 1}", looks))
        pictures = [_as_large_as_a_phone_s(each) for each in series[:COPIED_PER_CANTEEN]]
        among = looks_of(pictures, recogniser) + looks[len(pictures) :]
        rendered.append(_copied(RENDERED, pictures, among, recogniser))
    return CopyFigures(honest, [*copied, *map(_joined, zip(*rendered, strict=True))])


def _joined(parts: Sequence[Copied]) -> Copied:
    """One kind of copy in all canteens."""
    joined = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in ("bits", "parts", "unlike", "proposed")
    }
    return Copied(parts[0].source, parts[0].kind, **joined)


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
    source: str, pictures: Sequence[Image.Image], among: Looks, recogniser: PlateRecogniser
) -> list[Copied]:
    """Of each kind of copy, made of `pictures`, which are the first `among` honest photos."""
    found = []
    for kind, copy in COPIES.items():
        random = np.random.default_rng(0)
        copies = looks_of([copy(picture, random) for picture in pictures], recogniser)
        bits, cosines = _bits(copies, among), copies.embeddings @ among.embeddings.T
        proposals = proposed(cosines, bits)
        unlike = [_unlike(copies, number, among, others) for number, others in enumerate(proposals)]
        is_proposed = [number in others for number, others in enumerate(proposals)]
        found.append(
            Copied(
                source,
                kind,
                bits.diagonal(),
                _parts(cosines.diagonal()),
                np.array(unlike),
                np.array(is_proposed),
            )
        )
    return found


def _unlike(copies: Looks, number: int, among: Looks, others: Sequence[int]) -> int:
    """Of a copy to its original, which has the same number, if that is among the others."""
    found = dict(zip(others, _resemblances(copies, number, among, others), strict=True))
    return PARTS - found.get(number, 0)


def looks_of(pictures: Sequence[Image.Image], recogniser: PlateRecogniser) -> Looks:
    """Fingerprints, embeddings and thumbnails by the path that an upload takes."""
    turns, embeddings, thumbnails = [], [], []
    for picture in pictures:
        [score] = recogniser.score([sanitise(_uploaded(picture)).jpeg])
        packed = np.stack(
            [np.frombuffer(each, np.uint8) for each in score.fingerprints.orientations]
        )
        turns.append(np.unpackbits(packed, axis=1).astype(np.float32) * 2 - 1)
        embeddings.append(np.frombuffer(score.embedding, "<f2").astype(np.float32))
        thumbnails.append(Thumbnail.unpacked(score.thumbnail))
    return Looks(np.stack(turns), np.stack(embeddings), thumbnails)


def _uploaded(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=UPLOAD_QUALITY)
    return buffer.getvalue()


def nearest_others(source: str, looks: Looks) -> Nearest:
    """The nearest other photo of each, by fingerprint, by embedding and laid over it."""
    bits = _bits(looks, looks)
    np.fill_diagonal(bits, looks.turns.shape[-1])
    cosines = looks.embeddings @ looks.embeddings.T
    np.fill_diagonal(cosines, -1)
    alike = [
        max(_resemblances(looks, number, looks, [each for each in others if each != number]))
        for number, others in enumerate(proposed(cosines, bits))
    ]
    return Nearest(
        source,
        np.minimum(bits, bits.T).min(axis=1),
        _parts(cosines.max(axis=1)),
        PARTS - np.array(alike),
        len(bits) - 1,
    )


def _bits(photos: Looks, others: Looks) -> Bits:
    """Between fingerprints in their nearest orientation; shape (photos, others)."""
    agree = np.stack([photos.turns[:, turn] @ others.turns[:, 0].T for turn in range(8)])
    return np.asarray(np.round((others.turns.shape[-1] - agree.max(axis=0)) / 2), np.int64)


def proposed(cosines: NDArray[np.float32], bits: Bits) -> list[list[int]]:
    """Which others the service would lay over each photo; both of shape (photos, others)."""
    return [
        list(
            _nearest(1 - embedded, PROPOSED_BY_EMBEDDING, np.inf)
            | _nearest(distances, PROPOSED_BY_FINGERPRINT, PROPOSED_BITS_MAX)
        )
        for embedded, distances in zip(cosines, bits, strict=True)
    ]


def _nearest(distances: NDArray[Any], most: int, largest: float) -> dict[int, None]:
    """Those within a distance, the nearest first; a dict, since a set has no order."""
    nearest = np.argsort(distances, kind="stable")[:most]
    return dict.fromkeys(nearest[distances[nearest] <= largest].tolist())


def _resemblances(photos: Looks, number: int, others: Looks, which: Sequence[int]) -> list[int]:
    return resemblances(photos.thumbnails[number], [others.thumbnails[each] for each in which])


def _parts(cosines: NDArray[np.float32]) -> Parts:
    return np.asarray(np.clip(np.round(PARTS * (1 - cosines)), 0, None), np.float64)


def met(honest: Sequence[Nearest], limits: Mapping[str, int]) -> tuple[int, int, float]:
    """Honest photos that meet another one within a limit, of how many, and the upper bound.

    Args:
        honest: of which canteens; pooled, since none alone has enough photos for a bound of 0.1 %.
        limits: name of a distance of `Nearest` to the limit; a photo within any of them counts.
    """
    hits = [
        np.any([getattr(each, name) <= limit for name, limit in limits.items()], axis=0)
        for each in honest
    ]
    count, total = sum(int(each.sum()) for each in hits), sum(len(each) for each in hits)
    return count, total, rate_bound(count, total)
