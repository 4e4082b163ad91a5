"""What a dish stands on and what lies beside it: tables, trays, cutlery, napkins."""

import math

import numpy as np
from PIL import Image, ImageDraw

from models.renderer.fields import (
    Colour,
    Field,
    Random,
    colour,
    grid,
    happens,
    noise,
    photographed_patch,
    rounded,
    smoothstep,
    softened,
    turned,
)
from models.renderer.scene import Scene, Stock


def table(random: Random, shape: tuple[int, int], stock: Stock) -> Scene:
    """An empty scene: a procedural table top, or a photograph that serves as one."""
    if stock.things and happens(random, 0.5):
        albedo = photographed_patch(random, stock.things, shape)
    else:
        albedo = _table_top(random, shape)
    bumps = random.uniform(0, 0.0006) * noise(random, shape, random.uniform(10, 60), 2)
    gloss = np.full(shape, random.uniform(0, 0.5), np.float32)
    albedo = np.clip(albedo, 0.01, 1)
    empty = np.zeros(shape, np.float32)
    scene = Scene(albedo, np.asarray(bumps, np.float32), gloss, empty, empty.copy(), stock)
    if happens(random, 0.3):
        _serving_tray(scene, random)
    return scene


def _table_top(random: Random, shape: tuple[int, int]) -> Colour:
    vivid = 0.15 if happens(random, 0.25) else 0.04
    base = random.uniform(0.08, 0.85) + random.normal(0, vivid, 3)
    paint = np.broadcast_to(np.clip(base, 0.03, 0.95).astype(np.float32), (*shape, 3)).copy()
    xs, ys = grid(shape)
    along, across = turned(xs, ys, random.uniform(0, math.pi))
    match int(random.integers(6)):
        case 0:
            paint *= _planks(random, shape, across=across)[..., None]
        case 1:
            paint *= _checks(random, along=along, across=across)[..., None]
        case 2:  # terrazzo and granite
            chips = noise(random, shape, random.uniform(30, 120), 1)
            paint *= (1 + 0.3 * np.clip(chips, -1.5, 1.5))[..., None]
        case 3:  # cloth
            threads = random.uniform(60, 200)
            paint *= (1 + 0.12 * np.sin(along * threads) * np.sin(across * threads))[..., None]
        case 4:  # marble
            veins = 1 - smoothstep(np.abs(noise(random, shape, 3, 4)), 0.0, 0.15)
            paint *= (1 - 0.3 * veins)[..., None]
        case _:  # plain
            pass
    wear = 1 + 0.06 * noise(random, shape, random.uniform(2, 20), 3)
    return np.asarray(paint * wear[..., None], np.float32)


def _planks(random: Random, shape: tuple[int, int], *, across: Field) -> Field:
    width = random.uniform(0.15, 0.8)
    number = np.floor(across / width)
    shade = 1 + 0.12 * np.sin(number * 12.9898 + random.uniform(0, 6))
    lines = np.sin((across + 0.05 * noise(random, shape, 3, 2)) * random.uniform(40, 110))
    gap = smoothstep(np.abs(across / width - number - 0.5), 0.485, 0.5)
    return np.asarray(shade * (1 + 0.10 * lines) * (1 - 0.6 * gap), np.float32)


def _checks(random: Random, *, along: Field, across: Field) -> Field:
    """Tiles with joints, or a checked table cloth."""
    size = random.uniform(0.1, 0.5)
    one, other = along / size, across / size
    if happens(random, 0.5):
        joint = np.maximum(np.abs(one % 1 - 0.5), np.abs(other % 1 - 0.5))
        return np.asarray(1 - 0.35 * smoothstep(joint, 0.47, 0.49), np.float32)
    stripes = (one % 1 > 0.5).astype(np.float32) + (other % 1 > 0.5)  # noqa: PLR2004 - half a tile
    return np.asarray(1 - 0.17 * stripes, np.float32)


def _serving_tray(scene: Scene, random: Random) -> None:
    xs, ys = grid(scene.shape)
    x, y = turned(xs, ys, random.uniform(-0.3, 0.3))
    rho = rounded(x / random.uniform(0.8, 1.3), y / random.uniform(0.6, 1.0), 8)
    hue = np.clip(random.uniform(0.1, 0.8) + random.normal(0, 0.12, 3), 0.05, 0.9)
    paint = np.broadcast_to(hue.astype(np.float32), (*scene.shape, 3))
    rise = 0.03 * smoothstep(rho, 0.9, 0.96)
    scene.stand(paint, 1 - smoothstep(rho, 0.99, 1.0), rise=rise, gloss=0.5)


