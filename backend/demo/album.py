"""The photos of the demo, from a folder or from the renderer; each knows where it comes from."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from pathlib import Path

from PIL import Image

from models.photos import PhotosMissing, photos_in
from models.renderer import render

TYPES = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
}
MANIFEST = "manifest.csv"
MANIFEST_LEVELS = 3  # a folder of one label lies two levels below the manifest
# Renders for training and evaluation have smaller seeds, so none of ours was ever learned from.
SEED_FIRST = 2_000_000_000
DARKNESS = 0.06  # a canteen at a power cut
JPEG_QUALITY = 88

# What a rendered photo shows, in an order that fits a small city: half of the plates are clean.
RENDERED = {
    "clean": "已光盘 clean",
    "residue": "有残留 residue",
    "leftover": "有剩余 leftover",
    "full": "未用餐 full",
    "empty_table": "非餐盘 not a plate",
    "dark": "太暗 dark",
}
MIXTURE = (
    *("clean", "leftover", "clean", "residue", "clean", "full"),
    *("clean", "empty_table", "clean", "dark"),
)
PARTS = {
    "train": "训练过 train",
    "tune": "调参用 tune",
    "held_out": "未训练 held out",
    "unsure": "标注存疑,未训练 label unsure, not trained",
    "": "未知 unknown",
}


@dataclass(frozen=True, slots=True)
class Photo:
    """One photo of the demo.

    Attributes:
        group: The folder or kind it belongs to, as the table names it.
        part: What the training did with it, a key of `PARTS`; empty if unknown.
        path: Where it lies; None for a rendered one.
    """

    group: str
    part: str
    kind: str
    seed: int
    path: Path | None = None

    @property
    def content_type(self) -> str:
        """Media type by the name of the file."""
        return TYPES[self.path.suffix.lower()] if self.path else "image/jpeg"

    def read(self) -> bytes:
        """The bytes that a phone would send; equal each time."""
        return self.path.read_bytes() if self.path else _rendered(self.kind, self.seed)


class NoPhotos(Exception):
    """The folder has no photo that could be sent."""


def rendered_album(count: int, seed: int) -> list[Photo]:
    """Photos made by the project's renderer; another `seed` gives other photos."""
    kinds = [MIXTURE[number % len(MIXTURE)] for number in range(count)]
    return [
        Photo(RENDERED[kind], "held_out", kind, SEED_FIRST + seed + number)
        for number, kind in enumerate(kinds)
    ]


def folder_album(folder: Path, count: int) -> list[Photo]:
    """At most `count` photos of a folder, spread evenly over its subfolders.

    Raises:
        NoPhotos: The folder is missing or has no JPEG, PNG or WebP.
    """
    groups: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in TYPES and path.is_file():
            groups.setdefault(_group(path, folder), []).append(path)
    if not groups:
        raise NoPhotos(f"{folder}: 没有 JPEG、PNG 或 WebP 照片 no JPEG, PNG or WebP photos")
    parts = _parts(folder)
    shares = _shares({name: len(paths) for name, paths in groups.items()}, count)
    picked = [
        [Photo(name, parts.get(path.resolve(), ""), name, 0, path) for path in _spread(paths, n)]
        for (name, paths), n in zip(groups.items(), shares.values(), strict=True)
    ]
    return [photo for photo in chain.from_iterable(zip_longest(*picked)) if photo]


def _group(path: Path, folder: Path) -> str:
    inside = path.parent.relative_to(folder)
    return str(inside) if inside.parts else folder.resolve().name


def _shares(sizes: Mapping[str, int], count: int) -> dict[str, int]:
    """How many photos of each group: equal shares, and what small groups lack goes to the rest."""
    shares = dict.fromkeys(sizes, 0)
    left = min(count, sum(sizes.values()))
    while left:
        for name in [name for name, size in sizes.items() if shares[name] < size][:left]:
            shares[name] += 1
            left -= 1
    return shares


def _spread(paths: Sequence[Path], count: int) -> list[Path]:
    """Every n-th photo: neighbours in a folder often show the same tray."""
    return [paths[number * len(paths) // count] for number in range(count)]


def _parts(folder: Path) -> dict[Path, str]:
    """What the training did with each photo, if the folder of licensed photos is around."""
    for place in [folder.resolve(), *folder.resolve().parents][:MANIFEST_LEVELS]:
        if (place / MANIFEST).is_file():
            try:
                return {
                    photo.path.resolve(): photo.part if photo.sure else "unsure"
                    for photo in photos_in(place)
                }
            except PhotosMissing:
                return {}  # somebody else's manifest
    return {}


def _rendered(kind: str, seed: int) -> bytes:
    picture = render("clean" if kind == "dark" else kind, seed)
    if kind == "dark":
        picture = picture.point(lambda value: int(value * DARKNESS))
    return _jpeg(picture)


def _jpeg(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=JPEG_QUALITY)
    return buffer.getvalue()
