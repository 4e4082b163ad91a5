"""Rendered photos of plates and of other things: seeded, reproducible, Pillow and numpy only.

Training, the demo, the benchmarks and the tests make their photos here at run time, so the project
holds no picture of anybody's lunch. Equal arguments give equal pixels.
"""

import math
import zlib
from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
from PIL import Image, ImageFilter

from models.renderer.dishes import Dish, laid_dish
from models.renderer.fields import Random, grid, happens, rounded, smoothstep
from models.renderer.food import add_drops, add_leftovers, add_meal
from models.renderer.others import add_boxes, add_clutter, add_disc, add_loose_food
from models.renderer.recaptures import on_print, on_screen, painted_over, pasted
from models.renderer.residue import add_residue
from models.renderer.scene import Scene, Stock, lit, photographed
from models.renderer.tables import add_cutlery, add_hand, add_napkin, table

# Which class of the recogniser each kind of picture belongs to.
KINDS: Final = {
    "clean": "clean",
    "residue": "residue",
    "leftover": "leftover",
    "full": "full",
    "empty_table": "not_a_plate",
    "disc": "not_a_plate",
    "boxes": "not_a_plate",
    "clutter": "not_a_plate",
    "loose_food": "not_a_plate",
    "screen": "not_a_plate",
    "print": "not_a_plate",
    "edited": "not_a_plate",
}
RENDER_SIDE_PX_MAX: Final = 640  # larger pictures are scaled up from this and get a sensor's noise
RECAPTURED: Final = frozenset({"screen", "print", "edited"})  # a dish that is not there

_STATES: Final[dict[str, Callable[[Scene, Dish, Random], None]]] = {
    "residue": add_residue,
    "leftover": add_leftovers,
    "full": add_meal,
}


_OTHERS: Final[dict[str, Callable[[Scene, Random], None]]] = {
    "disc": add_disc,
    "boxes": add_boxes,
    "clutter": add_clutter,
    "loose_food": add_loose_food,
}


class Rendered(NamedTuple):
    """A picture, and what it truly shows.

    Attributes:
        leftover_fraction: The share of the dishes' floors that food hides, 0 to 1; None where no
            dish is.
    """

    picture: Image.Image
    leftover_fraction: float | None


def render(kind: str, seed: int, size: tuple[int, int] = (640, 480)) -> Image.Image:
    """Render one photo without photographs of anything.

    Args:
        kind: one of `KINDS`.
        seed: picks everything else about the picture.
        size: width and height in pixels, up to many megapixels.
    """
    return rendered(kind, seed, size, Stock()).picture


def rendered(kind: str, seed: int, size: tuple[int, int], stock: Stock) -> Rendered:
    """Render one photo that may be made of photographs, with what it shows."""
    random = np.random.default_rng([zlib.crc32(kind.encode()), seed])
    factor = min(1.0, RENDER_SIDE_PX_MAX / max(size))
    shape = (max(32, round(size[1] * factor)), max(32, round(size[0] * factor)))
    made = _rendered(kind, random, shape, stock)
    if made.picture.size == size:
        return made
    return made._replace(picture=_enlarged(made.picture, random, size))


def stained(photo: Image.Image, state: str, seed: int, stock: Stock) -> Rendered:
    """Put rendered residue or food on a photo of a clean dish that fills it.

    What is learned from the pair is what lies on the dish, and not which dish it is.
    """
    random = np.random.default_rng([zlib.crc32(state.encode()), seed])
    pixels = np.asarray(photo.convert("RGB"), np.float32) / np.float32(255)
    flat = np.zeros((photo.height, photo.width), np.float32)
    xs, ys = grid((photo.height, photo.width))
    radius = 0.62  # the dishes are cropped tightly; their rims stay free
    x, y = np.asarray(xs / radius), np.asarray(ys / radius)
    well = 1 - smoothstep(rounded(x, y, 2), 0.85, 1.0)
    scene = Scene(pixels, flat, flat.copy(), flat.copy(), well.copy(), stock)
    _STATES[state](scene, Dish(x, y, well, well, radius), random)
    soft = Image.fromarray(np.clip(scene.albedo * 255, 0, 255).astype(np.uint8))
    return Rendered(soft.filter(ImageFilter.GaussianBlur(0.5)), scene.leftover_fraction)


def _rendered(kind: str, random: Random, shape: tuple[int, int], stock: Stock) -> Rendered:
    if kind in RECAPTURED:
        return Rendered(_recaptured(kind, random, shape, stock), None)
    scene = table(random, shape, stock)
    if KINDS[kind] != "not_a_plate":
        _set_table(scene, kind, random)
    elif kind in _OTHERS:
        _OTHERS[kind](scene, random)
    if happens(random, 0.06):
        add_hand(scene, random)
    picture = photographed(lit(scene, random), random)
    dish = KINDS[kind] != "not_a_plate"
    return Rendered(picture, scene.leftover_fraction if dish else None)


def _recaptured(kind: str, random: Random, shape: tuple[int, int], stock: Stock) -> Image.Image:
    states = ["clean", "clean", "residue", "leftover", "full"]
    state = str(random.choice(states[2:] if kind == "edited" else states))
    shown = _rendered(state, random, shape, stock).picture
    if kind == "edited":
        if happens(random, 0.5):
            return painted_over(shown, random)
        return pasted(shown, _rendered("clean", random, shape, stock).picture, random)
    return on_screen(shown, random) if kind == "screen" else on_print(shown, random)


def _set_table(scene: Scene, state: str, random: Random) -> None:
    """One dish, or a few smaller ones of which the worst gives the photo its class."""
    count = 1 if happens(random, 0.75) else int(random.integers(2, 6))
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
        return (random.normal(0, 0.12), random.normal(0, 0.08)), random.uniform(0.5, 1.1)
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
