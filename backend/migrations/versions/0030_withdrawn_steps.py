"""Steps of marine plastic that were recorded wrongly are withdrawn and stay on record."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0030"
down_revision: str | None = "0029"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "marine_withdrawal",
        sa.Column("step_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("withdrawn_by", sa.Text(), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "char_length(reason) BETWEEN 1 AND 500", name=op.f("ck_marine_withdrawal_reason_length")
        ),
        sa.ForeignKeyConstraint(
            ["step_id"], ["marine_step.id"], name=op.f("fk_marine_withdrawal_step_id_marine_step")
        ),
        sa.PrimaryKeyConstraint("step_id", name=op.f("pk_marine_withdrawal")),
    )
    op.execute("GRANT SELECT, INSERT ON marine_withdrawal TO tanhui_app")
    _name_the_heir()
    _gather_again()


def _name_the_heir() -> None:
    op.add_column("marine_step", sa.Column("replaces", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_marine_step_replaces_marine_step"),
        "marine_step",
        "marine_step",
        ["replaces"],
        ["id"],
    )
    op.create_unique_constraint(op.f("uq_marine_step_replaces"), "marine_step", ["replaces"])


def _gather_again() -> None:
    op.add_column(
        "marine_gathered",
        sa.Column("is_withdrawn", sa.Boolean(), server_default="false", nullable=False),
    )
    op.drop_constraint(op.f("pk_marine_gathered"), "marine_gathered")
    op.create_primary_key(op.f("pk_marine_gathered"), "marine_gathered", ["hand_in_id", "step_id"])
    op.create_index(
        "uq_marine_gathered_hand_in_id",
        "marine_gathered",
        ["hand_in_id"],
        unique=True,
        postgresql_where="NOT is_withdrawn",
    )
    op.execute("GRANT UPDATE (is_withdrawn) ON marine_gathered TO tanhui_app")
