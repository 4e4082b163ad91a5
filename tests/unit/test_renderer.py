import hashlib
import subprocess
import sys
from itertools import combinations

import numpy as np
import pytest
from PIL import Image

from models.renderer import KINDS, render, rendered
from models.renderer.scene import Stock
from models.repaint import repainted
from scoring.fingerprint import distance, fingerprints_of

# Smaller than a photo, so that the whole table of kinds takes a second or two.
SIZE = (240, 180)


@pytest.mark.parametrize("kind", KINDS)
def test_equal_arguments_give_equal_pixels(kind):
    one, other = render(kind, 7, SIZE), render(kind, 7, SIZE)

    assert one.size == SIZE
    assert one.mode == "RGB"
    assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_is_neither_black_nor_flat(kind):
    pixels = np.asarray(render(kind, 3, SIZE), np.float32)

    assert pixels.max() > 25
    assert pixels.std() > 2


def test_pictures_of_different_seeds_are_no_near_copies():
    prints = [fingerprints_of(render("clean", seed, SIZE)).upright for seed in range(24)]
    distances = [distance(one, other) for one, other in combinations(prints, 2)]

    assert np.mean([bits > 31 for bits in distances]) >= 0.99


def test_photographs_may_serve_as_table_tops():
    red = Stock(things=[Image.new("RGB", (300, 300), (200, 10, 10))])

    assert any(
        rendered("empty_table", seed, SIZE, red).picture.tobytes()
        != render("empty_table", seed, SIZE).tobytes()
        for seed in range(1, 5)
    )


@pytest.mark.parametrize(
    ("kind", "least", "most"),
    [("clean", 0.0, 0.0), ("residue", 0.0005, 0.9), ("leftover", 0.02, 1.0), ("full", 0.1, 1.0)],
)
def test_a_rendered_dish_knows_how_much_of_it_food_hides(kind, least, most):
    fractions = [rendered(kind, seed, SIZE, Stock()).leftover_fraction for seed in range(12)]

    assert least <= np.median(fractions) <= most
    assert all(0 <= fraction <= 1 for fraction in fractions)


def test_what_is_no_dish_has_no_leftover_fraction():
    for kind in (kind for kind, label in KINDS.items() if label == "not_a_plate"):
        assert rendered(kind, 1, SIZE, Stock()).leftover_fraction is None


def white_dish(*, food):
    pixels = np.full((200, 200, 3), 60, np.uint8)
    ys, xs = np.mgrid[-1:1:200j, -1:1:200j]
    pixels[np.hypot(xs, ys) < 0.95] = (225, 222, 218)
    if food:
        pixels[np.hypot(xs - 0.1, ys) < 0.2] = (150, 60, 20)
    return Image.fromarray(pixels)


def test_a_repainted_dish_keeps_its_food_and_loses_its_white():
    random = np.random.default_rng(4)
    middles = [
        np.asarray(repainted(white_dish(food=True), random, Stock()).resize((100, 100)), np.float32)
        for _ in range(8)
    ]
    reddish = [(one[..., 0] - one[..., 2] > 60).mean() for one in middles]
    glazes = [np.median(one[35:65, 62:70].reshape(-1, 3), axis=0) for one in middles]

    assert np.median(reddish) > 0.005
    assert np.std(glazes, axis=0).max() > 20


def test_a_repainted_dish_is_the_same_for_the_same_numbers():
    one, other = (
        repainted(white_dish(food=False), np.random.default_rng(9), Stock()).tobytes()
        for _ in range(2)
    )

    assert one == other


def test_twelve_megapixels_come_out_at_that_size():
    photo = render("residue", 1, (4000, 3000))

    digest = hashlib.sha256(photo.tobytes()).hexdigest()
    assert photo.size == (4000, 3000)
    assert digest == hashlib.sha256(render("residue", 1, (4000, 3000)).tobytes()).hexdigest()


def test_rendering_needs_no_torch():
    code = "import sys, models.renderer; assert 'torch' not in sys.modules"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
