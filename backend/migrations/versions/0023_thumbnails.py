"""Thumbnails of photos for 48 hours, and pairs of which one photo explains the other."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0023"
down_revision: str | None = "0022"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "photo_thumbnail",
        sa.Column("check_in_id", sa.Uuid(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("packed", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint(
            "octet_length(packed) BETWEEN 66 AND 9218", name=op.f("ck_photo_thumbnail_size")
        ),
        sa.ForeignKeyConstraint(
            ["check_in_id"], ["check_in.id"], name=op.f("fk_photo_thumbnail_check_in_id_check_in")
        ),
        sa.PrimaryKeyConstraint("check_in_id", name=op.f("pk_photo_thumbnail")),
    )
    op.create_index("ix_photo_thumbnail_taken_at", "photo_thumbnail", ["taken_at"])
    op.execute("GRANT SELECT, INSERT, DELETE ON photo_thumbnail TO tanhui_app")
    op.add_column("near_match", sa.Column("resemblance", sa.SmallInteger()))
    op.drop_constraint("ck_near_match_kind", "near_match")
    for name, condition in (
        ("kind", "kind IN ('copy', 'near', 'explained', 'alike')"),
        ("explained_says_how_well", "kind <> 'explained' OR resemblance IS NOT NULL"),
        ("resemblance_is_parts", "resemblance BETWEEN 0 AND 10000"),
    ):
        op.create_check_constraint(op.f(f"ck_near_match_{name}"), "near_match", condition)
