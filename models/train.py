"""Train the recogniser and write `plate.onnx` and its card: `python -m models.train`.

One process, one thread by default, seeded; the photos come from a folder outside the repository.
"""

import argparse
import copy
import hashlib
import math
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from models.augment import augmented
from models.network import PlateNetwork, export
from models.network_shape import INPUT_PX
from models.photos import PHOTOS_DEFAULT, PhotosMissing, photos_in
from models.renders import Pictures, rendered
from models.training_set import Pool, pictures_of, pool_of

FILE: Final = Path(__file__).parent / "plate.onnx"
EARLY_PX: Final = 112  # the first half learns coarse things faster on small pictures
BATCH: Final = 48
RATE_MAX: Final = 2e-3
WEIGHT_DECAY: Final = 0.05
LABEL_SMOOTHING: Final = 0.05  # the folder's labels err by a few percent
RECAPTURED_WEIGHT: Final = 0.3  # a plate on a screen is half a plate; its class teaches little
AVERAGE_DECAY: Final = 0.998  # the exported weights are a running mean over about 500 batches


@dataclass(frozen=True, slots=True)
class Recipe:
    """What the command line chooses."""

    photos: Path
    seed: int
    minutes: float
    renders: int
    threads: int
    file: Path


def train(recipe: Recipe) -> None:
    """Train by the clock, average the weights, calibrate on the tuning part, export.

    Raises:
        PhotosMissing: the folder is not there.
    """
    torch.manual_seed(recipe.seed)
    torch.set_num_threads(recipe.threads)
    photos = photos_in(recipe.photos)
    renders = rendered(recipe.renders, recipe.seed, photos, name="train")
    pool = pool_of(pictures_of(photos, "train"), renders)
    averaged = _fitted(recipe, pool)
    temperature = _temperature(averaged, pictures_of(photos, "tune"))
    notes = _notes(recipe, temperature)
    export(averaged, temperature, INPUT_PX, recipe.file, notes=notes)
    print(f"{recipe.file}: temperature {temperature:.3f}; write its card by models.evaluate --card")


def _notes(recipe: Recipe, temperature: float) -> dict[str, str]:
    manifest = hashlib.sha256((recipe.photos / "manifest.csv").read_bytes()).hexdigest()
    return {
        "input_px": str(INPUT_PX),
        "manifest_sha256": manifest,
        "minutes": f"{recipe.minutes:g}",
        "renders": str(recipe.renders),
        "seed": str(recipe.seed),
        "temperature": f"{temperature:.3f}",
    }


def _fitted(recipe: Recipe, pool: Pool) -> PlateNetwork:
    network = PlateNetwork()
    network.to(memory_format=torch.channels_last)
    averaged: PlateNetwork = copy.deepcopy(network)
    averaged.eval()
    optimiser = torch.optim.AdamW(network.parameters(), RATE_MAX, weight_decay=WEIGHT_DECAY)
    started, done, step = time.monotonic(), 0.0, 0
    generator = torch.Generator().manual_seed(recipe.seed)
    random = np.random.default_rng(recipe.seed)
    while done < 1:
        done = (time.monotonic() - started) / (60 * recipe.minutes)
        optimiser.param_groups[0]["lr"] = _rate(done)
        side = EARLY_PX if done < 0.5 else INPUT_PX  # noqa: PLR2004 - half
        picked = random.choice(len(pool.odds), size=BATCH, p=pool.odds)
        loss = _loss(network, pool.pictures, picked, side=side, random=generator)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 2.0)
        optimiser.step()
        _average(averaged, network, step)
        step += 1
        if step % 100 == 0:
            print(f"{done:.3f} {step} {float(loss.detach()):.3f}", flush=True)
    return averaged


def _rate(done: float) -> float:
    """Warm up for 3 % of the time, then fall along a cosine."""
    return RATE_MAX * min(done / 0.03, 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))) + 1e-6


def _loss(
    network: PlateNetwork,
    pictures: Pictures,
    picked: np.ndarray[tuple[int], np.dtype[np.int64]],
    *,
    side: int,
    random: torch.Generator,
) -> Tensor:
    pixels = augmented(torch.from_numpy(pictures.pixels[picked]), side, random)
    labels = torch.from_numpy(pictures.labels[picked])
    recaptured = torch.from_numpy(pictures.recaptured[picked])
    # Half precision on the processor: 1.7 times faster, and the loss itself stays in float32.
    with torch.autocast("cpu", torch.bfloat16):
        logits, recapture, _ = network(pixels.contiguous(memory_format=torch.channels_last))
    by_class = nn.functional.cross_entropy(
        logits.float(), labels, reduction="none", label_smoothing=LABEL_SMOOTHING
    )
    weights = 1 - recaptured * (1 - RECAPTURED_WEIGHT)
    by_recapture = nn.functional.binary_cross_entropy_with_logits(recapture.float(), recaptured)
    return (by_class * weights).mean() + 0.5 * by_recapture


def _average(averaged: PlateNetwork, network: PlateNetwork, step: int) -> None:
    decay = min(AVERAGE_DECAY, step / (step + 10))
    values = network.state_dict().values()  # detached, so nothing is recorded for gradients
    for mean, value in zip(averaged.state_dict().values(), values, strict=True):
        if mean.dtype.is_floating_point:
            mean.lerp_(value, 1 - decay)
        else:
            mean.copy_(value)


def _temperature(network: PlateNetwork, tune: Pictures) -> float:
    """The temperature with the best likelihood on the tuning part, found by trying."""
    with torch.no_grad():
        logits = torch.cat(
            [
                network(_shrunk(tune.pixels[start : start + BATCH]))[0]
                for start in range(0, len(tune.labels), BATCH)
            ]
        )
    labels = torch.from_numpy(tune.labels)
    # Every class weighs the same, or the many clothes would set the plates' confidence.
    weights = 1 / torch.bincount(labels, minlength=logits.shape[1]).clamp(min=1).float()
    candidates = [0.3 * 1.05**power for power in range(60)]
    losses = [
        float(nn.functional.cross_entropy(logits / candidate, labels, weight=weights))
        for candidate in candidates
    ]
    return candidates[int(np.argmin(losses))]


def _shrunk(pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> Tensor:
    batch = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
    return nn.functional.interpolate(batch, size=(INPUT_PX, INPUT_PX), mode="area")


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m models.train", description=train.__doc__)
    parser.add_argument("--photos", type=Path, default=PHOTOS_DEFAULT)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--renders", type=int, default=9_000)
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
