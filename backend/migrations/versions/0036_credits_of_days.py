"""The credits of a period are found without reading all there ever were."""

from collections.abc import Sequence

from alembic import op

revision: str = "0036"
down_revision: str | None = "0035"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    """Apply."""
    op.create_index(
        "ix_credit_occurred_on",
        "credit",
        ["occurred_on"],
        postgresql_using="brin",
        postgresql_ops={"occurred_on": "date_minmax_multi_ops"},
        postgresql_with={"autosummarize": "true"},
    )
