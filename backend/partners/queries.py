"""Keys of partners and devices, and the links from their customers to accounts."""

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import fetch, fetch_one, run
from backend.errors import DomainError
from backend.events import CUSTOMER_LINKED, Event
from backend.outbox import append
from backend.partners.cards import accounts_of_tokens
from backend.partners.domain import BEARER, Grants, Key, KeyTerms, Material, SigningKey

KEY_PREFIX = "thk"  # tells a leaked key from a token at first sight
SECRET_BYTES = 32  # 256 random bits cannot be guessed, so a plain hash is enough to store

# One advisory lock: whoever links a customer, and whoever lets an event wait for her, must see each
# other, and a row that is not there yet cannot be locked.
EVENT_GATE = 0x7468_6576

_TODAY = "(now() AT TIME ZONE 'Asia/Shanghai')::date"
_KEY_COLUMNS = (
    "key.id, partner_id, kind, scopes, source, sources, event_types, regions,"
    f" last_used_on IS DISTINCT FROM {_TODAY} AS is_first_today"
)
# Plain time of the database, never shifted: a partner's clock knows nothing of ours.
_WORKS = "NOT is_revoked AND (expires_at IS NULL OR expires_at > now()) AND suspended_at IS NULL"


class SubjectNotLinked(DomainError):
    """No account is linked to this customer of the partner."""


class Customer(NamedTuple):
    """A person as a partner names her."""

    partner_id: UUID
    subject_token: str


async def make_partner(
    conn: AsyncConnection, partner_id: UUID, *, name_zh: str, name_en: str, source: str
) -> None:
    """Make a partner; a second call changes nothing."""
    await run(
        conn,
        "INSERT INTO partner (id, name_zh, name_en, source) VALUES (:id, :zh, :en, :source)"
        " ON CONFLICT DO NOTHING",
        id=partner_id,
        zh=name_zh,
        en=name_en,
        source=source,
    )


async def issue_key(
    conn: AsyncConnection,
    partner_id: UUID,
    *,
    kind: str,
    scopes: Sequence[str],
    event_types: Sequence[str] = (),
    regions: Sequence[str] = (),
) -> str:
    """Make a key and return its text, which is not stored and cannot be shown again.

    Types and regions that are left empty mean all that the partner may speak for.
    """
    terms = KeyTerms(kind, scopes, event_types=event_types, regions=regions)
    return await issue_bearer_key(conn, partner_id, terms)


async def issue_bearer_key(conn: AsyncConnection, partner_id: UUID, terms: KeyTerms) -> str:
    """Make a key on these terms and return its text, as `issue_key` does."""
    key_id, secret = make_key_id(), secrets.token_hex(SECRET_BYTES)
    digest = hashlib.sha256(secret.encode()).digest()
    await insert_key(conn, key_id, partner_id, terms, Material(BEARER, secret_sha256=digest))
    return f"{KEY_PREFIX}_{key_id}_{secret}"


def make_key_id() -> str:
    """A new name of a key; it is no secret."""
    return secrets.token_hex(8)


async def insert_key(
    conn: AsyncConnection, key_id: str, partner_id: UUID, terms: KeyTerms, material: Material
) -> None:
    """Write a key."""
    await run(
        conn,
        "INSERT INTO partner_key (id, partner_id, kind, scopes, event_types, regions, sources,"
        " algorithm, secret_sha256, sealed_secret, public_key) VALUES (:id, :partner, :kind,"
        " CAST(:scopes AS text[]), CAST(:types AS text[]), CAST(:regions AS text[]),"
        " CAST(:sources AS text[]), :algorithm, :hash, :sealed, :public)",
        id=key_id,
        partner=partner_id,
        kind=terms.kind,
        scopes=list(terms.scopes),
        types=list(terms.event_types),
        regions=list(terms.regions),
        sources=list(terms.sources),
        algorithm=material.algorithm,
        hash=material.secret_sha256,
        sealed=material.sealed_secret,
        public=material.public_key,
    )


async def verify_key(conn: AsyncConnection, text: str) -> Key | None:
    """The key behind a bearer text, or None; compares in constant time."""
    prefix, _, rest = text.partition("_")
    key_id, _, secret = rest.partition("_")
    if prefix != KEY_PREFIX or not secret:
        return None
    row = await fetch_one(
        conn,
        f"SELECT {_KEY_COLUMNS}, secret_sha256 FROM partner_key AS key"
        f" JOIN partner ON partner.id = partner_id WHERE key.id = :id AND {_WORKS}"
        " AND algorithm = 'bearer'",
        id=key_id,
    )
    if row is None:
        return None
    if not hmac.compare_digest(row.secret_sha256, hashlib.sha256(secret.encode()).digest()):
        return None
    return _key(row)


