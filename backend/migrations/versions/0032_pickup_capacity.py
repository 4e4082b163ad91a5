"""How many pickups an area takes in a slot."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0032"
down_revision: str | None = "0031"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "pickup_capacity",
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("slot_hour", sa.SmallInteger(), nullable=False),
        sa.Column("places", sa.SmallInteger(), nullable=True),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("region ~ '^[0-9]{6}$'", name=op.f("ck_pickup_capacity_region")),
        sa.CheckConstraint("slot_hour IN (9, 14, 18)", name=op.f("ck_pickup_capacity_slot_hour")),
        sa.CheckConstraint("places BETWEEN 0 AND 1000", name=op.f("ck_pickup_capacity_places")),
        sa.PrimaryKeyConstraint("region", "slot_hour", name=op.f("pk_pickup_capacity")),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE ON pickup_capacity TO tanhui_app")
