"""Events that wait for a customer are found by the hash of a card's token too."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0028"
down_revision: str | None = "0027"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    """Apply."""
    op.add_column("parked_event", sa.Column("awaited_sha256", sa.LargeBinary(), nullable=True))
    op.execute(
        "UPDATE parked_event SET awaited_sha256 = sha256(convert_to(awaited, 'UTF8'))"
        " WHERE waits_for = 'link'"
    )
    op.create_check_constraint(
        op.f("ck_parked_event_link_has_digest"),
        "parked_event",
        "(waits_for = 'link') = (awaited_sha256 IS NOT NULL)",
    )
    op.create_index(
        "ix_parked_event_awaited_sha256",
        "parked_event",
        ["awaited_sha256"],
        postgresql_where="awaited_sha256 IS NOT NULL",
    )
