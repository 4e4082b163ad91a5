"""Claims (each real thing counts once) and credits (what was booked for an activity, and why)."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Index,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from backend.db import metadata

claim = Table(
    "claim",
    metadata,
    # HMAC-SHA256 under the programme's key: the table tells nobody which bag or photo it was.
    Column("key", LargeBinary, primary_key=True),
    Column("check_in_id", Uuid, nullable=False),
    Column("claimed_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("octet_length(key) = 32", name="key_length"),
)

credit = Table(
    "credit",
    metadata,
    # The cause of its transfers; a re-booking of the same check-in is a new row with a new id.
    Column("id", Uuid, primary_key=True),
    Column("check_in_id", Uuid, nullable=False),
    Column("booking", SmallInteger, nullable=False),
    Column("account_id", Uuid, nullable=False),
    # "2026-11-21", or "2026" for yearly methodologies: the set within which the day rule decides.
    Column("period", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("methodology_id", Text, nullable=False),
    Column("natural_key", Text, nullable=False),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
    # Shanghai day of occurred_at: reports, lots and transfers go by it.
    Column("occurred_on", Date, nullable=False),
    Column("quantities", JSONB, nullable=False),
    Column("tier", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("engine", SmallInteger, nullable=False),
    Column("allowed", JSONB, nullable=False),
    # Exact decimal before the one rounding, kept so that a verifier need not trust our arithmetic.
    Column("unrounded", Text, nullable=False),
    Column("grams", BigInteger, nullable=False),
    Column("reason", Text),
    Column("points", BigInteger, nullable=False),
    Column("points_reason", Text),
    Column("points_rule", Text, nullable=False),
    Column("lot_id", BigInteger, nullable=False),
    Column("booked_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("grams BETWEEN 0 AND 1000000000", name="grams"),
    CheckConstraint("points BETWEEN 0 AND 1000000", name="points"),
    # The second guard against crediting twice: a repeated step would write the same booking again.
    UniqueConstraint("check_in_id", "booking"),
    # The day rule reads the period's activities of the account under the account lock.
    Index("ix_credit_account_id_period", "account_id", "period"),
)

reversal = Table(
    "reversal",
    metadata,
    # Keyed by what it reverses: a credit can be reversed once.
    Column("credit_id", Uuid, primary_key=True),
    Column("id", Uuid, nullable=False, unique=True),
    Column("reason", Text, nullable=False),
    Column("reversed_at", DateTime(timezone=True), nullable=False),
)
