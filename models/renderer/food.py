"""What is left on a dish: films and specks, piles of several foods, a full meal."""

from typing import Final

import numpy as np
from PIL import Image, ImageDraw

from models.renderer.dishes import Dish
from models.renderer.fields import (
    Colour,
    Field,
    Random,
    blurred,
    colour,
    covers,
    happens,
    noise,
    smoothstep,
    softened,
    touched,
    varied,
)
from models.renderer.scene import Scene

RICE: Final = colour(0.90, 0.88, 0.80)
SAUCES: Final = (
    colour(0.45, 0.22, 0.08),
    colour(0.62, 0.16, 0.05),
    colour(0.75, 0.52, 0.12),
    colour(0.30, 0.16, 0.08),
    colour(0.70, 0.58, 0.38),
)
FOODS: Final = (
    RICE,
    colour(0.50, 0.28, 0.14),
    colour(0.70, 0.20, 0.10),
    colour(0.25, 0.40, 0.12),
    colour(0.80, 0.62, 0.25),
    colour(0.82, 0.75, 0.55),
    colour(0.35, 0.22, 0.15),
    colour(0.85, 0.45, 0.15),
)


def add_drops(scene: Scene, dish: Dish, random: Random) -> None:
    """Water on a rinsed dish: glossy, without colour of its own."""
    drops = smoothstep(noise(random, scene.shape, random.uniform(15, 40), 1), 1.1, 1.3)
    alpha = np.asarray(drops * dish.mask, np.float32)
    scene.height = np.asarray(scene.height + 0.012 * alpha, np.float32)
    scene.gloss = np.maximum(scene.gloss, alpha)


def add_residue(scene: Scene, dish: Dish, random: Random) -> None:
    """A film of sauce, specks, or both: less than one could eat with a spoon."""
    kind = int(random.integers(3))
    if kind != 0:
        _film(scene, dish, random, cover=float(random.uniform(0.1, 0.6)))
    if kind != 1:
        _specks(scene, dish, random, count=int(random.integers(4, 60)))


def add_leftovers(scene: Scene, dish: Dish, random: Random) -> None:
    """Residue, and one to four piles that together cover up to about half of the well."""
    if happens(random, 0.8):
        _film(scene, dish, random, cover=float(random.uniform(0.1, 0.7)))
    for _ in range(int(random.integers(1, 5))):
        _pile(scene, dish, random, cover=float(random.uniform(0.06, 0.22)))
    _specks(scene, dish, random, count=int(random.integers(0, 50)))


def add_meal(scene: Scene, dish: Dish, random: Random) -> None:
    """An untouched meal: two to four foods that together fill the well."""
    _pile(scene, dish, random, cover=float(random.uniform(0.75, 1.0)))
    for _ in range(int(random.integers(1, 4))):
        _pile(scene, dish, random, cover=float(random.uniform(0.2, 0.5)))


def _film(scene: Scene, dish: Dish, random: Random, *, cover: float) -> None:
    sauce = _visible(scene, dish, random, SAUCES)
    field = _within(dish, noise(random, scene.shape, random.uniform(2, 8), 4))
    edge = float(random.uniform(0.05, 0.5))
    alpha = _covering(field, dish, cover, edge) * float(random.uniform(0.3, 0.85))
    streaks = 0.75 + 0.35 * noise(random, scene.shape, 25, 2)
    alpha = np.clip(alpha * streaks, 0, 0.95).astype(np.float32)
    scene.lay(np.broadcast_to(sauce, (*scene.shape, 3)), alpha, rise=0.002, gloss=0.6)


def _pile(scene: Scene, dish: Dish, random: Random, *, cover: float) -> None:
    centre = (random.uniform(-0.6, 0.6), random.uniform(-0.6, 0.6))
    spread = 0.35 + cover
    bump = np.exp(-((dish.along - centre[0]) ** 2 + (dish.across - centre[1]) ** 2) / spread**2)
    field = 2.2 * bump + 0.5 * noise(random, scene.shape, random.uniform(4, 10), 3)
    alpha = _covering(_within(dish, np.asarray(field, np.float32)), dish, cover, 0.08)
    paint, lumps = _food_texture(scene, random, touched(alpha))
    mound = blurred(alpha, 0.06 * max(scene.shape) * dish.radius) * 0.12 * dish.radius
    rise = np.asarray(mound + lumps * 0.03, np.float32)
    scene.lay(paint, alpha, rise=rise, gloss=float(random.uniform(0.1, 0.8)))


