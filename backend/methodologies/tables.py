"""Versions of methodologies on record, every step of their lives, and simulations.

The content of a version is a file in git; here is its status, and who made it what it is.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from backend.db import metadata

_STATUSES = "('draft', 'dry_run', 'consultation', 'published', 'superseded', 'withdrawn')"

methodology_version = Table(
    "methodology_version",
    metadata,
    # SHA-256 of the canonical content: the identity that every credit names.
    Column("hash", Text, primary_key=True),
    Column("methodology_id", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("status_since", DateTime(timezone=True), nullable=False),
    Column("previous_hash", Text, ForeignKey("methodology_version.hash")),
    Column("valid_from", Date, nullable=False),
    Column("review_due", Date, nullable=False),
    Column("registered_at", DateTime(timezone=True), nullable=False),
    Column("published_at", DateTime(timezone=True)),
    Column("published_by", Text),
    Column("approved_by", Text),
    # Last day on which evidence of activities before the successor's first day is credited.
    Column("grace_until", Date),
    CheckConstraint("hash ~ '^[0-9a-f]{64}$'", name="hash_form"),
    CheckConstraint(f"status IN {_STATUSES}", name="status"),
    # Publishing takes two persons, whatever way a row is written.
    CheckConstraint("published_by <> approved_by", name="two_persons"),
    CheckConstraint(
        "num_nulls(published_at, published_by, approved_by) IN (0, 3)", name="publication_whole"
    ),
    CheckConstraint(
        "status NOT IN ('published', 'superseded') OR published_at IS NOT NULL", name="published"
    ),
    CheckConstraint("(status = 'superseded') = (grace_until IS NOT NULL)", name="grace"),
    # Every rule is looked at again within five years, as Verra does.
    CheckConstraint("review_due <= valid_from + 1827", name="review_within_five_years"),
    # A published version is never edited: its number names one content for ever.
    Index(
        "uq_methodology_version_once_published",
        "methodology_id",
        "version",
        unique=True,
        postgresql_where="published_at IS NOT NULL",
    ),
    Index(
        "uq_methodology_version_one_published",
        "methodology_id",
        unique=True,
        postgresql_where="status = 'published'",
    ),
)

methodology_change = Table(
    "methodology_change",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("hash", Text, ForeignKey("methodology_version.hash"), nullable=False),
    # Null when the version was registered.
    Column("from_status", Text),
    Column("to_status", Text, nullable=False),
    Column("proposed_by", Text, nullable=False),
    Column("approved_by", Text),
    Column("reason", Text, nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False),
    CheckConstraint(f"to_status IN {_STATUSES}", name="to_status"),
    CheckConstraint("approved_by <> proposed_by", name="two_persons"),
    CheckConstraint("to_status <> 'published' OR approved_by IS NOT NULL", name="approved"),
    Index("ix_methodology_change_hash", "hash", "id"),
)

methodology_proposal = Table(
    "methodology_proposal",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("hash", Text, ForeignKey("methodology_version.hash"), nullable=False),
    Column("from_status", Text, nullable=False),
    Column("to_status", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("proposed_by", Text, nullable=False),
    Column("proposed_at", DateTime(timezone=True), nullable=False),
    # Null while it waits; `applied` took effect without a second person.
    Column("outcome", Text),
    Column("decided_by", Text),
    Column("decided_at", DateTime(timezone=True)),
    CheckConstraint("outcome IN ('applied', 'approved', 'declined')", name="outcome"),
    CheckConstraint("num_nulls(outcome, decided_by, decided_at) IN (0, 3)", name="decision_whole"),
    CheckConstraint("outcome <> 'approved' OR decided_by <> proposed_by", name="two_persons"),
    CheckConstraint(
        "outcome <> 'applied' OR (to_status <> 'published'"
        " AND from_status NOT IN ('published', 'superseded'))",
        name="what_counts_takes_two",
    ),
    Index(
        "uq_methodology_proposal_one_open",
        "hash",
        unique=True,
        postgresql_where="outcome IS NULL",
    ),
)

simulation = Table(
    "simulation",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("requested_by", Text, nullable=False),
    Column("requested_at", DateTime(timezone=True), nullable=False),
    Column("methodology_id", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("version_hash", Text, nullable=False),
    Column("toml", Text, nullable=False),
    # Text of further factor files by name.
    Column("factor_files", JSONB, nullable=False),
    Column("since", Date, nullable=False),
    Column("until", Date, nullable=False),
    Column("status", Text, nullable=False),
    Column("accounts_done", BigInteger, nullable=False, server_default="0"),
    Column("accounts_total", BigInteger),
    Column("result", JSONB),
    Column("error", Text),
    Column("finished_at", DateTime(timezone=True)),
    CheckConstraint("status IN ('waiting', 'running', 'done', 'failed')", name="status"),
    CheckConstraint("(status = 'done') = (result IS NOT NULL)", name="result"),
    CheckConstraint("since <= until", name="period"),
    # Leaving the dry run asks whether this content was simulated.
    Index("ix_simulation_version_hash", "version_hash"),
)
