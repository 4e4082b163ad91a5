"""The life cycle of methodology versions, and simulations of new ones."""

from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

# The history of statuses can be read and added to; versions and proposals also move on.
RIGHTS: Mapping[str, str] = {
    "methodology_change": "SELECT, INSERT",
    "methodology_proposal": "SELECT, INSERT, UPDATE",
    "methodology_version": "SELECT, INSERT, UPDATE",
    "simulation": "SELECT, INSERT, UPDATE",
}


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "methodology_version",
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("methodology_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("status_since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("previous_hash", sa.Text(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("review_due", sa.Date(), nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("published_by", sa.Text(), nullable=True),
        sa.Column("approved_by", sa.Text(), nullable=True),
        sa.Column("grace_until", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "(status = 'superseded') = (grace_until IS NOT NULL)",
            name=op.f("ck_methodology_version_grace"),
        ),
        sa.CheckConstraint(
            "hash ~ '^[0-9a-f]{64}$'", name=op.f("ck_methodology_version_hash_form")
        ),
        sa.CheckConstraint(
            "status IN ('draft', 'dry_run', 'consultation', 'published', 'superseded', 'withdrawn')",
            name=op.f("ck_methodology_version_status"),
        ),
        sa.CheckConstraint(
            "status NOT IN ('published', 'superseded') OR published_at IS NOT NULL",
            name=op.f("ck_methodology_version_published"),
        ),
        sa.CheckConstraint(
            "num_nulls(published_at, published_by, approved_by) IN (0, 3)",
            name=op.f("ck_methodology_version_publication_whole"),
        ),
        sa.CheckConstraint(
            "published_by <> approved_by", name=op.f("ck_methodology_version_two_persons")
        ),
        sa.CheckConstraint(
            "review_due <= valid_from + 1827",
            name=op.f("ck_methodology_version_review_within_five_years"),
        ),
        sa.ForeignKeyConstraint(
            ["previous_hash"],
            ["methodology_version.hash"],
            name=op.f("fk_methodology_version_previous_hash_methodology_version"),
        ),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_methodology_version")),
    )
    op.create_index(
        "uq_methodology_version_once_published",
        "methodology_version",
        ["methodology_id", "version"],
        unique=True,
        postgresql_where="published_at IS NOT NULL",
    )
    op.create_index(
        "uq_methodology_version_one_published",
        "methodology_version",
        ["methodology_id"],
        unique=True,
        postgresql_where="status = 'published'",
    )
    op.create_table(
        "simulation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("methodology_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("version_hash", sa.Text(), nullable=False),
        sa.Column("toml", sa.Text(), nullable=False),
        sa.Column("factor_files", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("accounts_done", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("accounts_total", sa.BigInteger(), nullable=True),
        sa.Column("result", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(status = 'done') = (result IS NOT NULL)", name=op.f("ck_simulation_result")
        ),
        sa.CheckConstraint(
            "status IN ('waiting', 'running', 'done', 'failed')", name=op.f("ck_simulation_status")
        ),
        sa.CheckConstraint("since <= until", name=op.f("ck_simulation_period")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_simulation")),
    )
    op.create_index("ix_simulation_version_hash", "simulation", ["version_hash"], unique=False)
    op.create_table(
        "methodology_change",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("from_status", sa.Text(), nullable=True),
        sa.Column("to_status", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("approved_by", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "to_status <> 'published' OR approved_by IS NOT NULL",
            name=op.f("ck_methodology_change_approved"),
        ),
        sa.CheckConstraint(
            "to_status IN ('draft', 'dry_run', 'consultation', 'published', 'superseded', 'withdrawn')",
            name=op.f("ck_methodology_change_to_status"),
        ),
        sa.CheckConstraint(
            "approved_by <> proposed_by", name=op.f("ck_methodology_change_two_persons")
        ),
        sa.ForeignKeyConstraint(
            ["hash"],
            ["methodology_version.hash"],
            name=op.f("fk_methodology_change_hash_methodology_version"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_methodology_change")),
    )
    op.create_index(
        "ix_methodology_change_hash", "methodology_change", ["hash", "id"], unique=False
    )
    op.create_table(
        "methodology_proposal",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("from_status", sa.Text(), nullable=False),
        sa.Column("to_status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "outcome <> 'applied' OR (to_status <> 'published' AND from_status NOT IN ('published', 'superseded'))",
            name=op.f("ck_methodology_proposal_what_counts_takes_two"),
        ),
        sa.CheckConstraint(
            "outcome <> 'approved' OR decided_by <> proposed_by",
            name=op.f("ck_methodology_proposal_two_persons"),
        ),
        sa.CheckConstraint(
            "outcome IN ('applied', 'approved', 'declined')",
            name=op.f("ck_methodology_proposal_outcome"),
        ),
        sa.CheckConstraint(
            "num_nulls(outcome, decided_by, decided_at) IN (0, 3)",
            name=op.f("ck_methodology_proposal_decision_whole"),
        ),
        sa.ForeignKeyConstraint(
            ["hash"],
            ["methodology_version.hash"],
            name=op.f("fk_methodology_proposal_hash_methodology_version"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_methodology_proposal")),
    )
    op.create_index(
        "uq_methodology_proposal_one_open",
        "methodology_proposal",
        ["hash"],
        unique=True,
        postgresql_where="outcome IS NULL",
    )
    for table, rights in RIGHTS.items():
        op.execute(f"GRANT {rights} ON {table} TO tanhui_app")
