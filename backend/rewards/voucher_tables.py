"""Vouchers, and what became of them.

The growing tables carry no foreign keys, as in the ledger; `tanhui verify` proves what they would.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    Table,
    Text,
    Uuid,
)

from backend.db import metadata

voucher = Table(
    "voucher",
    metadata,
    # The id of its hold too: the points that are set aside for it.
    Column("id", Uuid, primary_key=True),
    Column("account_id", Uuid, nullable=False),
    Column("reward_id", Uuid, nullable=False),
    Column("merchant_id", Uuid, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    # 128 random bits; in the QR code.
    Column("code", Text, nullable=False, unique=True),
    # Eleven random digits and a check digit, to be read aloud.
    Column("digits", Text, nullable=False),
    Column("issued_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
    CheckConstraint(
        "status IN ('issued', 'fulfilling', 'settled', 'voided', 'expired', 'undone', 'returned')",
        name="status",
    ),
    CheckConstraint(
        "(status IN ('issued', 'fulfilling')) = (ended_at IS NULL)", name="ended_unless_open"
    ),
    CheckConstraint("points > 0", name="points_positive"),
    CheckConstraint("digits ~ '^[0-9]{12}$'", name="digits"),
    # Twelve digits are few: they are unique among those that a cashier can still take.
    Index("uq_voucher_live_digits", "digits", unique=True, postgresql_where="status = 'issued'"),
    # Digits that are typed again later find what became of their voucher.
    Index("ix_voucher_digits", "digits"),
    Index("ix_voucher_live_expires_at", "expires_at", postgresql_where="status = 'issued'"),
    Index("ix_voucher_account_id_id", "account_id", "id"),
    Index("ix_voucher_reward_id", "reward_id"),
    postgresql_with={"fillfactor": "70"},
)

settlement = Table(
    "settlement",
    metadata,
    # The cause of its transfers.
    Column("id", Uuid, primary_key=True),
    # The second guard behind the account lock: a voucher settles once.
    Column("voucher_id", Uuid, nullable=False, unique=True),
    Column("merchant_id", Uuid, nullable=False),
    Column("reward_id", Uuid, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("store_id", Uuid),
    Column("till_id", Uuid),
    # Principal who took it: a signed-in person, or the key of a till.
    Column("settled_by", Text, nullable=False),
    # The store's own number of the sale, by which a point of sale asks again.
    Column("ticket", Text),
    Column("settled_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("points > 0", name="points_positive"),
    CheckConstraint("ticket IS NULL OR store_id IS NOT NULL", name="ticket_of_a_store"),
    Index(
        "uq_settlement_store_id_ticket",
        "store_id",
        "ticket",
        unique=True,
        postgresql_where="ticket IS NOT NULL",
    ),
    Index("ix_settlement_merchant_id_id", "merchant_id", "id"),
    Index("ix_settlement_merchant_id_settled_at", "merchant_id", "settled_at"),
    Index("ix_settlement_settled_by_id", "settled_by", "id"),
)

settlement_undo = Table(
    "settlement_undo",
    metadata,
    # What it takes back is the key: a settlement is undone once.
    Column("settlement_id", Uuid, primary_key=True),
    # The cause of the refunding transfers.
    Column("id", Uuid, nullable=False, unique=True),
    Column("merchant_id", Uuid, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    # Of a correction whoever proposed it; `approved_by` is the second person.
    Column("undone_by", Text, nullable=False),
    Column("undone_at", DateTime(timezone=True), nullable=False),
    Column("approved_by", Text),
    CheckConstraint("points > 0", name="points_positive"),
    CheckConstraint("approved_by <> undone_by", name="two_persons"),
    Index("ix_settlement_undo_merchant_id_id", "merchant_id", "id"),
    Index("ix_settlement_undo_undone_by_id", "undone_by", "id"),
)

settlement_correction = Table(
    "settlement_correction",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("settlement_id", Uuid, nullable=False),
    Column("merchant_id", Uuid, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("proposed_by", Text, nullable=False),
    Column("proposed_at", DateTime(timezone=True), nullable=False),
    Column("outcome", Text, nullable=False),
    Column("decided_by", Text),
    Column("decided_at", DateTime(timezone=True)),
    # Of the time when one operator was enough. The application has no right to write it.
    Column("is_by_one", Boolean, nullable=False, server_default="false"),
    CheckConstraint("points > 0", name="points_positive"),
    CheckConstraint("char_length(reason) BETWEEN 1 AND 200", name="reason_length"),
    CheckConstraint("outcome IN ('pending', 'done', 'declined')", name="outcome"),
    # Money needs two persons, whatever the code above this table believes.
    CheckConstraint("decided_by <> proposed_by", name="two_persons"),
    CheckConstraint("(outcome = 'pending') = (decided_at IS NULL)", name="decided_has_time"),
    CheckConstraint(
        "(decided_by IS NULL) = (outcome = 'pending' OR is_by_one)", name="decided_by_somebody"
    ),
    CheckConstraint("NOT is_by_one OR outcome = 'done'", name="by_one_is_done"),
    # A settlement is taken back once; what was declined can be proposed again.
    Index(
        "uq_settlement_correction_settlement_id",
        "settlement_id",
        unique=True,
        postgresql_where="outcome <> 'declined'",
    ),
    Index("ix_settlement_correction_outcome_id", "outcome", "id"),
)

member_code = Table(
    "member_code",
    metadata,
    Column("account_id", Uuid, ForeignKey("account.id"), primary_key=True),
    # Ten digits that name the account for a day, so that visits cannot be linked for longer.
    Column("handle", Text, nullable=False, unique=True),
    Column("secret", LargeBinary, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    # The last step whose code was taken: each is good for one scan.
    Column("used_step", BigInteger, nullable=False, server_default="0"),
    CheckConstraint("handle ~ '^[0-9]{10}$'", name="handle"),
    CheckConstraint("octet_length(secret) = 32", name="secret_length"),
)

settlement_request = Table(
    "settlement_request",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("account_id", Uuid, nullable=False),
    Column("merchant_id", Uuid, nullable=False),
    Column("reward_id", Uuid, nullable=False),
    Column("store_id", Uuid),
    Column("till_id", Uuid),
    Column("requested_by", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("requested_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("decided_at", DateTime(timezone=True)),
    # The voucher that the confirmation issued and settled at once.
    Column("voucher_id", Uuid, unique=True),
    CheckConstraint("status IN ('pending', 'confirmed', 'declined')", name="status"),
    CheckConstraint("(status = 'confirmed') = (voucher_id IS NOT NULL)", name="confirmed_settles"),
    CheckConstraint("(status = 'pending') = (decided_at IS NULL)", name="decided_unless_pending"),
    Index("ix_settlement_request_account_id_id", "account_id", "id"),
)
