"""Secrets at rest: what the service must be able to read again, and a copy of the database not.

AES-256-GCM under a key of the deployment. The key's name stands before what it sealed, so that a
new key can come while old values are still there.
"""

import hashlib
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES: Final = 32
NAME_BYTES: Final = 4  # names a key among the few of one deployment
NONCE_BYTES: Final = 12  # NIST SP 800-38D; random, far below 2^32 values under one key


class SealBroken(Exception):
    """A sealed value was changed, moved to another place, or its key is not in the settings."""


@dataclass(frozen=True, slots=True)
class Sealer:
    """Seals with the first key and opens with any of them."""

    _sealing: bytes
    _keys: Mapping[bytes, AESGCM]

    def seal(self, secret: bytes, *, place: str) -> bytes:
        """Encrypt; only the same `place` (table and key of the row) opens it again."""
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._keys[self._sealing].encrypt(nonce, secret, place.encode())
        return self._sealing + nonce + sealed

    def unseal(self, sealed: bytes, *, place: str) -> bytes:
        """Decrypt.

        Raises:
            SealBroken: Not sealed here, or not by a key that is there.
        """
        name, rest = sealed[:NAME_BYTES], sealed[NAME_BYTES:]
        if name not in self._keys:
            raise SealBroken
        try:
            return self._keys[name].decrypt(rest[:NONCE_BYTES], rest[NONCE_BYTES:], place.encode())
        except InvalidTag:
            raise SealBroken from None

    def unseal_what_opens(self, sealed: Iterable[tuple[bytes, str]]) -> list[bytes]:
        """Decrypt values with their places and leave out what does not open.

        Of secrets in a rotation one may be under a key that is gone; the others sign all the same.
        """
        opened = []
        for each, place in sealed:
            with suppress(SealBroken):
                opened.append(self.unseal(each, place=place))
        return opened


def make_sealer(keys: str, claim_secret: bytes) -> Sealer:
    """A sealer with the keys of the setting, newest first, and one that needs no setting.

    The last one is derived from the claim key, so that a deployment that sets no key of its own has
    one, and what it sealed opens when it sets one later.

    Raises:
        SystemExit: A key is not 64 hexadecimal digits.
    """
    derived = HKDF(SHA256(), KEY_BYTES, salt=None, info=b"tanhui secrets at rest").derive(
        claim_secret
    )
    try:
        given = [bytes.fromhex(text.strip()) for text in keys.split(",") if text.strip()]
    except ValueError:
        given = [b""]
    if any(len(key) != KEY_BYTES for key in given):
        raise SystemExit("TANHUI_SECRETS_KEY is 64 hexadecimal digits; several with a comma.")
    known = {_name_of(key): AESGCM(key) for key in (*given, derived)}
    return Sealer(next(iter(known)), known)


def _name_of(key: bytes) -> bytes:
    return hashlib.sha256(b"name" + key).digest()[:NAME_BYTES]
