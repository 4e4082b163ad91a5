"""Which settlement requests were made with a card; the card itself is one of the links."""

from sqlalchemy import Column, ForeignKey, Index, Table, Uuid

from backend.db import metadata

card_request = Table(
    "card_request",
    metadata,
    # A settlement request that a PIN at the till confirms, instead of the member's phone.
    Column("request_id", Uuid, ForeignKey("settlement_request.id"), primary_key=True),
    Column("card_id", Uuid, ForeignKey("card.id"), nullable=False),
    Index("ix_card_request_card_id", "card_id"),
)
