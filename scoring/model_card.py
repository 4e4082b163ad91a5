"""The machine-readable part of a model's card: what the file must be, and where to draw the lines.

A card is Markdown for people whose front matter, between two lines of `+++`, is TOML for the
service. A model without a card, or with another hash than the card's, is not run.
"""

import hashlib
import tomllib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Final

PACKAGED_MODEL: Final = "plate.onnx"
_FENCE: Final = "+++\n"


class ModelNotInCard(Exception):
    """The model file is missing, has no readable card, is not the card's, or is no model."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Where a score becomes a verdict, in parts per 10,000 unless said otherwise.

    Attributes:
        clean_accepted_min: from this score for `clean` on, the plate is accepted.
        not_a_plate_rejected_min: from here on no plate is seen.
        food_rejected_min: from this sum of `leftover` and `full` on, food is left.
        recapture_review_min: from here on a person looks whether it is a screen or a print.
        luminance_min: mean of the brightest tenth of the pixels, 0 to 255; below it is too dark.
        sharpness_min: strongest local contrast, see `scoring.plate`; below it is too blurry.
    """

    clean_accepted_min: int
    not_a_plate_rejected_min: int
    food_rejected_min: int
    recapture_review_min: int
    luminance_min: float
    sharpness_min: float


@dataclass(frozen=True, slots=True)
class CopyLimits:
    """From where on a photo counts as another one's copy, or a person looks; -1 is never.

    The defaults are those of a card without measurements: nothing is refused, and the embedding,
    of which nothing is known, says nothing.

    Attributes:
        fingerprint_refused_max: bits of PDQ within which a photo of 48 hours is a copy.
        fingerprint_review_max: bits of PDQ within which a person looks.
        embedding_review_max: 1 minus the cosine of two embeddings, per 10,000; within it a person
            looks.
        risk_review_min: risk per 10,000 from which on a person looks.
        resemblance_review_min: how well another photo of the region and 48 hours, laid over this
            one, must explain it for a person to look, per 10,000; above 10,000 is never.
    """

    fingerprint_refused_max: int = -1
    fingerprint_review_max: int = 31
    embedding_review_max: int = -1
    risk_review_min: int = 5_000
    resemblance_review_min: int = 10_001


UNMEASURED: Final = CopyLimits()


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What the service must know about one model file.

    Attributes:
        sha256: of the ONNX file, hexadecimal.
        classes: in the order of the model's output.
        input_px: side of the square input.
        embedding_dim: length of the embedding.
        thresholds: chosen on the held-out split that the card describes.
        copies: measured by `python -m models.copies`.
    """

    sha256: str
    classes: tuple[str, ...]
    input_px: int
    embedding_dim: int
    thresholds: Thresholds
    copies: CopyLimits = UNMEASURED


def read_card(text: str) -> ModelCard:
    """Read the front matter of a card.

    Raises:
        ModelNotInCard: when it is missing, malformed or incomplete.
    """
    before, fence, rest = text.partition(_FENCE)
    front, closing, _ = rest.partition(_FENCE)
    if before or not fence or not closing:
        raise ModelNotInCard("the card has no front matter between +++ lines")
    try:
        table = tomllib.loads(front)
        return ModelCard(
            sha256=str(table["sha256"]),
            classes=tuple(str(name) for name in table["classes"]),
            input_px=int(table["input_px"]),
            embedding_dim=int(table["embedding_dim"]),
            thresholds=Thresholds(**table["thresholds"]),
            copies=CopyLimits(**table.get("copies", {})),
        )
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise ModelNotInCard(f"the card's front matter is not complete: {error}") from error


def load_card(path: Path | None) -> ModelCard | None:
    """The card of a model alone, for who shows its lines and runs nothing; None without one."""
    folder = resources.files("models") if path is None else path.parent
    name = PACKAGED_MODEL if path is None else path.name
    try:
        text = (folder / f"{name.removesuffix('.onnx')}.card.md").read_text(encoding="utf-8")
        return read_card(text)
    except (OSError, ModelNotInCard):
        return None


def load_checked(path: Path | None) -> tuple[bytes, ModelCard]:
    """The bytes of a model and its card; the packaged model when no path is given.

    The card lies beside the model: `plate.onnx` has `plate.card.md`. Bytes are read once, so what
    was checked is what runs.

    Raises:
        ModelNotInCard: see the class.
    """
    folder = resources.files("models") if path is None else path.parent
    name = PACKAGED_MODEL if path is None else path.name
    try:
        model = (folder / name).read_bytes()
        text = (folder / f"{name.removesuffix('.onnx')}.card.md").read_text(encoding="utf-8")
    except OSError as error:
        raise ModelNotInCard(
            f"{error.filename} cannot be read; a model runs with its card beside it"
        ) from error
    card = read_card(text)
    found = hashlib.sha256(model).hexdigest()
    if found != card.sha256:
        raise ModelNotInCard(f"the card is about {card.sha256}, this file is {found}")
    return model, card
