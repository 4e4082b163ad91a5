"""Thumbnails of 128 px; smaller ones cannot be laid over them and would have gone in 72 hours."""

from collections.abc import Sequence

from alembic import op

revision: str = "0029"
down_revision: str | None = "0028"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

SIZE = "ck_photo_thumbnail_size"


def upgrade() -> None:
    """Apply."""
    op.execute("TRUNCATE photo_thumbnail")
    op.drop_constraint(op.f(SIZE), "photo_thumbnail")
    op.create_check_constraint(
        op.f(SIZE), "photo_thumbnail", "octet_length(packed) BETWEEN 66 AND 16386"
    )
