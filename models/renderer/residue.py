"""What a meal leaves behind on a dish: films, smears, dried rims, grease, specks."""

from typing import Final

import numpy as np
from PIL import Image, ImageDraw

from models.renderer.dishes import Dish
from models.renderer.fields import (
    Colour,
    Field,
    Random,
    colour,
    covers,
    noise,
    smoothstep,
    softened,
    varied,
)
from models.renderer.scene import Scene

TRIES_MAX: Final = 4
SEEN_MIN: Final = 0.006  # three specks of a fortieth of the radius in full contrast
RICE: Final = colour(0.90, 0.88, 0.80)
SAUCES: Final = (
    colour(0.45, 0.22, 0.08),
    colour(0.62, 0.16, 0.05),
    colour(0.75, 0.52, 0.12),
    colour(0.30, 0.16, 0.08),
    colour(0.70, 0.58, 0.38),
    colour(0.85, 0.80, 0.66),
    colour(0.30, 0.34, 0.10),
    colour(0.12, 0.07, 0.05),
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


def add_residue(scene: Scene, dish: Dish, random: Random) -> None:
    """One to three traces: less than one could eat with a spoon, and more than nothing.

    What a person would overlook is not residue, so traces are added until one is seen.
    """
    traces = (_soft_film, add_specks, _smears, _dried_rims, _grease, add_specks)
    before = scene.albedo.copy()
    for _ in range(TRIES_MAX):
        for at in random.choice(len(traces), size=int(random.integers(1, 4)), replace=False):
            traces[int(at)](scene, dish, random)
        if _change(before, scene, dish) >= SEEN_MIN:
            return


def _change(before: Colour, scene: Scene, dish: Dish) -> float:
    """The mean change of colour over the well, 0 to 1."""
    floor = float(dish.well.sum())
    change = np.abs(scene.albedo - before).max(axis=-1) * dish.well
    return float(change.sum()) / floor if floor > 0 else 1.0


def _soft_film(scene: Scene, dish: Dish, random: Random) -> None:
    add_film(scene, dish, random, cover=float(random.uniform(0.08, 0.6)))


def add_film(scene: Scene, dish: Dish, random: Random, *, cover: float) -> None:
    """Sauce over a part of the well."""
    sauce = visible(scene, dish, random, SAUCES)
    field = within(dish, noise(random, scene.shape, random.uniform(2, 8), 4))
    edge = float(random.uniform(0.05, 0.5))
    alpha = covering(field, dish, cover, edge) * float(random.uniform(0.3, 0.85))
    streaks = 0.75 + 0.35 * noise(random, scene.shape, 25, 2)
    alpha = np.clip(alpha * streaks, 0, 0.95).astype(np.float32)
    scene.lay_food(_flat(scene, sauce), alpha, rise=0.002, gloss=0.6)


def _smears(scene: Scene, dish: Dish, random: Random) -> None:
    """Strokes of sauce that a spoon, bread or a finger drew, thinning along their way."""
    rows, columns = np.nonzero(covers(dish.well))
    if len(rows) == 0:
        return
    side = max(scene.shape) * dish.radius / 2
    mask = Image.new("L", (scene.shape[1], scene.shape[0]))
    draw = ImageDraw.Draw(mask)
    for pick in random.integers(len(rows), size=int(random.integers(1, 7))):
        _draw_stroke(draw, random, (float(columns[pick]), float(rows[pick])), side)
    ragged = 0.5 + 0.9 * noise(random, scene.shape, random.uniform(10, 40), 3)
    alpha = softened(mask, side * 0.012) * np.clip(ragged, 0, 1) * covers(dish.mask)
    sauce = visible(scene, dish, random, SAUCES)
    alpha = np.asarray(alpha * float(random.uniform(0.4, 0.95)), np.float32)
    scene.lay_food(_flat(scene, sauce), alpha, rise=0.003, gloss=0.5)


def _draw_stroke(
    draw: ImageDraw.ImageDraw, random: Random, start: tuple[float, float], side: float
) -> None:
    turn, bend = random.uniform(0, 2 * np.pi), random.normal(0, 0.35)
    width = side * random.uniform(0.02, 0.14)
    x, y = start
    steps = int(random.integers(4, 12))
    for step in range(steps):
        following = (x + np.cos(turn) * side * 0.08, y + np.sin(turn) * side * 0.08)
        thin = max(1, int(width * (1 - 0.8 * step / steps)))
        draw.line([x, y, float(following[0]), float(following[1])], fill=255, width=thin)
        x, y = float(following[0]), float(following[1])
        turn += bend * 0.4


def _dried_rims(scene: Scene, dish: Dish, random: Random) -> None:
    """Where liquid dried, its edge is darker than its middle."""
    sauce = visible(scene, dish, random, SAUCES)
    field = within(dish, noise(random, scene.shape, random.uniform(2, 9), 2))
    cover = float(random.uniform(0.05, 0.4))
    inside = covering(field, dish, cover, 0.03)
    rim = inside - covering(field, dish, cover * 0.8, 0.06)
    strength = float(random.uniform(0.3, 0.8))
    alpha = np.clip(rim, 0, 1) * strength + inside * strength * float(random.uniform(0.05, 0.4))
    scene.lay_food(_flat(scene, sauce), np.asarray(alpha, np.float32), rise=0.001, gloss=0.3)


def _grease(scene: Scene, dish: Dish, random: Random) -> None:
    """Oil: hardly a colour, but it shines in beads and streaks."""
    cells = random.uniform(8, 35)
    beads = smoothstep(noise(random, scene.shape, cells, 1), 0.5, 0.8) * dish.well
    tint = visible(scene, dish, random, SAUCES[2:6])
    alpha = np.asarray(beads * float(random.uniform(0.12, 0.45)), np.float32)
    scene.lay_food(_flat(scene, tint), alpha, rise=0.0, gloss=0.6)
    scene.height = np.asarray(scene.height + 0.008 * beads, np.float32)
    scene.gloss = np.maximum(scene.gloss, np.asarray(beads, np.float32))


def add_specks(scene: Scene, dish: Dish, random: Random) -> None:
    """Crumbs, rice grains and shreds of one to three foods, scattered or in heaps."""
    for _ in range(int(random.integers(1, 4))):
        mask = Image.new("L", (scene.shape[1], scene.shape[0]))
        _draw_specks(ImageDraw.Draw(mask), dish, random, count=int(random.integers(2, 30)))
        alpha = np.asarray(softened(mask, 0.6) * covers(dish.mask), np.float32)
        shade = 1 + 0.25 * noise(random, scene.shape, 60, 2)
        paint = visible(scene, dish, random, (*FOODS, *SAUCES[:4])) * shade[..., None]
        scene.lay_food(np.asarray(paint, np.float32), alpha, rise=0.012, gloss=0.4)


def _draw_specks(draw: ImageDraw.ImageDraw, dish: Dish, random: Random, *, count: int) -> None:
    rows, columns = np.nonzero(covers(dish.well))
    if len(rows) == 0:
        return
    side = max(dish.well.shape) * dish.radius / 2
    size = side * float(np.exp(random.uniform(np.log(0.012), np.log(0.07))))
    slender = float(random.uniform(0.1, 1.0))
    heap = random.integers(len(rows)) if random.random() < 0.4 else None  # noqa: PLR2004 - odds
    for _ in range(count):
        pick = random.integers(len(rows))
        x, y = float(columns[pick]), float(rows[pick])
        if heap is not None:
            spread = random.normal(0, side * 0.12, 2)
            x, y = float(columns[heap] + spread[0]), float(rows[heap] + spread[1])
        draw.polygon(
            _speck(random, x, y, size * float(random.uniform(0.4, 1.3)), slender), fill=255
        )


def _speck(
    random: Random, x: float, y: float, size: float, slender: float
) -> list[tuple[float, float]]:
    turn = random.uniform(0, np.pi)
    angles = np.sort(random.uniform(0, 2 * np.pi, 7))
    long = size * random.uniform(0.5, 1.1, 7)
    along, across = np.cos(angles) * long, np.sin(angles) * long * slender
    columns = x + np.cos(turn) * along - np.sin(turn) * across
    rows = y + np.sin(turn) * along + np.cos(turn) * across
    return [(float(a), float(b)) for a, b in zip(columns, rows, strict=True)]


def visible(scene: Scene, dish: Dish, random: Random, colours: tuple[Colour, ...]) -> Colour:
    """The one of three colours that differs most from the dish, so that residue can be seen."""
    ground = np.average(scene.albedo[::8, ::8].reshape(-1, 3), axis=0, weights=_sparse(dish.well))
    picked = [varied(random, colours[int(random.integers(len(colours)))], 0.08) for _ in range(3)]
    return max(picked, key=lambda one: float(np.abs(one - ground).sum()))


def _sparse(well: Field) -> Field:
    return np.asarray(well[::8, ::8].ravel() + np.float32(1e-3), np.float32)


def _flat(scene: Scene, paint: Colour) -> Colour:
    return np.broadcast_to(paint, (*scene.shape, 3))


def within(dish: Dish, field: Field) -> Field:
    """Keep a field inside the well by sinking it towards the edge."""
    return np.asarray(field - 3 * (1 - dish.well), np.float32)


def covering(field: Field, dish: Dish, cover: float, edge: float) -> Field:
    """A soft mask over the highest `cover` of the well."""
    inside = field[covers(dish.well)]
    if inside.size == 0:
        return np.zeros_like(field)
    level = float(np.quantile(inside[:: max(1, inside.size // 20_000)], 1 - min(cover, 0.999)))
    return np.asarray(smoothstep(field, level - edge, level + edge) * dish.mask, np.float32)
