"""What decisions of this room need besides the database."""

from dataclasses import dataclass

from backend.rewards.domain import FirstRedemption


@dataclass(frozen=True, slots=True)
class RewardRules:
    """The settings of a programme that concern redemption.

    Attributes:
        region: Six digits, where a request names no place.
    """

    first: FirstRedemption
    region: str
    clock_shift_s: int = 0
