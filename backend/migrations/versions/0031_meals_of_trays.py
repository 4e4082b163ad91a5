"""Events about meals wait for the tray that a camera has photographed, and for its score."""

from collections.abc import Sequence

from alembic import op

revision: str = "0031"
down_revision: str | None = "0030"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

WAITS = "ck_parked_event_waits_for"


def upgrade() -> None:
    """Apply."""
    op.drop_constraint(op.f(WAITS), "parked_event")
    op.create_check_constraint(
        op.f(WAITS),
        "parked_event",
        "waits_for IN ('link', 'event', 'bag', 'tap_out', 'tray', 'score')",
    )
    op.create_index(
        "ix_parked_event_trays",
        "parked_event",
        ["awaited"],
        postgresql_where="waits_for IN ('tray', 'score')",
    )
    op.create_index(
        "uq_partner_event_meal",
        "partner_event",
        ["check_in_id"],
        unique=True,
        postgresql_where="type = 'tanhui.meal.returned.v1'",
    )
