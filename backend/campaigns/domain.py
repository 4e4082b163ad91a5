"""How many points an action earns; no constant turns grams into points."""

from collections.abc import Mapping
from uuid import UUID

# Rule of the launch, until campaigns bring their own; its name is on every credit.
LAUNCH_RULE = "launch-2026"
POINTS_OF_ACTION: Mapping[str, int] = {
    "clean_plate": 5,
    "metro": 10,
    "bus": 10,
    "cycling": 5,
    "mixed_recycling": 10,
    "sorted_recycling": 10,
}

PROGRAMME_FUND = UUID("00000000-0000-7000-8000-000000000002")
FUND_SLICES = 8  # more than the writers of two API processes, so that a free slice is found

FUND_EXHAUSTED = "fund_exhausted"
SELF_DECLARED_EARNS_NONE = "self_declared"


def points_for(action: str, *, is_documented: bool, grams: int) -> int:
    """Points of one credit; nothing without grams, and nothing on a member's word alone."""
    if grams == 0 or not is_documented:
        return 0
    return POINTS_OF_ACTION.get(action, 0)
