"""Signed messages in the form of Standard Webhooks 1.0: what is signed, and who can have signed it.

Every signature is written behind the id of its algorithm, so another one, such as SM2 with SM3, is
one more row of `ALGORITHMS` and nothing that is signed today changes.

Source:
    Standard Webhooks 1.0.0, sections "Webhook metadata" and "Signature scheme" (read 2026-11-21).
"""

import base64
import binascii
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

HMAC_SHA256: Final = "v1"
ED25519: Final = "v1a"
WINDOW_S: Final = 300  # both ways; clocks of machines that ask for the time differ by far less
SIGNATURES_MAX: Final = 4  # one per key during a rotation, with room
SIGNATURE_CHARACTERS_MAX: Final = 1_024

# Points of order 1, 2, 4 and 8, whatever their sign bit: one signature of zeros is good for a
# quarter of all messages or for every one, and a device with an empty buffer has such a key.
# Source: RFC 8032, 5.1 (the prime), and RFC 7748, 7 (the points); with what is not reduced.
_PRIME: Final = 2**255 - 19
_Y_BITS: Final = 2**255 - 1
_ORDER_8: Final = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
_SMALL_ORDER: Final = frozenset({0, 1, _PRIME - 1, _PRIME, _PRIME + 1, _ORDER_8, _PRIME - _ORDER_8})

_MESSAGE_ID = re.compile(r"[A-Za-z0-9_:-]{1,128}")  # a point would be read as the end of the id
_TIMESTAMP = re.compile(r"[1-9][0-9]{0,11}")


class Signature(NamedTuple):
    """Octets, and by which algorithm."""

    algorithm: str
    octets: bytes


class SignedMessage(NamedTuple):
    """What the three header fields say.

    Attributes:
        timestamp_s: Seconds since 1970 at which the sender signed.
        signatures: Several during a rotation; one that is good is enough.
    """

    message_id: str
    timestamp_s: int
    signatures: Sequence[Signature]

    def is_fresh(self, now_s: float) -> bool:
        """Whether it was signed within the window around `now_s`."""
        return abs(now_s - self.timestamp_s) <= WINDOW_S

    def is_signed_by(self, algorithm: str, key: bytes, content: bytes) -> bool:
        """Whether one of the signatures is of this key over this content.

        Args:
            algorithm: Id of the only algorithm that the key is good for, whatever the message says.
            key: The shared secret of `v1`, or the raw public key of `v1a`.
            content: The body, to the byte.
        """
        signed = signed_bytes(self.message_id, self.timestamp_s, content)
        verify = ALGORITHMS[algorithm]
        return any(
            each.algorithm == algorithm and verify(key, signed, each.octets)
            for each in self.signatures
        )


def read_signature(
    message_id: str | None, timestamp: str | None, signature: str | None
) -> SignedMessage | None:
    """Read the header fields; None when one is missing or is not what the standard writes.

    Signatures of unknown algorithms are left out: a sender may offer several.
    """
    if message_id is None or timestamp is None or signature is None:
        return None
    if not _MESSAGE_ID.fullmatch(message_id) or not _TIMESTAMP.fullmatch(timestamp):
        return None
    if len(signature) > SIGNATURE_CHARACTERS_MAX:
        return None
    given = [_read_one(text) for text in signature.split(" ")[:SIGNATURES_MAX]]
    known = [each for each in given if each is not None]
    return SignedMessage(message_id, int(timestamp), known) if known else None


def signed_bytes(message_id: str, timestamp_s: int, content: bytes) -> bytes:
    """What is signed: id, time and content with points between."""
    return b".".join((message_id.encode(), str(timestamp_s).encode(), content))


def sign_hmac(secret: bytes, signed: bytes) -> str:
    """One `v1` signature as it is written."""
    return _written(HMAC_SHA256, hmac.digest(secret, signed, "sha256"))


def sign_ed25519(private_key: bytes, signed: bytes) -> str:
    """One `v1a` signature as it is written; the key is the raw seed of RFC 8032."""
    key = Ed25519PrivateKey.from_private_bytes(private_key)
    return _written(ED25519, key.sign(signed))


def is_public_key(octets: bytes) -> bool:
    """Whether these are the octets of an Ed25519 public key for which one person alone can sign."""
    try:
        Ed25519PublicKey.from_public_bytes(octets)
    except ValueError:
        return False
    return int.from_bytes(octets, "little") & _Y_BITS not in _SMALL_ORDER


def _written(algorithm: str, octets: bytes) -> str:
    return f"{algorithm},{base64.b64encode(octets).decode()}"


def _read_one(text: str) -> Signature | None:
    algorithm, comma, encoded = text.partition(",")
    if not comma or algorithm not in ALGORITHMS:
        return None
    try:
        return Signature(algorithm, base64.b64decode(encoded, validate=True))
    except (binascii.Error, ValueError):
        return None


def _is_hmac(secret: bytes, signed: bytes, octets: bytes) -> bool:
    return hmac.compare_digest(hmac.digest(secret, signed, "sha256"), octets)


def _is_ed25519(public_key: bytes, signed: bytes, octets: bytes) -> bool:
    # OpenSSL compares points in time that does not depend on them; nothing secret is here anyway.
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(octets, signed)
    except (InvalidSignature, ValueError):
        return False
    return True


ALGORITHMS: Final[Mapping[str, Callable[[bytes, bytes, bytes], bool]]] = {
    HMAC_SHA256: _is_hmac,
    ED25519: _is_ed25519,
}
