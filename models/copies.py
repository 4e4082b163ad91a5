"""From where on a photo counts as a copy: `python -m models.copies` measures it for one model.

Prints the table of the card; `--card` writes table and limits into the card beside the model. The
card of a new model is written by `models.evaluate`, which calls the same functions.
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.copy_figures import (
    CANTEENS,
    OTHERS,
    REAL,
    Copied,
    CopyFigures,
    Nearest,
    measured,
    met,
)
from models.photos import PHOTOS_DEFAULT, PhotosMissing, photos_in
from scoring.model_card import PACKAGED_MODEL, UNMEASURED, CopyLimits
from scoring.plate import PARTS, PlateRecogniser
from scoring.registration import (
    PROPOSED_BITS_MAX,
    PROPOSED_BY_EMBEDDING,
    PROPOSED_BY_FINGERPRINT,
)

REFUSED_RATE_MAX: Final = 0.001  # of honest clean plates, as the upper 95 % bound
# Of honest clean plates, for all signs together: what a programme can look at by hand.
REVIEWED_RATE_MAX: Final = 0.02
# The fingerprint takes at most half of it; the rest is for photos that are laid over each other,
# which find crops and turns. What neither needs is left to the embedding.
FINGERPRINT_REVIEWED_RATE_MAX: Final = 0.01
# Whatever a canteen looks like.
REVIEW_BITS_MAX: Final = PROPOSED_BITS_MAX
EMBEDDING_PARTS_MAX: Final = 2_000  # a cosine of 0.8 is no resemblance
UNLIKE_PARTS_MAX: Final = 2_000  # a place with a correlation below 0.8 shows something else
HEADING: Final = "## Copies"
TEMPLATE_HEADING: Final = "## Fingerprints"  # what a card says there until it is measured


def chosen_limits(figures: CopyFigures) -> CopyLimits:
    """The largest limits at which honest plates of 1,000 stay within the allowed rates.

    Real dishes have a veto: none of them may be refused, or be explained by another one, however
    few they are.
    """
    refused = _largest(
        range(REVIEW_BITS_MAX),
        lambda limit: (
            met(_rendered(figures), {"bits": limit})[2] <= REFUSED_RATE_MAX
            and met(_real(figures), {"bits": limit})[0] == 0
        ),
    )
    bits = _largest(
        range(REVIEW_BITS_MAX + 1),
        lambda limit: _reviewed(figures, bits=limit) <= FINGERPRINT_REVIEWED_RATE_MAX,
    )
    unlike = _largest(
        range(UNLIKE_PARTS_MAX + 1),
        lambda limit: (
            _reviewed(figures, bits=bits, unlike=limit) <= REVIEWED_RATE_MAX
            and met(_real(figures), {"unlike": limit})[0] == 0
        ),
    )
    parts = _largest(
        range(EMBEDDING_PARTS_MAX + 1),
        lambda limit: (
            _reviewed(figures, bits=bits, unlike=unlike, parts=limit) <= REVIEWED_RATE_MAX
        ),
    )
    return CopyLimits(
        fingerprint_refused_max=refused,
        fingerprint_review_max=bits,
        embedding_review_max=parts,
        risk_review_min=UNMEASURED.risk_review_min,
        resemblance_review_min=PARTS - unlike,
    )


def _reviewed(figures: CopyFigures, **limits: int) -> float:
    return met(_rendered(figures), limits)[2]


def _largest(limits: range, is_allowed: Callable[[int], bool]) -> int:
    """The last limit before the first that is not allowed; -1 if none is."""
    allowed = -1
    for limit in limits:
        if not is_allowed(limit):
            return allowed
        allowed = limit
    return allowed


def _real(figures: CopyFigures) -> list[Nearest]:
    return [each for each in figures.honest if each.source == REAL]


def _rendered(figures: CopyFigures) -> list[Nearest]:
    return [each for each in figures.honest if each.source != REAL]


def copies_table(figures: CopyFigures) -> str:
    """The section of the card: what is found, and who is taken for another one."""
    limits = chosen_limits(figures)
    return "\n\n".join((_introduction(limits), _copies(figures, limits), _honest(figures, limits)))


def _introduction(limits: CopyLimits) -> str:
    return (
        "Two photos are compared by their fingerprints (PDQ: bits of 256, in the nearest of eight\n"
        "orientations) and by their embeddings (1 minus the cosine, per 10,000). Of the photos of\n"
        f"the same region and 48 hours, the {PROPOSED_BY_EMBEDDING} nearest by embedding and the\n"
        f"{PROPOSED_BY_FINGERPRINT} nearest by fingerprint within {PROPOSED_BITS_MAX} bits\n"
        "are laid over it: turned, mirrored, scaled and shifted until they fit best;\n"
        "the resemblance is the correlation of fine detail that 85 of 100 places reach, times the\n"
        "share of one frame that lies inside the other, per 10,000.\n\n"
        f"Within 48 hours a photo within {limits.fingerprint_refused_max} bits of another one is a "
        "copy and not counted. A person\n"
        f"looks within {limits.fingerprint_review_max} bits, from a resemblance of "
        f"{limits.resemblance_review_min} on, and for embeddings within\n"
        f"{limits.embedding_review_max}. -1 is never, and so is a resemblance above 10000.\n\n"
        "The limits are the largest at which honest clean plates, each among 1,000 others of its\n"
        "canteen, are refused at a rate of at most 0.1 % (upper 95 % bound) and reviewed at 2 %\n"
        "for all signs together; no real dish may be refused, nor be explained by another one."
    )


def _copies(figures: CopyFigures, limits: CopyLimits) -> str:
    head = (
        "| copy | source | bits, median | not counted | to a person by bits |"
        " original laid over it | resemblance, median | to a person by it | by embedding | found |"
    )
    rows = [_copied_row(each, limits) for each in figures.copied]
    return "\n".join([head, "|---" * 10 + "|", *rows])


def _copied_row(copied: Copied, limits: CopyLimits) -> str:
    refused = copied.bits <= limits.fingerprint_refused_max
    near = (copied.bits <= limits.fingerprint_review_max) & ~refused
    explained = (copied.unlike <= PARTS - limits.resemblance_review_min) & ~refused & ~near
    alike = (copied.parts <= limits.embedding_review_max) & ~refused & ~near & ~explained
    bits = sorted(copied.bits)[len(copied.bits) // 2]
    over = sorted(PARTS - copied.unlike[copied.proposed]) or ["none"]
    cells = [copied.kind, copied.source, bits]
    cells += [_share(refused), _share(near), _share(copied.proposed), over[len(over) // 2]]
    cells += [_share(explained), _share(alike), _share(refused | near | explained | alike)]
    return f"| {' | '.join(map(str, cells))} |"


def _share(hits: NDArray[np.bool_]) -> str:
    return f"{hits.mean():.0%}"


def _honest(figures: CopyFigures, limits: CopyLimits) -> str:
    head = "| honest clean plates | each among | nearest two | not counted | to a person |"
    groups = [[each] for each in figures.honest]
    if len(_rendered(figures)) > 1:
        groups.append(_rendered(figures))
    rows = [_honest_row(group, limits) for group in groups]
    return "\n".join([head, "|---" * 5 + "|", *rows])


def _honest_row(group: Sequence[Nearest], limits: CopyLimits) -> str:
    refused = {"bits": limits.fingerprint_refused_max}
    reviewed = {
        "bits": limits.fingerprint_review_max,
        "parts": limits.embedding_review_max,
        "unlike": PARTS - limits.resemblance_review_min,
    }
    name = group[0].source if len(group) == 1 else "all canteens"
    count = sum(len(each.bits) for each in group)
    bits = min(int(each.bits.min()) for each in group)
    parts = min(int(each.parts.min()) for each in group)
    alike = PARTS - min(int(each.unlike.min()) for each in group)
    return (
        f"| {name}: {count} | {group[0].others} others | {bits} bits, {parts} parts, {alike} alike"
        f" | {_rate(group, refused)} | {_rate(group, reviewed)} |"
    )


def _rate(group: Sequence[Nearest], limits: Mapping[str, int]) -> str:
    count, _, bound = met(group, limits)
    return f"{count}, below {bound:.2%}"


def with_copies(card: str, figures: CopyFigures) -> str:
    """A card's text with these limits in its front matter and this table as its section."""
    limits = chosen_limits(figures)
    lines = "\n".join(f"{each.name} = {getattr(limits, each.name)}" for each in fields(limits))
    return _with_section(card, lines, f"{HEADING}\n\n{copies_table(figures)}\n")