def add_cutlery(scene: Scene, random: Random, *, at: tuple[float, float]) -> None:
    """Chopsticks, a spoon or a fork, on the dish or beside it."""
    height, width = scene.shape
    mask = Image.new("L", (width, height))
    draw = ImageDraw.Draw(mask)
    scale = max(width, height) / 2
    start = np.array([width / 2 + at[0] * scale, height / 2 + at[1] * scale])
    start = start + random.normal(0, 0.25, 2) * scale
    turn = random.uniform(0, 2 * np.pi)
    ahead = np.array([np.cos(turn), np.sin(turn)]) * scale * random.uniform(0.7, 1.4)
    beside = np.array([-ahead[1], ahead[0]]) * 0.07
    thick = max(2, int(scale * random.uniform(0.02, 0.045)))
    chopsticks = happens(random, 0.5)
    for side in (-1, 1) if chopsticks else (0,):
        line = [*(start + side * beside), *(start + ahead + side * beside * 0.4)]
        draw.line([float(value) for value in line], fill=255, width=thick)
    if not chopsticks:
        head = thick * random.uniform(1.8, 3.0)
        x, y = (float(value) for value in start)
        draw.ellipse([x - head, y - head, x + head, y + head], fill=255)
    paint = random.uniform(0.05, 0.7, 3) if chopsticks else np.full(3, random.uniform(0.45, 0.75))
    full = np.broadcast_to(paint.astype(np.float32), (*scene.shape, 3))
    scene.lay(full, softened(mask, 0.8), rise=0.03, gloss=0.2 if chopsticks else 0.9)


def add_napkin(scene: Scene, random: Random, *, at: tuple[float, float]) -> None:
    """A used paper napkin: white, creased, of no particular outline."""
    xs, ys = grid(scene.shape)
    far = np.hypot(xs - at[0], ys - at[1]) / random.uniform(0.15, 0.35)
    outline = far + 0.35 * noise(random, scene.shape, 4, 2)
    alpha = 1 - smoothstep(np.asarray(outline, np.float32), 0.95, 1.0)
    creases = np.abs(noise(random, scene.shape, 9, 3)) * 0.06
    white = colour(0.93, 0.93, 0.92) * np.float32(random.uniform(0.8, 1.05))
    paint = np.broadcast_to(white, (*scene.shape, 3))
    scene.lay(paint, alpha, rise=np.asarray(creases + 0.02, np.float32), gloss=0.02)


def add_hand(scene: Scene, random: Random) -> None:
    """Fingers that reach in from the edge, as of who holds the dish."""
    height, width = scene.shape
    side = max(width, height)
    mask = Image.new("L", (width, height))
    draw = ImageDraw.Draw(mask)
    turn = random.uniform(0, 2 * math.pi)
    outside = np.array(
        [width / 2 + math.cos(turn) * side * 0.75, height / 2 + math.sin(turn) * side * 0.75]
    )
    for _ in range(int(random.integers(1, 5))):
        root = outside + random.normal(0, 0.06, 2) * side
        tip = np.array([width / 2, height / 2]) + (root - [width / 2, height / 2]) * random.uniform(
            0.55, 0.8
        )
        thick = int(side * random.uniform(0.05, 0.1))
        line = [float(value) for value in (*root, *tip)]
        draw.line(line, fill=255, width=thick)
        x, y = float(tip[0]), float(tip[1])
        draw.ellipse([x - thick / 2, y - thick / 2, x + thick / 2, y + thick / 2], fill=255)
    skin = colour(0.72, 0.50, 0.38) * np.float32(random.uniform(0.35, 1.25))
    paint = skin * (1 + 0.06 * noise(random, scene.shape, 12, 3))[..., None]
    alpha = softened(mask, side * 0.004)
    rise = np.asarray(0.1 * softened(mask, side * 0.02), np.float32)
    scene.lay(np.asarray(paint, np.float32), alpha, rise=rise, gloss=0.15)
