"""Readings of meters, and averages that they are compared with."""

from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0025"
down_revision: str | None = "0024"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

RIGHTS: Mapping[str, str] = {
    "meter_average": "SELECT, INSERT, UPDATE (approved_by)",
    "meter_reading": "SELECT, INSERT, UPDATE",
}


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "meter_average",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("medium", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("average_wh_or_l", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("approved_by", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "medium IN ('electricity', 'gas', 'water')", name=op.f("ck_meter_average_medium")
        ),
        sa.CheckConstraint("region ~ '^[0-9]{6}$'", name=op.f("ck_meter_average_region")),
        sa.CheckConstraint("approved_by <> proposed_by", name=op.f("ck_meter_average_two_persons")),
        sa.CheckConstraint("average_wh_or_l > 0", name=op.f("ck_meter_average_average_positive")),
        sa.CheckConstraint(
            "char_length(source) BETWEEN 1 AND 300", name=op.f("ck_meter_average_source_length")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_meter_average")),
    )
    op.create_index(
        "uq_meter_average_region_medium_valid_from",
        "meter_average",
        ["region", "medium", "valid_from"],
        unique=True,
        postgresql_where="approved_by IS NOT NULL",
    )
    op.create_table(
        "meter_reading",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("medium", sa.Text(), nullable=False),
        sa.Column("meter", sa.Text(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("days", sa.SmallInteger(), nullable=False),
        sa.Column("used_wh_or_l", sa.BigInteger(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "medium IN ('electricity', 'gas', 'water')", name=op.f("ck_meter_reading_medium")
        ),
        sa.CheckConstraint("days BETWEEN 1 AND 62", name=op.f("ck_meter_reading_days")),
        sa.CheckConstraint("used_wh_or_l >= 0", name=op.f("ck_meter_reading_used_not_negative")),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["partner.id"], name=op.f("fk_meter_reading_partner_id_partner")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_meter_reading")),
        sa.UniqueConstraint(
            "partner_id",
            "medium",
            "meter",
            "first_day",
            name=op.f("uq_meter_reading_partner_id_medium_meter_first_day"),
        ),
    )
    op.create_index(
        "ix_meter_reading_partner_id_id", "meter_reading", ["partner_id", "id"], unique=False
    )
    for table, rights in RIGHTS.items():
        op.execute(f"GRANT {rights} ON {table} TO tanhui_app")
