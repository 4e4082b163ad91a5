"""Corrections of settlements become proposals that a second person decides."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0026"
down_revision: str | None = "0025"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

# `is_by_one` is missing: the application cannot write a correction that one person decided.
RIGHTS = (
    "SELECT, INSERT (id, settlement_id, merchant_id, points, reason, proposed_by, proposed_at,"
    " outcome), UPDATE (outcome, decided_by, decided_at)"
)


def upgrade() -> None:
    """Apply."""
    op.add_column("settlement_undo", sa.Column("approved_by", sa.Text(), nullable=True))
    op.create_check_constraint(
        op.f("ck_settlement_undo_two_persons"), "settlement_undo", "approved_by <> undone_by"
    )
    _create_settlement_correction()
    _take_over_earlier_ones()
    op.execute(f"GRANT {RIGHTS} ON settlement_correction TO tanhui_app")


def _create_settlement_correction() -> None:
    op.create_table(
        "settlement_correction",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("settlement_id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("is_by_one", sa.Boolean(), server_default="false", nullable=False),
        *(
            sa.CheckConstraint(text, name=op.f(f"ck_settlement_correction_{name}"))
            for name, text in _CHECKS
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settlement_correction")),
    )
    op.create_index(
        "uq_settlement_correction_settlement_id",
        "settlement_correction",
        ["settlement_id"],
        unique=True,
        postgresql_where="outcome <> 'declined'",
    )
    op.create_index(
        "ix_settlement_correction_outcome_id", "settlement_correction", ["outcome", "id"]
    )


_CHECKS = (
    ("points_positive", "points > 0"),
    ("reason_length", "char_length(reason) BETWEEN 1 AND 200"),
    ("outcome", "outcome IN ('pending', 'done', 'declined')"),
    ("two_persons", "decided_by <> proposed_by"),
    ("decided_has_time", "(outcome = 'pending') = (decided_at IS NULL)"),
    ("decided_by_somebody", "(decided_by IS NULL) = (outcome = 'pending' OR is_by_one)"),
    ("by_one_is_done", "NOT is_by_one OR outcome = 'done'"),
)


def _take_over_earlier_ones() -> None:
    """What was taken back after a till's ten minutes was decided by one operator, and says so."""
    op.execute(
        "INSERT INTO settlement_correction (id, settlement_id, merchant_id, points, reason,"
        " proposed_by, proposed_at, outcome, decided_at, is_by_one)"
        " SELECT undo.id, settlement_id, undo.merchant_id, undo.points, reason, undone_by,"
        " undone_at, 'done', undone_at, true FROM settlement_undo AS undo"
        " JOIN settlement ON settlement.id = settlement_id"
        " WHERE undone_at > settled_at + interval '10 minutes'"
    )
