"""What a sorting states as lost between the scale and its table."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0033"
down_revision: str | None = "0032"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    """Apply."""
    for table in ("bag_custody", "bag_doubt"):
        op.add_column(table, sa.Column("loss_g", sa.BigInteger(), nullable=True))
        op.create_check_constraint(op.f(f"ck_{table}_loss_not_negative"), table, "loss_g >= 0")
    op.create_check_constraint(
        op.f("ck_bag_custody_sorting_states_loss"),
        "bag_custody",
        "loss_g IS NULL OR step = 'sorted'",
    )
