"""Who suspended a partner, and who put points into a fund alone."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0035"
down_revision: str | None = "0034"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    """Apply."""
    _create_partner_changes()
    _let_the_owner_top_up_on_record()


def _create_partner_changes() -> None:
    op.create_table(
        "partner_change",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("what IN ('suspended', 'resumed')", name=op.f("ck_partner_change_what")),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["partner.id"], name=op.f("fk_partner_change_partner_id_partner")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_partner_change")),
    )
    op.create_index("ix_partner_change_partner_id_id", "partner_change", ["partner_id", "id"])
    op.execute("GRANT SELECT, INSERT ON partner_change TO tanhui_app")


def _let_the_owner_top_up_on_record() -> None:
    for name, holds in (
        ("kind", "kind IN ('top_up', 'top_up_alone', 'release', 'stop')"),
        (
            "two_persons",
            (
                "(approved_by IS NULL) = (approved_at IS NULL) AND approved_by <> proposed_by"
                " AND (kind <> 'top_up_alone' OR approved_by IS NULL)"
            ),
        ),
    ):
        op.drop_constraint(op.f(f"ck_fund_change_{name}"), "fund_change")
        op.create_check_constraint(op.f(f"ck_fund_change_{name}"), "fund_change", holds)
    op.execute("REVOKE UPDATE ON fund_change FROM tanhui_app")
    op.execute("GRANT UPDATE (approved_by, approved_at) ON fund_change TO tanhui_app")
