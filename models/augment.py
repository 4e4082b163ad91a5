"""Augmentation of batches: where the dish lies, what light and camera did, what hides a part."""

import math
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

CUTOUT_ODDS: Final = 0.25
BLUR_ODDS: Final = 0.25
TURN_ODDS: Final = 0.6  # the others stay as the camera held them
GREY_ODDS: Final = 0.05
FILTER_ODDS: Final = 0.2


def augmented(
    pixels: Tensor, side: int, random: torch.Generator, *, filters: bool = True
) -> Tensor:
    """Augment uint8 pictures.

    Args:
        pixels: shape (n, height, width, 3), uint8.
        side: of the square pictures to return.
        random: seeded.
        filters: whether some are seen through random filters.

    Returns:
        Shape (n, 3, side, side), float32 in [0, 1].
    """
    batch = pixels.permute(0, 3, 1, 2).float() / 255
    batch = _placed(batch, side, random)
    batch = _softened(batch, random)
    if filters:
        batch = _filtered(batch, random)
    batch = _lit(batch, random)
    return _hidden(batch, random).clamp(0, 1)


def _uniform(random: torch.Generator, shape: tuple[int, ...], low: float, high: float) -> Tensor:
    return torch.rand(shape, generator=random) * (high - low) + low


def _placed(batch: Tensor, side: int, random: torch.Generator) -> Tensor:
    """Turn, mirror, stretch and shift; mostly the whole picture stays in view."""
    n = len(batch)
    angle = _uniform(random, (n,), -math.pi, math.pi) * (
        torch.rand(n, generator=random) < TURN_ODDS
    )
    scale = _uniform(random, (n,), 0.75, 1.15)
    stretch = torch.exp(_uniform(random, (n,), -0.2, 0.2))
    mirror = torch.sign(torch.rand(n, generator=random) - 0.5)
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    shift = _uniform(random, (n, 2), -0.12, 0.12)
    rows = torch.stack(
        [
            torch.stack([cos * mirror * stretch, -sin / stretch, shift[:, 0]], dim=1),
            torch.stack([sin * mirror * stretch, cos / stretch, shift[:, 1]], dim=1),
        ],
        dim=1,
    )
    where = functional.affine_grid(rows, [n, 3, side, side], align_corners=False)
    return functional.grid_sample(batch, where, padding_mode="reflection", align_corners=False)


def _softened(batch: Tensor, random: torch.Generator) -> Tensor:
    """A quarter loses detail, as by motion, focus or a small upload."""
    side = batch.shape[-1]
    chosen = torch.rand(len(batch), generator=random) < BLUR_ODDS
    if not chosen.any():
        return batch
    small = int(side * float(_uniform(random, (1,), 0.35, 0.8)))
    soft = functional.interpolate(batch[chosen], size=(small, small), mode="area")
    batch[chosen] = functional.interpolate(soft, size=(side, side), mode="bilinear")
    return batch


def _filtered(batch: Tensor, random: torch.Generator) -> Tensor:
    """Look through a random 3 x 3 filter, mixed with the picture itself: shapes stay, looks do not.

    Source:
        Xu, Liu, Yang, Raffel and Niethammer, "Robust and Generalizable Visual Representation
        Learning via Random Convolutions", ICLR 2021.
    """
    chosen = torch.rand(len(batch), generator=random) < FILTER_ODDS
    if not chosen.any():
        return batch
    weights = torch.randn((3, 3, 3, 3), generator=random) / math.sqrt(27)
    seen = functional.conv2d(functional.pad(batch[chosen], (1, 1, 1, 1), "reflect"), weights)
    low, high = seen.amin((1, 2, 3), keepdim=True), seen.amax((1, 2, 3), keepdim=True)
    share = torch.rand((len(seen), 1, 1, 1), generator=random)
    batch[chosen] = share * batch[chosen] + (1 - share) * (seen - low) / (high - low + 1e-6)
    return batch


def _lit(batch: Tensor, random: torch.Generator) -> Tensor:
    """Exposure, white balance, contrast, saturation, gradient of light, sensor noise."""
    n, side = len(batch), batch.shape[-1]
    batch = batch ** torch.exp(_uniform(random, (n, 1, 1, 1), -0.35, 0.35))
    gain = torch.exp(torch.randn((n, 3, 1, 1), generator=random) * 0.10)
    gain = gain * torch.exp(torch.randn((n, 1, 1, 1), generator=random) * 0.15)
    grey = batch.mean(1, keepdim=True)
    saturation = _uniform(random, (n, 1, 1, 1), 0.5, 1.4)
    saturation = saturation * (torch.rand((n, 1, 1, 1), generator=random) > GREY_ODDS)
    batch = grey + (batch - grey) * saturation
    ramp = torch.linspace(-1, 1, side)
    slope = torch.randn((n, 2, 1, 1), generator=random) * 0.12
    light = 1 + slope[:, :1] * ramp.view(1, 1, 1, -1) + slope[:, 1:] * ramp.view(1, 1, -1, 1)
    noise = torch.randn(batch.shape, generator=random)
    return batch * gain * light + noise * _uniform(random, (n, 1, 1, 1), 0, 0.03)


def _hidden(batch: Tensor, random: torch.Generator) -> Tensor:
    """Something flat hides a piece of the border of a quarter of them.

    Only of the border: in the middle it might hide the one speck that makes the class.
    """
    side = batch.shape[-1]
    for at in torch.nonzero(torch.rand(len(batch), generator=random) < CUTOUT_ODDS).flatten():
        size = int(side * float(_uniform(random, (1,), 0.08, 0.2)))
        along = int(_uniform(random, (1,), 0, side - size))
        edge = int(torch.randint(0, 2, (1,), generator=random)) * (side - size)
        top, left = (along, edge) if along % 2 else (edge, along)
        fill = torch.rand((3, 1, 1), generator=random)
        batch[at, :, top : top + size, left : left + size] = fill
    return batch
