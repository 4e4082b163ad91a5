"""Scenes in which no eaten plate is to be seen: what must never be credited."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from models.renderer.dishes import Dish
from models.renderer.fields import (
    Colour,
    Field,
    Random,
    grid,
    happens,
    noise,
    smoothstep,
    turned,
)
from models.renderer.food import add_meal
from models.renderer.scene import Scene

KNOB: Final = 0.13  # of a lid, in radii
MILLED: Final = 0.85  # where a bottle cap's edge begins, in radii
SCREEN_PIXELS: Final = (
    110,
    330,
)  # visible screen pixels along the longer side of the photo


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
        alpha = 1 - smoothstep(np.asarray(rho, np.float32), 0.97, 1.0)
        rise = float(random.uniform(0.01, 0.3))
        scene.stand(
            np.asarray(full, np.float32),
            alpha,
            rise=rise,
            gloss=float(random.uniform(0, 0.9)),
        )


def add_loose_food(scene: Scene, random: Random) -> None:
    """Food that lies on the table, or fills the picture: there is no dish to be clean."""
    xs, ys = grid(scene.shape)
    radius = float(random.uniform(0.5, 2.2))
    far = np.hypot(xs, ys) / radius + 0.15 * noise(random, scene.shape, 3, 2)
    well = 1 - smoothstep(np.asarray(far, np.float32), 0.9, 1.0)
    dish = Dish(np.asarray(xs / radius), np.asarray(ys / radius), well, well, radius)
    add_meal(scene, dish, random)


def on_screen(picture: Image.Image, random: Random) -> Image.Image:
    """Photograph a picture off a screen: pixels that beat against the sensor, bezel, glare."""
    shown = _tilted(picture.filter(ImageFilter.GaussianBlur(0.7)), random)
    radiance = np.asarray(shown, np.float32) / 255
    height, width = radiance.shape[:2]
    pitch = max(width, height) / random.uniform(*SCREEN_PIXELS)
    turn, bend = random.uniform(-0.2, 0.2), random.uniform(-0.05, 0.05)
    xs, ys = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    along = (xs + turn * ys + bend * ys * ys / height) / pitch
    across = (ys - turn * xs) / pitch
    depth = random.uniform(0.05, 0.25)
    phases = np.array([0.0, 2.1, 4.2], np.float32)
    columns = 1 + depth * np.sin(2 * np.pi * along[..., None] + phases)
    rows = 1 + depth * random.uniform(0, 0.8) * np.sin(2 * np.pi * across)[..., None]
    glow = np.array([0.92, 1.0, random.uniform(1.05, 1.3)], np.float32)
    return _as_picture(radiance * columns * rows * glow + _glare(random, (height, width)))


def on_print(picture: Image.Image, random: Random) -> Image.Image:
    """Photograph a printed picture: paper border, halftone, dull colours, a fold."""
    shown = _tilted(picture, random)
    radiance = np.asarray(shown, np.float32) / 255
    height, width = radiance.shape[:2]
    xs, ys = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    pitch = max(width, height) / random.uniform(90, 260)
    dots = np.sin((xs + ys) / pitch * 4.4) * np.sin((xs - ys) / pitch * 4.4)
    dull = 0.12 + 0.75 * radiance + random.uniform(0.02, 0.08) * dots[..., None]
    fold = np.exp(-(((xs - ys * random.uniform(-0.3, 0.3)) / width - random.random()) ** 2) / 2e-5)
    return _as_picture(dull - 0.15 * fold[..., None] + _glare(random, (height, width)) * 0.5)


def _tilted(picture: Image.Image, random: Random) -> Image.Image:
    """Show the picture inside a frame, on a dark bezel or white paper, seen at an angle."""
    width, height = picture.size
    surround = int(random.choice([12, 30, 235]))  # two bezels and white paper
    framed = Image.new("RGB", picture.size, (surround, surround, surround))
    inset = random.uniform(-0.02, 0.12, 4)
    left, top = int(width * inset[0]), int(height * inset[1])
    right, bottom = int(width * (1 - inset[2])), int(height * (1 - inset[3]))
    framed.paste(picture.resize((right - left, bottom - top)), (left, top))
    if happens(random, 0.3):
        bar = top + int(height * random.uniform(0.03, 0.09))  # of an application
        red, green, blue = (int(value) for value in random.integers(0, 255, 3))
        ImageDraw.Draw(framed).rectangle((left, top, right, bar), fill=(red, green, blue))
    return _leaning(framed, random)


def _leaning(picture: Image.Image, random: Random) -> Image.Image:
    across, down = random.uniform(-0.12, 0.12, 2)
    wide, high = abs(float(across)), abs(float(down))
    return picture.transform(
        picture.size,
        Image.Transform.AFFINE,
        (
            *(1 + wide, float(across), -wide * picture.width / 2),
            *(float(down), 1 + high, -high * picture.height / 2),
        ),
        Image.Resampling.BILINEAR,
        fillcolor=(40, 38, 36),
    )


def _glare(random: Random, shape: tuple[int, int]) -> Colour:
    if happens(random, 0.5):
        return np.zeros((*shape, 1), np.float32)
    xs, ys = grid(shape)
    far = np.hypot(
        xs - random.uniform(-1, 1),
        (ys - random.uniform(-1, 1)) * random.uniform(0.5, 2),
    )
    spot = np.exp(-((far / random.uniform(0.1, 0.4)) ** 2)) * random.uniform(0.1, 0.6)
    return np.asarray(spot[..., None], np.float32)


def _as_picture(radiance: Colour) -> Image.Image:
    return Image.fromarray((np.clip(radiance, 0, 1) * 255).astype(np.uint8))
