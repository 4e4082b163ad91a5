"""Figures of a model on the held-out split, per source: `python -m models.evaluate`."""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import onnxruntime

from models.card import card_text, crossed_text, figures_text, provisional_card
from models.copies import with_copies_of
from models.evaluation import Scored, figures_of, scored_held_out
from models.photos import PHOTOS_DEFAULT, Photo, PhotosMissing, photos_in
from models.repetitions import record
from models.sheets import worst_sheet
from models.thresholds import chosen_thresholds, crossed, judged_by
from scoring.model_card import PACKAGED_MODEL, ModelNotInCard
from scoring.plate import PlateRecogniser


def evaluate(file: Path, photos: list[Photo]) -> list[Scored]:
    """Print the figures of a model at the thresholds of its card; return every photo's score.

    Raises:
        ModelNotInCard: the card is not about this file.
    """
    rows = scored_held_out(photos, PlateRecogniser.load(file))
    print(figures_text(rows), crossed_text(crossed(rows)), sep="\n\n")
    return rows


def write_card(file: Path, photos: list[Photo]) -> list[Scored]:
    """Choose the thresholds of a model, print its figures and write its card beside it.

    What `models.copies` has measured of this same file stays in the card.
    """
    model = file.read_bytes()
    card = provisional_card(model)
    rows = scored_held_out(photos, PlateRecogniser(model, card))
    card = replace(card, thresholds=chosen_thresholds(rows))
    rows = judged_by(card.thresholds, rows)
    fair = crossed(rows)
    text = card_text(card, rows, fair, _notes(model))
    place = file.with_name(f"{file.stem}.card.md")
    earlier = place.read_text(encoding="utf-8") if place.is_file() else ""
    if card.sha256 in earlier:
        text = with_copies_of(text, earlier)
    place.write_text(text, encoding="utf-8")
    print(figures_text(rows), crossed_text(fair), sep="\n\n")
    return rows


def record_repetition(file: Path, photos: list[Photo]) -> list[Scored]:
    """Note in `repetitions.json` where another training of the same recipe came out."""
    model = file.read_bytes()
    rows = scored_held_out(photos, PlateRecogniser(model, provisional_card(model)))
    rows = judged_by(chosen_thresholds(rows), rows)
    notes = _notes(model)
    record("seed {seed}, {steps} steps, {made} pictures".format(**notes), figures_of(rows))
    print(figures_text(rows))
    return rows


def _notes(model: bytes) -> Mapping[str, str]:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    notes: Mapping[str, str] = session.get_modelmeta().custom_metadata_map
    return {"reviewed_sha256": "none"} | dict(notes)  # what models of before the note lack


def _held_out(folders: Sequence[Path]) -> Iterator[Photo]:
    """All photos of more folders."""
    for folder in folders:
        for photo in photos_in(folder):
            yield replace(photo, part="held_out")


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m models.evaluate", description=__doc__)
    parser.add_argument("--photos", type=Path, default=PHOTOS_DEFAULT)
    parser.add_argument("--file", type=Path, default=Path(__file__).with_name(PACKAGED_MODEL))
    parser.set_defaults(act=evaluate)
    as_what = parser.add_mutually_exclusive_group()
    for flag, act, words in (
        ("--card", write_card, "choose thresholds, write the card"),
        ("--repetition", record_repetition, "note the figures of a second training"),
    ):
        as_what.add_argument(flag, dest="act", action="store_const", const=act, help=words)
    parser.add_argument("--also", type=Path, nargs="*", default=(), help="more held-out photos")
    parser.add_argument("--sheet", type=Path, help="draw the worst forty photos into this PNG")
    given = parser.parse_args()
    try:
        rows = given.act(given.file, [*photos_in(given.photos), *_held_out(given.also)])
    except (PhotosMissing, ModelNotInCard, FileNotFoundError) as error:
        print(error, file=sys.stderr)
        return 2
    if given.sheet:
        worst_sheet(rows).save(given.sheet)
    return 0


if __name__ == "__main__":
    sys.exit(main())
