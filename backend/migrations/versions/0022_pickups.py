"""Pickups at the door, and what collectors report of them."""

from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0022"
down_revision: str | None = "0021"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

RIGHTS: Mapping[str, str] = {
    "pickup": "SELECT, INSERT, UPDATE",
    "pickup_report": "SELECT, INSERT",
}


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "pickup",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("slot_on", sa.Date(), nullable=False),
        sa.Column("slot_hour", sa.SmallInteger(), nullable=False),
        sa.Column("sealed_address", sa.LargeBinary(), nullable=True),
        sa.Column("bags", sa.SmallInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("status_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("collector", sa.Text(), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("slot_hour IN (9, 14, 18)", name=op.f("ck_pickup_slot_hour")),
        sa.CheckConstraint("bags BETWEEN 1 AND 20", name=op.f("ck_pickup_bags")),
        sa.CheckConstraint("region ~ '^[0-9]{6}$'", name=op.f("ck_pickup_region")),
        sa.CheckConstraint(
            "status IN ('open', 'not_home', 'done', 'cancelled', 'expired')",
            name=op.f("ck_pickup_status"),
        ),
        sa.CheckConstraint(
            "(closed_at IS NULL) = (status IN ('open', 'not_home'))", name=op.f("ck_pickup_closed")
        ),
        sa.CheckConstraint(
            "(closed_at IS NULL) = (sealed_address IS NOT NULL)",
            name=op.f("ck_pickup_address_while_open"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pickup")),
    )
    op.create_index(
        "uq_pickup_account_id",
        "pickup",
        ["account_id"],
        unique=True,
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_index("ix_pickup_account_id_id", "pickup", ["account_id", "id"], unique=False)
    op.create_index(
        "ix_pickup_collector_slot",
        "pickup",
        ["collector", "slot_on", "slot_hour"],
        unique=False,
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_index(
        "ix_pickup_slot_on", "pickup", ["slot_on", "slot_hour", "region", "id"], unique=False
    )
    op.create_table(
        "pickup_report",
        sa.Column("collector", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("pickup_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("mass_g", sa.BigInteger(), nullable=True),
        sa.Column("slot_on", sa.Date(), nullable=True),
        sa.Column("slot_hour", sa.SmallInteger(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('arrived', 'not_home', 'rescheduled', 'picked_up', 'done')",
            name=op.f("ck_pickup_report_kind"),
        ),
        sa.CheckConstraint(
            "(kind = 'picked_up') = (code IS NOT NULL)",
            name=op.f("ck_pickup_report_picked_up_a_bag"),
        ),
        sa.CheckConstraint(
            "mass_g IS NULL OR (mass_g > 0 AND kind = 'picked_up')",
            name=op.f("ck_pickup_report_weighed_at_the_door"),
        ),
        sa.CheckConstraint(
            "(kind = 'rescheduled') = (slot_on IS NOT NULL)",
            name=op.f("ck_pickup_report_rescheduled_to"),
        ),
        sa.CheckConstraint(
            "(slot_on IS NULL) = (slot_hour IS NULL)", name=op.f("ck_pickup_report_slot_is_whole")
        ),
        sa.ForeignKeyConstraint(
            ["pickup_id"], ["pickup.id"], name=op.f("fk_pickup_report_pickup_id_pickup")
        ),
        sa.PrimaryKeyConstraint("collector", "id", name=op.f("pk_pickup_report")),
    )
    op.create_index(
        op.f("ix_pickup_report_pickup_id"), "pickup_report", ["pickup_id"], unique=False
    )
    for table, rights in RIGHTS.items():
        op.execute(f"GRANT {rights} ON {table} TO tanhui_app")
