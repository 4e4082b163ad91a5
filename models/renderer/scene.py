"""A scene as layers (colour, height, gloss) that are lit and photographed at the end.

One light model for everything that lies on the table, so that no kind of scene gives itself away
by how it is lit.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL import Image

from models.renderer.fields import (
    Colour,
    Field,
    Random,
    blurred,
    colour,
    covers,
    grid,
    happens,
    mix,
    noise,
    resized,
    smoothstep,
    touched,
)

SHADOW_STEPS: Final = 10  # samples towards the light, on a picture of a quarter of the side
STEEP_MAX: Final = 2.5  # slopes beyond this are edges between layers, not surfaces


@dataclass(frozen=True, slots=True)
class Stock:
    """Photographs that scenes may be made of; all may be missing.

    Attributes:
        things: become table tops, prints on dishes and packets, and clutter.
        foods: become the surface of food; each shows little else.
    """

    things: Sequence[Image.Image] = ()
    foods: Sequence[Image.Image] = ()


@dataclass(slots=True)
class Scene:
    """What lies before the camera.

    Attributes:
        albedo: shape (height, width, 3), linear colour within 0 to 1.
        height: shape (height, width), in the unit of the coordinates.
        gloss: shape (height, width), 0 matt to 1 mirror.
        food: shape (height, width), how much of each point food hides, 0 to 1.
        well: shape (height, width), 1 where dishes could hold food.
        stock: photographs to use.
    """

    albedo: Colour
    height: Field
    gloss: Field
    food: Field
    well: Field
    stock: Stock

    @property
    def leftover_fraction(self) -> float:
        """The share of all dishes' floors that food hides, 0 to 1."""
        floor = float(self.well.sum())
        return float((self.food * self.well).sum()) / floor if floor > 0 else 0.0

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return (self.height.shape[0], self.height.shape[1])

    def lay(self, paint: Colour, alpha: Field, *, rise: Field | float, gloss: float) -> None:
        """Spread a layer that follows what is below: its colour, its thickness and its gloss."""
        here = touched(alpha)  # most layers are small, and the rest of the picture stays
        part = alpha[here]
        raised = rise[here] if isinstance(rise, np.ndarray) else rise
        self.albedo[here] = mix(self.albedo[here], paint[here], part)
        self.height[here] += part * raised
        self.gloss[here] += (gloss - self.gloss[here]) * part

    def lay_food(self, paint: Colour, alpha: Field, *, rise: Field | float, gloss: float) -> None:
        """Spread food or what it left, and remember what it hides."""
        self.lay(paint, alpha, rise=rise, gloss=gloss)
        np.maximum(self.food, alpha, out=self.food)

    def stand(self, paint: Colour, alpha: Field, *, rise: Field | float, gloss: float) -> None:
        """Put a stiff thing on top: it hides what is below and stands on the middle of it."""
        covered = self.height[covers(alpha)]
        ground = float(np.median(covered)) if covered.size else 0.0
        self.height = np.asarray(self.height * (1 - alpha), np.float32)
        self.lay(paint, alpha, rise=rise + ground, gloss=gloss)


def lit(scene: Scene, random: Random) -> Colour:
    """Light a scene: diffuse, soft cast shadows, highlights, and a lamp's fall-off."""
    angle, elevation = random.uniform(0, 2 * math.pi), random.uniform(0.5, 1.4)
    z = math.sin(elevation)
    x, y = math.cos(angle) * math.cos(elevation), math.sin(angle) * math.cos(elevation)
    scale = max(scene.shape) / 2
    slope_y, slope_x = np.gradient(scene.height * scale)
    np.clip(slope_x, -STEEP_MAX, STEEP_MAX, out=slope_x)
    np.clip(slope_y, -STEEP_MAX, STEEP_MAX, out=slope_y)
    norm = 1 / np.sqrt(slope_x**2 + slope_y**2 + 1)
    diffuse = np.clip((z - x * slope_x - y * slope_y) * norm, 0, None)
    half = [part / math.sqrt(2 + 2 * z) for part in (x, y, z + 1)]
    facing = np.clip((half[2] - half[0] * slope_x - half[1] * slope_y) * norm, 0, 1)
    shadow = _shadow(scene, (x, y, z), softness=float(random.uniform(0.02, 0.12)))
    ambient = random.uniform(0.35, 0.75)
    light = (ambient + (1 - ambient) * shadow * diffuse / max(z, 0.4)) * _fall_off(scene, random)
    shine = facing ** float(random.uniform(20, 120)) * shadow * scene.gloss
    tint = (1 + random.normal(0, 0.03, 3)).astype(np.float32)
    glare = (shine * random.uniform(0.2, 1.0))[..., None]
    window = _reflections(scene, random, slope_x * norm**2, slope_y * norm**2)[..., None]
    return np.asarray(scene.albedo * light[..., None] * tint + glare + window, np.float32)


