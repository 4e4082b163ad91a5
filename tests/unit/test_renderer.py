import hashlib
import subprocess
import sys
from itertools import combinations

import numpy as np
import pytest
from PIL import Image

from models.renderer import KINDS, render
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


def test_photographs_may_serve_as_backdrops():
    red = Image.new("RGB", (300, 300), (200, 10, 10))
    plain = render("empty_table", 1, SIZE)

    assert any(
        render("empty_table", seed, SIZE, backdrops=[red]).tobytes() != plain.tobytes()
        for seed in range(1, 5)
    )


def test_twelve_megapixels_come_out_at_that_size():
    photo = render("residue", 1, (4000, 3000))

    digest = hashlib.sha256(photo.tobytes()).hexdigest()
    assert photo.size == (4000, 3000)
    assert digest == hashlib.sha256(render("residue", 1, (4000, 3000)).tobytes()).hexdigest()


def test_rendering_needs_no_torch():
    code = "import sys, models.renderer; assert 'torch' not in sys.modules"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
