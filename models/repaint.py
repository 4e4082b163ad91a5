"""Real dishes in other colours: the photographed white glaze carries any glaze's light and shade.

The folder's crockery is white. A white dish reflects the light that falls on it, so its photo times
another glaze's colour is what a dish of that glaze would have looked like there; what is not white
(food, sauce, a spoon) keeps its colour. Clean and eaten dishes are treated alike, so that the
treatment tells nothing.
"""

from typing import Final

import numpy as np
from PIL import Image, ImageDraw

from models.renderer.dishes import GLAZES
from models.renderer.fields import (
    Colour,
    Field,
    Random,
    grid,
    happens,
    noise,
    smoothstep,
    softened,
    varied,
)
from models.renderer.patterns import Rim, patterned
from models.renderer.scene import Scene, Stock
from models.renderer.tables import table

TABLE_PX: Final = 240
CUT: Final = 0.95  # of the photo's sides: where the dish is cut out, within its rim
RIM: Final = 0.94  # of half the shorter side: the dishes are cropped tightly
WHITE_SPREAD: Final = (0.10, 0.22)  # chroma distance from the glaze: all of it, none of it


def repainted(photo: Image.Image, random: Random, stock: Stock) -> Image.Image:
    """Give the dish that fills a photo another glaze and pattern, and often another table."""
    pixels = np.asarray(photo.convert("RGB"), np.float32) / np.float32(255)
    shape = (photo.height, photo.width)
    flat = np.zeros(shape, np.float32)
    rim = _rim(shape, random)
    white = _glaze_seen(pixels, rim)
    share = _whiteness(pixels, white) * (1 - smoothstep(rim.rho, RIM, RIM + 0.06))
    glaze = GLAZES[int(random.integers(len(GLAZES)))][0]
    paint: Colour = np.broadcast_to(varied(random, glaze, 0.06), pixels.shape).astype(np.float32)
    scene = Scene(pixels, flat, flat, flat, flat, stock)
    if happens(random, 0.6):
        paint = patterned(scene, random, paint, rim)
    light = pixels / np.maximum(white, 0.05)
    glare = 0.35 * np.clip(light - 1.12, 0, 1)  # a dark glaze mirrors a lamp as a white one does
    dish = pixels + (light * paint + glare - pixels) * share[..., None]
    if happens(random, 0.25):
        return _picture(dish)
    return _on_another_table(_picture(dish), random, stock)


def _rim(shape: tuple[int, int], random: Random) -> Rim:
    xs, ys = grid(shape)
    along = np.asarray(xs * max(shape) / shape[1], np.float32)
    across = np.asarray(ys * max(shape) / shape[0], np.float32)
    turn = random.uniform(0, 2 * np.pi)
    cos, sin = np.float32(np.cos(turn)), np.float32(np.sin(turn))
    rho = np.asarray(np.hypot(along, across), np.float32)
    return Rim(cos * along + sin * across, cos * across - sin * along, rho)


def _glaze_seen(pixels: Colour, rim: Rim) -> Colour:
    """The colour of the bare glaze: the median of the brighter half of the dish."""
    inside = pixels[rim.rho < RIM]
    light = inside.mean(axis=1)
    return np.asarray(np.median(inside[light >= np.median(light)], axis=0), np.float32)


def _whiteness(pixels: Colour, white: Colour) -> Field:
    """1 where the glaze is bare, by hue and saturation whatever the light; 0 where food is."""
    light = pixels.mean(axis=-1, keepdims=True)
    hue = pixels / np.maximum(light, 0.02) - white / float(white.mean())
    far = np.asarray(np.abs(hue).max(axis=-1), np.float32)
    bare = 1 - smoothstep(far, *WHITE_SPREAD)
    lit = smoothstep(np.asarray(light[..., 0] / float(white.mean()), np.float32), 0.25, 0.5)
    return np.asarray(bare * lit, np.float32)


def _on_another_table(dish: Image.Image, random: Random, stock: Stock) -> Image.Image:
    """Cut the dish out along its rim and lay it on another table, nearer or farther, tilted."""
    side = TABLE_PX
    table_top = table(random, (side, side), stock)
    light = 1 + 0.15 * noise(random, table_top.shape, 1.5, 1)
    ground = table_top.albedo * np.asarray(light, np.float32)[..., None]
    coefficients = _placing(dish, random, side)
    laid = dish.transform(
        (side, side), Image.Transform.AFFINE, coefficients, Image.Resampling.BICUBIC
    )
    cut = _cut(dish).transform((side, side), Image.Transform.AFFINE, coefficients)
    inside = softened(cut, 0.8)
    shift = (round(float(random.normal(0, 5))), round(float(random.normal(0, 5))))
    shadow = np.roll(softened(cut, float(random.uniform(3, 12))), shift, (0, 1))
    ground = ground * (1 - random.uniform(0.1, 0.6) * shadow)[..., None]
    pixels = np.asarray(laid, np.float32) / np.float32(255)
    return _picture(np.asarray(ground + (pixels - ground) * inside[..., None], np.float32))


def _placing(dish: Image.Image, random: Random, side: int) -> tuple[float, ...]:
    """From the table's pixels to the dish's: turned, squashed as seen from the side, shifted."""
    turn, squash = random.uniform(0, 2 * np.pi), random.uniform(0.62, 1.0)
    scale = random.uniform(0.9, 1.45) / side
    cos, sin = np.cos(turn) * scale, np.sin(turn) * scale
    middle = side / 2 + random.normal(0, 0.07, 2) * side
    width, height = dish.size
    rows = []
    for length, (x, y) in ((width, (cos, sin / squash)), (height, (-sin, cos / squash))):
        rows += [x * length, y * length, length / 2 - (x * middle[0] + y * middle[1]) * length]
    return tuple(float(value) for value in rows)


def _cut(dish: Image.Image) -> Image.Image:
    mask = Image.new("L", dish.size)
    width, height = dish.size
    inset = (1 - CUT) / 2
    box = (width * inset, height * inset, width * (1 - inset), height * (1 - inset))
    ImageDraw.Draw(mask).ellipse(box, fill=255)
    return mask


def _picture(pixels: Colour) -> Image.Image:
    return Image.fromarray((np.clip(pixels, 0, 1) * 255).astype(np.uint8))
