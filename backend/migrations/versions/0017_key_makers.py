"""Who made and who revoked a partner's key, and whose place it took."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0017"
down_revision: str | None = "0016"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    """Apply."""
    for name in ("created_by", "replaces", "revoked_by"):
        op.add_column("partner_key", sa.Column(name, sa.Text()))
    op.create_foreign_key(
        op.f("fk_partner_key_replaces_partner_key"),
        "partner_key",
        "partner_key",
        ["replaces"],
        ["id"],
    )
    op.create_index(
        op.f("ix_partner_key_partner_id_created_at"), "partner_key", ["partner_id", "created_at"]
    )
