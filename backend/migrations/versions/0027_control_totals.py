"""Control totals of partners, and what their events told, to compare them with."""

from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0027"
down_revision: str | None = "0026"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

RIGHTS: Mapping[str, str] = {
    "control_total": "SELECT, INSERT, UPDATE (replaced_at)",
    "control_event": "SELECT, INSERT, UPDATE, DELETE",
}


def upgrade() -> None:
    """Apply."""
    _remember_what_events_told()
    op.create_table(
        "control_total",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("sums", postgresql.JSONB(), nullable=False),
        sa.Column("stated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("replaced_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("count >= 0", name=op.f("ck_control_total_count_not_negative")),
        sa.CheckConstraint(
            "jsonb_typeof(sums) = 'object'", name=op.f("ck_control_total_sums_by_name")
        ),
        sa.CheckConstraint(
            "replaced_at >= stated_at", name=op.f("ck_control_total_replaced_afterwards")
        ),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["partner.id"], name=op.f("fk_control_total_partner_id_partner")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_control_total")),
    )
    op.create_index(
        "uq_control_total_partner_id_day_type_source",
        "control_total",
        ["partner_id", "day", "type", "source"],
        unique=True,
        postgresql_where="replaced_at IS NULL",
    )
    op.create_table(
        "control_event",
        sa.Column("total_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("part", sa.SmallInteger(), nullable=False),
        sa.Column("amounts", postgresql.JSONB(), nullable=False),
        sa.CheckConstraint("part BETWEEN 1 AND 1000", name=op.f("ck_control_event_part")),
        sa.CheckConstraint(
            "jsonb_typeof(amounts) = 'object'", name=op.f("ck_control_event_amounts_by_name")
        ),
        sa.ForeignKeyConstraint(
            ["total_id"], ["control_total.id"], name=op.f("fk_control_event_total_id_control_total")
        ),
        sa.PrimaryKeyConstraint("total_id", "event_id", name=op.f("pk_control_event")),
    )
    for table, rights in RIGHTS.items():
        op.execute(f"GRANT {rights} ON {table} TO tanhui_app")


def _remember_what_events_told() -> None:
    op.add_column("partner_event", sa.Column("day", sa.Date(), nullable=True))
    op.add_column("partner_event", sa.Column("amounts", postgresql.JSONB(), nullable=True))
    op.create_check_constraint(
        op.f("ck_partner_event_reports_have_a_day"),
        "partner_event",
        "day IS NULL OR role = 'reported'",
    )
    op.create_index(
        "ix_partner_event_day",
        "partner_event",
        ["partner_id", "day", "type"],
        postgresql_where="day IS NOT NULL",
    )
