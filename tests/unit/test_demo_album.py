"""Which photos the demo takes from a folder."""

import pytest
from PIL import Image

from backend.demo.album import NoPhotos, folder_album, rendered_album


@pytest.fixture
def folder(tmp_path):
    for name, count in (("clean", 10), ("leftover", 2), ("inner/dirty", 6)):
        (tmp_path / name).mkdir(parents=True)
        for number in range(count):
            Image.new("RGB", (8, 8)).save(tmp_path / name / f"{number:02d}.jpg")
    (tmp_path / "clean" / "notes.txt").write_text("no photo")
    return tmp_path


@pytest.mark.parametrize(
    ("count", "clean", "leftover", "dirty"),
    [
        (1, 1, 0, 0),
        (6, 2, 2, 2),
        (10, 4, 2, 4),  # what the small folder lacks goes to the others
        (18, 10, 2, 6),
        (99, 10, 2, 6),
    ],
)
def test_photos_are_spread_evenly_over_subfolders(folder, count, clean, leftover, dirty):
    groups = [photo.group for photo in folder_album(folder, count)]
    shares = [groups.count(name) for name in ("clean", "leftover", "inner/dirty")]
    assert shares == [clean, leftover, dirty]


def test_photos_of_one_folder_lie_far_apart(folder):
    names = [photo.path.name for photo in folder_album(folder / "clean", 5)]
    assert names == ["00.jpg", "02.jpg", "04.jpg", "06.jpg", "08.jpg"]


def test_a_folder_without_photos_is_refused(tmp_path):
    with pytest.raises(NoPhotos):
        folder_album(tmp_path, 3)


def test_the_manifest_says_what_was_trained_on(folder):
    rows = [
        "path,dataset,label,leftover_fraction,licence,source_repository,group,note",
        "clean/00.jpg,canteen_dish,clean,,,,20220527T3,",
        "clean/05.jpg,steel_tray,clean,,,,1,",
        "clean/06.jpg,canteen_dish,clean,,,,20220527T2,near-clean",
    ]
    (folder / "manifest.csv").write_text("\n".join(rows))
    parts = {photo.path.name: photo.part for photo in folder_album(folder / "clean", 10)}
    assert parts.keys() >= {"00.jpg", "05.jpg", "06.jpg"}
    assert (parts["00.jpg"], parts["05.jpg"]) == ("held_out", "held_out")
    assert (parts["06.jpg"], parts["01.jpg"]) == ("unsure", "")  # graded unsure; not listed


def test_somebody_elses_manifest_says_nothing(folder):
    (folder / "manifest.csv").write_text("a,b\n1,2\n")
    assert {photo.part for photo in folder_album(folder, 18)} == {""}


def test_another_seed_renders_other_photos():
    first, again, other = (rendered_album(1, seed)[0].read() for seed in (0, 0, 1))
    assert first == again != other
