"""Keys of partners and devices, and the links from their customers to accounts."""

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import fetch, fetch_one, run
from backend.errors import DomainError

KEY_PREFIX = "thk"  # tells a leaked key from a token at first sight
SECRET_BYTES = 32  # 256 random bits cannot be guessed, so a plain hash is enough to store


class SubjectNotLinked(DomainError):
    """No account is linked to this customer of the partner."""


class Customer(NamedTuple):
    """A person as a partner names her."""

    partner_id: UUID
    subject_token: str


class Key(NamedTuple):
    """A verified key of a partner's server or of a device."""

    id: str
    partner_id: UUID
    kind: str
    scopes: frozenset[str]


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
    conn: AsyncConnection, partner_id: UUID, *, kind: str, scopes: Sequence[str]
) -> str:
    """Make a key and return its text, which is not stored and cannot be shown again."""
    key_id, secret = secrets.token_hex(8), secrets.token_hex(SECRET_BYTES)
    await run(
        conn,
        "INSERT INTO partner_key (id, partner_id, kind, secret_sha256, scopes)"
        " VALUES (:id, :partner, :kind, :hash, CAST(:scopes AS text[]))",
        id=key_id,
        partner=partner_id,
        kind=kind,
        hash=hashlib.sha256(secret.encode()).digest(),
        scopes=list(scopes),
    )
    return f"{KEY_PREFIX}_{key_id}_{secret}"


async def verify_key(conn: AsyncConnection, text: str) -> Key | None:
    """The key behind a bearer text, or None; compares in constant time."""
    prefix, _, rest = text.partition("_")
    key_id, _, secret = rest.partition("_")
    if prefix != KEY_PREFIX or not secret:
        return None
    row = await fetch_one(
        conn,
        "SELECT id, partner_id, kind, secret_sha256, scopes FROM partner_key"
        " WHERE id = :id AND NOT is_revoked",
        id=key_id,
    )
    if row is None:
        return None
    if not hmac.compare_digest(row.secret_sha256, hashlib.sha256(secret.encode()).digest()):
        return None
    return Key(row.id, row.partner_id, row.kind, frozenset(row.scopes))


async def link(
    conn: AsyncConnection, partner_id: UUID, subject_token: str, account_id: UUID
) -> None:
    """Say that a customer of the partner is the owner of this account; the first link stays."""
    await run(
        conn,
        "INSERT INTO partner_link (partner_id, subject_token, account_id)"
        " VALUES (:partner, :token, :account) ON CONFLICT DO NOTHING",
        partner=partner_id,
        token=subject_token,
        account=account_id,
    )


async def linked_accounts(
    conn: AsyncConnection, customers: Iterable[Customer]
) -> Mapping[Customer, UUID]:
    """Accounts behind customers of partners; unknown ones are missing."""
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
    return {Customer(row.partner_id, row.subject_token): row.account_id for row in rows}


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
