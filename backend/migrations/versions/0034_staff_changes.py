"""Who changed the people of a merchant."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0034"
down_revision: str | None = "0033"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "staff_change",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "role IN ('merchant_manager', 'cashier')", name=op.f("ck_staff_change_role")
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchant.id"], name=op.f("fk_staff_change_merchant_id_merchant")
        ),
        sa.ForeignKeyConstraint(
            ["subject"],
            ["merchant_staff.subject"],
            name=op.f("fk_staff_change_subject_merchant_staff"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_change")),
    )
    op.create_index("ix_staff_change_merchant_id_id", "staff_change", ["merchant_id", "id"])
    op.execute("GRANT SELECT, INSERT ON staff_change TO tanhui_app")
