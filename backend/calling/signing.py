"""Standard Webhooks 1.0: what a message is signed with, and how a receiver would check it.

Source:
    Standard Webhooks 1.0.0, sections "Webhook metadata" and "Signature scheme" (read 2026-11-21).
"""

import base64
import os
from collections.abc import Mapping, Sequence
from typing import Final

from backend.signatures import sign_hmac, signed_bytes

SECRET_BYTES: Final = 32  # the standard asks for 24 to 64
SECRET_PREFIX: Final = "whsec_"  # noqa: S105  # tells a leaked secret at first sight; not one itself


def make_secret() -> bytes:
    """A new secret."""
    return os.urandom(SECRET_BYTES)


def show_secret(secret: bytes) -> str:
    """The text that the owner of the endpoint keeps."""
    return SECRET_PREFIX + base64.b64encode(secret).decode()


def headers_of(
    message_id: str, timestamp_s: int, body: bytes, secrets: Sequence[bytes]
) -> Mapping[str, str]:
    """The three header fields; one signature per secret, so that a rotation breaks nobody.

    Args:
        message_id: The same for every attempt: receivers know a repetition by it.
        timestamp_s: Seconds since 1970 of this attempt.
        body: Exactly the bytes that are sent.
        secrets: Newest first, at least one.
    """
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": " ".join(
            sign(message_id, timestamp_s, body, secret) for secret in secrets
        ),
    }


def sign(message_id: str, timestamp_s: int, body: bytes, secret: bytes) -> str:
    """One signature, `v1,` and base64 of the HMAC over id, time and body."""
    return sign_hmac(secret, signed_bytes(message_id, timestamp_s, body))
