"""Contact sheets to look at: every kind of picture beside real photos, and the worst mistakes.

`python -m models.sheets FOLDER` draws one sheet per kind. Sheets show photos of the folder, so they
stay out of the repository.
"""

import argparse
import io
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image, ImageDraw

from models.evaluation import MADE, Scored
from models.photos import PHOTOS_DEFAULT, PhotosMissing, photos_in
from models.renderer import KINDS
from models.renders import Order, picture_of
from scoring.plate import PARTS

TILE_PX: Final = 180
COLUMNS: Final = 8
WORST: Final = 40
PER_KIND: Final = 24
REAL_PER_KIND: Final = 8


def contact_sheet(tiles: Iterable[tuple[Image.Image, str]]) -> Image.Image:
    """Pictures in rows of eight, each with its caption."""
    drawn = [_tile(picture, caption) for picture, caption in tiles]
    rows = -(-len(drawn) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * TILE_PX, max(1, rows) * TILE_PX))
    for at, tile in enumerate(drawn):
        sheet.paste(tile, (at % COLUMNS * TILE_PX, at // COLUMNS * TILE_PX))
    return sheet


def _tile(picture: Image.Image, caption: str) -> Image.Image:
    tile = picture.convert("RGB").resize((TILE_PX, TILE_PX))
    draw = ImageDraw.Draw(tile)
    draw.rectangle((0, 0, TILE_PX, 11), fill=(0, 0, 0))
    draw.text((2, 0), caption, fill=(255, 255, 255))
    return tile


def worst_sheet(rows: Sequence[Scored]) -> Image.Image:
    """The forty real photos whose score for `clean` lies farthest from the truth, worst first."""
    real = [row for row in rows if row.source not in MADE]
    worst = sorted(real, key=_error, reverse=True)[:WORST]
    return contact_sheet(
        (Image.open(io.BytesIO(row.jpeg)), f"{row.label} {row.score.scores['clean'] / PARTS:.2f}")
        for row in worst
    )


def _error(row: Scored) -> float:
    clean = row.score.scores["clean"] / PARTS
    return 1 - clean if row.label == "clean" else clean


def kind_sheet(kind: str, order: Order) -> Image.Image:
    """Made pictures of one kind, then real photos of its class where there are some."""
    made = (picture_of(order, kind, order.first_seed + at) for at in range(PER_KIND))
    real = [photo for photo in photos_in(order.photos) if photo.label == KINDS[kind]]
    picked = np.random.default_rng(1).permutation(len(real))[:REAL_PER_KIND]
    photos = ((Image.open(real[at].path), f"real: {real[at].dataset}") for at in picked)
    return contact_sheet([*((picture, kind) for picture in made), *photos])


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m models.sheets", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--photos", type=Path, default=PHOTOS_DEFAULT)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    try:
        for kind in KINDS:
            sheet = kind_sheet(kind, Order(PER_KIND, 1, given.photos))
            sheet.save(given.folder / f"{kind}.png")
    except PhotosMissing as missing:
        print(missing, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
