"""Events of partners: what each has become, for ever, and which of them wait."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0013"
down_revision: str | None = "0012"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

KEY = ("partner_id", "source", "event_id")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "partner_event",
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("body_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("about", sa.Text(), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("check_in_id", sa.Uuid(), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "role IN ('reported', 'completed', 'corrected', 'withdrawn')",
            name=op.f("ck_partner_event_role"),
        ),
        sa.CheckConstraint(
            "(role = 'reported') = (about IS NULL)",
            name=op.f("ck_partner_event_changes_are_about_something"),
        ),
        sa.CheckConstraint(
            "outcome IN ('credited', 'corrected', 'withdrawn', 'superseded', 'parked', 'lapsed', 'refused')",
            name=op.f("ck_partner_event_outcome"),
        ),
        sa.CheckConstraint(
            "octet_length(body_sha256) = 32", name=op.f("ck_partner_event_body_sha256_bytes")
        ),
        sa.CheckConstraint(
            "outcome NOT IN ('credited', 'corrected', 'withdrawn') OR check_in_id IS NOT NULL",
            name=op.f("ck_partner_event_counted_has_check_in"),
        ),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["partner.id"], name=op.f("fk_partner_event_partner_id_partner")
        ),
        sa.PrimaryKeyConstraint(*KEY, name=op.f("pk_partner_event")),
    )
    op.create_index(
        "ix_partner_event_about",
        "partner_event",
        ["partner_id", "source", "about"],
        postgresql_where=sa.text("about IS NOT NULL"),
    )
    op.create_table(
        "parked_event",
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("waits_for", sa.Text(), nullable=False),
        sa.Column("awaited", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("reported_by", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("parked_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "waits_for IN ('link', 'event', 'bag', 'tap_out')",
            name=op.f("ck_parked_event_waits_for"),
        ),
        sa.ForeignKeyConstraint(
            KEY,
            [f"partner_event.{column}" for column in KEY],
            name=op.f("fk_parked_event_partner_id_partner_event"),
        ),
        sa.PrimaryKeyConstraint(*KEY, name=op.f("pk_parked_event")),
    )
    op.create_index("ix_parked_event_awaited", "parked_event", ["awaited", "partner_id"])
    op.create_index("ix_parked_event_until", "parked_event", ["until"])
    op.execute("GRANT SELECT, INSERT, UPDATE ON partner_event TO tanhui_app")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON parked_event TO tanhui_app")