def _food_texture(scene: Scene, random: Random, here: tuple[slice, slice]) -> tuple[Colour, Field]:
    """Lumps of a size, each with a shade of its own, sometimes two foods mixed; only `here`."""
    base = varied(random, FOODS[int(random.integers(len(FOODS)))], 0.06)
    other = varied(random, FOODS[int(random.integers(len(FOODS)))], 0.06)
    lumps = noise(random, scene.shape, random.uniform(10, 45), 3)
    share = smoothstep(noise(random, scene.shape, random.uniform(8, 30), 2), 0.3, 0.5)
    share = share * float(random.choice([0, 0.6, 1.0]))
    paint = np.zeros((*scene.shape, 3), np.float32)
    part = base + (other - base) * share[here][..., None]
    paint[here] = part * np.clip(1 + 0.22 * lumps[here], 0.4, 1.5)[..., None]
    return paint, lumps


def _specks(scene: Scene, dish: Dish, random: Random, *, count: int) -> None:
    """Crumbs, rice grains and shreds, drawn as small polygons around a few places."""
    for _ in range(int(random.integers(1, 4))):
        mask = Image.new("L", (scene.shape[1], scene.shape[0]))
        _draw_specks(ImageDraw.Draw(mask), dish, random, count=max(1, count // 2))
        alpha = np.asarray(softened(mask, 0.6) * covers(dish.mask), np.float32)
        paint = _visible(scene, dish, random, FOODS)
        scene.lay(np.broadcast_to(paint, (*scene.shape, 3)), alpha, rise=0.012, gloss=0.4)


def _visible(scene: Scene, dish: Dish, random: Random, colours: tuple[Colour, ...]) -> Colour:
    """The one of three colours that differs most from the dish, so that residue can be seen."""
    ground = np.average(scene.albedo[::8, ::8].reshape(-1, 3), axis=0, weights=_sparse(dish.well))
    picked = [varied(random, colours[int(random.integers(len(colours)))], 0.08) for _ in range(3)]
    return max(picked, key=lambda one: float(np.abs(one - ground).sum()))


def _sparse(well: Field) -> Field:
    return np.asarray(well[::8, ::8].ravel() + np.float32(1e-3), np.float32)


def _draw_specks(draw: ImageDraw.ImageDraw, dish: Dish, random: Random, *, count: int) -> None:
    rows, columns = np.nonzero(covers(dish.well))
    if len(rows) == 0:
        return
    side = max(dish.well.shape) * dish.radius / 2
    size = side * float(random.uniform(0.02, 0.06))
    slender = float(random.uniform(0.15, 1.0))
    for pick in random.integers(len(rows), size=count):
        turn = random.uniform(0, np.pi)
        angles = np.sort(random.uniform(0, 2 * np.pi, 7))
        long = size * random.uniform(0.4, 1.2, 7)
        x, y = np.cos(angles) * long, np.sin(angles) * long * slender
        points = np.stack(
            [
                columns[pick] + np.cos(turn) * x - np.sin(turn) * y,
                rows[pick] + np.sin(turn) * x + np.cos(turn) * y,
            ],
            axis=1,
        )
        draw.polygon([(float(a), float(b)) for a, b in points], fill=255)


def _within(dish: Dish, field: Field) -> Field:
    """Keep a field inside the well by sinking it towards the edge."""
    return np.asarray(field - 3 * (1 - dish.well), np.float32)


def _covering(field: Field, dish: Dish, cover: float, edge: float) -> Field:
    """A soft mask over the highest `cover` of the well."""
    inside = field[covers(dish.well)]
    if inside.size == 0:
        return np.zeros_like(field)
    level = float(np.quantile(inside[:: max(1, inside.size // 20_000)], 1 - min(cover, 0.999)))
    return np.asarray(smoothstep(field, level - edge, level + edge) * dish.mask, np.float32)
