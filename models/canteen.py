"""Clean plates of one canteen: one design, one table, one lamp, one camera, held by many hands.

Only where the plate stands, how the phone is held, a few drops and the sensor's noise differ. That
is harder than life, where trays, hands and shadows differ too: two such plates are as alike as two
honest photos can be.
"""

import copy
from functools import lru_cache
from typing import Final

import numpy as np
from PIL import Image

from models.renderer.dishes import laid_dish
from models.renderer.fields import Random, happens
from models.renderer.food import add_drops
from models.renderer.scene import Scene, Stock, lit, photographed
from models.renderer.tables import table

CANTEEN_SEED: Final = 4_000_000_000  # no training, evaluation or demonstration uses these seeds
_SHAPE: Final = (312, 390)  # rows and columns of the whole table; a photo shows three quarters
_TURN_DEGREES: Final = 4.0  # standard deviation: people hold the phone along the table's edge
_VIEW: Final = (0.66, 0.76)  # of the table: the plate fills the photo as the app asks for it
_DROPS_SHARE: Final = 0.3
_NOISE: Final = 3.0  # standard deviation of 255: what a phone's sensor adds indoors


def canteen_plate(canteen: int, number: int) -> Image.Image:
    """One photo; equal arguments give equal pixels.

    Args:
        canteen: picks design, table, lamp and camera.
        number: picks the place on the table, the hand, the drops and the noise.
    """
    random = np.random.default_rng([CANTEEN_SEED, canteen, number])
    scene = copy.deepcopy(_empty_table(canteen))
    size = _fixed(canteen, "size").uniform(0.38, 0.55)
    dish = laid_dish(
        scene,
        _fixed(canteen, "dish"),
        at=(random.normal(0, 0.09), random.normal(0, 0.06)),
        radius=size * random.uniform(0.97, 1.03),
    )
    if happens(random, _DROPS_SHARE):
        add_drops(scene, dish, random)
    picture = photographed(lit(scene, _fixed(canteen, "lamp")), _fixed(canteen, "camera"))
    return _noisy(_held(picture, random), random)


@lru_cache(1)
def _empty_table(canteen: int) -> Scene:
    return table(_fixed(canteen, "table"), _SHAPE, Stock())


def _fixed(canteen: int, part: str) -> Random:
    """The same draws for every photo of the canteen."""
    return np.random.default_rng([CANTEEN_SEED, canteen, *part.encode()])


def _held(picture: Image.Image, random: Random) -> Image.Image:
    """Turned a little, nearer or farther, not quite in the middle; no corner beyond the table."""
    degrees = float(np.clip(random.normal(0, _TURN_DEGREES), -2 * _TURN_DEGREES, 2 * _TURN_DEGREES))
    turned = picture.rotate(degrees, Image.Resampling.BICUBIC)
    share = random.uniform(*_VIEW)
    width, height = int(picture.width * share), int(picture.height * share)
    left = (picture.width - width) / 2 * (1 + random.uniform(-0.35, 0.35))
    top = (picture.height - height) / 2 * (1 + random.uniform(-0.35, 0.35))
    return turned.crop((int(left), int(top), int(left) + width, int(top) + height))


def _noisy(picture: Image.Image, random: Random) -> Image.Image:
    pixels = np.asarray(picture, np.float32)
    noisy = pixels + random.normal(0, _NOISE, pixels.shape)
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))
