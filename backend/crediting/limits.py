"""Which other activities of a period limited what one activity earned."""

from collections.abc import Iterable, Sequence

from backend.crediting.domain import Credit
from scoring.methodology import Catalogue

CAP_REACHED, EXCLUDED = "cap_reached", "excluded"
NO_DRIVE_DAY = "no_drive_day"


def limited_by(credit: Credit, there: Iterable[Credit], catalogue: Catalogue) -> Sequence[Credit]:
    """The activities before this one that used its cap, or stand for the same travel.

    `there` are the live credits of its period. Nothing limits an activity that has no reason.
    """
    place = (credit.occurred_at, credit.natural_key)
    before = [each for each in there if (each.occurred_at, each.natural_key) < place]
    if credit.reason == CAP_REACHED:
        return [
            each
            for each in before
            if each.methodology_id == credit.methodology_id and any(each.allowed.values())
        ]
    if credit.reason == EXCLUDED:
        return [each for each in before if _stands_for(each, credit, catalogue)]
    return []


def _stands_for(earlier: Credit, credit: Credit, catalogue: Catalogue) -> bool:
    """Whether the earlier one is travel that counts instead of this one."""
    theirs = catalogue.version_of(earlier.version).exclusion
    if not theirs or earlier.reason == EXCLUDED:
        return False
    if NO_DRIVE_DAY in (theirs, catalogue.version_of(credit.version).exclusion):
        return True
    is_same_start = earlier.occurred_at == credit.occurred_at
    return is_same_start or (earlier.ended_at or earlier.occurred_at) > credit.occurred_at
