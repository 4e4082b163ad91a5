"""The statements of settlement requests that were made with a card."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import fetch_one, run


class CardRequest(NamedTuple):
    """A settlement request with the card that it was made with.

    Attributes:
        requested_by: Principal of the till or cashier who scanned the card.
    """

    card_id: UUID
    account_id: UUID
    merchant_id: UUID
    requested_by: str
    status: str
    expires_at: datetime


async def insert_card_request(conn: AsyncConnection, request_id: UUID, card_id: UUID) -> None:
    """Say that a request was made with a card, so that its PIN confirms it."""
    await run(
        conn,
        "INSERT INTO card_request (request_id, card_id) VALUES (:request, :card)",
        request=request_id,
        card=card_id,
    )


async def find_card_request(conn: AsyncConnection, request_id: UUID) -> CardRequest | None:
    """A request that was made with a card, or None."""
    row = await fetch_one(
        conn,
        "SELECT card_id, account_id, merchant_id, requested_by, status, expires_at"
        " FROM card_request JOIN settlement_request ON settlement_request.id = request_id"
        " WHERE request_id = :id",
        id=request_id,
    )
    return CardRequest._make(row) if row else None
