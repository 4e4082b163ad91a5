"""What each ingredient brought, and how it does elsewhere: short trainings, one thing varied.

`python -m models.experiments` runs what `experiments.json` lacks, one after the other, and adds the
areas under the curves per source. They are far shorter than the shipped model's training: read the
differences between them, and not their height.
"""

import argparse
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from models.calibration import heads_of
from models.card import EXPERIMENTS, with_experiments
from models.metrics import auc, auc_interval
from models.network import PlateNetwork
from models.network_shape import STATES
from models.photos import LEFT_OUT, PHOTOS_DEFAULT, Photo, photos_in
from models.renders import Pictures
from models.train import FILE, Recipe, fitted
from models.training_set import pictures_of

CANTEEN: Final = frozenset({"canteen_dish", "canteen_tray"})


def experiments_of(base: Recipe) -> Mapping[str, Recipe]:
    """Everything that is varied, by name."""
    last = replace(base, left_out=LEFT_OUT | {"20220527"})
    return {
        "27 May left out": last,
        "the same, without repainted dishes": replace(last, repainted=0.0),
        "the same, without mixed and filtered looks": replace(last, disguised=False),
        "the same, without rooms and streets": replace(last, reviewed=()),
        "26 May left out": replace(base, left_out=LEFT_OUT | {"20220526"}),
        "27 April left out": replace(base, left_out=LEFT_OUT | {"20220427"}),
        "clothing left out": replace(base, left_out=LEFT_OUT | {"clothing"}),
        "trashnet left out": replace(base, left_out=LEFT_OUT | {"trashnet"}),
        # In the few steps of the others the renders alone teach next to nothing.
        "the canteen left out, longer": replace(
            base, left_out=LEFT_OUT | CANTEEN, steps=4 * base.steps, made=4 * base.made
        ),
    }


def run(base: Recipe) -> None:
    """Train what is not on record and write each result at once."""
    known = json.loads(EXPERIMENTS.read_text()) if EXPERIMENTS.is_file() else {}
    for name, recipe in experiments_of(base).items():
        if name in known:
            continue
        network = fitted(recipe)
        figures = dict(_figures(network, photos_in(recipe.photos, recipe.left_out)))
        known[name] = {"steps": recipe.steps, "made": recipe.made, "auc": figures}
        EXPERIMENTS.write_text(json.dumps(known, indent=1, ensure_ascii=False) + "\n")
        print(name, figures, flush=True)
    card = FILE.with_suffix(".card.md")
    card.write_text(with_experiments(card.read_text(encoding="utf-8"), known), encoding="utf-8")


def _figures(network: PlateNetwork, photos: list[Photo]) -> Iterator[tuple[str, list[float]]]:
    """Areas with 95 % intervals: clean against other plates; plates against a source's things."""
    held_out = [photo for photo in photos if photo.part == "held_out" and photo.sure]
    plates: NDArray[np.float64] = np.zeros(0)
    things: dict[str, NDArray[np.float64]] = {}
    for source in sorted({photo.dataset for photo in held_out}):
        pictures = pictures_of([one for one in held_out if one.dataset == source], "held_out")
        clean, plate, shown = _odds(network, pictures)
        flags = pictures.labels[shown] == 0
        if flags.sum() > 1:
            yield f"{source}: clean", _rounded(clean[shown], flags)
        plates = np.concatenate([plates, plate[shown]])
        things[source] = plate[~shown]
    for source, thing in things.items():
        if len(thing) > 1 and len(plates) > 1:
            both = np.concatenate([plates, thing])
            yield f"{source}: plate", _rounded(both, np.arange(len(both)) < len(plates))


def _odds(
    network: PlateNetwork, pictures: Pictures
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    heads = heads_of(network, pictures)
    plate = torch.sigmoid(heads.plate).numpy().astype(np.float64)
    clean = plate * torch.softmax(heads.state, 1)[:, 0].numpy()
    return clean, plate, pictures.labels < len(STATES)


def _rounded(scores: NDArray[np.float64], flags: NDArray[np.bool_]) -> list[float]:
    return [round(value, 3) for value in (auc(scores, flags), *auc_interval(scores, flags))]


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m models.experiments", description=__doc__)
    parser.add_argument("--photos", type=Path, default=PHOTOS_DEFAULT)
    parser.add_argument("--reviewed", type=Path, nargs="*", default=())
    parser.add_argument("--steps", type=int, default=1_500)
    parser.add_argument("--made", type=int, default=3_000)
    parser.add_argument("--threads", type=int, default=1)
    run(Recipe(**vars(parser.parse_args()), seed=1, file=EXPERIMENTS))


if __name__ == "__main__":
    main()
