"""Scenes in which no eaten plate is to be seen: what must never be credited."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.renderer.dishes import Dish
from models.renderer.fields import (
    Colour,
    Field,
    Random,
    grid,
    happens,
    noise,
    photographed_patch,
    rounded,
    smoothstep,
    turned,
)
from models.renderer.food import add_meal
from models.renderer.scene import Scene

KNOB: Final = 0.13  # of a lid, in radii
MILLED: Final = 0.85  # where a bottle cap's edge begins, in radii


def add_disc(scene: Scene, random: Random) -> None:
    """A lid, a record, a coaster, a clock face: round like a plate, and none."""
    rho, angle = _round(scene, random)
    alpha = 1 - smoothstep(rho, 0.98, 1.0)
    base = random.uniform(0.03, 0.95, 3).astype(np.float32)
    paint = np.broadcast_to(base, (*scene.shape, 3)).copy()
    rise: Field = np.full_like(rho, 0.04)
    match int(random.integers(4)):
        case 0:  # a pot lid: a dome with a knob
            rise = _dome(rho)
        case 1:  # a record or a compact disc
            paint = paint * _grooves(rho, angle, random)
        case 2:  # a clock
            paint = np.where(_clock_marks(rho, angle, random)[..., None], 1 - base, paint)
        case _:  # a coaster, a bottle cap from near
            paint = paint * _coarse(scene, random)[..., None]
            rise = np.asarray(rise + 0.03 * (np.cos(angle * 40) > 0) * (rho > MILLED), np.float32)
    gloss = random.uniform(0, 0.9)
    scene.stand(np.asarray(paint, np.float32), alpha, rise=rise, gloss=gloss)


def _dome(rho: Field) -> Field:
    return np.asarray(0.25 * np.clip(1 - rho**2, 0, 1) + 0.2 * (rho < KNOB), np.float32)


def _grooves(rho: Field, angle: Field, random: Random) -> Colour:
    rings = 1 + 0.15 * np.sin(rho * random.uniform(80, 200))
    hue = np.stack([np.cos(angle * 2 + shift) for shift in (0.0, 2.1, 4.2)], axis=-1)
    hole = rho > random.uniform(0.1, 0.3)
    return np.asarray(rings[..., None] * (1 + 0.4 * hue) * hole[..., None], np.float32)


def _clock_marks(rho: Field, angle: Field, random: Random) -> NDArray[np.bool_]:
    ticks = (np.cos(angle * 12) > 0.93) & (rho > 0.75) & (rho < 0.92)  # noqa: PLR2004 - the marks
    hand = (np.cos(angle - random.uniform(0, 6.3)) > 0.996) & (rho < 0.7)  # noqa: PLR2004 - a hand
    return np.asarray(ticks | hand)


def _coarse(scene: Scene, random: Random) -> Field:
    lumps = noise(random, scene.shape, random.uniform(5, 60), 2)
    return np.asarray(1 + 0.25 * lumps, np.float32)


def _round(scene: Scene, random: Random) -> tuple[Field, Field]:
    xs, ys = grid(scene.shape)
    x, y = (
        xs - random.uniform(-0.3, 0.3),
        (ys - random.uniform(-0.2, 0.2)) / random.uniform(0.7, 1),
    )
    rho = np.hypot(x, y) / random.uniform(0.3, 0.8)
    return np.asarray(rho, np.float32), np.asarray(np.arctan2(y, x), np.float32)


def add_boxes(scene: Scene, random: Random) -> None:
    """Packets, phones, books, bottles from the side: one to five blocks with print on them."""
    xs, ys = grid(scene.shape)
    for _ in range(int(random.integers(1, 6))):
        turn = random.uniform(0, np.pi)
        x, y = xs - random.uniform(-0.7, 0.7), ys - random.uniform(-0.5, 0.5)
        along, across = turned(x, y, turn)
        half = random.uniform(0.08, 0.6, 2)
        rho = np.maximum(np.abs(along) / half[0], np.abs(across) / half[1])
        paint = np.broadcast_to(random.uniform(0.03, 0.95, 3).astype(np.float32), (*scene.shape, 3))
        print_on_it = smoothstep(noise(random, scene.shape, random.uniform(5, 50), 1), 0.4, 0.6)
        ink = random.uniform(0, 1, 3).astype(np.float32)
        full = paint + (ink - paint) * (print_on_it * random.uniform(0, 1))[..., None]
        if scene.stock.things and happens(random, 0.5):
            full = full * 0.3 + 0.7 * photographed_patch(random, scene.stock.things, scene.shape)
        alpha = 1 - smoothstep(np.asarray(rho, np.float32), 0.97, 1.0)
        rise = float(random.uniform(0.01, 0.3))
        scene.stand(
            np.asarray(full, np.float32),
            alpha,
            rise=rise,
            gloss=float(random.uniform(0, 0.9)),
        )


def add_clutter(scene: Scene, random: Random) -> None:
    """Things of all shapes and sizes upon each other, as in a drawer or on a desk."""
    xs, ys = grid(scene.shape)
    for _ in range(int(random.integers(4, 26))):
        size = float(np.exp(random.uniform(np.log(0.06), np.log(0.8))))
        x, y = xs - random.uniform(-1, 1), ys - random.uniform(-0.8, 0.8)
        along, across = turned(np.asarray(x), np.asarray(y), random.uniform(0, np.pi))
        slender = random.uniform(0.2, 1.0)
        rho = rounded(
            np.asarray(along / size), np.asarray(across / (size * slender)), _corner(random)
        )
        rho = np.asarray(rho + random.uniform(0, 0.3) * noise(random, scene.shape, 4, 2))
        alpha = 1 - smoothstep(np.asarray(rho, np.float32), 0.96, 1.0)
        rise = float(random.uniform(0.0, 0.15)) + 0.1 * np.clip(1 - rho**2, 0, 1)
        paint, gloss = _surface(scene, random), float(random.uniform(0, 0.9))
        scene.stand(paint, alpha, rise=np.asarray(rise, np.float32), gloss=gloss)


def _corner(random: Random) -> float:
    return float(random.choice([2.0, 3.0, 9.0]))


def _surface(scene: Scene, random: Random) -> Colour:
    if scene.stock.things and happens(random, 0.5):
        return photographed_patch(random, scene.stock.things, scene.shape, part=0.2)
    lumps = noise(random, scene.shape, random.uniform(2, 60), 2) * random.uniform(0, 0.4)
    paint = random.uniform(0.03, 0.95, 3).astype(np.float32) * (1 + lumps)[..., None]
    return np.asarray(np.clip(paint, 0, 1), np.float32)


def add_loose_food(scene: Scene, random: Random) -> None:
    """Food that lies on the table, or fills the picture: there is no dish to be clean."""
    xs, ys = grid(scene.shape)
    radius = float(random.uniform(0.5, 2.2))
    far = np.hypot(xs, ys) / radius + 0.15 * noise(random, scene.shape, 3, 2)
    well = 1 - smoothstep(np.asarray(far, np.float32), 0.9, 1.0)
    dish = Dish(np.asarray(xs / radius), np.asarray(ys / radius), well, well, radius)
    add_meal(scene, dish, random)
