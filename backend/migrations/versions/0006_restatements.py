"""Members' own reports, and days that were restated."""

from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

# What is history can be read and added to; requests and tallies also have a life.
RIGHTS: Mapping[str, str] = {
    "check_in_evidence": "SELECT, INSERT",
    "closed_month": "SELECT, INSERT",
    "odometer_photo": "SELECT, INSERT",
    "restatement": "SELECT, INSERT",
    "reversal_request": "SELECT, INSERT, UPDATE",
    "tally": "SELECT, INSERT, UPDATE",
    "total_correction": "SELECT, INSERT, UPDATE",
}


def upgrade() -> None:
    """Apply."""
    _create_restatement()
    _explain_earlier_reversals()
    _create_reversal_request()
    _create_evidence()
    _create_tally()
    _create_closed_months()
    for table, rights in RIGHTS.items():
        op.execute(f"GRANT {rights} ON {table} TO tanhui_app")


def _create_restatement() -> None:
    op.create_table(
        "restatement",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("check_in_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("approved_by", sa.Text(), nullable=True),
        sa.Column("restated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("approved_by <> decided_by", name="two_persons"),
        sa.CheckConstraint("approved_by IS NULL OR decided_by IS NOT NULL", name="decided_first"),
        sa.CheckConstraint("char_length(note) <= 500", name="note_length"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_restatement_check_in_id", "restatement", ["check_in_id"])
    op.add_column("reversal", sa.Column("restatement_id", sa.Uuid(), nullable=True))


def _explain_earlier_reversals() -> None:
    """Until this revision only a late activity restated a day, and which one was not kept."""
    op.execute(
        "INSERT INTO restatement (id, check_in_id, account_id, reason, restated_at)"
        " SELECT reversal.id, check_in_id, account_id, reversal.reason, reversed_at"
        " FROM reversal JOIN credit ON credit.id = credit_id"
    )
    op.execute("UPDATE reversal SET restatement_id = id")
    op.alter_column("reversal", "restatement_id", nullable=False)
    op.create_index("ix_reversal_restatement_id", "reversal", ["restatement_id"])


def _create_reversal_request() -> None:
    op.create_table(
        "reversal_request",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("check_in_id", sa.Uuid(), nullable=False),
        sa.Column("grams", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("outcome IN ('pending', 'done', 'declined')", name="outcome"),
        sa.CheckConstraint("decided_by <> requested_by", name="two_persons"),
        sa.CheckConstraint("(outcome = 'pending') = (decided_at IS NULL)", name="decided_has_time"),
        sa.CheckConstraint(
            "outcome <> 'declined' OR decided_by IS NOT NULL", name="declined_by_somebody"
        ),
        sa.CheckConstraint("char_length(note) BETWEEN 1 AND 500", name="note_length"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "uq_reversal_request_check_in_id",
        "reversal_request",
        ["check_in_id"],
        unique=True,
        postgresql_where=sa.text("outcome <> 'declined'"),
    )
    op.create_index("ix_reversal_request_outcome_id", "reversal_request", ["outcome", "id"])


def _create_evidence() -> None:
    op.create_table(
        "check_in_evidence",
        sa.Column("check_in_id", sa.Uuid(), nullable=False),
        sa.Column("part", sa.Text(), nullable=False),
        sa.Column("capture_id", sa.Uuid(), nullable=False),
        sa.Column("evidence_sha256", sa.Text(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("part IN ('morning', 'evening')", name="part"),
        sa.ForeignKeyConstraint(["check_in_id"], ["check_in.id"]),
        sa.PrimaryKeyConstraint("check_in_id", "part"),
        sa.UniqueConstraint("capture_id"),
    )
    op.create_table(
        "odometer_photo",
        sa.Column("capture_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("evidence_sha256", sa.Text(), nullable=False),
        sa.Column("pixel_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("octet_length(pixel_sha256) = 32", name="pixel_length"),
        sa.PrimaryKeyConstraint("capture_id"),
    )
    op.create_index(
        "ix_odometer_photo_account_id", "odometer_photo", ["account_id", "evidence_sha256"]
    )


def _create_tally() -> None:
    op.create_table(
        "tally",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("measured_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("check_in_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("amount >= 0", name="amount_not_negative"),
        sa.PrimaryKeyConstraint("account_id", "action", "day", "source"),
    )


def _create_closed_months() -> None:
    op.create_table(
        "closed_month",
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("extract(day FROM month) = 1", name="first_day"),
        sa.PrimaryKeyConstraint("month"),
    )
    op.create_table(
        "total_correction",
        sa.Column("reported_in", sa.Date(), nullable=False),
        sa.Column("occurred_on", sa.Date(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("tier", sa.Text(), nullable=False),
        sa.Column("credits", sa.BigInteger(), nullable=False),
        sa.Column("grams", sa.BigInteger(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("occurred_on < reported_in", name="reported_later"),
        sa.PrimaryKeyConstraint("reported_in", "occurred_on", "region", "action", "tier"),
    )
