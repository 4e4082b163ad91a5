"""Pictures of pictures, and edited ones: a dish that is not there."""

from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from models.renderer.fields import Colour, Random, grid, happens

SCREEN_PIXELS: Final = (110, 330)  # visible screen pixels along the longer side of the photo


def pasted(picture: Image.Image, clean: Image.Image, random: Random) -> Image.Image:
    """Paste the round middle of a clean dish over a photo, with the hard edge of a quick edit."""
    width, height = picture.size
    side = int(min(width, height) * random.uniform(0.4, 0.9))
    piece = clean.convert("RGB").resize((side, side))
    mask = Image.new("L", (side, side))
    ImageDraw.Draw(mask).ellipse((1, 1, side - 2, side - 2), fill=255)
    mask = mask.filter(ImageFilter.GaussianBlur(random.uniform(0, 1.5)))
    edited = picture.convert("RGB")
    at = (int(random.uniform(0, width - side)), int(random.uniform(0, height - side)))
    edited.paste(piece, at, mask)
    return edited


def painted_over(picture: Image.Image, random: Random) -> Image.Image:
    """Cover what lies on a dish with strokes of its own colour, as with a phone's brush."""
    edited = picture.convert("RGB")
    width, height = edited.size
    at = (int(width * random.uniform(0.25, 0.75)), int(height * random.uniform(0.25, 0.75)))
    ink = edited.getpixel(at)
    draw = ImageDraw.Draw(edited)
    thick = int(max(width, height) * random.uniform(0.05, 0.14))
    x, y = width / 2, height / 2
    for _ in range(int(random.integers(5, 16))):
        to = (width * random.uniform(0.25, 0.75), height * random.uniform(0.25, 0.75))
        draw.line([x, y, *to], fill=ink, width=thick)
        draw.ellipse(
            [to[0] - thick / 2, to[1] - thick / 2, to[0] + thick / 2, to[1] + thick / 2], fill=ink
        )
        x, y = to
    return edited


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
