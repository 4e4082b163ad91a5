"""How long a client may take to say what it wants. aiohttp itself waits for ever."""

from dataclasses import dataclass
from typing import Final

from aiohttp import web


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Times in seconds, after which a slow request gets 408; tests shorten them.

    Attributes:
        headers_s: From the first byte of a request to the end of its headers.
        keep_alive_s: An idle connection without any byte; below the 60 s of common proxies.
        body_idle_s: Silence within a body; a phone that changes cells pauses for a few seconds.
        body_total_s: A whole body; 10 MB at 1.4 Mbit/s.
    """

    headers_s: float = 10.0
    keep_alive_s: float = 30.0
    body_idle_s: float = 15.0
    body_total_s: float = 60.0


DEADLINES: Final = web.AppKey("deadlines", Deadlines)
