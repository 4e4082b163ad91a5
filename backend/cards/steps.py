"""What a desk does with cards; each takes part in one transaction, with the card locked.

A card that begins to name somebody wakes the events that wait for its token, as a link does: the
card, then the gate of events, then accounts.
"""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.cards.refusals import CardHeld, CardNotBlank, CardNotHeld, CardNotValid
from backend.errors import NotFound
from backend.ledger.queries import lock_accounts
from backend.members.steps import join
from backend.partners.cards import (
    Card,
    Pin,
    bind_card,
    has_card,
    lock_card,
    lock_card_of_token,
    record_card_change,
    replace_card,
    set_card_status,
    set_pin,
)
from backend.partners.queries import close_gate, wake_parked
from backend.rewards.requests import account_of_code

CARD_SUBJECT = "card|"  # no issuer has this name, so no token can sign in as a card's holder


class Desk(NamedTuple):
    """Who stands at the desk, and when."""

    by: str
    now: datetime


async def bind(
    conn: AsyncConnection, desk: Desk, *, token: str, pin: Pin, member_code: str | None
) -> UUID:
    """Give a blank card to the member whose code is shown, or to a new member; its id.

    Raises:
        CardNotValid: None of ours.
        CardNotBlank: It has or had a holder.
        CardHeld: The member has another card.
        MemberCodeNotValid: Used, too old, or of nobody.
    """
    card = await _blank(conn, token)
    await close_gate(conn)
    if member_code is None:
        account_id = await join(conn, f"{CARD_SUBJECT}{card.id}")
    else:
        account_id = await account_of_code(conn, member_code, desk.now)
    # The account is the lock over what is the member's: of two desks that bind, one sees the other.
    await lock_accounts(conn, [account_id])
    if await has_card(conn, account_id):
        raise CardHeld
    await _bind(conn, desk, card.id, account_id, pin)
    return card.id


async def replace(
    conn: AsyncConnection, desk: Desk, card_id: UUID, *, token: str, pin: Pin
) -> UUID:
    """Give the holder of a lost card a blank one; the lost one is dead with the commit.

    Raises:
        NotFound: There is no such card.
        CardNotHeld: It has no holder, or was replaced before.
        CardNotValid, CardNotBlank: Of the new one.
    """
    # In one order by everybody: the card in use before the blank one.
    lost = await held(conn, card_id)
    fresh = await _blank(conn, token)
    assert lost.account_id is not None, "a held card has an account"
    await replace_card(conn, lost.id, fresh.id)
    await record_card_change(conn, lost.id, "replaced", by=desk.by, now=desk.now)
    await _bind(conn, desk, fresh.id, lost.account_id, pin)
    return fresh.id


async def change_status(
    conn: AsyncConnection, desk: Desk, card_id: UUID, *, status: str, note: str
) -> UUID:
    """Block a card or let it work again; what is so already stays without a line of history."""
    card = await held(conn, card_id)
    if card.status != status:
        if status == "active" and card.account_id is not None:
            await wake_parked(conn, [card.account_id])
        await set_card_status(conn, card.id, status)
        what = "blocked" if status == "blocked" else "unblocked"
        await record_card_change(conn, card.id, what, by=desk.by, now=desk.now, note=note)
    return card.id


async def change_pin(conn: AsyncConnection, desk: Desk, card_id: UUID, pin: Pin) -> UUID:
    """Set another PIN, which unlocks the card."""
    card = await held(conn, card_id)
    await set_pin(conn, card.id, pin)
    await record_card_change(conn, card.id, "pin_set", by=desk.by, now=desk.now)
    return card.id


async def held(conn: AsyncConnection, card_id: UUID) -> Card:
    """A card with a holder, locked.

    Raises:
        NotFound: There is no such card.
        CardNotHeld: It is blank, or another one took its place.
    """
    card = await lock_card(conn, card_id)
    if card is None:
        raise NotFound
    if card.status not in {"active", "blocked"}:
        raise CardNotHeld
    return card


async def _bind(
    conn: AsyncConnection, desk: Desk, card_id: UUID, account_id: UUID, pin: Pin
) -> None:
    """Give a locked blank card to an account. Appends `CustomerLinked`."""
    await wake_parked(conn, [account_id])
    await bind_card(conn, card_id, account_id, pin, desk.now)
    await record_card_change(conn, card_id, "bound", by=desk.by, now=desk.now)


async def _blank(conn: AsyncConnection, token: str) -> Card:
    card = await lock_card_of_token(conn, token)
    if card is None:
        raise CardNotValid
    if card.status != "blank":
        raise CardNotBlank
    return card
