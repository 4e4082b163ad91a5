import csv

import pytest
from PIL import Image

from models.found import LIST, PACKAGES, PARTS, NotFetched, write_pictures
from models.photos import reviewed_in


@pytest.fixture
def unpacked(tmp_path):
    place = tmp_path / "packages"
    (place / "paper-kit-2" / "package").mkdir(parents=True)
    Image.new("RGB", (1600, 900), "teal").save(place / "paper-kit-2" / "package" / "sea.jpg")
    return place


def test_pictures_of_packages_become_a_folder_that_training_takes(unpacked, tmp_path):
    count = write_pictures(tmp_path / "found", unpacked, [("paper-kit-2", "package/sea.jpg")])
    [photo] = reviewed_in(tmp_path / "found")

    assert count == 1
    assert (photo.dataset, photo.label, photo.part) == ("packages", "not_a_plate", "train")
    with Image.open(photo.path) as image:
        assert max(image.size) == 640


def test_a_picture_that_a_package_lacks_is_named(unpacked, tmp_path):
    with pytest.raises(NotFetched, match=r"land\.jpg"):
        write_pictures(tmp_path / "found", unpacked, [("paper-kit-2", "package/land.jpg")])


def test_every_listed_package_has_a_licence_and_is_in_one_part():
    with LIST.open(encoding="utf-8", newline="") as file:
        rows = [tuple(row.values()) for row in csv.DictReader(file)]
    parts = {part: {package for where, package, _ in rows if where == part} for part in PARTS}

    assert set.union(*parts.values()) == set(PACKAGES)
    assert not set.intersection(*parts.values())
    assert len(rows) == len(set(rows))
