"""Rendered training pictures, made once and kept under `models/runs/`, which Git ignores."""

import argparse
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.photos import PHOTOS_DEFAULT, Photo, photos_in, squeezed
from models.renderer import KINDS, RECAPTURED, render, stained
from models.renderer.others import on_print, on_screen
from scoring.plate import CLASSES

RUNS: Final = Path(__file__).parent / "runs"
SIDE_PX: Final = 184  # a little above the model's input, so that crops lose no detail
BACKDROPS_MAX: Final = 240  # photographs of other things that serve as table tops
HELD_OUT_SEED: Final = 1_000_000_000  # seeds from here on are for evaluation only
# How many of a hundred renders show what; plates in all four states, and what is not one.
SHARES: Final = {
    "clean": 22,
    "residue": 22,
    "leftover": 16,
    "full": 12,
    "empty_table": 3,
    "disc": 5,
    "boxes": 5,
    "loose_food": 5,
    "screen": 5,
    "print": 5,
}
# Of residue and leftovers: rendered food on photos of clean dishes, about a twelfth of all.
STAINED_SHARE: Final = 8 / 38
TIGHT: Final = "canteen_dish"  # the dataset whose photos are filled by one dish
_SIZES: Final = ((288, 216), (216, 288), (240, 240))


@dataclass(frozen=True, slots=True)
class Pictures:
    """Labelled pictures in memory.

    Attributes:
        pixels: shape (n, SIDE_PX, SIDE_PX, 3), uint8, RGB.
        labels: index into `scoring.plate.CLASSES`, int64.
        recaptured: 1 for pictures of pictures, float32.
    """

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]
    recaptured: NDArray[np.float32]


def rendered(count: int, first_seed: int, photos: list[Photo], *, name: str) -> Pictures:
    """Load renders from the cache, or make and keep them."""
    file = RUNS / f"renders-{name}-{count}-{first_seed}.npz"
    if not file.is_file():
        made = _made(count, first_seed, photos)
        RUNS.mkdir(exist_ok=True)
        np.savez(file, pixels=made.pixels, labels=made.labels, recaptured=made.recaptured)
    with np.load(file) as kept:
        return Pictures(kept["pixels"], kept["labels"], kept["recaptured"])


@dataclass(frozen=True, slots=True)
class _Ingredients:
    """Photos of the training part that renders may use."""

    backdrops: list[Image.Image]
    plates: list[Photo]
    clean: list[Photo]


def _ingredients(photos: list[Photo], random: np.random.Generator) -> _Ingredients:
    known = [photo for photo in photos if photo.part == "train" and photo.sure]
    things = [photo for photo in known if photo.label == "not_a_plate"]
    plates = [photo for photo in known if photo.label != "not_a_plate"]
    return _Ingredients(
        backdrops=[_opened(things[at]) for at in random.permutation(len(things))[:BACKDROPS_MAX]],
        plates=plates,
        clean=[photo for photo in plates if photo.label == "clean" and photo.dataset == TIGHT],
    )


def _made(count: int, first_seed: int, photos: list[Photo]) -> Pictures:
    random = np.random.default_rng(first_seed)
    ingredients = _ingredients(photos, random)
    kinds = list(SHARES)
    odds = np.array([SHARES[kind] for kind in kinds]) / sum(SHARES.values())
    picked = [kinds[at] for at in random.choice(len(kinds), size=count, p=odds)]
    pixels = np.empty((count, SIDE_PX, SIDE_PX, 3), np.uint8)
    for at, kind in enumerate(picked):
        picture = _picture(kind, first_seed + at, ingredients, random)
        pixels[at] = squeezed(_compressed(picture, random), SIDE_PX)
    return Pictures(
        pixels,
        np.array([CLASSES.index(KINDS[kind]) for kind in picked]),
        np.array([kind in RECAPTURED for kind in picked], np.float32),
    )


def _picture(
    kind: str, seed: int, ingredients: _Ingredients, random: np.random.Generator
) -> Image.Image:
    """Half of the recaptured pictures show real photos, or screens would be known by their art."""
    clean, plates = ingredients.clean, ingredients.plates
    if kind in {"residue", "leftover"} and random.random() < STAINED_SHARE and clean:
        return stained(_opened(clean[int(random.integers(len(clean)))]), kind, seed)
    if kind in RECAPTURED and seed % 2 and plates:
        own = np.random.default_rng(seed)
        shown = _opened(plates[int(own.integers(len(plates)))]).resize(_SIZES[0])
        return on_screen(shown, own) if kind == "screen" else on_print(shown, own)
    return render(kind, seed, _SIZES[seed % len(_SIZES)], backdrops=ingredients.backdrops)


def _opened(photo: Photo) -> Image.Image:
    with Image.open(photo.path) as image:
        return image.convert("RGB")


def _compressed(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=int(random.integers(55, 96)))
    with Image.open(buffer) as image:
        return image.convert("RGB")


def main() -> None:
    """Fill the cache ahead of training."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--photos", type=Path, default=PHOTOS_DEFAULT)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--name", default="train")
    given = parser.parse_args()
    made = rendered(given.count, given.seed, photos_in(given.photos), name=given.name)
    print(f"{len(made.labels)} renders in {RUNS}")


if __name__ == "__main__":
    main()
