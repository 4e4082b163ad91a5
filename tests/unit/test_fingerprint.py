import io

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from models.renderer import render
from scoring.fingerprint import (
    ORIENTATIONS,
    distance,
    fingerprints_of,
    without_bars,
)

TURNS = {
    "upright": None,
    "rotated_90": Image.Transpose.ROTATE_90,
    "rotated_180": Image.Transpose.ROTATE_180,
    "rotated_270": Image.Transpose.ROTATE_270,
    "flipped_top_bottom": Image.Transpose.FLIP_TOP_BOTTOM,
    "flipped_left_right": Image.Transpose.FLIP_LEFT_RIGHT,
    "transposed": Image.Transpose.TRANSPOSE,
    "transversed": Image.Transpose.TRANSVERSE,
}


@pytest.fixture(scope="module")
def photo():
    return render("leftover", 5, (640, 480))


def recompressed(image):
    buffer = io.BytesIO()
    image.resize((320, 240)).save(buffer, "JPEG", quality=50)
    with Image.open(buffer) as again:
        return again.convert("RGB")


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_a_turned_photo_is_found_by_the_orientation_of_that_name(photo, orientation):
    turn = TURNS[orientation]
    turned = photo if turn is None else photo.transpose(turn)
    distances = [
        distance(fingerprints_of(turned).upright, bits)
        for bits in fingerprints_of(photo).orientations
    ]

    assert int(np.argmin(distances)) == ORIENTATIONS.index(orientation)
    assert min(distances) <= 31


@pytest.mark.parametrize("turn", [turn for turn in TURNS.values() if turn is not None])
@pytest.mark.parametrize("size", [(640, 480), (501, 283)])
def test_a_turned_photo_has_nearly_the_same_bits(photo, size, turn):
    resized = photo.resize(size)
    turned = fingerprints_of(resized.transpose(turn)).upright
    assert min(distance(turned, bits) for bits in fingerprints_of(resized).orientations) <= 2


def test_a_recompressed_and_a_brighter_copy_stay_within_31_bits(photo):
    original = fingerprints_of(photo).upright

    assert distance(original, fingerprints_of(recompressed(photo)).upright) <= 31
    brighter = ImageEnhance.Brightness(photo).enhance(1.3)
    assert distance(original, fingerprints_of(brighter).upright) <= 31


def between_bars(image, luminance, *, noise=0.0):
    """A gallery's screen: the photo in the middle, a clock above it and a button below."""
    screen = np.full((1_280, 640, 3), luminance, float)
    screen[20:44, 60:120] = 230
    screen[1_200:1_240, 300:340] = 230
    screen += np.random.default_rng(0).normal(0, noise, screen.shape)
    shown = Image.fromarray(np.clip(screen, 0, 255).astype(np.uint8))
    shown.paste(image, (0, 400))
    return shown


@pytest.mark.parametrize("luminance", [0, 18, 40])
def test_the_bars_of_a_screenshot_are_no_part_of_the_photo(photo, luminance):
    screenshot = fingerprints_of(without_bars(between_bars(photo, luminance)))

    assert distance(fingerprints_of(photo).upright, screenshot.upright) == 0


@pytest.mark.parametrize(("luminance", "noise"), [(41, 0.0), (255, 0.0), (18, 3.0)])
def test_what_a_camera_can_see_is_no_bar(photo, luminance, noise):
    wider = fingerprints_of(without_bars(between_bars(photo, luminance, noise=noise)))

    assert distance(fingerprints_of(photo).upright, wider.upright) > 31


def test_a_picture_that_is_nearly_all_bar_is_taken_as_it_is():
    black = Image.new("RGB", (640, 480))
    assert fingerprints_of(black).quality == 0


def test_another_photo_is_far(photo):
    other = render("leftover", 6, (640, 480))

    assert distance(fingerprints_of(photo).upright, fingerprints_of(other).upright) > 60


def test_fingerprints_are_32_bytes_and_a_flat_picture_has_low_quality(photo):
    marks = fingerprints_of(photo)

    assert [len(bits) for bits in marks.orientations] == [32] * 8
    assert marks.quality > fingerprints_of(Image.new("RGB", (640, 480), (90, 90, 90))).quality


@pytest.mark.parametrize(
    ("one", "other", "bits"),
    [(b"\x00" * 32, b"\x00" * 32, 0), (b"\x00" * 32, b"\xff" * 32, 256), (b"\x01", b"\x03", 1)],
)
def test_distance_counts_bits(one, other, bits):
    assert distance(one, other) == bits
