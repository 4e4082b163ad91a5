"""Expected bits are `pdqhash` 0.2.8, the binding of the reference implementation, on these arrays.

Up to four bits may differ: values beside the median hang on the order of float32 sums.
"""

import numpy as np
import pytest

from scoring.fingerprint import distance
from scoring.pdq import dihedral_hashes

NOISE_BITS_MAX = 4

# (height, width, seed, softness), upright hash, quality: windows of 1 to 4 px, odd and even.
BY_PDQHASH_0_2_8 = [
    ((384, 512, 1, 2), "1b97db6f318325964eaa31fbe041ce019fbece04b155da69ce782498e44ada2e", 100),
    ((512, 288, 2, 8), "0ff70fdeb10707d64ea839da52a04eadad5fc625b157ec294ef8f021f808d244", 27),
    ((60, 81, 5, 4), "07e526b734d68780eab738c0998dd96f26b0667ac52d5558787fc729d952b890", 70),
    ((97, 130, 6, 16), "9b272dde8f364fd62de8f45f70573ba1e46e0fa89a129033e469d205e069708a", 9),
]
# The picture (333, 511, 3, 8), in the order of `scoring.fingerprint.ORIENTATIONS`.
TURNED_BY_PDQHASH_0_2_8 = [
    "8f07b96f07922dbf35e8f467789d1b9887630b98ca17d240f8ed669078f0f808",
    "c4b9f9c05e0fb0e45268437ba1f4063f3b4eb3655c8acc995b4929d7f4a02957",
    "da5213c552c7871560bd5ecd2dc9b932d237a1329f4278eaadb8cc3a2da55aa2",
    "91ec536a0b5a1a4e063ce9d1f4a1ac956e1b19cf09df66330e1c837da1f5817d",
    "870746900792d24035e80b98789ce4678762f467ca172dbff8ed996f70f007f7",
    "d252ec3a52c778ea60bda1322dc846cdd2365ecd9f428715adb833c525a5a55d",
    "c4b9063f5e0f4f1bd36bbc84a1f4f9c03b4e4c9a5c8a33665b49d628f4a0d6a8",
    "91ecac950b5ae5b1873f162ef4a1536a6e1be63009df99cc0e1c7c82a1f57e82",
]


def tiles(height, width, seed, softness):
    """Coloured tiles by arithmetic, so that no release of numpy changes them."""
    values = seed * np.arange(1, 9 * 12 * 3 + 1) ** 3 % 251 // softness + 100
    coarse = values.astype(np.uint8).reshape(9, 12, 3)
    tall = coarse.repeat(-(-height // 9), axis=0)
    return tall.repeat(-(-width // 12), axis=1)[:height, :width]


def packed(bits):
    return [np.packbits(row).tobytes() for row in bits]


@pytest.mark.parametrize(("picture", "expected", "quality"), BY_PDQHASH_0_2_8)
def test_bits_and_quality_are_those_of_the_reference(picture, expected, quality):
    bits, found_quality = dihedral_hashes(tiles(*picture))

    assert distance(packed(bits)[0], bytes.fromhex(expected)) <= NOISE_BITS_MAX
    assert found_quality == quality


def test_the_eight_orientations_are_those_of_the_reference_in_its_order():
    bits, _ = dihedral_hashes(tiles(333, 511, 3, 8))
    distances = [
        distance(found, bytes.fromhex(expected))
        for found, expected in zip(packed(bits), TURNED_BY_PDQHASH_0_2_8, strict=True)
    ]

    assert max(distances) <= NOISE_BITS_MAX


def test_half_of_the_bits_are_set():
    bits, _ = dihedral_hashes(tiles(384, 512, 1, 1))

    assert bits.sum(axis=1).tolist() == [128] * 8


def test_a_picture_smaller_than_the_grid_is_still_hashed():
    bits, quality = dihedral_hashes(tiles(7, 5, 1, 1))

    assert bits.shape == (8, 256)
    assert 0 <= quality <= 100
