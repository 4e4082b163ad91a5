"""What reviewers decided, what members appealed, and which evidence has to go."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)

from backend.db import metadata

review_decision = Table(
    "review_decision",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("check_in_id", Uuid, ForeignKey("check_in.id"), nullable=False),
    # The one before an appeal, or the one on it.
    Column("is_on_appeal", Boolean, nullable=False),
    Column("outcome", Text, nullable=False),
    # What the photo shows, in the words that training uses.
    Column("label", Text, nullable=False),
    # For colleagues; the member reads the reason.
    Column("note", Text),
    # Issuer and subject of the sign-in token: an official answers for a decision by name.
    Column("reviewer", Text, nullable=False),
    # The model whose doubt was decided; empty when no model could open the photo.
    Column("model_sha256", Text),
    Column("decided_at", DateTime(timezone=True), nullable=False),
    # However many reviewers race: one decision, and after an appeal one more, which is the last.
    UniqueConstraint("check_in_id", "is_on_appeal"),
    CheckConstraint("outcome IN ('accepted', 'rejected')", name="outcome"),
    CheckConstraint(
        "label IN ('clean', 'residue', 'leftover', 'full', 'not_a_plate', 'recaptured', 'edited',"
        " 'shown', 'not_shown')",
        name="label",
    ),
    # What is accepted trains the next model to accept: it has to show a clean plate, or what was
    # reported where that is no plate.
    CheckConstraint(
        "outcome = 'rejected' OR label IN ('clean', 'shown')", name="accepted_is_shown"
    ),
    CheckConstraint("char_length(note) <= 500", name="note_length"),
    # The export walks through the decisions of a period.
    Index("ix_review_decision_decided_at", "decided_at", "id"),
)

appeal = Table(
    "appeal",
    metadata,
    # One appeal per check-in, for ever.
    Column("check_in_id", Uuid, ForeignKey("check_in.id"), primary_key=True),
    Column("text", Text),
    # Why it had been rejected; the check-in's own reason is `appealed` meanwhile.
    Column("reason", Text, nullable=False),
    Column("appealed_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("char_length(text) <= 500", name="text_length"),
)

review_lease = Table(
    "review_lease",
    metadata,
    Column("check_in_id", Uuid, ForeignKey("check_in.id"), primary_key=True),
    Column("reviewer", Text, nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
)

evidence_deletion = Table(
    "evidence_deletion",
    metadata,
    # Written before the store is asked, so that a deletion that was cut off is repeated.
    Column("check_in_id", Uuid, ForeignKey("check_in.id"), primary_key=True),
    Column("due_at", DateTime(timezone=True), nullable=False),
    # Once the store has answered.
    Column("deleted_at", DateTime(timezone=True)),
    Index("ix_evidence_deletion_due_at", "due_at", postgresql_where="deleted_at IS NULL"),
)
