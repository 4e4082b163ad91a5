"""Embeddings, and what near matches and risks lead to."""

from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

RIGHTS: Mapping[str, str] = {
    "edit_hint": "SELECT, INSERT, DELETE",
    "photo_risk": "SELECT, INSERT",
}


def upgrade() -> None:
    """Apply."""
    _give_fingerprints_a_place()
    _give_near_matches_a_kind()
    _create_photo_risk()
    op.create_table(
        "edit_hint",
        sa.Column("check_in_id", sa.Uuid(), nullable=False),
        sa.Column("edited_with", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["check_in_id"], ["check_in.id"]),
        sa.PrimaryKeyConstraint("check_in_id"),
    )
    for table, rights in RIGHTS.items():
        op.execute(f"GRANT {rights} ON {table} TO tanhui_app")


def _give_fingerprints_a_place() -> None:
    op.add_column("photo_fingerprint", sa.Column("region", sa.Text(), nullable=True))
    op.execute(
        "UPDATE photo_fingerprint SET region = check_in.region FROM check_in"
        " WHERE check_in.id = photo_fingerprint.check_in_id"
    )
    op.alter_column("photo_fingerprint", "region", nullable=False)
    op.drop_index("ix_photo_fingerprint_taken_at", "photo_fingerprint")
    op.create_index(
        "ix_photo_fingerprint_region_taken_at", "photo_fingerprint", ["region", "taken_at"]
    )
    op.create_index(
        "ix_photo_fingerprint_pdq",
        "photo_fingerprint",
        ["pdq"],
        postgresql_using="hnsw",
        postgresql_ops={"pdq": "bit_hamming_ops"},
    )


def _give_near_matches_a_kind() -> None:
    # Until this revision every pair was one of near fingerprints, and went to a person.
    op.add_column("near_match", sa.Column("kind", sa.Text(), nullable=False, server_default="near"))
    op.alter_column("near_match", "kind", server_default=None)
    op.add_column("near_match", sa.Column("embedding_distance", sa.SmallInteger(), nullable=True))
    op.create_check_constraint("kind", "near_match", "kind IN ('copy', 'near', 'alike')")
    op.create_index("ix_near_match_second_id", "near_match", ["second_id"])
    op.create_index("ix_near_match_yields", "near_match", ["yields"])


def _create_photo_risk() -> None:
    op.create_table(
        "photo_risk",
        sa.Column("check_in_id", sa.Uuid(), nullable=False),
        sa.Column("per_10000", sa.SmallInteger(), nullable=False),
        sa.Column("recapture", sa.SmallInteger(), nullable=False),
        sa.Column("edited", sa.SmallInteger(), nullable=False),
        sa.Column("neighbour", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint("least(recapture, edited, neighbour) >= 0", name="signs_not_negative"),
        sa.CheckConstraint(
            "greatest(recapture, edited, neighbour) <= 10000", name="signs_are_parts"
        ),
        sa.CheckConstraint(
            "per_10000 = 10000 - (10000 - recapture)::bigint * (10000 - edited)"
            " * (10000 - neighbour) / 100000000",
            name="made_of_its_signs",
        ),
        sa.ForeignKeyConstraint(["check_in_id"], ["check_in.id"]),
        sa.PrimaryKeyConstraint("check_in_id"),
    )
