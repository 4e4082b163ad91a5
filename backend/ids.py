"""Identifiers made by the server: UUIDv7, so that keys of growing tables arrive nearly in order."""

import os
import time
from uuid import UUID

_RANDOM_BITS = 74  # RFC 9562, 5.7: rand_a (12) and rand_b (62)
_VERSION_AND_VARIANT = (0x7 << 76) | (0x2 << 62)


def uuid7() -> UUID:
    """A new UUIDv7.

    Source:
        RFC 9562, section 5.7 (read 2026-11-21): 48 bits of Unix milliseconds, then random bits. The
        order within one millisecond is not promised, and nothing here relies on it.
    """
    random = int.from_bytes(os.urandom(10), "big") >> (80 - _RANDOM_BITS)
    rand_a, rand_b = random >> 62, random & ((1 << 62) - 1)
    milliseconds = time.time_ns() // 1_000_000
    return UUID(int=(milliseconds << 80) | _VERSION_AND_VARIANT | (rand_a << 64) | rand_b)
