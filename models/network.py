"""The network: a small residual CNN with five heads, and its export to ONNX."""

from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from models.network_shape import EMBEDDING_DIM, INPUT_PX, OUTPUTS, STATES

# Channels after each halving, and residual blocks there: most where pictures are small and cheap.
# Multiples of 16 run half again as fast in half precision on a processor.
STAGES: Final = ((16, 0), (32, 1), (64, 2), (128, 2), (256, 1))
DROPOUT: Final = 0.2
MIXED_STAGES: Final = 2  # style lives in the first stages, content in the later ones
MIX_ODDS: Final = 0.4


class Residual(nn.Module):  # type: ignore[misc]  # torch is not installed where types are checked
    """Two convolutions beside a shortcut."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.path = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Shape in, same shape out."""
        return torch.relu(x + self.path(x))


class Heads(NamedTuple):
    """What the network says of n pictures, before calibration.

    Attributes:
        plate: logit that an eaten or full dish is shown, shape (n,).
        state: logits of `STATES` given that one is, shape (n, 4).
        fraction: logit of the share of the dish that food covers, shape (n,).
        recapture: logit of a picture of a picture, shape (n,).
        embedding: shape (n, 64), before normalisation.
    """

    plate: Tensor
    state: Tensor
    fraction: Tensor
    recapture: Tensor
    embedding: Tensor


class PlateNetwork(nn.Module):  # type: ignore[misc]  # torch is not installed where types are checked
    """Pixels in [0, 1] to `Heads`."""

    def __init__(self, *, mixing: bool = True) -> None:
        super().__init__()
        self.mixing = mixing
        stages = []
        before = 3
        for width, blocks in STAGES:
            layers = [
                nn.Conv2d(before, width, 3, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(),
                *(Residual(width) for _ in range(blocks)),
            ]
            stages.append(nn.Sequential(*layers))
            before = width
        self.stages = nn.ModuleList(stages)
        # Means say what the dish is, maxima say whether a speck is anywhere on it; the maxima of
        # the finer stage see specks that the last one has averaged away.
        pooled = 2 * before + STAGES[-2][0]
        self.neck = nn.Sequential(nn.Linear(pooled, before), nn.ReLU(), nn.Dropout(DROPOUT))
        self.answers = nn.Linear(before, 3 + len(STATES))
        self.embedding = nn.Linear(pooled, EMBEDDING_DIM)

    def forward(self, pixels: Tensor) -> Heads:
        """Shape (n, 3, height, width) in; any size that survives five halvings."""
        maps = (pixels - 0.5) * 4
        finer = maps
        for number, stage in enumerate(self.stages):
            finer, maps = maps, stage(maps)
            if self.training and self.mixing and number < MIXED_STAGES:
                maps = mixed_styles(maps)
        pooled = torch.cat([maps.mean((2, 3)), maps.amax((2, 3)), finer.amax((2, 3))], dim=1)
        answers = self.answers(self.neck(pooled))
        return Heads(
            plate=answers[:, 0],
            state=answers[:, 3:],
            fraction=answers[:, 1],
            recapture=answers[:, 2],
            embedding=self.embedding(pooled),
        )


def mixed_styles(maps: Tensor) -> Tensor:
    """Give pictures the contrast and tint of others, so that neither tells renders from photos.

    Source:
        Zhou, Yang, Qiao and Xiang, "Domain Generalization with MixStyle", ICLR 2021.
    """
    if float(torch.rand(())) > MIX_ODDS:
        return maps
    mean = maps.mean((2, 3), keepdim=True).detach()
    spread = (maps.var((2, 3), keepdim=True) + 1e-5).sqrt().detach()
    other = torch.randperm(len(maps))
    share = torch.distributions.Beta(0.3, 0.3).sample((len(maps), 1, 1, 1)).to(maps.dtype)
    mean_mixed = share * mean + (1 - share) * mean[other]
    spread_mixed = share * spread + (1 - share) * spread[other]
    return (maps - mean) / spread * spread_mixed + mean_mixed


class Temperatures(NamedTuple):
    """What the logits of plate and state are divided by, so that their odds can be believed."""

    plate: float
    state: float


def probabilities_of(heads: Heads, temperatures: Temperatures) -> Tensor:
    """The five classes of `scoring.plate.CLASSES`: the state of a plate, or no plate."""
    plate = torch.sigmoid(heads.plate / temperatures.plate).unsqueeze(1)
    return torch.cat([plate * torch.softmax(heads.state / temperatures.state, dim=1), 1 - plate], 1)


class Exported(nn.Module):  # type: ignore[misc]  # torch is not installed where types are checked
    """What the service runs: calibrated probabilities and unit embeddings, as `OUTPUTS`."""

    def __init__(self, network: PlateNetwork, temperatures: Temperatures) -> None:
        super().__init__()
        self.network = network
        self.temperatures = temperatures

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Shapes (n, 5), (n,), (n,) and (n, 64)."""
        heads = self.network(pixels)
        return (
            probabilities_of(heads, self.temperatures),
            torch.sigmoid(heads.recapture),
            torch.sigmoid(heads.fraction),
            nn.functional.normalize(heads.embedding),
        )


def export(
    network: PlateNetwork, temperatures: Temperatures, file: Path, *, notes: dict[str, str]
) -> None:
    """Write a single ONNX file with a free batch size; `notes` say how it was made."""
    # The TorchScript exporter is the one that needs no package beyond torch itself.
    torch.onnx.export(
        Exported(network, temperatures).eval(),
        (torch.zeros(2, 3, INPUT_PX, INPUT_PX),),
        str(file),
        input_names=["pixels"],
        output_names=list(OUTPUTS),
        dynamic_axes={name: {0: "n"} for name in ("pixels", *OUTPUTS)},
        opset_version=17,
        dynamo=False,
    )
    model = onnx.load(file)
    _store_halves(model.graph)
    onnx.helper.set_model_props(model, notes)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, file)


def _store_halves(graph: onnx.GraphProto) -> None:
    """Keep weights as float16, which halves the file; the runtime casts them once when loading."""
    casts = []
    for weight in graph.initializer:
        if weight.data_type != onnx.TensorProto.FLOAT:
            continue
        name = weight.name
        halves = onnx.numpy_helper.to_array(weight).astype(np.float16)
        weight.CopyFrom(onnx.numpy_helper.from_array(halves, f"{name}.half"))
        casts.append(
            onnx.helper.make_node("Cast", [f"{name}.half"], [name], to=onnx.TensorProto.FLOAT)
        )
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
