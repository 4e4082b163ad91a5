"""Rendered and repainted pictures, made once and kept under `models/runs/`, which Git ignores."""

import argparse
import io
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.photos import (
    LEFT_OUT,
    PHOTOS_DEFAULT,
    Photo,
    PhotosMissing,
    manifest_sha256,
    opened,
    photos_in,
    reviewed_in,
    squeezed,
)
from models.renderer import KINDS, RECAPTURED, Rendered, rendered, stained
from models.renderer.recaptures import on_print, on_screen
from models.renderer.scene import Stock
from models.repaint import repainted
from scoring.plate import CLASSES

RUNS: Final = Path(__file__).parent / "runs"
SIDE_PX: Final = 184  # a little above the model's input, so that crops lose no detail
THINGS_MAX: Final = 400  # of a folder: photographs of other things that serve as table tops, prints
HELD_OUT_SEED: Final = 1_000_000_000  # seeds from here on are for evaluation only
# How many of a hundred pictures show what; plates in all four states, and what is not one.
SHARES: Final = {
    "clean": 19,
    "residue": 19,
    "leftover": 14,
    "full": 10,
    "empty_table": 3,
    "disc": 5,
    "boxes": 4,
    "clutter": 7,
    "loose_food": 5,
    "screen": 6,
    "print": 4,
    "edited": 4,
}
# Of clean plates, residue and leftovers: real dishes under another glaze, and of the stained ones
# rendered food on real clean dishes.
REPAINTED_SHARE: Final = 0.42
STAINED_SHARE: Final = 0.5
TIGHT: Final = "canteen_dish"  # the dataset whose photos are filled by one dish
_SIZES: Final = ((288, 216), (216, 288), (240, 240))
_REPAINTABLE: Final = frozenset({"clean", "residue", "leftover"})


@dataclass(frozen=True, slots=True)
class Pictures:
    """Labelled pictures in memory.

    Attributes:
        pixels: shape (n, SIDE_PX, SIDE_PX, 3), uint8, RGB.
        labels: index into `scoring.plate.CLASSES`, int64.
        recaptured: 1 for pictures of pictures, float32.
        fractions: share of the dish that food covers, 0 to 1, float32; NaN where nobody knows.
    """

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]
    recaptured: NDArray[np.float32]
    fractions: NDArray[np.float32]

    @classmethod
    def joined(cls, *parts: "Pictures") -> Self:
        """One after the other."""
        return cls(
            np.concatenate([part.pixels for part in parts]),
            np.concatenate([part.labels for part in parts]),
            np.concatenate([part.recaptured for part in parts]),
            np.concatenate([part.fractions for part in parts]),
        )


@dataclass(frozen=True, slots=True)
class Order:
    """What to make.

    Attributes:
        count: pictures in all.
        first_seed: of the first; each following one has the next.
        photos: the folder.
        left_out: what of the folder may not be used.
        repainted: the share of clean plates, residue and leftovers that are real dishes.
        reviewed: more folders, all of them training photos; dishes stand before their things, too.
        workers: processes.
    """

    count: int
    first_seed: int
    photos: Path
    left_out: frozenset[str] = LEFT_OUT
    repainted: float = REPAINTED_SHARE
    reviewed: tuple[Path, ...] = ()
    workers: int = 1

    @property
    def file(self) -> Path:
        """Where the pictures are kept."""
        used = "-".join(sorted(self.left_out)) or "all"
        some = "" if self.repainted == REPAINTED_SHARE else f"-repainted-{self.repainted:g}"
        more = "".join(f"-{manifest_sha256(folder)[:8]}" for folder in self.reviewed)
        return RUNS / f"renders-{self.count}-{self.first_seed}-without-{used}{some}{more}.npz"


def renders_of(order: Order) -> Pictures:
    """Load an order from the cache, or make and keep it."""
    if not order.file.is_file():
        made = _made(order)
        RUNS.mkdir(exist_ok=True)
        np.savez(
            order.file,
            pixels=made.pixels,
            labels=made.labels,
            recaptured=made.recaptured,
            fractions=made.fractions,
        )
    with np.load(order.file) as kept:
        return Pictures(kept["pixels"], kept["labels"], kept["recaptured"], kept["fractions"])


@dataclass(frozen=True, slots=True)
class _Ingredients:
    """Photos of the training part that pictures may be made of."""

    stock: Stock
    plates: list[Photo]

    def of(self, label: str) -> list[Photo]:
        return [photo for photo in self.plates if photo.label == label and photo.dataset == TIGHT]