async def find_signing_key(conn: AsyncConnection, key_id: str) -> SigningKey | None:
    """A key that signs and works, by the id that its requests name."""
    row = await fetch_one(
        conn,
        f"SELECT {_KEY_COLUMNS}, algorithm, sealed_secret, public_key FROM partner_key AS key"
        f" JOIN partner ON partner.id = partner_id WHERE key.id = :id AND {_WORKS}"
        " AND algorithm <> 'bearer'",
        id=key_id,
    )
    if row is None:
        return None
    return SigningKey(_key(row), row.algorithm, row.sealed_secret, row.public_key)


async def note_use(conn: AsyncConnection, key_id: str) -> None:
    """Say that the key was used on this Shanghai day; once a day is enough."""
    await run(
        conn,
        f"UPDATE partner_key SET last_used_on = {_TODAY} WHERE id = :id"
        f" AND last_used_on IS DISTINCT FROM {_TODAY}",
        id=key_id,
    )


def _key(row: Row[Any]) -> Key:
    return Key(
        row.id,
        row.partner_id,
        row.kind,
        frozenset(row.scopes),
        Grants(
            row.source,
            frozenset(row.sources),
            frozenset(row.event_types),
            frozenset(row.regions),
        ),
        row.is_first_today,
    )


async def link(
    conn: AsyncConnection,
    partner_id: UUID,
    subject_token: str,
    account_id: UUID,
    *,
    consent_version: str | None = None,
) -> UUID | None:
    """Say that a customer of the partner is the owner of this account; the first link stays.

    Returns:
        Id of the link; None when there was one.
    """
    await wake_parked(conn, [account_id])
    made = await fetch_one(
        conn,
        # Not the time at which the transaction began: the link before it may have ended since.
        "INSERT INTO partner_link (partner_id, subject_token, account_id, consent_version,"
        " linked_at) VALUES (:partner, :token, :account, :consent, clock_timestamp())"
        " ON CONFLICT DO NOTHING RETURNING id",
        partner=partner_id,
        token=subject_token,
        account=account_id,
        consent=consent_version,
    )
    return made.id if made else None


async def close_gate(conn: AsyncConnection) -> None:
    """Keep events from being taken or parked until this transaction ends; accounts come after."""
    await fetch(conn, "SELECT pg_advisory_xact_lock(:gate)", gate=EVENT_GATE)


async def wake_parked(conn: AsyncConnection, account_ids: Sequence[UUID]) -> None:
    """Let the events that wait for these accounts' links be decided, after this transaction.

    Whoever makes a link calls it in the same transaction. Appends `CustomerLinked`.
    """
    await close_gate(conn)
    await append(conn, [Event(CUSTOMER_LINKED, list(account_ids))])


async def linked_accounts(
    conn: AsyncConnection, customers: Iterable[Customer]
) -> Mapping[Customer, UUID]:
    """Accounts behind customers of partners; unknown ones are missing.

    A token that no customer of the partner has may be that of a card, which every partner reads.
    """
    asked = sorted(set(customers))
    if not asked:
        return {}
    rows = await fetch(
        conn,
        "SELECT partner_id, subject_token, account_id FROM partner_link"
        " JOIN unnest(CAST(:partners AS uuid[]), CAST(:tokens AS text[]))"
        " AS asked(partner_id, subject_token) USING (partner_id, subject_token)",
        partners=[each.partner_id for each in asked],
        tokens=[each.subject_token for each in asked],
    )
    linked = {Customer(row.partner_id, row.subject_token): row.account_id for row in rows}
    others = [each for each in asked if each not in linked]
    cards = await accounts_of_tokens(conn, [each.subject_token for each in others])
    held = {each: cards[each.subject_token] for each in others if each.subject_token in cards}
    return {**linked, **held}


async def record_reports(
    conn: AsyncConnection, reports: Iterable[tuple[UUID, UUID]], now: datetime
) -> None:
    """Say which partner each check-in came from; what stands stays."""
    ordered = sorted(set(reports))
    if not ordered:
        return
    await run(
        conn,
        "INSERT INTO partner_report (check_in_id, partner_id, reported_at)"
        " SELECT check_in_id, partner_id, :now FROM unnest(CAST(:ids AS uuid[]),"
        " CAST(:partners AS uuid[])) AS given(check_in_id, partner_id) ON CONFLICT DO NOTHING",
        ids=[check_in_id for check_in_id, _ in ordered],
        partners=[partner_id for _, partner_id in ordered],
        now=now,
    )


async def partner_exists(conn: AsyncConnection, partner_id: UUID) -> bool:
    """Whether there is such a partner."""
    found = await fetch_one(conn, "SELECT id FROM partner WHERE id = :id", id=partner_id)
    return found is not None


async def source_of_partner(conn: AsyncConnection, partner_id: UUID) -> str | None:
    """What a partner speaks for; None when there is none, or it is suspended."""
    found = await fetch_one(
        conn,
        "SELECT source FROM partner WHERE id = :id AND suspended_at IS NULL",
        id=partner_id,
    )
    return found.source if found else None


async def partner_of_source(conn: AsyncConnection, source: str) -> UUID | None:
    """The partner that speaks for exactly this source."""
    found = await fetch_one(conn, "SELECT id FROM partner WHERE source = :source", source=source)
    return found.id if found else None
