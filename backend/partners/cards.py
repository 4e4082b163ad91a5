"""The statements of cards: whose a token is, tries of a PIN, and what a desk does with a card."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import copy_rows, fetch, fetch_one, run
from backend.ids import LAST_ID, uuid7

PIN_TRIES_MAX: Final = 5  # one in 200,000 guesses right; people mistype twice, rarely thrice


class Card(NamedTuple):
    """A card as the desk and the till find it.

    Attributes:
        status: `blank`, `active`, `blocked` or `replaced`.
        pin_tries: Tries since the last right PIN.
    """

    id: UUID
    number: str
    status: str
    account_id: UUID | None
    pin_tries: int

    @property
    def is_locked(self) -> bool:
        """Whether too many wrong PINs were typed; the desk sets another one."""
        return self.pin_tries >= PIN_TRIES_MAX


class Blank(NamedTuple):
    """A card that was printed and belongs to nobody yet; the token is shown only on paper."""

    id: UUID
    token: str
    number: str


class Pin(NamedTuple):
    """What is kept of a PIN."""

    salt: bytes
    hash: bytes


_COLUMNS = ", ".join(Card._fields)


async def accounts_of_tokens(conn: AsyncConnection, tokens: Iterable[str]) -> Mapping[str, UUID]:
    """Accounts behind the tokens of cards that work; other tokens are missing.

    A locked PIN stops spending and nothing else: what the holder does still counts.
    """
    by_digest = {token_digest(token): token for token in tokens}
    if not by_digest:
        return {}
    rows = await fetch(
        conn,
        "SELECT token_sha256, account_id FROM card"
        " WHERE token_sha256 = ANY(CAST(:digests AS bytea[])) AND status = 'active'",
        digests=sorted(by_digest),
    )
    return {by_digest[row.token_sha256]: row.account_id for row in rows}


async def insert_blanks(conn: AsyncConnection, blanks: Sequence[Blank], now: datetime) -> None:
    """Register printed cards; only the hash of a token is stored."""
    rows = [(blank.id, token_digest(blank.token), blank.number, "blank", now) for blank in blanks]
    await copy_rows(conn, "card", ("id", "token_sha256", "number", "status", "printed_at"), rows)


async def card_of_token(conn: AsyncConnection, token: str) -> Card | None:
    """The card with this token, for a reader."""
    row = await fetch_one(
        conn, f"SELECT {_COLUMNS} FROM card WHERE token_sha256 = :d", d=token_digest(token)
    )
    return Card._make(row) if row else None


async def lock_card_of_token(conn: AsyncConnection, token: str) -> Card | None:
    """The card with this token, locked."""
    row = await fetch_one(
        conn,
        f"SELECT {_COLUMNS} FROM card WHERE token_sha256 = :digest FOR NO KEY UPDATE",
        digest=token_digest(token),
    )
    return Card._make(row) if row else None


async def lock_card(conn: AsyncConnection, card_id: UUID) -> Card | None:
    """A card, locked: what a desk and a till do to it happens one by one."""
    row = await fetch_one(
        conn, f"SELECT {_COLUMNS} FROM card WHERE id = :id FOR NO KEY UPDATE", id=card_id
    )
    return Card._make(row) if row else None


async def has_card(conn: AsyncConnection, account_id: UUID) -> bool:
    """Whether the account has a card that works or could work again."""
    row = await fetch_one(
        conn,
        "SELECT id FROM card WHERE account_id = :account AND status IN ('active', 'blocked')",
        account=account_id,
    )
    return row is not None


async def bind_card(
    conn: AsyncConnection, card_id: UUID, account_id: UUID, pin: Pin, now: datetime
) -> None:
    """Give a locked blank card to its holder."""
    await run(
        conn,
        "UPDATE card SET status = 'active', account_id = :account, pin_salt = :salt,"
        " pin_hash = :hash, pin_tries = 0, bound_at = :now WHERE id = :id",
        id=card_id,
        account=account_id,
        salt=pin.salt,
        hash=pin.hash,
        now=now,
    )


async def replace_card(conn: AsyncConnection, card_id: UUID, by_id: UUID) -> None:
    """End a locked card; from here on its token names nobody."""
    await run(
        conn,
        "UPDATE card SET status = 'replaced', replaced_by = :by WHERE id = :id",
        id=card_id,
        by=by_id,
    )


async def set_card_status(conn: AsyncConnection, card_id: UUID, status: str) -> None:
    """Block a locked card, or let it work again."""
    await run(conn, "UPDATE card SET status = :status WHERE id = :id", id=card_id, status=status)


async def set_pin(conn: AsyncConnection, card_id: UUID, pin: Pin) -> None:
    """Set the PIN of a locked card; its tries begin anew."""
    await run(
        conn,
        "UPDATE card SET pin_salt = :salt, pin_hash = :hash, pin_tries = 0 WHERE id = :id",
        id=card_id,
        salt=pin.salt,
        hash=pin.hash,
    )


async def take_try(conn: AsyncConnection, card_id: UUID) -> Row[Any] | None:
    """Use up one try before it is compared: many at once have five together, and no more.

    Returns:
        Its `pin_salt`, `pin_hash` and `pin_tries`; None when the card does not work or is locked.
    """
    return await fetch_one(
        conn,
        "UPDATE card SET pin_tries = pin_tries + 1 WHERE id = :id AND status = 'active'"
        " AND pin_tries < :most RETURNING pin_salt, pin_hash, pin_tries",
        id=card_id,
        most=PIN_TRIES_MAX,
    )


async def forgive_tries(conn: AsyncConnection, card_id: UUID, pin_hash: bytes) -> None:
    """Begin to count anew after the right PIN, unless the desk has set another one meanwhile."""
    await run(
        conn,
        "UPDATE card SET pin_tries = 0 WHERE id = :id AND pin_hash = :hash",
        id=card_id,
        hash=pin_hash,
    )


async def record_card_change(
    conn: AsyncConnection,
    card_id: UUID,
    what: str,
    *,
    by: str,
    now: datetime,
    note: str | None = None,
) -> None:
    """Add to the history of a card."""
    await run(
        conn,
        "INSERT INTO card_change (id, card_id, what, note, changed_by, changed_at)"
        " VALUES (:id, :card, :what, :note, :by, :now)",
        id=uuid7(),
        card=card_id,
        what=what,
        note=note,
        by=by,
        now=now,
    )


_SHOWN = (
    "SELECT id, number, status, pin_tries >= 5 AS is_locked, printed_at, bound_at, replaced_by"
    " FROM card"
)


async def shown_card(conn: AsyncConnection, card_id: UUID) -> Row[Any] | None:
    """One card as the desk sees it."""
    return await fetch_one(conn, f"{_SHOWN} WHERE id = :id", id=card_id)


async def shown_cards(
    conn: AsyncConnection, *, number: str | None, before_id: UUID | None, limit: int
) -> Sequence[Row[Any]]:
    """Cards as the desk sees them, newest first; of one number, if it is given."""
    return await fetch(
        conn,
        f"{_SHOWN} WHERE id < :before AND number = coalesce(CAST(:number AS text), number)"
        " ORDER BY id DESC LIMIT :limit",
        before=before_id or LAST_ID,
        number=number,
        limit=limit,
    )


async def card_changes(
    conn: AsyncConnection, card_id: UUID, *, before_id: UUID | None, limit: int
) -> Sequence[Row[Any]]:
    """The history of a card, newest first."""
    return await fetch(
        conn,
        "SELECT id, what, note, changed_by, changed_at FROM card_change"
        " WHERE card_id = :card AND id < :before ORDER BY id DESC LIMIT :limit",
        card=card_id,
        before=before_id or LAST_ID,
        limit=limit,
    )


def token_digest(token: str) -> bytes:
    """What is stored of a token: 128 random bits cannot be searched, so a plain hash is enough."""
    return sha256(token.encode()).digest()
