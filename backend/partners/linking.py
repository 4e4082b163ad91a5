"""Link: a partner makes a code for its customer, and the member who has it links her account.

The code proves that the customer is the member: the partner shows it to whoever is signed in there,
so nobody can link a stranger's card by guessing its number. A link that has ended keeps its row.
"""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.errors import DomainError, NotFound
from backend.partners.consent import CURRENT
from backend.partners.link_queries import (
    LinkCode,
    count_links,
    delete_old_codes,
    end_link,
    find_code,
    has_ended,
    link_of_customer,
    lock_account,
    lock_code,
    put_code,
    use_code,
)
from backend.partners.queries import Customer, close_gate, link

CODE_ALPHABET: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # without 0, 1, I and O
CODE_CHARACTERS: Final = 10  # fifty bits that live for minutes and are good for one person
CODE_LIFE: Final = timedelta(minutes=15)  # long enough to change from one app to the other
CODE_KEPT: Final = timedelta(days=1)  # for the member who lost the answer and asks again
LINKS_PER_PARTNER_MAX: Final = 5  # cards and phones of one person; more is a collector of rides


class LinkCodeNotValid(DomainError):
    """There is no such link code, or it is over, or somebody else has used it."""


class ConsentNeeded(DomainError):
    """Nothing is linked before the member has agreed to the current text."""


class SubjectAlreadyLinked(DomainError):
    """This customer of the partner is linked with another account."""


class LinksUsedUp(DomainError):
    """This account has as many links with the partner as one person needs."""


class NewCode(NamedTuple):
    """A code as the customer reads it, and its last moment."""

    code: str
    expires_at: datetime


class Linked(NamedTuple):
    """The link, and whether it stood before."""

    id: UUID
    is_replay: bool


async def make_code(conn: AsyncConnection, customer: Customer, now: datetime) -> NewCode:
    """Make a code for a customer; the one before it is good no more.

    Raises:
        SubjectAlreadyLinked: She must unlink first, in the account that has the link.
    """
    if await link_of_customer(conn, customer) is not None:
        raise SubjectAlreadyLinked
    code = "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_CHARACTERS))
    expires_at = now + CODE_LIFE
    await delete_old_codes(conn, now - CODE_KEPT)
    await put_code(conn, customer, _digest(code), expires_at)
    half = CODE_CHARACTERS // 2
    return NewCode(f"{code[:half]}-{code[half:]}", expires_at)


async def link_by_code(
    conn: AsyncConnection,
    account_id: UUID,
    code: str,
    *,
    consent_version: str | None,
    now: datetime,
) -> Linked:
    """Link the customer of the code with the account; a second time gives the same link.

    Appends `CustomerLinked`, so that events that wait for her are decided.

    Raises:
        LinkCodeNotValid, ConsentNeeded, SubjectAlreadyLinked, LinksUsedUp.
    """
    # Looked at before the gate is closed, so that guessing codes holds up nobody's events; then
    # the gate before the account, as whoever takes events has them.
    _refuse_over(await find_code(conn, _digest(code)), account_id, now)
    await close_gate(conn)
    await lock_account(conn, account_id)
    known = _refuse_over(await lock_code(conn, _digest(code)), account_id, now)
    there = await link_of_customer(conn, known.customer)
    if there is not None and there.account_id != account_id:
        raise SubjectAlreadyLinked
    if there is not None:
        return Linked(there.id, is_replay=True)
    if known.used_by is not None:
        raise LinkCodeNotValid  # it made a link that has ended; that takes a new code
    if consent_version != CURRENT.version:
        raise ConsentNeeded(partner=known.partner, consent=CURRENT._asdict())
    if await count_links(conn, account_id, known.partner_id) >= LINKS_PER_PARTNER_MAX:
        raise LinksUsedUp(links_max=LINKS_PER_PARTNER_MAX)
    link_id = await link(
        conn, known.partner_id, known.subject_token, account_id, consent_version=CURRENT.version
    )
    await use_code(conn, known, account_id)
    assert link_id is not None, "nobody else can have linked her: the code is locked"
    return Linked(link_id, is_replay=False)


async def unlink(conn: AsyncConnection, account_id: UUID, link_id: UUID) -> None:
    """End a link of the account; what was credited by it stays. Ending it twice changes nothing.

    Raises:
        NotFound: No link of this account.
    """
    await lock_account(conn, account_id)
    if await end_link(conn, account_id, link_id) or await has_ended(conn, account_id, link_id):
        return
    raise NotFound


def _refuse_over(code: LinkCode | None, account_id: UUID, now: datetime) -> LinkCode:
    """Let through what is in time, or has linked this very account before."""
    if code is None or (code.used_by is None and now >= code.expires_at):
        raise LinkCodeNotValid
    if code.used_by not in {None, account_id}:
        raise LinkCodeNotValid
    return code


def _digest(code: str) -> bytes:
    """What is stored of a code: as it is typed, without spaces and hyphens."""
    plain = "".join(code.upper().replace("-", "").split())
    return hashlib.sha256(plain.encode()).digest()