def _reflections(scene: Scene, random: Random, lean_x: Field, lean_y: Field) -> Field:
    """Windows and lamps that a glaze shows where it leans towards them: bright, and no food.

    Seen from above, a surface of slope s mirrors the direction whose horizontal part is -2 s n^2.
    """
    shine = np.zeros(scene.shape, np.float32)
    for _ in range(int(random.integers(0, 5))):
        middle, half = random.uniform(-0.9, 0.9, 2), random.uniform(0.03, 0.25, 2)
        edge = float(random.uniform(0.02, 0.12))
        far = np.maximum(
            np.abs(-2 * lean_x - middle[0]) - half[0], np.abs(-2 * lean_y - middle[1]) - half[1]
        )
        seen = 1 - smoothstep(np.asarray(far, np.float32), -edge, edge)
        np.maximum(shine, seen * np.float32(random.uniform(0.05, 0.8)), out=shine)
    return shine * scene.gloss


def _shadow(scene: Scene, light: tuple[float, float, float], *, softness: float) -> Field:
    """How much of the lamp each point sees, found by walking towards it over the height map."""
    height, width = scene.shape
    rows, columns = max(8, height // 4), max(8, width // 4)
    low = np.asarray(Image.fromarray(scene.height).resize((columns, rows), Image.Resampling.BOX))
    x, y, z = light
    flat = max(math.hypot(x, y), 0.05)
    reach = 0.6  # as far as the highest bowl can throw its shadow
    blocked = np.zeros_like(low)
    scale = max(rows, columns) / 2
    for step in range(1, SHADOW_STEPS + 1):
        far = reach * step / SHADOW_STEPS
        shift = (-round(y / flat * far * scale), -round(x / flat * far * scale))
        over = np.roll(low, shift, (0, 1)) - low - far * z / flat
        np.maximum(blocked, over, out=blocked)
    seen = np.asarray(1 - np.clip(blocked / softness, 0, 1) * 0.8, np.float32)
    return resized(seen, width, height)


def _fall_off(scene: Scene, random: Random) -> Field:
    """How evenly the lamp lights the table, and the shadow of who takes the photo."""
    light = np.asarray(1 + 0.18 * noise(random, scene.shape, 1.2, 1), np.float32)
    if happens(random, 0.25):
        xs, ys = grid(scene.shape)
        edge = np.asarray(
            xs * random.normal() + ys * random.normal() + random.uniform(-0.6, 0.6), np.float32
        )
        edge = edge + 0.2 * noise(random, scene.shape, 2, 1)
        soft = float(random.uniform(0.02, 0.3))
        light = light * (1 - random.uniform(0.15, 0.5) * smoothstep(edge, -soft, soft))
    return np.asarray(light, np.float32)


def photographed(radiance: Colour, random: Random) -> Image.Image:
    """What a phone makes of it: white balance, exposure, tone curve, blur, sensor noise."""
    night = happens(random, 0.12)
    warmth = random.normal(0.12, 0.12) if night else random.normal(0, 0.10)
    balance = colour(1 + warmth, 1 + random.normal(0, 0.03), 1 - warmth)
    exposed = radiance * balance * math.exp(random.normal(-0.7 if night else 0, 0.22))
    exposed = exposed * _vignette(random, radiance.shape[:2])[..., None]
    toned = np.clip(exposed, 0, None) ** float(random.uniform(0.75, 1.05))
    toned = toned / (1 + np.clip(toned - 0.8, 0, None))
    blur = float(random.choice([0, 0, 1, 2]))
    if blur > 0:
        toned = np.stack([blurred(toned[..., channel], blur) for channel in range(3)], axis=-1)
    if happens(random, 0.12):
        toned = _shaken(toned, random)
    strength = random.uniform(0.01, 0.05) if night else random.uniform(0.003, 0.02)
    grain = random.standard_normal(toned.shape[:2], np.float32) * strength
    return Image.fromarray((np.clip(toned + grain[..., None], 0, 1) * 255).astype(np.uint8))


def _vignette(random: Random, shape: tuple[int, ...]) -> Field:
    xs, ys = grid((shape[0], shape[1]))
    return np.asarray(1 - random.uniform(0, 0.25) * (xs**2 + ys**2), np.float32)


def _shaken(toned: Colour, random: Random) -> Colour:
    """Motion blur: the mean of the picture along a short way."""
    far = max(toned.shape) * random.uniform(0.004, 0.015)
    turn = random.uniform(0, math.pi)
    steps = np.linspace(-0.5, 0.5, 5)
    moved = [
        np.roll(toned, (round(math.sin(turn) * far * at), round(math.cos(turn) * far * at)), (0, 1))
        for at in steps
    ]
    return np.asarray(np.mean(moved, axis=0), np.float32)
