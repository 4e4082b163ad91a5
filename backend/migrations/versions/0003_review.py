"""Reviews, appeals and the deletion of photos of no plate."""

from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

RIGHTS: Mapping[str, str] = {
    "appeal": "SELECT, INSERT",
    "evidence_deletion": "SELECT, INSERT, UPDATE",
    "review_decision": "SELECT, INSERT",
    "review_lease": "SELECT, INSERT, UPDATE, DELETE",
}


def upgrade() -> None:
    """Apply."""
    _extend_check_in()
    _create_review_decision()
    _create_appeal()
    _create_review_lease()
    _create_evidence_deletion()
    for table, rights in RIGHTS.items():
        op.execute(f"GRANT {rights} ON {table} TO tanhui_app")


def _extend_check_in() -> None:
    for name in ("in_review_since", "appeal_until", "evidence_until"):
        op.add_column("check_in", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    # What was stopped before this revision gets the same rights, counted from when it stopped.
    op.execute("UPDATE check_in SET in_review_since = stopped_at WHERE status = 'in_review'")
    op.execute(
        "UPDATE check_in SET appeal_until = stopped_at + CASE WHEN reason = 'no_plate'"
        " THEN interval '22 hours' ELSE interval '7 days' END,"
        " evidence_until = CASE WHEN reason = 'no_plate'"
        " THEN stopped_at + interval '22 hours' END"
        " WHERE status = 'rejected' AND evidence_sha256 IS NOT NULL"
        " AND reason NOT IN ('meal_already_counted', 'not_covered', 'photo_unreadable')"
    )
    op.create_index(
        "ix_check_in_in_review_since",
        "check_in",
        ["in_review_since", "id"],
        postgresql_where=sa.text("in_review_since IS NOT NULL"),
    )
    op.create_index(
        "ix_check_in_evidence_until",
        "check_in",
        ["evidence_until"],
        postgresql_where=sa.text("evidence_until IS NOT NULL"),
    )


def _create_review_decision() -> None:
    op.create_table(
        "review_decision",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("check_in_id", sa.Uuid(), nullable=False),
        sa.Column("is_on_appeal", sa.Boolean(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("reviewer", sa.Text(), nullable=False),
        sa.Column("model_sha256", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("outcome IN ('accepted', 'rejected')", name="outcome"),
        sa.CheckConstraint(
            "label IN ('clean', 'residue', 'leftover', 'full', 'not_a_plate', 'recaptured',"
            " 'edited', 'shown', 'not_shown')",
            name="label",
        ),
        sa.CheckConstraint(
            "outcome = 'rejected' OR label IN ('clean', 'shown')", name="accepted_is_shown"
        ),
        sa.CheckConstraint("char_length(note) <= 500", name="note_length"),
        sa.ForeignKeyConstraint(["check_in_id"], ["check_in.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("check_in_id", "is_on_appeal"),
    )
    op.create_index("ix_review_decision_decided_at", "review_decision", ["decided_at", "id"])


def _create_appeal() -> None:
    op.create_table(
        "appeal",
        sa.Column("check_in_id", sa.Uuid(), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("appealed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("char_length(text) <= 500", name="text_length"),
        sa.ForeignKeyConstraint(["check_in_id"], ["check_in.id"]),
        sa.PrimaryKeyConstraint("check_in_id"),
    )


def _create_review_lease() -> None:
    op.create_table(
        "review_lease",
        sa.Column("check_in_id", sa.Uuid(), nullable=False),
        sa.Column("reviewer", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["check_in_id"], ["check_in.id"]),
        sa.PrimaryKeyConstraint("check_in_id"),
    )


def _create_evidence_deletion() -> None:
    op.create_table(
        "evidence_deletion",
        sa.Column("check_in_id", sa.Uuid(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["check_in_id"], ["check_in.id"]),
        sa.PrimaryKeyConstraint("check_in_id"),
    )
    op.create_index(
        "ix_evidence_deletion_due_at",
        "evidence_deletion",
        ["due_at"],
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
