"""Cards of people without a phone, and who did what with them.

A card is a link that every device may read: its token names an account, as a partner's own token
does through `partner_link`.
"""

from sqlalchemy import (
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    Uuid,
)

from backend.db import metadata

card = Table(
    "card",
    metadata,
    Column("id", Uuid, primary_key=True),
    # Of 128 random bits that stand in the card's QR code and nowhere else.
    Column("token_sha256", LargeBinary, nullable=False, unique=True),
    # Printed on the card and on the slip that stays at home: it finds a card, and opens nothing.
    Column("number", Text, nullable=False, unique=True),
    Column("status", Text, nullable=False),
    Column("account_id", Uuid, ForeignKey("account.id")),
    # scrypt over the PIN under the programme's key: a leak of this table alone tells no PIN.
    Column("pin_salt", LargeBinary),
    Column("pin_hash", LargeBinary),
    # Tries since the last right one, counted before each is compared; at five the card is locked.
    Column("pin_tries", SmallInteger, nullable=False, server_default="0"),
    Column("printed_at", DateTime(timezone=True), nullable=False),
    Column("bound_at", DateTime(timezone=True)),
    # The card that took its place; this one is dead.
    Column("replaced_by", Uuid, ForeignKey("card.id"), unique=True),
    CheckConstraint("status IN ('blank', 'active', 'blocked', 'replaced')", name="status"),
    CheckConstraint("(status = 'blank') = (account_id IS NULL)", name="bound_unless_blank"),
    CheckConstraint("(status = 'replaced') = (replaced_by IS NOT NULL)", name="replaced_by_one"),
    CheckConstraint("(account_id IS NULL) = (bound_at IS NULL)", name="bound_has_day"),
    CheckConstraint("(account_id IS NULL) = (pin_hash IS NULL)", name="bound_has_pin"),
    CheckConstraint("(pin_salt IS NULL) = (pin_hash IS NULL)", name="pin_is_salted"),
    CheckConstraint("pin_tries BETWEEN 0 AND 5", name="pin_tries"),
    CheckConstraint("octet_length(token_sha256) = 32", name="token_length"),
    CheckConstraint("number ~ '^[0-9]{12}$'", name="number"),
    # A member has one card that works or could work again.
    Index(
        "uq_card_account_id",
        "account_id",
        unique=True,
        postgresql_where="status IN ('active', 'blocked')",
    ),
)

card_change = Table(
    "card_change",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("card_id", Uuid, ForeignKey("card.id"), nullable=False),
    Column("what", Text, nullable=False),
    Column("note", Text),
    # Principal at the desk, or of the till at which the fifth wrong PIN was typed.
    Column("changed_by", Text, nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False),
    CheckConstraint(
        "what IN ('bound', 'blocked', 'unblocked', 'pin_set', 'locked', 'replaced')", name="what"
    ),
    CheckConstraint("char_length(note) <= 500", name="note_length"),
    Index("ix_card_change_card_id_id", "card_id", "id"),
)
