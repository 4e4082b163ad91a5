"""Keys of partners that sign: HMAC with a sealed secret, Ed25519 with a public key."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

CHECKS = {
    "algorithm": "algorithm IN ('bearer', 'v1', 'v1a')",
    "bearer_hash": "(algorithm = 'bearer') = (secret_sha256 IS NOT NULL)",
    "hmac_secret": "(algorithm = 'v1') = (sealed_secret IS NOT NULL)",
    "ed25519_key": "(algorithm = 'v1a') = (public_key IS NOT NULL)",
    "public_key_length": "octet_length(public_key) = 32",
}


def upgrade() -> None:
    """Apply."""
    op.add_column(
        "partner_key", sa.Column("algorithm", sa.Text(), server_default="bearer", nullable=False)
    )
    op.add_column("partner_key", sa.Column("sealed_secret", sa.LargeBinary()))
    op.add_column("partner_key", sa.Column("public_key", sa.LargeBinary()))
    op.alter_column("partner_key", "secret_sha256", nullable=True)
    for name, condition in CHECKS.items():
        op.create_check_constraint(op.f(f"ck_partner_key_{name}"), "partner_key", condition)
