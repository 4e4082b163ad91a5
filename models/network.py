"""The network: a small residual CNN with three outputs, and its export to ONNX."""

from pathlib import Path
from typing import Final

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from models.network_shape import EMBEDDING_DIM
from scoring.plate import CLASSES

WIDTHS: Final = (20, 40, 80, 144, 224)  # 1.9 M parameters: what half an hour on one core can train
DROPOUT: Final = 0.2


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


class PlateNetwork(nn.Module):  # type: ignore[misc]  # torch is not installed where types are checked
    """Pixels in [0, 1] to class logits, a recapture logit and an embedding."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = 3
        for number, width in enumerate(WIDTHS):
            layers += [
                nn.Conv2d(before, width, 3, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(),
            ]
            layers += [Residual(width)] if number > 0 else []
            before = width
        self.features = nn.Sequential(*layers)
        # Means say what the dish is, maxima say whether a speck is anywhere on it.
        self.neck = nn.Linear(2 * before, EMBEDDING_DIM)
        self.dropout = nn.Dropout(DROPOUT)
        self.classes = nn.Linear(EMBEDDING_DIM, len(CLASSES))
        self.recapture = nn.Linear(2 * before, 1)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Class logits (n, 5), recapture logit (n,), embedding (n, 64) before normalisation."""
        maps = self.features((pixels - 0.5) * 4)
        pooled = torch.cat([maps.mean((2, 3)), maps.amax((2, 3))], dim=1)
        embedding = self.neck(pooled)
        logits = self.classes(self.dropout(torch.relu(embedding)))
        return logits, self.recapture(pooled).squeeze(1), embedding


class Exported(nn.Module):  # type: ignore[misc]  # torch is not installed where types are checked
    """What the service runs: probabilities at the calibrated temperature, unit embeddings."""

    def __init__(self, network: PlateNetwork, temperature: float) -> None:
        super().__init__()
        self.network = network
        self.temperature = temperature

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Probabilities (n, 5), recapture probability (n,), embedding (n, 64) of length one."""
        logits, recapture, embedding = self.network(pixels)
        probabilities = torch.softmax(logits / self.temperature, dim=1)
        return probabilities, torch.sigmoid(recapture), nn.functional.normalize(embedding)


def export(
    network: PlateNetwork, temperature: float, input_px: int, file: Path, *, notes: dict[str, str]
) -> None:
    """Write a single ONNX file with a free batch size; `notes` say how it was made."""
    # The TorchScript exporter is the one that needs no package beyond torch itself.
    torch.onnx.export(
        Exported(network, temperature).eval(),
        (torch.zeros(2, 3, input_px, input_px),),
        str(file),
        input_names=["pixels"],
        output_names=["probabilities", "recapture", "embedding"],
        dynamic_axes={
            name: {0: "n"} for name in ("pixels", "probabilities", "recapture", "embedding")
        },
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