def with_copies_of(card: str, earlier: str) -> str:
    """A card's text with the limits and the section of an earlier card of the same model."""
    _, front, body = earlier.split("+++\n", maxsplit=2)
    lines = front.partition("\n[copies]\n")[2].rstrip("\n")
    before, after = _around_section(body)
    if not lines or not after:
        return card
    return _with_section(card, lines, body[len(before) : len(body) - len(after)])


def _with_section(card: str, lines: str, section: str) -> str:
    _, front, body = card.split("+++\n", maxsplit=2)
    front = front.partition("\n[copies]\n")[0].rstrip("\n")
    before, after = _around_section(body)
    section = section.rstrip("\n") + "\n"
    return f"+++\n{front}\n\n[copies]\n{lines}\n+++\n{before}{section}\n{after}"


def _around_section(body: str) -> tuple[str, str]:
    """What stands before and after the section, which may be there or go to the end."""
    heading = HEADING if f"{HEADING}\n" in body else TEMPLATE_HEADING
    before, found, rest = body.partition(f"{heading}\n")
    if not found:
        return body.rstrip("\n") + "\n\n", ""
    _, next_heading, after = rest.partition("\n## ")
    return before, f"## {after}" if next_heading else ""


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m models.copies", description=__doc__)
    parser.add_argument("--photos", type=Path, default=PHOTOS_DEFAULT)
    parser.add_argument("--file", type=Path, default=Path(__file__).with_name(PACKAGED_MODEL))
    parser.add_argument("--canteens", type=int, default=CANTEENS, help="rendered canteens")
    parser.add_argument("--plates", type=int, default=OTHERS + 1, help="photos of each")
    parser.add_argument("--card", action="store_true", help="write table and limits into the card")
    given = parser.parse_args()
    try:
        photos = photos_in(given.photos)
    except PhotosMissing as missing:
        print(f"{missing}; renders alone are measured", file=sys.stderr)
        photos = []
    recogniser = PlateRecogniser.load(given.file)
    figures = measured(recogniser, photos, canteens=given.canteens, plates=given.plates)
    print(copies_table(figures))
    if given.card:
        card = given.file.with_name(f"{given.file.stem}.card.md")
        text = with_copies(card.read_text(encoding="utf-8"), figures)
        card.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
