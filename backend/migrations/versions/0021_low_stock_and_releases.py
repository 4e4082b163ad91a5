"""Alerts of stock that runs low, and budgets that two persons may lower."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0021"
down_revision: str | None = "0020"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    """Apply."""
    for name in ("kind", "says_what"):
        op.drop_constraint(op.f(f"ck_fund_change_{name}"), "fund_change")
    for name, holds in (
        ("kind", "kind IN ('top_up', 'release', 'stop')"),
        (
            "says_what",
            (
                "CASE kind WHEN 'stop' THEN points IS NULL AND stops_on IS NOT NULL"
                " ELSE points > 0 AND stops_on IS NULL END"
            ),
        ),
    ):
        op.create_check_constraint(op.f(f"ck_fund_change_{name}"), "fund_change", holds)
    op.create_table(
        "stock_alert",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reward_id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("pieces_left", sa.BigInteger(), nullable=False),
        sa.Column("low_stock_at", sa.BigInteger(), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recovered_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "pieces_left BETWEEN 0 AND low_stock_at", name=op.f("ck_stock_alert_low_when_raised")
        ),
        sa.ForeignKeyConstraint(
            ["reward_id"], ["reward.id"], name=op.f("fk_stock_alert_reward_id_reward")
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchant.id"], name=op.f("fk_stock_alert_merchant_id_merchant")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_alert")),
    )
    op.create_index(
        "uq_stock_alert_open",
        "stock_alert",
        ["reward_id"],
        unique=True,
        postgresql_where=sa.text("recovered_at IS NULL"),
    )
    op.create_index("ix_stock_alert_merchant_id_id", "stock_alert", ["merchant_id", "id"])
    op.execute("GRANT SELECT, INSERT, UPDATE ON stock_alert TO tanhui_app")
