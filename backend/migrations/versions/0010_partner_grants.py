"""What a key may report, until when it works, and partners that are suspended."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    """Apply."""
    for name in ("event_types", "regions", "sources"):
        op.add_column(
            "partner_key",
            sa.Column(name, postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        )
    op.add_column("partner_key", sa.Column("expires_at", sa.DateTime(timezone=True)))
    op.add_column("partner_key", sa.Column("last_used_on", sa.Date()))
    op.add_column("partner", sa.Column("suspended_at", sa.DateTime(timezone=True)))
    op.execute("GRANT UPDATE ON partner TO tanhui_app")
