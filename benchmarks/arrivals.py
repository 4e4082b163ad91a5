"""When photos arrive at noon, and what kind of phone sends each: fixed before the run begins."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

QUIET_SHARE = 0.4  # of the peak, when the canteen opens and when it closes
BURST = 3.0  # times the rate of the curve, while a shift comes out together
BURST_FROM, BURST_TO = 0.45, 0.55  # parts of the run
STEP_S = 0.001

# One in ten sends the original of its camera, one in ten has a bad network, one in twenty loses
# the answer and sends the photo again.
LARGE_SHARE, SLOW_SHARE, LOSING_SHARE = 0.10, 0.10, 0.05


@dataclass(frozen=True, slots=True)
class Arrival:
    """One photo; `at_s` is its intended start, in seconds after the beginning."""

    number: int
    at_s: float
    is_large: bool = False
    is_slow: bool = False
    loses_answer: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether nothing of its own makes it wait."""
        return not (self.is_large or self.is_slow or self.loses_answer)


def flat_arrivals(per_second: float, seconds: float) -> list[Arrival]:
    """Small photos from good phones, equally far apart."""
    count = round(per_second * seconds)
    return [Arrival(number, number / per_second) for number in range(count)]


def lunch_arrivals(peak_per_second: float, seconds: float, random: Random) -> list[Arrival]:
    """A lunch: the rate rises, triples for a while, and falls; phones of every kind."""
    return [
        _arrival(number, at_s, random.random())
        for number, at_s in enumerate(_lunch_times(peak_per_second, seconds))
    ]


def _lunch_times(peak_per_second: float, seconds: float) -> Iterator[float]:
    """One arrival each time that the sum of the rate has grown by one."""
    arrived = 0.0
    for step in range(int(seconds / STEP_S)):
        part = step * STEP_S / seconds
        rate = peak_per_second * (QUIET_SHARE + (1 - QUIET_SHARE) * math.sin(math.pi * part))
        before, arrived = arrived, arrived + STEP_S * rate * _burst_at(part)
        if math.floor(before) < math.floor(arrived):
            yield step * STEP_S


def _burst_at(part: float) -> float:
    return BURST if BURST_FROM <= part < BURST_TO else 1.0


def _arrival(number: int, at_s: float, drawn: float) -> Arrival:
    return Arrival(
        number,
        at_s,
        is_large=drawn < LARGE_SHARE,
        is_slow=LARGE_SHARE <= drawn < LARGE_SHARE + SLOW_SHARE,
        loses_answer=drawn >= 1 - LOSING_SHARE,
    )
