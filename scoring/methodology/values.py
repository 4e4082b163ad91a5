"""What goes into a reduction and what comes out.

Tuples with names, because a batch makes thousands of them and a frozen dataclass costs three times
as much to build.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Literal, NamedTuple

Reason = Literal["cap_reached", "excluded"]


class Tier(StrEnum):
    """How well an activity is evidenced; the server sets it, never the member."""

    DOCUMENTED = "documented"
    SELF_DECLARED = "self_declared"


class Activity(NamedTuple):
    """One accepted activity of one account.

    Attributes:
        key: natural key, unique in its period; breaks ties of `occurred_at`.
        methodology_id: such as TPH-MOB-05.
        occurred_at: aware; the start of a trip. What stands for a whole day occurs at its end: a
            no-drive day at 23:59:59, so that the trips of the day come before it, and a total of
            steps at 23:59:59.999999, so that it does not cost the no-drive day.
        ended_at: end of a trip when it is known.
        quantities: whole base units by name: `meals`, `distance_m`, `mass_g`, `mass_g.pet`.
        tier: documented or self-declared.
        region: six digits of GB/T 2260, the place's, or `CN`.
        thing: what may count only once whoever reports it, such as `bag:7F3K`, `parcel:…`,
            `meter:…:2026-10` or `tree:…`; empty when the natural key says enough.
    """

    key: str
    methodology_id: str
    occurred_at: datetime
    ended_at: datetime | None
    quantities: Mapping[str, int]
    tier: Tier
    region: str
    thing: str = ""


class Reduction(NamedTuple):
    """What one activity earns and all that a credit stores to be recomputed.

    Attributes:
        key: of the activity.
        grams: gCO2e, whole, rounded down once, never negative.
        unrounded: the exact decimal before rounding.
        allowed: quantities in base units after exclusions and caps.
        reason: `cap_reached` when a cap took some or all of it, `excluded` when another activity
            of the period already stands for the same thing, else None.
        version: content hash of the methodology version, 64 hex digits.
        engine: number of the engine that computed it.
        factors: ids of the factor rows used.
    """

    key: str
    grams: int
    unrounded: str
    allowed: Mapping[str, int]
    reason: Reason | None
    version: str
    engine: int
    factors: tuple[str, ...]
