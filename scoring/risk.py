"""How much speaks for a person to look at a photo: three signs, one whole number, no verdict.

Each sign is scaled so that the card's own line for it is the line of risk. Missing metadata is no
sign: messengers and privacy settings remove it from honest photos.
"""

from typing import Final, NamedTuple

from scoring.model_card import CopyLimits
from scoring.plate import PARTS

# An editor's name says that a program wrote the file, not what it changed: alone it is just enough
# for a person to look, at the default line of 5,000.
EDITED_PARTS: Final = 5_000


class Risk(NamedTuple):
    """Risk of one photo and the signs that it is made of, all per 10,000.

    Attributes:
        recapture: how much it looks like a picture of a picture.
        edited: whether an editing program named itself in the upload.
        neighbour: how near the embedding of another photo lies.
    """

    per_10000: int
    recapture: int
    edited: int
    neighbour: int

    @property
    def reason(self) -> str:
        """What the largest sign is called where a person reads why it was stopped."""
        signs = {
            "looks_like_another": self.neighbour,
            "looks_like_screen": self.recapture,
            "looks_edited": self.edited,
        }
        return max(signs, key=signs.__getitem__)


def risk_of(
    *, recapture_risk: int, is_edited: bool, embedding_distance: int | None, limits: CopyLimits
) -> Risk:
    """Put the signs together as if they were independent, rounded up.

    Args:
        recapture_risk: of the score.
        is_edited: whether an editing program named itself in the upload.
        embedding_distance: of the nearest other photo, 1 minus cosine per 10,000; None without one.
        limits: of the card of the model that scored.
    """
    signs = (
        recapture_risk,
        EDITED_PARTS if is_edited else 0,
        0 if embedding_distance is None else _neighbour_sign(embedding_distance, limits),
    )
    left = 1
    for sign in signs:
        left *= PARTS - sign
    return Risk(PARTS - left // PARTS ** (len(signs) - 1), *signs)


def _neighbour_sign(distance: int, limits: CopyLimits) -> int:
    """10,000 for the same embedding, the line of risk at the card's distance, then nothing."""
    reach = limits.embedding_review_max
    if distance > reach:
        return 0
    return PARTS - (PARTS - limits.risk_review_min) * max(0, distance) // max(1, reach)
