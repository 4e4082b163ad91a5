"""Plates, bowls, boxes and trays: their shape and their material."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from models.renderer.fields import (
    Colour,
    Field,
    Random,
    colour,
    grid,
    happens,
    noise,
    rounded,
    smoothstep,
    turned,
    varied,
)
from models.renderer.patterns import Rim, patterned
from models.renderer.scene import Scene

# Glazes with how often each is seen; home crockery is white first, then anything.
GLAZES: Final = (
    (colour(0.92, 0.92, 0.90), 6.0),
    (colour(0.90, 0.88, 0.82), 3.0),
    (colour(0.80, 0.85, 0.80), 1.0),
    (colour(0.55, 0.68, 0.72), 0.8),
    (colour(0.20, 0.26, 0.42), 0.6),
    (colour(0.12, 0.12, 0.13), 0.9),
    (colour(0.42, 0.30, 0.22), 0.6),
    (colour(0.80, 0.62, 0.45), 0.6),
    (colour(0.88, 0.75, 0.75), 0.7),
    (colour(0.45, 0.47, 0.48), 0.7),
    (colour(0.25, 0.40, 0.30), 0.5),
    (colour(0.75, 0.20, 0.15), 0.4),
)
STEEL: Final = colour(0.62, 0.63, 0.65)
WOOD: Final = colour(0.58, 0.40, 0.24)
EDGE: Final = 0.025  # how soft the outline is, in dish radii

# Compartments of a tray: centre x, centre y, half width, half height, in the tray's own unit.
LAYOUTS: Final = (
    ((-0.5, -0.42, 0.42, 0.42), (0.48, -0.42, 0.44, 0.42), (0.0, 0.45, 0.92, 0.4)),
    (
        (-0.62, -0.45, 0.28, 0.38),
        (0.0, -0.45, 0.28, 0.38),
        (0.62, -0.45, 0.28, 0.38),
        (-0.45, 0.42, 0.46, 0.42),
        (0.5, 0.42, 0.42, 0.42),
    ),
    ((-0.47, 0.0, 0.44, 0.85), (0.5, -0.45, 0.4, 0.4), (0.5, 0.45, 0.4, 0.4)),
)


@dataclass(frozen=True, slots=True)
class Dish:
    """A dish that lies in the scene.

    Attributes:
        along: its own coordinate over the picture, 1 at the rim.
        across: the other one.
        mask: 1 on the dish, 0 beside it.
        well: 1 where food may lie.
        radius: of the dish, in scene units.
    """

    along: Field
    across: Field
    mask: Field
    well: Field
    radius: float


def laid_dish(scene: Scene, random: Random, *, at: tuple[float, float], radius: float) -> Dish:
    """Lay one dish of a random kind on the scene."""
    along, across = _own_coordinates(scene, random, at=at, radius=radius)
    kinds = ["plate", "plate", "plate", "bowl", "bowl", "square", "box", "tray"]
    kind = str(random.choice(kinds))
    power = {"square": random.uniform(4, 9), "box": random.uniform(5, 12), "tray": 9.0}.get(kind, 2)
    stretch = random.uniform(1.0, 1.15) if kind != "tray" else random.uniform(1.2, 1.5)
    across = np.asarray(across * stretch, np.float32)
    rho = rounded(along, across, power)
    rim = Rim(along, across, rho)
    if kind != "tray" and happens(random, 0.12):
        rho = _scalloped(rim, random)
        rim = Rim(along, across, rho)
    mask = 1 - smoothstep(rho, 1 - EDGE, 1 + EDGE)
    rise, well = _tray(along, across, random) if kind == "tray" else _turned(rho, kind, random)
    if kind != "tray" and happens(random, 0.15):
        rise = rise + _ridges(rim, random)
    paint, gloss = _material(scene, random, rim, tray=kind == "tray")
    scene.stand(paint, mask, rise=rise * radius, gloss=gloss)
    well = np.asarray(well * mask, np.float32)
    np.maximum(scene.well, well, out=scene.well)
    return Dish(along, across, mask, well, radius)


def _scalloped(rim: Rim, random: Random) -> Field:
    """A wavy outline, as of old porcelain and of paper plates."""
    waves = np.cos(rim.angle * int(random.integers(6, 32)))
    return np.asarray(rim.rho * (1 + random.uniform(0.005, 0.03) * waves), np.float32)


def _ridges(rim: Rim, random: Random) -> Field:
    """Flutes across the rim, or rings that the wheel left in the well."""
    if happens(random, 0.5):
        flutes = np.cos(rim.angle * int(random.integers(20, 80)))
        return np.asarray(0.012 * flutes * smoothstep(rim.rho, 0.7, 0.8), np.float32)
    return np.asarray(0.004 * np.cos(rim.rho * random.uniform(20, 90)), np.float32)


def _own_coordinates(
    scene: Scene, random: Random, *, at: tuple[float, float], radius: float
) -> tuple[Field, Field]:
    xs, ys = grid(scene.shape)
    turn, tilt_turn = random.uniform(0, 2 * math.pi), random.uniform(0, 2 * math.pi)
    tilt = random.uniform(0.65, 1.0)
    x, y = (xs - at[0]) / radius, (ys - at[1]) / radius
    towards, beside = turned(x, y, tilt_turn)
    return turned(towards, np.asarray(beside / tilt, np.float32), turn)


def _turned(rho: Field, kind: str, random: Random) -> tuple[Field, Field]:
    """The profile of what was turned on a wheel: a flat well, a wall, a rim with a lip."""
    deep = kind in {"bowl", "box"}
    floor = random.uniform(0.2, 0.5) if deep else random.uniform(0.5, 0.75)
    wall = 0.97 if deep else floor + random.uniform(0.06, 0.2)
    depth = random.uniform(0.25, 0.55) if deep else random.uniform(0.05, 0.14)
    rise = depth * smoothstep(rho, floor, wall) + 0.05 * np.clip(rho - wall, 0, 1)
    rise = rise + 0.015 * smoothstep(rho, 0.95, 0.98) + 0.02
    reach = random.uniform(0.75, 0.92) if deep else wall
    return np.asarray(rise, np.float32), 1 - smoothstep(rho, reach - 0.06, reach + 0.04)


def _tray(along: Field, across: Field, random: Random) -> tuple[Field, Field]:
    inside = np.full(along.shape, -1.0, np.float32)
    for x, y, half_x, half_y in LAYOUTS[int(random.integers(len(LAYOUTS)))]:
        apart = np.stack([np.abs(along - x) - half_x, np.abs(across - y) - half_y])
        corner = np.hypot(*np.clip(apart + 0.12, 0, None)) - 0.12
        np.maximum(inside, -corner, out=inside)
    depth = random.uniform(0.1, 0.25)
    well = smoothstep(inside, 0.0, random.uniform(0.06, 0.14))
    return np.asarray(depth * (1 - well) + 0.02, np.float32), well


def _material(scene: Scene, random: Random, rim: Rim, *, tray: bool) -> tuple[Colour, float]:
    kind = random.random()
    if kind < (0.5 if tray else 0.07):
        return _steel(scene, random, rim.along), 0.9
    if kind < (0.55 if tray else 0.12):
        return _wood(scene, random, rim), 0.15
    if kind < (0.6 if tray else 0.16):
        return _glass(scene, random), 0.9
    odds = np.array([often for _, often in GLAZES])
    glaze = GLAZES[int(random.choice(len(GLAZES), p=odds / odds.sum()))][0]
    paint = np.broadcast_to(varied(random, glaze, 0.03), (*scene.shape, 3)).astype(np.float32)
    if happens(random, 0.5):
        paint = patterned(scene, random, paint, rim)
    if happens(random, 0.2):
        paint = _scratched(scene, random, paint)
    return paint, float(random.uniform(0.2, 1.0))


def _wood(scene: Scene, random: Random, rim: Rim) -> Colour:
    rings = noise(random, scene.shape, 3, 1) + rim.across * random.uniform(4, 9)
    grain = 0.8 + 0.2 * np.sin(rings * 6) + 0.05 * noise(random, scene.shape, 60, 1)
    return np.asarray(varied(random, WOOD, 0.05) * grain[..., None], np.float32)


def _glass(scene: Scene, random: Random) -> Colour:
    """What is below shows through, paler."""
    clear = random.uniform(0.4, 0.8)
    return np.asarray(scene.albedo * clear + (1 - clear) * random.uniform(0.4, 0.9), np.float32)


def _scratched(scene: Scene, random: Random, paint: Colour) -> Colour:
    """Marks of knives and cracks of an old glaze: thin, grey, and no food."""
    veins = np.abs(noise(random, scene.shape, random.uniform(5, 25), 2))
    lines = 1 - smoothstep(veins, 0.004, 0.02)
    return np.asarray(paint * (1 - random.uniform(0.05, 0.25) * lines)[..., None], np.float32)


def _steel(scene: Scene, random: Random, along: Field) -> Colour:
    """Steel shows the room: soft bright and dark patches, and the strokes of the brush."""
    room = noise(random, scene.shape, 4, 2) * 0.22
    strokes = np.sin(along * random.uniform(80, 160)) * 0.02
    grey = 1 + room + strokes + 0.03 * noise(random, scene.shape, 90, 1)
    return np.asarray(STEEL * np.clip(grey, 0.25, 1.6)[..., None], np.float32)
