"""PINs: what is kept of one, and when two are the same. Slow on purpose, so never in the loop."""

import hashlib
import hmac
import secrets
from typing import Final

from backend.cards.refusals import PinTooSimple
from backend.partners.cards import Pin

# 16 MB and about 50 ms for one guess. Six digits are few, so the key, which is not in the database,
# is what keeps a stolen table shut; this makes guessing dear for whoever has both.
# Source: RFC 7914, section 2; OWASP Password Storage Cheat Sheet (both read 2026-11-29).
_COST: Final = 2**14
_BLOCK: Final = 8
_LANES: Final = 1
_SALT_BYTES: Final = 16
_RUNS: Final = ("01234567890", "09876543210")


def pin_key(claim_secret: bytes) -> bytes:
    """The key under which PINs are hashed; of its own, because the claims' is used elsewhere."""
    return hmac.digest(claim_secret, b"pins of cards", "sha256")


def check_pin(pin: str) -> None:
    """Refuse what everybody tries first.

    Raises:
        PinTooSimple: All the same, or a run.
    """
    if len(set(pin)) == 1 or any(pin in run for run in _RUNS):
        raise PinTooSimple


def hash_pin(key: bytes, pin: str) -> Pin:
    """What is kept of a PIN, with a salt of its own."""
    salt = secrets.token_bytes(_SALT_BYTES)
    return Pin(salt, _stretched(key, pin, salt))


def is_pin(key: bytes, pin: str, kept: Pin) -> bool:
    """Whether this is the PIN; takes as long whatever is wrong with it."""
    return hmac.compare_digest(_stretched(key, pin, kept.salt), kept.hash)


def _stretched(key: bytes, pin: str, salt: bytes) -> bytes:
    peppered = hmac.digest(key, pin.encode(), "sha256")
    return hashlib.scrypt(peppered, salt=salt, n=_COST, r=_BLOCK, p=_LANES, dklen=32)
