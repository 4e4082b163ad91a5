"""Rate limits: token buckets in this process, per principal and kind of route.

An address is limited for its failures only, because a whole campus shares one.
"""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from backend.http.problem import Refusal
from backend.http.refusals import RateLimited

BUCKETS_MAX: Final = (
    100_000  # about 20 MB; a forgotten bucket starts full, which errs for the client
)

_ADDRESS_CHARACTERS: Final = 45  # the longest way to write an IPv6 address


@dataclass(frozen=True, slots=True)
class Rate:
    """A bucket of `burst` tokens that refills with `per_s` tokens each second."""

    per_s: float
    burst: int

    @property
    def window_s(self) -> int:
        """Seconds in which an empty bucket is full again."""
        return math.ceil(self.burst / self.per_s)


PARTNER_RATE: Final = "partner"  # whatever the route: a partner's key speaks for many

DEFAULT_RATES: Final[Mapping[str, Rate]] = {
    "read": Rate(20, 60),  # a screen loads a dozen resources at once
    "write": Rate(1, 30),  # people press buttons, in bursts
    "check_in": Rate(10 / 60, 20),  # a day's worth after hours offline comes at once
    "photo": Rate(6 / 60, 10),  # a plate and three retries, twice
    PARTNER_RATE: Rate(200, 400),  # systems send for many people
}
FAILURES: Final = Rate(1, 60)  # per address: sign-ins refused and unknown paths


class Buckets:
    """Token buckets by key, the least recently used forgotten first."""

    def __init__(self) -> None:
        self._levels: dict[tuple[str, str], tuple[float, float]] = {}

    def draw(self, key: tuple[str, str], rate: Rate) -> float:
        """Take one token; gives the number left, negative when there was none to take."""
        now = time.monotonic()
        tokens, since = self._levels.pop(key, (float(rate.burst), now))
        tokens = min(rate.burst, tokens + (now - since) * rate.per_s) - 1
        self._levels[key] = (max(tokens, 0.0) if tokens < 0 else tokens, now)
        if len(self._levels) > BUCKETS_MAX:
            del self._levels[next(iter(self._levels))]
        return tokens


class RateLimits:
    """The limits of one application; without rates everything passes."""

    def __init__(self, rates: Mapping[str, Rate] | None, *, proxy_hops: int = 0) -> None:
        self._rates = rates
        self._proxy_hops = proxy_hops
        self._buckets = Buckets()

    def admit(self, principal_id: str, rate_class: str) -> dict[str, str]:
        """Take a token of the principal; gives the RateLimit fields of the answer.

        Raises:
            RateLimited: The bucket is empty.
        """
        if self._rates is None:
            return {}
        rate = self._rates[rate_class]
        left = self._buckets.draw((principal_id, rate_class), rate)
        fields = _fields(rate_class, rate, left)
        if left < 0:
            raise RateLimited(headers=fields | {"Retry-After": _seconds_until(rate, left)})
        return fields

    def count_failure(self, request: web.Request) -> Refusal | None:
        """Count a refused sign-in or an unknown path; gives the refusal when it is one too many."""
        if self._rates is None:
            return None
        address = address_of(request, self._proxy_hops)
        left = self._buckets.draw((address, "failures"), FAILURES)
        if left >= 0:
            return None
        return RateLimited(headers={"Retry-After": _seconds_until(FAILURES, left)})


def address_of(request: web.Request, proxy_hops: int) -> str:
    """Give the client's address; each trusted proxy has added one entry to X-Forwarded-For.

    What stands left of the trusted entries was written by the client and is not looked at.
    """
    entries = ",".join(request.headers.getall("X-Forwarded-For", [])).split(",")
    if 0 < proxy_hops <= len(entries) and entries[-proxy_hops].strip():
        return entries[-proxy_hops].strip()[:_ADDRESS_CHARACTERS]
    return request.remote or ""


def _fields(name: str, rate: Rate, left: float) -> dict[str, str]:
    remaining = max(int(left), 0)
    until_full = math.ceil((rate.burst - max(left, 0)) / rate.per_s)
    return {
        "RateLimit-Policy": f'"{name}";q={rate.burst};w={rate.window_s}',
        "RateLimit": f'"{name}";r={remaining};t={until_full}',
    }


def _seconds_until(rate: Rate, left: float) -> str:
    return str(max(1, math.ceil(-left / rate.per_s)))
