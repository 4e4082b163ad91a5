"""Food on a dish: piles of several foods, a full meal, water after rinsing."""

import numpy as np

from models.renderer.dishes import Dish
from models.renderer.fields import (
    Colour,
    Field,
    Random,
    blurred,
    happens,
    noise,
    photographed_patch,
    smoothstep,
    touched,
    varied,
)
from models.renderer.residue import FOODS, add_film, add_specks, covering, within
from models.renderer.scene import Scene


def add_drops(scene: Scene, dish: Dish, random: Random) -> None:
    """Water on a rinsed dish: glossy, without colour of its own."""
    drops = smoothstep(noise(random, scene.shape, random.uniform(15, 40), 1), 1.1, 1.3)
    alpha = np.asarray(drops * dish.mask, np.float32)
    scene.height = np.asarray(scene.height + 0.012 * alpha, np.float32)
    scene.gloss = np.maximum(scene.gloss, alpha)


def add_leftovers(scene: Scene, dish: Dish, random: Random) -> None:
    """Residue, and one to four piles that together cover up to about half of the well."""
    if happens(random, 0.8):
        add_film(scene, dish, random, cover=float(random.uniform(0.1, 0.7)))
    for _ in range(int(random.integers(1, 5))):
        _pile(scene, dish, random, cover=float(random.uniform(0.05, 0.22)))
    if happens(random, 0.7):
        add_specks(scene, dish, random)


def add_meal(scene: Scene, dish: Dish, random: Random) -> None:
    """An untouched meal: two to four foods that together fill the well."""
    _pile(scene, dish, random, cover=float(random.uniform(0.7, 1.0)))
    for _ in range(int(random.integers(1, 4))):
        _pile(scene, dish, random, cover=float(random.uniform(0.2, 0.5)))


def _pile(scene: Scene, dish: Dish, random: Random, *, cover: float) -> None:
    centre = (random.uniform(-0.6, 0.6), random.uniform(-0.6, 0.6))
    spread = 0.35 + cover
    bump = np.exp(-((dish.along - centre[0]) ** 2 + (dish.across - centre[1]) ** 2) / spread**2)
    field = 2.2 * bump + 0.5 * noise(random, scene.shape, random.uniform(4, 10), 3)
    alpha = covering(within(dish, np.asarray(field, np.float32)), dish, cover, 0.08)
    paint, lumps = _food_texture(scene, random, touched(alpha))
    mound = blurred(alpha, 0.06 * max(scene.shape) * dish.radius) * 0.12 * dish.radius
    rise = np.asarray(mound + lumps * 0.03, np.float32)
    scene.lay_food(paint, alpha, rise=rise, gloss=float(random.uniform(0.1, 0.8)))


def _food_texture(scene: Scene, random: Random, here: tuple[slice, slice]) -> tuple[Colour, Field]:
    """Lumps of a size, each with a shade of its own, or a piece of a photographed meal."""
    lumps = noise(random, scene.shape, random.uniform(10, 45), 3)
    paint = np.zeros((*scene.shape, 3), np.float32)
    size = (here[0].stop - here[0].start, here[1].stop - here[1].start)
    if scene.stock.foods and happens(random, 0.55) and min(size) > 1:
        paint[here] = photographed_patch(random, scene.stock.foods, size, part=0.3)
        return paint, np.asarray(lumps * 0.3, np.float32)
    base = varied(random, FOODS[int(random.integers(len(FOODS)))], 0.06)
    other = varied(random, FOODS[int(random.integers(len(FOODS)))], 0.06)
    share = smoothstep(noise(random, scene.shape, random.uniform(8, 30), 2), 0.3, 0.5)
    share = share * float(random.choice([0, 0.6, 1.0]))
    part = base + (other - base) * share[here][..., None]
    paint[here] = part * np.clip(1 + 0.22 * lumps[here], 0.4, 1.5)[..., None]
    return paint, lumps
