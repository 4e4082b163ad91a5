"""Make partners and keys, rotate with an overlap, revoke at once: load, decide, write."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.errors import DomainError, NotFound
from backend.http.problem import Fault, Words
from backend.http.refusals import ValidationFailed
from backend.ids import uuid7
from backend.partners.desk_bodies import KeyBody, PartnerBody, RotationBody
from backend.partners.desk_queries import (
    end_at,
    find_partner,
    has_used_heir,
    lock_key,
    lock_sources,
    note_making,
    revoke_heirs,
)
from backend.partners.domain import BEARER, SCOPES, KeyTerms, amended_type, is_below
from backend.partners.queries import KEY_PREFIX, issue_bearer_key, make_partner
from backend.partners.signing_keys import issue_hmac_key, issue_public_key, read_public_key
from backend.sealing import Sealer
from backend.signatures import ED25519, HMAC_SHA256
from backend.units import REGION_PATTERN

_ID_BYTES: Final = 8
_NO_PLACE: Final = Words("No place of GB/T 2260.", "不是 GB/T 2260 中的地区。")
KEY_PRINCIPAL: Final = "key:"  # as `sign_in` names whoever calls with a key


class SourceTaken(DomainError):
    """Another partner speaks for this source, for a part of it, or for more than it."""


class KeyEnded(DomainError):
    """A key that is revoked or over cannot be rotated."""


class PublicKeyMisplaced(ValidationFailed):
    """A key of Ed25519 brings its public half, and no other key does."""


class Known(NamedTuple):
    """What keys of this deployment can be held to."""

    scopes: frozenset[str]
    event_types: frozenset[str]


class NewKey(NamedTuple):
    """A key that was just made, with what is shown of it once."""

    id: str
    key: str | None = None
    secret: str | None = None


def known_of(event_types: Iterable[str]) -> Known:
    """What keys can be held to where these types are taken; a type covers its amendments."""
    return Known(SCOPES, frozenset(name for name in event_types if amended_type(name) == name))


async def add_partner(
    conn: AsyncConnection, body: PartnerBody, partner_id: UUID | None = None
) -> UUID:
    """Make a partner, under an id of its own or a given one.

    Raises:
        SourceTaken: Its source touches another one's; an event must have one speaker.
    """
    for source in await lock_sources(conn):
        if is_below(source, body.source) or is_below(body.source, source):
            raise SourceTaken
    partner_id = partner_id or uuid7()
    await make_partner(
        conn, partner_id, name_zh=body.name_zh, name_en=body.name_en, source=body.source
    )
    return partner_id


async def add_key(
    conn: AsyncConnection, partner_id: UUID, body: KeyBody, *, known: Known, sealer: Sealer, by: str
) -> NewKey:
    """Make a key of a partner.

    Raises:
        NotFound, ValidationFailed, PublicKeyMisplaced, PublicKeyNotValid.
    """
    partner = await find_partner(conn, partner_id)
    if partner is None:
        raise NotFound
    terms = KeyTerms(body.kind, body.scopes, body.event_types, body.regions, body.sources)
    check_terms(terms, known, partner.source)
    made = await _issue(
        conn, partner_id, terms, algorithm=body.algorithm, public_key=body.public_key, sealer=sealer
    )
    await note_making(conn, made.id, by=by, replaces=None)
    return made


async def rotate(
    conn: AsyncConnection,
    key_id: str,
    body: RotationBody,
    *,
    sealer: Sealer,
    by: str,
    now: datetime,
) -> NewKey:
    """Make a key in the place of another one, which works for `overlap_h` more hours.

    Raises:
        NotFound, KeyEnded, PublicKeyMisplaced, PublicKeyNotValid.
    """
    old = await lock_key(conn, key_id)
    if old is None:
        raise NotFound
    if old.is_revoked or (old.expires_at is not None and old.expires_at <= now):
        raise KeyEnded
    terms = KeyTerms(old.kind, old.scopes, old.event_types, old.regions, old.sources)
    made = await _issue(
        conn,
        old.partner_id,
        terms,
        algorithm=old.algorithm,
        public_key=body.public_key,
        sealer=sealer,
    )
    await note_making(conn, made.id, by=by, replaces=key_id)
    await end_at(conn, key_id, now + timedelta(hours=body.overlap_h))
    return made


async def rotate_own(
    conn: AsyncConnection, key_id: str, body: RotationBody, *, sealer: Sealer, now: datetime
) -> NewKey:
    """Rotate the key that calls, as its own maker.

    An answer that was lost is no dead end: while nobody has used the key that it held, another one
    is made, and the lost one is revoked. Whoever finds an old key cannot make a new one of it.

    Raises:
        KeyEnded: The key in its place is in use.
        NotFound, PublicKeyMisplaced, PublicKeyNotValid: As of every rotation.
    """
    by = f"{KEY_PRINCIPAL}{key_id}"
    await lock_key(conn, key_id)
    if await has_used_heir(conn, key_id):
        raise KeyEnded
    await revoke_heirs(conn, key_id, by=by)
    return await rotate(conn, key_id, body, sealer=sealer, by=by, now=now)


def check_terms(terms: KeyTerms, known: Known, source: str) -> None:
    """Refuse terms that nobody could ever use.

    Raises:
        ValidationFailed: With the place of each.
    """
    faults = tuple(_faults_of(terms, known, source))
    if faults:
        raise ValidationFailed(errors=faults)


def _faults_of(terms: KeyTerms, known: Known, source: str) -> Iterable[Fault]:
    yield from _foreign("scopes", terms.scopes, known.scopes)
    yield from _foreign("event_types", terms.event_types, known.event_types)
    for index, region in enumerate(terms.regions):
        if not re.fullmatch(REGION_PATTERN, region):
            yield Fault(f"/regions/{index}", "unknown_value", _NO_PLACE)
    for index, narrower in enumerate(terms.sources):
        if not is_below(narrower, source):
            words = Words(f"Not below {source}.", f"不在 {source} 之下。")
            yield Fault(f"/sources/{index}", "unknown_value", words)


def _foreign(name: str, given: Sequence[str], known: frozenset[str]) -> Iterable[Fault]:
    choice = ", ".join(sorted(known))
    words = Words(f"Known: {choice}.", f"可选:{choice}。")
    for index, each in enumerate(given):
        if each not in known:
            yield Fault(f"/{name}/{index}", "unknown_value", words)


async def _issue(
    conn: AsyncConnection,
    partner_id: UUID,
    terms: KeyTerms,
    *,
    algorithm: str,
    public_key: str | None,
    sealer: Sealer,
) -> NewKey:
    if (algorithm == ED25519) != (public_key is not None):
        raise PublicKeyMisplaced(errors=(Fault("/public_key", "misplaced"),))
    if public_key is not None:
        name = await issue_public_key(conn, partner_id, terms, read_public_key(public_key))
        return NewKey(id_in(name))
    if algorithm == HMAC_SHA256:
        shared = await issue_hmac_key(conn, partner_id, terms, sealer)
        return NewKey(id_in(shared.name), secret=shared.secret)
    assert algorithm == BEARER, "a constraint of the table"
    text = await issue_bearer_key(conn, partner_id, terms)
    return NewKey(id_in(text), key=text)


def id_in(text: str) -> str:
    """The id of a key in its name or bearer text."""
    return text.removeprefix(f"{KEY_PREFIX}_").partition("_")[0]


def resource_of(key_id: str) -> UUID:
    """How an idempotency key names a key: its eight bytes at the end of an otherwise empty UUID."""
    return UUID(int=int(key_id, 16))


def key_id_of(resource: UUID) -> str:
    """The id of a key that an idempotency key named."""
    return f"{resource.int:0{2 * _ID_BYTES}x}"
