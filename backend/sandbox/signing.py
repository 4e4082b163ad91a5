"""How a made-up partner signs: by a shared secret or by its own Ed25519 key, as a real one does."""

import base64
import time
from collections.abc import Callable
from functools import partial
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from backend.signatures import sign_ed25519, sign_hmac, signed_bytes

Sign = Callable[[bytes], str]


def sign_by_secret(secret: str) -> Sign:
    """Sign by HMAC-SHA256.

    Raises:
        ValueError: The text is no `whsec_...`.
    """
    prefix, _, encoded = secret.partition("_")
    if prefix != "whsec":
        raise ValueError("--secret is the whsec_... that tanhui partner-key --hmac has printed.")
    return partial(sign_hmac, base64.b64decode(encoded, validate=True))


def sign_by_private_key(pem: str) -> Sign:
    """Sign by Ed25519.

    Raises:
        ValueError: The text is no private key of this kind without a password.
    """
    try:
        key = load_pem_private_key(pem.encode(), None)
    except (TypeError, ValueError):  # a password, or no PEM
        key = None
    if isinstance(key, Ed25519PrivateKey):
        return partial(sign_ed25519, key.private_bytes_raw())
    raise ValueError("--private-key is what openssl genpkey -algorithm ed25519 has written.")


def signed_headers(key: str, sign: Sign, body: bytes) -> dict[str, str]:
    """Header fields of one request; a repetition is signed anew, under another id."""
    message_id, stamp = uuid4().hex, int(time.time())
    return {
        "Authorization": f"Signature {key}",
        "webhook-id": message_id,
        "webhook-timestamp": str(stamp),
        "webhook-signature": sign(signed_bytes(message_id, stamp, body)),
    }
