"""Claims, credits (what was booked, and why), what took them back, and who asked for that."""

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
    # Reports count the members of a period. Rows lie nearly in the order of their days, so a few
    # kilobytes tell where to look; several ranges for each block, because what arrives late would
    # widen a single one to weeks. New blocks are told of as they fill, not when a vacuum comes by.
    Index(
        "ix_credit_occurred_on",
        "occurred_on",
        postgresql_using="brin",
        postgresql_ops={"occurred_on": "date_minmax_multi_ops"},
        postgresql_with={"autosummarize": "true"},
    ),
)

reversal = Table(
    "reversal",
    metadata,
    # Keyed by what it reverses: a credit can be reversed once.
    Column("credit_id", Uuid, primary_key=True),
    Column("id", Uuid, nullable=False, unique=True),
    Column("reason", Text, nullable=False),
    Column("reversed_at", DateTime(timezone=True), nullable=False),
    # What made it necessary; one restatement reverses several credits of a period.
    Column("restatement_id", Uuid, nullable=False, index=True),
)

restatement = Table(
    "restatement",
    metadata,
    Column("id", Uuid, primary_key=True),
    # The activity that arrived late, was corrected, withdrawn or reversed.
    Column("check_in_id", Uuid, nullable=False, index=True),
    Column("account_id", Uuid, nullable=False),
    Column("reason", Text, nullable=False),
    # What the programme tells the member beside the reason's own words.
    Column("note", Text),
    # Principals of a decision by people; empty where the rules decided.
    Column("decided_by", Text),
    Column("approved_by", Text),
    Column("restated_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("approved_by <> decided_by", name="two_persons"),
    CheckConstraint("approved_by IS NULL OR decided_by IS NOT NULL", name="decided_first"),
    CheckConstraint("char_length(note) <= 500", name="note_length"),
)

reversal_request = Table(
    "reversal_request",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("check_in_id", Uuid, nullable=False),
    # Of the booking that counted when it was asked for; decides whether one person is enough.
    Column("grams", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("requested_by", Text, nullable=False),
    Column("requested_at", DateTime(timezone=True), nullable=False),
    Column("outcome", Text, nullable=False),
    Column("decided_by", Text),
    Column("decided_at", DateTime(timezone=True)),
    CheckConstraint("outcome IN ('pending', 'done', 'declined')", name="outcome"),
    CheckConstraint("decided_by <> requested_by", name="two_persons"),
    CheckConstraint("(outcome = 'pending') = (decided_at IS NULL)", name="decided_has_time"),
    CheckConstraint("outcome <> 'declined' OR decided_by IS NOT NULL", name="declined_by_somebody"),
    CheckConstraint("char_length(note) BETWEEN 1 AND 500", name="note_length"),
    # A check-in is reversed once; after a refusal by the second person it can be asked for again.
    Index(
        "uq_reversal_request_check_in_id",
        "check_in_id",
        unique=True,
        postgresql_where="outcome <> 'declined'",
    ),
    Index("ix_reversal_request_outcome_id", "outcome", "id"),
)
