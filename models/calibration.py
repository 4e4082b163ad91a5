"""Temperatures that make the network's odds believable, found on the tuning part by trying."""

import numpy as np
import torch
from torch import Tensor, nn

from models.network import Heads, PlateNetwork, Temperatures
from models.network_shape import INPUT_PX, STATES
from models.renders import Pictures

_BATCH = 48
_CANDIDATES = [0.3 * 1.05**power for power in range(60)]


def temperatures_of(network: PlateNetwork, tune: Pictures) -> Temperatures:
    """The temperatures with the best likelihood; every class weighs the same.

    Many clothes and few clean plates must not set the plates' confidence.
    """
    heads = heads_of(network, tune)
    labels = torch.from_numpy(tune.labels)
    shown = labels < len(STATES)
    both = torch.stack([torch.zeros(len(labels)), heads.plate], dim=1)
    return Temperatures(
        plate=_best(both, shown.long()), state=_best(heads.state[shown], labels[shown])
    )


def heads_of(network: PlateNetwork, pictures: Pictures) -> Heads:
    """What the network says of pictures as the service shows them."""
    network.eval()
    with torch.no_grad():
        parts = [
            network(_shrunk(torch.from_numpy(pictures.pixels[start : start + _BATCH])))
            for start in range(0, len(pictures.labels), _BATCH)
        ]
    return Heads(*(torch.cat(part) for part in zip(*parts, strict=True)))


def _best(logits: Tensor, labels: Tensor) -> float:
    weights = 1 / torch.bincount(labels, minlength=logits.shape[1]).clamp(min=1).float()
    losses = [
        float(nn.functional.cross_entropy(logits / candidate, labels, weight=weights))
        for candidate in _CANDIDATES
    ]
    return _CANDIDATES[int(np.argmin(losses))]


def _shrunk(pixels: Tensor) -> Tensor:
    batch = pixels.permute(0, 3, 1, 2).float() / 255
    return nn.functional.interpolate(batch, size=(INPUT_PX, INPUT_PX), mode="area")
