"""The statements of links and of the codes that make them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import fetch, fetch_one, run
from backend.ids import LAST_ID
from backend.partners.queries import Customer


class LinkCode(NamedTuple):
    """A code that is there, of a partner that is not suspended.

    Attributes:
        used_by: The account that it has linked.
    """

    partner_id: UUID
    subject_token: str
    name_zh: str
    name_en: str
    expires_at: datetime
    used_by: UUID | None

    @property
    def customer(self) -> Customer:
        """Whom it links."""
        return Customer(self.partner_id, self.subject_token)

    @property
    def partner(self) -> dict[str, str]:
        """With whom, as the member is told."""
        return {"id": str(self.partner_id), "name_zh": self.name_zh, "name_en": self.name_en}


async def lock_account(conn: AsyncConnection, account_id: UUID) -> None:
    """The lock over all that is the member's, her links too."""
    await run(conn, "SELECT FROM account WHERE id = :id FOR NO KEY UPDATE", id=account_id)


async def put_code(
    conn: AsyncConnection, customer: Customer, code_sha256: bytes, expires_at: datetime
) -> None:
    """Write the one code of a customer."""
    await run(
        conn,
        "INSERT INTO link_code (partner_id, subject_token, code_sha256, expires_at)"
        " VALUES (:partner, :token, :code, :until) ON CONFLICT (partner_id, subject_token)"
        " DO UPDATE SET code_sha256 = :code, expires_at = :until, used_by = NULL",
        partner=customer.partner_id,
        token=customer.subject_token,
        code=code_sha256,
        until=expires_at,
    )


async def delete_old_codes(conn: AsyncConnection, before: datetime) -> None:
    """Forget codes that were over before a time; the index on that time finds them."""
    await run(conn, "DELETE FROM link_code WHERE expires_at < :before", before=before)


_CODE = (
    "SELECT partner_id, subject_token, name_zh, name_en, expires_at, used_by FROM link_code"
    " JOIN partner ON partner.id = partner_id WHERE code_sha256 = :code AND suspended_at IS NULL"
)


async def find_code(conn: AsyncConnection, code_sha256: bytes) -> LinkCode | None:
    """A code as it stands."""
    row = await fetch_one(conn, _CODE, code=code_sha256)
    return LinkCode._make(row) if row else None


async def lock_code(conn: AsyncConnection, code_sha256: bytes) -> LinkCode | None:
    """A code, locked: of two members who type it, the second one waits and is refused."""
    row = await fetch_one(conn, f"{_CODE} FOR UPDATE OF link_code", code=code_sha256)
    return LinkCode._make(row) if row else None


async def use_code(conn: AsyncConnection, code: LinkCode, account_id: UUID) -> None:
    """Say whom a locked code has linked."""
    await run(
        conn,
        "UPDATE link_code SET used_by = :account WHERE partner_id = :partner"
        " AND subject_token = :token",
        account=account_id,
        partner=code.partner_id,
        token=code.subject_token,
    )


async def link_of_customer(conn: AsyncConnection, customer: Customer) -> Row[Any] | None:
    """The link of a customer: id, account_id."""
    return await fetch_one(
        conn,
        "SELECT id, account_id FROM partner_link WHERE partner_id = :partner"
        " AND subject_token = :token",
        partner=customer.partner_id,
        token=customer.subject_token,
    )


async def count_links(conn: AsyncConnection, account_id: UUID, partner_id: UUID) -> int:
    """How many links stand between an account and a partner."""
    row = await fetch_one(
        conn,
        "SELECT count(*) AS links FROM partner_link WHERE account_id = :account"
        " AND partner_id = :partner",
        account=account_id,
        partner=partner_id,
    )
    return int(row.links) if row else 0


async def end_link(conn: AsyncConnection, account_id: UUID, link_id: UUID) -> bool:
    """Move a link of the account to those that have ended, by the clock that began it.

    Returns:
        False when none stands.
    """
    return bool(
        await run(
            conn,
            "WITH gone AS (DELETE FROM partner_link WHERE id = :id AND account_id = :account"
            " RETURNING *) INSERT INTO ended_link (id, partner_id, subject_token, account_id,"
            " consent_version, linked_at, unlinked_at) SELECT id, partner_id, subject_token,"
            " account_id, consent_version, linked_at, clock_timestamp() FROM gone",
            id=link_id,
            account=account_id,
        )
    )


async def has_ended(conn: AsyncConnection, account_id: UUID, link_id: UUID) -> bool:
    """Whether this was a link of the account."""
    found = await fetch_one(
        conn,
        "SELECT id FROM ended_link WHERE id = :id AND account_id = :account",
        id=link_id,
        account=account_id,
    )
    return found is not None


_SHOWN = (
    "SELECT link.id, partner_id, name_zh, name_en, subject_token, consent_version, linked_at,"
    " unlinked_at FROM (SELECT id, partner_id, subject_token, account_id, consent_version,"
    " linked_at, NULL AS unlinked_at FROM partner_link UNION ALL SELECT id, partner_id,"
    " subject_token, account_id, consent_version, linked_at, unlinked_at FROM ended_link)"
    " AS link JOIN partner ON partner.id = partner_id WHERE account_id = :account"
)


async def shown_link(conn: AsyncConnection, account_id: UUID, link_id: UUID) -> Row[Any] | None:
    """One link of an account, standing or ended."""
    return await fetch_one(conn, f"{_SHOWN} AND link.id = :id", account=account_id, id=link_id)


async def shown_links(
    conn: AsyncConnection, account_id: UUID, *, before_id: UUID | None, limit: int
) -> Sequence[Row[Any]]:
    """Links of an account, newest first, those that have ended too."""
    return await fetch(
        conn,
        f"{_SHOWN} AND link.id < :before ORDER BY link.id DESC LIMIT :limit",
        account=account_id,
        before=before_id or LAST_ID,
        limit=limit,
    )
