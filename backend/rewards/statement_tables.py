"""Shifts and settlement statements: what a cashier hands over, and what a merchant is paid for.

Each settlement and each undo stands in one shift and in one statement: the cause is the key of the
lines. What commits late or is corrected later stands in the next one.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)

from backend.db import metadata

shift = Table(
    "shift",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("merchant_id", Uuid, ForeignKey("merchant.id"), nullable=False),
    # The principal whose settlements it closes: a person, or the key of a till.
    Column("cashier", Text, nullable=False),
    Column("closed_at", DateTime(timezone=True), nullable=False),
    Column("settled_count", Integer, nullable=False),
    Column("settled_points", BigInteger, nullable=False),
    Column("undone_count", Integer, nullable=False),
    Column("undone_points", BigInteger, nullable=False),
    CheckConstraint("settled_count + undone_count > 0", name="not_empty"),
    Index("ix_shift_merchant_id_id", "merchant_id", "id"),
)

shift_line = Table(
    "shift_line",
    metadata,
    # A settlement or an undo; each is handed over once.
    Column("cause_id", Uuid, primary_key=True),
    Column("shift_id", Uuid, nullable=False, index=True),
    # Negative for an undo.
    Column("points", BigInteger, nullable=False),
)

settlement_statement = Table(
    "settlement_statement",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("merchant_id", Uuid, ForeignKey("merchant.id"), nullable=False),
    # Shanghai days, both included; the next statement begins on the day after the last one.
    Column("first_day", Date, nullable=False),
    Column("last_day", Date, nullable=False),
    Column("status", Text, nullable=False),
    Column("settled_count", Integer, nullable=False),
    Column("settled_points", BigInteger, nullable=False),
    Column("undone_count", Integer, nullable=False),
    Column("undone_points", BigInteger, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("confirmed_at", DateTime(timezone=True)),
    Column("confirmed_by", Text),
    Column("disputed_at", DateTime(timezone=True)),
    Column("dispute", Text),
    Column("paid_at", DateTime(timezone=True)),
    Column("paid_by", Text),
    # Of the bank transfer or the invoice.
    Column("payment_reference", Text),
    UniqueConstraint("merchant_id", "first_day"),
    CheckConstraint("last_day >= first_day", name="days"),
    CheckConstraint("status IN ('draft', 'confirmed', 'disputed', 'paid')", name="status"),
    CheckConstraint("(status = 'paid') = (paid_at IS NOT NULL)", name="paid_has_a_time"),
    CheckConstraint("(paid_at IS NULL) = (payment_reference IS NULL)", name="paid_has_a_reference"),
    CheckConstraint("status <> 'confirmed' OR confirmed_at IS NOT NULL", name="confirmed"),
    CheckConstraint("status <> 'disputed' OR dispute IS NOT NULL", name="dispute_has_a_reason"),
)

statement_line = Table(
    "statement_line",
    metadata,
    # A settlement or an undo; each is paid for once.
    Column("cause_id", Uuid, primary_key=True),
    Column("statement_id", Uuid, nullable=False, index=True),
    Column("points", BigInteger, nullable=False),
)

charity_project = Table(
    "charity_project",
    metadata,
    # Its account in the ledger, which donations fill.
    Column("id", Uuid, ForeignKey("account.id"), primary_key=True),
    Column("name_zh", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("detail_zh", Text, nullable=False, server_default=""),
    Column("detail_en", Text, nullable=False, server_default=""),
    Column("goal_points", BigInteger),
    Column("ends_at", DateTime(timezone=True)),
    Column("created_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("goal_points > 0", name="goal_points"),
)

donation = Table(
    "donation",
    metadata,
    # The cause of its transfers.
    Column("id", Uuid, primary_key=True),
    Column("project_id", Uuid, nullable=False, index=True),
    Column("account_id", Uuid, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("donated_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("points > 0", name="points_positive"),
    Index("ix_donation_account_id_id", "account_id", "id"),
)
