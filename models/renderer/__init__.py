"""Rendered photos of plates and of other things: seeded, reproducible, Pillow and numpy only.

Training, the demo, the benchmarks and the tests make their photos here at run time, so the project
holds no picture of anybody's lunch. Equal arguments give equal pixels.
"""

import math
import zlib
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from PIL import Image, ImageFilter

from models.renderer.dishes import Dish, laid_dish
from models.renderer.fields import Random, grid, happens, rounded, smoothstep
from models.renderer.food import add_drops, add_leftovers, add_meal, add_residue
from models.renderer.others import (
    add_boxes,
    add_disc,
    add_loose_food,
    on_print,
    on_screen,
)
from models.renderer.scene import Scene, lit, photographed
from models.renderer.tables import add_cutlery, add_napkin, table

# Which class of the recogniser each kind of picture belongs to.
KINDS: Final = {
    "clean": "clean",
    "residue": "residue",
    "leftover": "leftover",
    "full": "full",
    "empty_table": "not_a_plate",
    "disc": "not_a_plate",
    "boxes": "not_a_plate",
    "loose_food": "not_a_plate",
    "screen": "not_a_plate",
    "print": "not_a_plate",
}
RENDER_SIDE_PX_MAX: Final = 640  # larger pictures are scaled up from this and get a sensor's noise
RECAPTURED: Final = frozenset({"screen", "print"})

_STATES: Final[dict[str, Callable[[Scene, Dish, Random], None]]] = {
    "residue": add_residue,
    "leftover": add_leftovers,
    "full": add_meal,
}


def render(
    kind: str,
    seed: int,
    size: tuple[int, int] = (640, 480),
    *,
    backdrops: Sequence[Image.Image] = (),
) -> Image.Image:
    """Render one photo.

    Args:
        kind: one of `KINDS`.
        seed: picks everything else about the picture.
        size: width and height in pixels, up to many megapixels.
        backdrops: photographs that may serve as table tops and be shown on screens.
    """
    random = np.random.default_rng([zlib.crc32(kind.encode()), seed])
    factor = min(1.0, RENDER_SIDE_PX_MAX / max(size))
    shape = (max(32, round(size[1] * factor)), max(32, round(size[0] * factor)))
    picture = _picture(kind, random, shape, backdrops)
    return picture if picture.size == size else _enlarged(picture, random, size)


def stained(photo: Image.Image, state: str, seed: int) -> Image.Image:
    """Put rendered residue or food on a photo of a clean dish that fills it.

    What is learned from the pair is what lies on the dish, and not which dish it is.
    """
    random = np.random.default_rng([zlib.crc32(state.encode()), seed])
    pixels = np.asarray(photo.convert("RGB"), np.float32) / np.float32(255)
    shape = pixels.shape[:2]
    scene = Scene(pixels, np.zeros(shape, np.float32), np.zeros(shape, np.float32))
    xs, ys = grid(scene.shape)
    radius = 0.62  # the dishes are cropped tightly; their rims stay free
    x, y = np.asarray(xs / radius), np.asarray(ys / radius)
    well = 1 - smoothstep(rounded(x, y, 2), 0.85, 1.0)
    _STATES[state](scene, Dish(x, y, well, well, radius), random)
    soft = np.clip(scene.albedo * 255, 0, 255).astype(np.uint8)
    return Image.fromarray(soft).filter(ImageFilter.GaussianBlur(0.5))


def _picture(
    kind: str, random: Random, shape: tuple[int, int], backdrops: Sequence[Image.Image]
) -> Image.Image:
    if kind in RECAPTURED:
        state = str(random.choice(["clean", "clean", "residue", "leftover", "full"]))
        shown = _picture(state, random, shape, backdrops)
        return on_screen(shown, random) if kind == "screen" else on_print(shown, random)
    scene = table(random, shape, backdrops)
    if KINDS[kind] != "not_a_plate":
        _set_table(scene, kind, random)
    elif kind == "disc":
        add_disc(scene, random)
    elif kind == "boxes":
        add_boxes(scene, random)
    elif kind == "loose_food":
        add_loose_food(scene, random)
    return photographed(lit(scene, random), random)


def _set_table(scene: Scene, state: str, random: Random) -> None:
    """One dish, or a few smaller ones of which the worst gives the photo its class."""
    count = 1 if happens(random, 0.65) else int(random.integers(2, 6))
    worst = int(random.integers(count))
    for number in range(count):
        at, radius = _place(random, number, count)
        dish = laid_dish(scene, random, at=at, radius=radius)
        if state in _STATES and number == worst:
            _STATES[state](scene, dish, random)
        elif happens(random, 0.15):
            add_drops(scene, dish, random)
        if happens(random, 0.25):
            add_cutlery(scene, random, at=at)
    if happens(random, 0.12):
        add_napkin(scene, random, at=(random.uniform(-0.9, 0.9), random.uniform(-0.7, 0.7)))


def _place(random: Random, number: int, count: int) -> tuple[tuple[float, float], float]:
    if count == 1:
        return (random.normal(0, 0.12), random.normal(0, 0.08)), random.uniform(0.45, 1.05)
    angle = 2 * math.pi * (number / count + random.uniform(-0.05, 0.05))
    far = random.uniform(0.4, 0.6)
    at = (far * math.cos(angle) * 1.2, far * math.sin(angle) * 0.9)
    return at, random.uniform(0.75, 1.05) * far * math.sin(math.pi / count)


def _enlarged(picture: Image.Image, random: Random, size: tuple[int, int]) -> Image.Image:
    large = np.asarray(picture.resize(size, Image.Resampling.BICUBIC), np.int16)
    # One tile of sensor noise is repeated: drawing 36 million numbers would take a second.
    tile = random.normal(0, 4, (256, 256, 3)).astype(np.int16)
    rows, columns = -(-size[1] // 256), -(-size[0] // 256)
    noisy = large + np.tile(tile, (rows, columns, 1))[: size[1], : size[0]]
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))
