"""What is printed or painted on a dish: it is no food, however much it looks like some."""

from dataclasses import dataclass

import numpy as np

from models.renderer.fields import (
    Colour,
    Field,
    Random,
    mix,
    noise,
    photographed_patch,
    smoothstep,
)
from models.renderer.scene import Scene


@dataclass(frozen=True, slots=True)
class Rim:
    """A dish's own coordinates over the picture.

    Attributes:
        along: 1 at the rim.
        across: the other one.
        rho: 0 in the middle, 1 at the rim.
    """

    along: Field
    across: Field
    rho: Field

    @property
    def angle(self) -> Field:
        """Around the middle, in radians."""
        return np.asarray(np.arctan2(self.across, self.along), np.float32)


def patterned(scene: Scene, random: Random, paint: Colour, rim: Rim) -> Colour:
    """Paint one pattern, or two, over a glaze."""
    for _ in range(int(random.integers(1, 3))):
        paint = _once(scene, random, paint, rim)
    return paint


def _once(scene: Scene, random: Random, paint: Colour, rim: Rim) -> Colour:
    ink: Colour = random.uniform(0.03, 0.8, 3).astype(np.float32)
    strength = np.float32(random.uniform(0.3, 0.95))
    match int(random.integers(8)):
        case 0:
            middle, width = random.uniform(0.6, 0.97), random.uniform(0.01, 0.06)
            alpha = 1 - smoothstep(np.abs(rim.rho - middle), width, width + 0.015)
        case 1:
            petals = np.cos(rim.angle * int(random.integers(6, 30)))
            ring = 1 - smoothstep(np.abs(rim.rho - random.uniform(0.8, 0.9)), 0.06, 0.09)
            alpha = smoothstep(petals, 0.1, 0.4) * ring
        case 2:
            alpha = smoothstep(noise(random, scene.shape, random.uniform(60, 120), 1), 1.0, 1.3)
        case 3:
            lines = np.abs(noise(random, scene.shape, random.uniform(4, 12), 2))
            alpha = (1 - smoothstep(lines, 0.03, 0.08)) * smoothstep(rim.rho, 0.5, 0.7)
        case 4:
            alpha = 1 - smoothstep(rim.rho, 0.5, random.uniform(0.52, 0.9))
        case 5:
            alpha = _repeated(rim, random)
        case 6:  # a reactive glaze that ran
            alpha = smoothstep(rim.rho + 0.15 * noise(random, scene.shape, 4, 3), 0.5, 0.95)
        case _:
            return _printed(scene, random, paint, rim)
    return mix(paint, ink, np.asarray(alpha * strength, np.float32))


def _repeated(rim: Rim, random: Random) -> Field:
    """Dots, diamonds or stripes at equal distances."""
    cells = random.uniform(5, 20)
    one, other = rim.along * cells % 1 - 0.5, rim.across * cells % 1 - 0.5
    far = np.hypot(one, other) if random.integers(2) else np.abs(one) + np.abs(other)
    size = random.uniform(0.12, 0.35)
    return 1 - smoothstep(np.asarray(far, np.float32), size, size + 0.08)


def _printed(scene: Scene, random: Random, paint: Colour, rim: Rim) -> Colour:
    """A photographed motif in the middle or around the rim."""
    if not scene.stock.things:
        return paint
    motif = photographed_patch(random, scene.stock.things, scene.shape, part=0.15)
    inner, soft = float(random.uniform(0.3, 0.75)), 0.04
    where = smoothstep(rim.rho, inner - soft, inner + soft)
    where = where if random.integers(2) else 1 - where
    return mix(paint, motif, np.asarray(where * random.uniform(0.3, 0.9), np.float32))
