"""The plate recogniser: stored evidence in, scores, a verdict and identities out.

The model looks, the card's thresholds decide. A verdict is never better than the photo: what is too
dark or too blurry to see gets a retake hint instead of a guess.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Self

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from PIL import Image

from scoring.fingerprint import (
    FINGERPRINT_SIDE_PX_MAX,
    Fingerprints,
    fingerprints_of,
    without_bars,
)
from scoring.model_card import (
    UNMEASURED,
    CopyLimits,
    ModelCard,
    ModelNotInCard,
    Thresholds,
    load_checked,
)
from scoring.photo import decode_evidence
from scoring.thumbnail import thumbnail_of

Verdict = Literal["accepted", "in_review", "rejected"]
CLASSES: Final = ("clean", "residue", "leftover", "full", "not_a_plate")
PARTS: Final = 10_000  # scores are stored in whole parts, so that a verdict can be recomputed
_INPUT: Final = "pixels"
_OUTPUTS: Final = ("probabilities", "recapture", "leftover_fraction", "embedding")
BATCH_MAX: Final = 16  # larger batches were no faster per photo and hold more memory
_QUALITY_SIDE_PX: Final = 256  # sharpness is comparable only at one size
_BRIGHTEST: Final = 0.9  # quantile: a dark table around a well-lit plate is no dark photo
_SHARPEST: Final = 0.995  # quantile: a clean plate is smooth but for its rim


@dataclass(frozen=True, slots=True)
class Quality:
    """What cheap statistics say about a photo before any model does.

    Attributes:
        luminance: of the brightest tenth, 0 to 255.
        sharpness: contrast between neighbouring pixels at the sharpest edges, relative to
            `luminance`, times 1,000.
    """

    luminance: float
    sharpness: float


@dataclass(frozen=True, slots=True)
class PlateScore:
    """What was seen on one photo.

    Attributes:
        scores: parts per 10,000 by class, summing to 10,000.
        recapture: how much it looks like a picture of a picture, parts per 10,000.
        leftover_fraction: of the dish, the share that food covers, parts per 10,000; means nothing
            where no plate is seen.
        verdict: `accepted`, `in_review` or `rejected`.
        reason: None when accepted, else `no_plate`, `too_dark`, `too_blurry`, `leftovers`,
            `looks_like_screen` or `uncertain`.
        model: sha256 of the model file.
        embedding: little-endian float16, of length one.
        fingerprints: PDQ in its eight orientations.
        quality: light and sharpness.
        thumbnail: packed, see `scoring.thumbnail`; empty where nothing is compared.
        recapture_risk: `recapture` scaled so that the card's line for it is its line of risk.
        limits: of the card of `model`, from where on photos count as copies.
    """

    scores: dict[str, int]
    recapture: int
    leftover_fraction: int
    verdict: Verdict
    reason: str | None
    model: str
    embedding: bytes
    fingerprints: Fingerprints
    quality: Quality
    thumbnail: bytes = b""
    recapture_risk: int = 0
    limits: CopyLimits = UNMEASURED

    @property
    def fingerprint(self) -> bytes:
        """The upright fingerprint, 32 bytes."""
        return self.fingerprints.upright


class PlateRecogniser:
    """A checked model in memory; each worker process has its own."""

    def __init__(self, model: bytes, card: ModelCard, *, threads: int = 1) -> None:
        self._session = _session(model, threads)
        self.card = card

    @classmethod
    def load(cls, path: Path | None = None, *, threads: int = 1) -> Self:
        """Load the model at `path`, or the packaged one.

        Raises:
            ModelNotInCard: the file is missing, is not the one that its card describes, or is no
                model.
        """
        model, card = load_checked(path)
        return cls(model, card, threads=threads)

    def score(self, jpegs: Sequence[bytes]) -> list[PlateScore]:
        """Score stored evidence, in order.

        Raises:
            PhotoUnreadable: `broken`, when one of them is not what `sanitise` wrote.
        """
        scored: list[PlateScore] = []
        for start in range(0, len(jpegs), BATCH_MAX):
            photos = [
                decode_evidence(jpeg, FINGERPRINT_SIDE_PX_MAX)
                for jpeg in jpegs[start : start + BATCH_MAX]
            ]
            scored.extend(self._score_batch(photos))
        return scored

    def _score_batch(self, photos: list[Image.Image]) -> list[PlateScore]:
        pixels = np.stack([pixels_of(photo, self.card.input_px) for photo in photos])
        outputs = self._session.run(_OUTPUTS, {_INPUT: pixels})
        return [
            self._assembled(photo, *answers)
            for photo, *answers in zip(photos, *outputs, strict=True)
        ]

    def _assembled(
        self,
        photo: Image.Image,
        probabilities: NDArray[np.float32],
        recapture: float,
        leftover_fraction: float,
        embedding: NDArray[np.float32],
    ) -> PlateScore:
        scores = dict(zip(self.card.classes, quantised(probabilities), strict=True))
        recapture_parts = round(float(recapture) * PARTS)
        quality = quality_of(photo)
        verdict, reason = decide(scores, recapture_parts, quality, self.card.thresholds)
        shown = without_bars(photo)
        return PlateScore(
            scores=scores,
            recapture=recapture_parts,
            leftover_fraction=round(float(leftover_fraction) * PARTS),
            verdict=verdict,
            reason=reason,
            model=self.card.sha256,
            embedding=embedding.astype("<f2").tobytes(),
            fingerprints=fingerprints_of(shown),
            quality=quality,
            thumbnail=thumbnail_of(shown).packed,
            recapture_risk=recapture_risk(recapture_parts, self.card),
            limits=self.card.copies,
        )


def _session(model: bytes, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads  # workers are processes; threads would fight them
    options.inter_op_num_threads = 1
    try:
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors have no base of their own
        raise ModelNotInCard(f"onnxruntime cannot run this file: {error}") from error
    named = {each.name for each in (*session.get_inputs(), *session.get_outputs())}
    if missing := {_INPUT, *_OUTPUTS} - named:
        raise ModelNotInCard(f"it recognises no plates, for it has no {', '.join(sorted(missing))}")
    return session


def decide(
    scores: dict[str, int], recapture: int, quality: Quality, thresholds: Thresholds
) -> tuple[Verdict, str | None]:
    """The verdict and its reason.

    A suspicion of a screen leads to a person and never to a no; it comes first because a screen is
    also no plate.
    """
    if quality.luminance < thresholds.luminance_min:
        return "rejected", "too_dark"
    if quality.sharpness < thresholds.sharpness_min:
        return "rejected", "too_blurry"
    if recapture >= thresholds.recapture_review_min:
        return "in_review", "looks_like_screen"
    if scores["not_a_plate"] >= thresholds.not_a_plate_rejected_min:
        return "rejected", "no_plate"
    if scores["leftover"] + scores["full"] >= thresholds.food_rejected_min:
        return "rejected", "leftovers"
    if scores["clean"] >= thresholds.clean_accepted_min:
        return "accepted", None
    return "in_review", "uncertain"


def recapture_risk(recapture: int, card: ModelCard) -> int:
    """Risk per 10,000 of a recapture score, both lines of the card falling on one another."""
    line = max(1, card.thresholds.recapture_review_min)
    return min(PARTS, recapture * card.copies.risk_review_min // line)


def pixels_of(photo: Image.Image, side: int) -> NDArray[np.float32]:
    """The model's input: the whole photo squeezed into a square, so that no edge goes unseen.

    Returns:
        Array of shape (3, side, side), float32, RGB in [0, 1].
    """
    small = photo.resize((side, side), Image.Resampling.BOX)
    return np.asarray(small, np.float32).transpose(2, 0, 1) / np.float32(255)


def quality_of(photo: Image.Image) -> Quality:
    """Measure light and sharpness on a small grey version."""
    grey = photo.convert("L")
    grey.thumbnail((_QUALITY_SIDE_PX, _QUALITY_SIDE_PX), Image.Resampling.BOX)
    values = np.asarray(grey, np.float32)
    luminance = float(np.quantile(values, _BRIGHTEST))
    steps = np.abs(np.diff(values, axis=1))
    sharpness = float(np.quantile(steps, _SHARPEST)) / max(luminance, 1.0) * 1_000
    return Quality(luminance, sharpness)


def quantised(probabilities: NDArray[np.float32]) -> list[int]:
    """Whole parts per 10,000 that sum to 10,000; the largest remainders round up."""
    exact = probabilities.astype(np.float64) / float(probabilities.sum()) * PARTS
    parts = np.floor(exact).astype(int)
    for at in np.argsort(parts - exact, kind="stable")[: PARTS - int(parts.sum())]:
        parts[at] += 1
    return [int(part) for part in parts]
