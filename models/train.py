"""Train the recogniser and write `plate.onnx`: `python -m models.train`.

Seeded, and measured in steps rather than minutes, so that a slower machine makes the same model.
The photos come from a folder outside the repository.
"""

import argparse
import copy
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.augment import augmented
from models.calibration import temperatures_of
from models.loss import loss_of
from models.network import PlateNetwork, export
from models.network_shape import INPUT_PX
from models.photos import (
    LEFT_OUT,
    PHOTOS_DEFAULT,
    PhotosMissing,
    manifest_sha256,
    photos_in,
    reviewed_in,
)
from models.renders import REPAINTED_SHARE, Order, Pictures, renders_of
from models.training_set import Pool, pictures_of, pool_of

FILE: Final = Path(__file__).parent / "plate.onnx"
# Coarse things are learned faster on small pictures: the side until each share of the steps.
SIDES: Final = ((0.3, 96), (0.6, 128), (1.0, INPUT_PX))
BATCH: Final = 48
TWICE: Final = (
    8  # of a batch, seen again under another augmentation: what the embedding learns from
)
RATE_MAX: Final = 2e-3
WEIGHT_DECAY: Final = 0.05
AVERAGE_DECAY: Final = 0.999  # the exported weights are a running mean over about 1,000 batches


@dataclass(frozen=True, slots=True)
class Recipe:
    """What the command line chooses.

    Attributes:
        photos: the folder of licensed photos.
        reviewed: folders that `tanhui review export` wrote, all of them training photos.
        left_out: datasets and days that no step may see.
        repainted: the share of dishes that are real ones under another glaze.
        disguised: whether styles are mixed and filtered, so that looks tell nothing.
        made: how many pictures are rendered and repainted.
    """

    photos: Path
    seed: int
    steps: int
    made: int
    threads: int
    file: Path
    reviewed: Sequence[Path] = ()
    left_out: frozenset[str] = LEFT_OUT
    repainted: float = REPAINTED_SHARE
    disguised: bool = True

    @property
    def order(self) -> Order:
        """The pictures to make."""
        return Order(
            count=self.made,
            first_seed=self.seed,
            photos=self.photos,
            left_out=self.left_out,
            repainted=self.repainted,
            reviewed=tuple(self.reviewed),
            workers=self.threads,
        )


def train(recipe: Recipe) -> None:
    """Train, average the weights, calibrate on the tuning part, export.

    Raises:
        PhotosMissing: a folder is not there, or not as its manifest says.
    """
    recipe.file.parent.mkdir(parents=True, exist_ok=True)  # not found out after an hour
    photos = photos_in(recipe.photos, recipe.left_out)
    averaged = fitted(recipe)
    temperatures = temperatures_of(averaged, pictures_of(photos, "tune"))
    notes = _notes(recipe) | {
        name: f"{value:.3f}" for name, value in temperatures._asdict().items()
    }
    export(averaged, temperatures, recipe.file, notes=notes)
    print(f"{recipe.file}: {temperatures}; write its card by models.evaluate --card")


def _pool(recipe: Recipe) -> Pool:
    reviewed = [photo for folder in recipe.reviewed for photo in reviewed_in(folder)]
    photos = [*photos_in(recipe.photos, recipe.left_out), *reviewed]
    return pool_of(photos, renders_of(recipe.order))


def _notes(recipe: Recipe) -> dict[str, str]:
    return {
        "input_px": str(INPUT_PX),
        "manifest_sha256": manifest_sha256(recipe.photos),
        "reviewed_sha256": ", ".join(map(manifest_sha256, recipe.reviewed)) or "none",
        "steps": str(recipe.steps),
        "made": str(recipe.made),
        "seed": str(recipe.seed),
    }


def fitted(recipe: Recipe) -> PlateNetwork:
    """Train without calibrating."""
    torch.manual_seed(recipe.seed)
    torch.set_num_threads(recipe.threads)
    pool = _pool(recipe)
    network = PlateNetwork(mixing=recipe.disguised).to(memory_format=torch.channels_last)
    averaged: PlateNetwork = copy.deepcopy(network)
    averaged.eval()
    optimiser = torch.optim.AdamW(network.parameters(), RATE_MAX, weight_decay=WEIGHT_DECAY)
    generator = torch.Generator().manual_seed(recipe.seed)
    random = np.random.default_rng(recipe.seed)
    cumulated = np.cumsum(pool.odds)
    started = time.monotonic()
    for step in range(recipe.steps):
        done = step / recipe.steps
        optimiser.param_groups[0]["lr"] = _rate(done)
        picked = np.searchsorted(cumulated, random.random(BATCH) * cumulated[-1])
        picked[-TWICE:] = picked[:TWICE]
        pixels = torch.from_numpy(pool.pictures.pixels[picked])
        pixels = augmented(pixels, _side(done), generator, filters=recipe.disguised)
        loss = _stepped(network, optimiser, _loss(network, pixels, pool.pictures, picked))
        _average(averaged, network, step)
        if step % 100 == 0:
            minutes = (time.monotonic() - started) / 60
            print(f"{step} of {recipe.steps} {minutes:.1f} min {loss:.3f}", flush=True)
    return averaged


def _stepped(network: PlateNetwork, optimiser: torch.optim.Optimizer, loss: Tensor) -> float:
    optimiser.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(network.parameters(), 2.0)
    optimiser.step()
    return float(loss.detach())


def _side(done: float) -> int:
    return next(side for until, side in SIDES if done < until)


def _rate(done: float) -> float:
    """Warm up for 3 % of the steps, then fall along a cosine."""
    return RATE_MAX * min(done / 0.03, 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))) + 1e-6


def _loss(
    network: PlateNetwork, pixels: Tensor, pictures: Pictures, picked: NDArray[np.int64]
) -> Tensor:
    # Half precision on the processor: 1.7 times faster, and the loss itself stays in float32.
    with torch.autocast("cpu", torch.bfloat16):
        heads = network(pixels.contiguous(memory_format=torch.channels_last))
    return loss_of(
        heads,
        labels=torch.from_numpy(pictures.labels[picked]),
        recaptured=torch.from_numpy(pictures.recaptured[picked]),
        fractions=torch.from_numpy(pictures.fractions[picked]),
        twice=TWICE,
    )


def _average(averaged: PlateNetwork, network: PlateNetwork, step: int) -> None:
    decay = min(AVERAGE_DECAY, step / (step + 10))
    values = network.state_dict().values()  # detached, so nothing is recorded for gradients
    for mean, value in zip(averaged.state_dict().values(), values, strict=True):
        if mean.dtype.is_floating_point:
            mean.lerp_(value, 1 - decay)
        else:
            mean.copy_(value)


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m models.train", description=train.__doc__)
    parser.add_argument("--photos", type=Path, default=PHOTOS_DEFAULT)
    parser.add_argument("--reviewed", type=Path, nargs="*", default=())
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--made", type=int, default=32_000)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--file", type=Path, default=FILE)
    try:
        train(Recipe(**vars(parser.parse_args())))
    except PhotosMissing as missing:
        print(missing, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