@cache
def _ingredients(order: Order) -> _Ingredients:
    random = np.random.default_rng(order.first_seed)
    photos = photos_in(order.photos, order.left_out)
    known = [photo for photo in photos if photo.part == "train" and photo.sure]
    plates = [photo for photo in known if photo.label != "not_a_plate"]
    things = _some_things(known, random)
    for folder in order.reviewed:
        things += _some_things(reviewed_in(folder), random)
    foods = [photo for photo in plates if photo.label == "leftover" and photo.dataset == TIGHT]
    stock = Stock([opened(one) for one in things], [_middle(opened(one)) for one in foods])
    return _Ingredients(stock, plates)


def _some_things(photos: Sequence[Photo], random: np.random.Generator) -> list[Photo]:
    things = [photo for photo in photos if photo.label == "not_a_plate" and not photo.is_recaptured]
    return [things[at] for at in random.permutation(len(things))[:THINGS_MAX]]


def _middle(dish: Image.Image) -> Image.Image:
    width, height = dish.size
    return dish.crop((int(width * 0.2), int(height * 0.2), int(width * 0.8), int(height * 0.8)))


def _made(order: Order) -> Pictures:
    random = np.random.default_rng(order.first_seed)
    kinds = list(SHARES)
    odds = np.array([SHARES[kind] for kind in kinds]) / sum(SHARES.values())
    picked = [kinds[at] for at in random.choice(len(kinds), size=order.count, p=odds)]
    jobs = [(order, kind, order.first_seed + at) for at, kind in enumerate(picked)]
    with ProcessPoolExecutor(order.workers) as pool:
        results = list(pool.map(_one, jobs, chunksize=50))
    return Pictures(
        np.stack([pixels for pixels, _ in results]),
        np.array([CLASSES.index(KINDS[kind]) for kind in picked]),
        np.array([kind in RECAPTURED for kind in picked], np.float32),
        np.array([fraction for _, fraction in results], np.float32),
    )


def _one(job: tuple[Order, str, int]) -> tuple[NDArray[np.uint8], float]:
    order, kind, seed = job
    random = np.random.default_rng([7, seed])
    made = _picture(kind, seed, _ingredients(order), random, order.repainted)
    fraction = np.nan if made.leftover_fraction is None else made.leftover_fraction
    return squeezed(_compressed(made.picture, random), SIDE_PX), fraction


def picture_of(order: Order, kind: str, seed: int) -> Image.Image:
    """One picture as training sees it, but for its compression."""
    random = np.random.default_rng([7, seed])
    return _picture(kind, seed, _ingredients(order), random, order.repainted).picture


def _picture(
    kind: str, seed: int, from_: _Ingredients, random: np.random.Generator, share: float
) -> Rendered:
    """Half of the recaptured pictures show real photos, or screens would be known by their art."""
    stock = from_.stock
    if kind in _REPAINTABLE and random.random() < share and from_.of(kind):
        return _dish(kind, seed, from_, random)
    if kind in {"screen", "print"} and seed % 2 and from_.plates:
        plate = from_.plates[int(random.integers(len(from_.plates)))]
        shown = opened(plate).resize(_SIZES[0])
        if random.random() < REPAINTED_SHARE:
            shown = repainted(shown, random, stock)
        return Rendered(
            on_screen(shown, random) if kind == "screen" else on_print(shown, random), None
        )
    return rendered(kind, seed, _SIZES[seed % len(_SIZES)], stock)


def _dish(kind: str, seed: int, from_: _Ingredients, random: np.random.Generator) -> Rendered:
    """A real dish under another glaze; a stained one may be a clean one with rendered food."""
    if kind != "clean" and random.random() < STAINED_SHARE and from_.of("clean"):
        clean = opened(_any(from_.of("clean"), random))
        made = stained(clean, kind, seed, from_.stock)
        if random.random() < REPAINTED_SHARE:
            return made
        return made._replace(picture=repainted(made.picture, random, from_.stock))
    picture = repainted(opened(_any(from_.of(kind), random)), random, from_.stock)
    return Rendered(picture, 0.0 if kind == "clean" else None)


def _any(photos: list[Photo], random: np.random.Generator) -> Photo:
    return photos[int(random.integers(len(photos)))]


def _compressed(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=int(random.integers(45, 96)))
    with Image.open(buffer) as image:
        return image.convert("RGB")


def main() -> int:
    """Fill the cache ahead of training."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--photos", type=Path, default=PHOTOS_DEFAULT)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--reviewed", type=Path, nargs="*", default=())
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_args()
    order = Order(
        given.count,
        given.seed,
        given.photos,
        reviewed=tuple(given.reviewed),
        workers=given.workers,
    )
    try:
        print(f"{len(renders_of(order).labels)} pictures in {order.file}")
    except PhotosMissing as missing:
        print(missing, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
