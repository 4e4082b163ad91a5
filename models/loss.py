"""What training minimises: one term per head, each only where its truth is known."""

from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from models.network import Heads
from models.network_shape import STATES
from scoring.plate import CLASSES

LABEL_SMOOTHING: Final = 0.05  # the folder's labels err by a few percent
RECAPTURED_WEIGHT: Final = 0.3  # a plate on a screen is half a plate; its class teaches little
RECAPTURE_WEIGHT: Final = 1.0
FRACTION_WEIGHT: Final = 0.3
EMBEDDING_WEIGHT: Final = 0.1
CONTRAST: Final = 0.1  # temperature of the contrast between embeddings


def loss_of(
    heads: Heads, *, labels: Tensor, recaptured: Tensor, fractions: Tensor, twice: int
) -> Tensor:
    """The weighted sum.

    Args:
        heads: of n pictures.
        labels: indices into `CLASSES`, shape (n,).
        recaptured: 1 for pictures of pictures, shape (n,).
        fractions: 0 to 1, NaN where nobody knows, shape (n,).
        twice: the last so many pictures show the same as the first so many.
    """
    heads = Heads(*(head.float() for head in heads))
    plate = (labels != CLASSES.index("not_a_plate")).float()
    weights = 1 - recaptured * (1 - RECAPTURED_WEIGHT)
    softened = plate * (1 - LABEL_SMOOTHING) + LABEL_SMOOTHING / 2
    by_plate = functional.binary_cross_entropy_with_logits(heads.plate, softened, weight=weights)
    by_recapture = functional.binary_cross_entropy_with_logits(heads.recapture, recaptured)
    return (
        by_plate
        + _by_state(heads.state, labels)
        + RECAPTURE_WEIGHT * by_recapture
        + FRACTION_WEIGHT * _by_fraction(heads.fraction, fractions)
        + EMBEDDING_WEIGHT * _by_copies(heads.embedding, twice)
    )


def _by_state(state: Tensor, labels: Tensor) -> Tensor:
    shown = labels < len(STATES)
    if not shown.any():
        return state.sum() * 0
    return functional.cross_entropy(state[shown], labels[shown], label_smoothing=LABEL_SMOOTHING)


def _by_fraction(fraction: Tensor, truth: Tensor) -> Tensor:
    known = ~truth.isnan()
    if not known.any():
        return fraction.sum() * 0
    return functional.binary_cross_entropy_with_logits(fraction[known], truth[known])


def _by_copies(embedding: Tensor, twice: int) -> Tensor:
    """Of all pictures in the batch, a copy must be nearest to what it copies."""
    unit = functional.normalize(embedding)
    near = unit[-twice:] @ unit[:-twice].T / CONTRAST
    return functional.cross_entropy(near, torch.arange(twice))
