"""Keys that sign: making them, and what verifies their signatures."""

import base64
import binascii
import os
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.errors import DomainError
from backend.partners.domain import KeyTerms, Material, SigningKey
from backend.partners.queries import KEY_PREFIX, insert_key, make_key_id
from backend.sealing import Sealer
from backend.signatures import ED25519, HMAC_SHA256, is_public_key

HMAC_SECRET_BYTES: Final = 32  # Standard Webhooks asks for 24 to 64
SECRET_PREFIX: Final = "whsec_"  # noqa: S105  # tells a leaked secret at first sight; not one itself
PUBLIC_PREFIX: Final = "whpk_"  # how Standard Webhooks writes the public half


class PublicKeyNotValid(DomainError):
    """A public key is `whpk_` and the base64 of the 32 bytes of an Ed25519 key."""


class SharedSecret(NamedTuple):
    """A new key of HMAC: the name that its requests carry, and the secret, shown once."""

    name: str
    secret: str


async def issue_hmac_key(
    conn: AsyncConnection, partner_id: UUID, terms: KeyTerms, sealer: Sealer
) -> SharedSecret:
    """Make a key that signs by HMAC-SHA256; the secret rests sealed and cannot be shown again."""
    key_id, secret = make_key_id(), os.urandom(HMAC_SECRET_BYTES)
    sealed = sealer.seal(secret, place=_place(key_id))
    await insert_key(conn, key_id, partner_id, terms, Material(HMAC_SHA256, sealed_secret=sealed))
    return SharedSecret(name_of(key_id), SECRET_PREFIX + base64.b64encode(secret).decode())


async def issue_public_key(
    conn: AsyncConnection, partner_id: UUID, terms: KeyTerms, public_key: bytes
) -> str:
    """Keep the public half of a key pair that its owner has made; returns the name of the key.

    Raises:
        PublicKeyNotValid: These octets are no Ed25519 public key.
    """
    if not is_public_key(public_key):
        raise PublicKeyNotValid
    key_id = make_key_id()
    await insert_key(conn, key_id, partner_id, terms, Material(ED25519, public_key=public_key))
    return name_of(key_id)


def read_public_key(text: str) -> bytes:
    """The octets of a public key as Standard Webhooks writes it.

    Raises:
        PublicKeyNotValid: Another prefix, no base64, or no Ed25519 public key.
    """
    try:
        octets = base64.b64decode(text.removeprefix(PUBLIC_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise PublicKeyNotValid from None
    if not text.startswith(PUBLIC_PREFIX) or not is_public_key(octets):
        raise PublicKeyNotValid
    return octets


def verifying_key(key: SigningKey, sealer: Sealer) -> bytes:
    """What verifies signatures of this key: the opened secret, or the public half.

    Raises:
        SealBroken: The key of the seal is not in the settings.
    """
    if key.sealed_secret is not None:
        return sealer.unseal(key.sealed_secret, place=_place(key.key.id))
    assert key.public_key is not None, "a constraint of the table"
    return key.public_key


def name_of(key_id: str) -> str:
    """How requests name a key that signs: `thk_` and its id, and nothing secret."""
    return f"{KEY_PREFIX}_{key_id}"


def _place(key_id: str) -> str:
    return f"partner_key {key_id}"
