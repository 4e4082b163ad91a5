"""Pledges of trees, plantings with their certificates, deaths."""

from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0016"
down_revision: str | None = "0015"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

RIGHTS: Mapping[str, str] = {
    "tree_death": "SELECT, INSERT",
    "tree_holder": "SELECT, INSERT, DELETE",
    "tree_planting": "SELECT, INSERT, UPDATE (dead)",
    "tree_pledge": "SELECT, INSERT, UPDATE (fulfilled)",
    "tree_project": "SELECT, INSERT",
}


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "tree_project",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("region ~ '^[0-9]{6}$'", name=op.f("ck_tree_project_region")),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["partner.id"], name=op.f("fk_tree_project_partner_id_partner")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tree_project")),
    )
    op.create_index(
        op.f("ix_tree_project_partner_id"), "tree_project", ["partner_id"], unique=False
    )
    op.create_table(
        "tree_pledge",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("trees", sa.Integer(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=True),
        sa.Column("fulfilled", sa.Integer(), server_default="0", nullable=False),
        sa.Column("pledged_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('donation', 'planting_day')", name=op.f("ck_tree_pledge_kind")
        ),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_tree_pledge_amount_positive")),
        sa.CheckConstraint("fulfilled BETWEEN 0 AND trees", name=op.f("ck_tree_pledge_fulfilled")),
        sa.CheckConstraint("trees BETWEEN 1 AND 1000", name=op.f("ck_tree_pledge_trees")),
        sa.ForeignKeyConstraint(
            ["project_id"], ["tree_project.id"], name=op.f("fk_tree_pledge_project_id_tree_project")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tree_pledge")),
    )
    op.create_index(
        "ix_tree_pledge_account_id_id", "tree_pledge", ["account_id", "id"], unique=False
    )
    op.create_index(
        "ix_tree_pledge_project_id_id", "tree_pledge", ["project_id", "id"], unique=False
    )
    op.create_table(
        "tree_holder",
        sa.Column("pledge_id", sa.Uuid(), nullable=False),
        sa.Column("initial", sa.Text(), nullable=False),
        sa.Column("name_hmac", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("char_length(initial) = 1", name=op.f("ck_tree_holder_initial")),
        sa.CheckConstraint(
            "octet_length(name_hmac) = 32", name=op.f("ck_tree_holder_name_hmac_bytes")
        ),
        sa.ForeignKeyConstraint(
            ["pledge_id"], ["tree_pledge.id"], name=op.f("fk_tree_holder_pledge_id_tree_pledge")
        ),
        sa.PrimaryKeyConstraint("pledge_id", name=op.f("pk_tree_holder")),
    )
    op.create_table(
        "tree_planting",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("pledge_id", sa.Uuid(), nullable=False),
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("planting", sa.Text(), nullable=False),
        sa.Column("plot", sa.Text(), nullable=False),
        sa.Column("species", sa.Text(), nullable=False),
        sa.Column("trees", sa.Integer(), nullable=False),
        sa.Column("planted_on", sa.Date(), nullable=False),
        sa.Column("dead", sa.Integer(), server_default="0", nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("dead BETWEEN 0 AND trees", name=op.f("ck_tree_planting_dead")),
        sa.CheckConstraint("trees > 0", name=op.f("ck_tree_planting_trees_positive")),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["partner.id"], name=op.f("fk_tree_planting_partner_id_partner")
        ),
        sa.ForeignKeyConstraint(
            ["pledge_id"], ["tree_pledge.id"], name=op.f("fk_tree_planting_pledge_id_tree_pledge")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tree_planting")),
        sa.UniqueConstraint("number", name=op.f("uq_tree_planting_number")),
        sa.UniqueConstraint(
            "partner_id", "planting", name=op.f("uq_tree_planting_partner_id_planting")
        ),
    )
    op.create_index(
        op.f("ix_tree_planting_pledge_id"), "tree_planting", ["pledge_id"], unique=False
    )
    op.create_table(
        "tree_death",
        sa.Column("planting_id", sa.Uuid(), nullable=False),
        sa.Column("seen_on", sa.Date(), nullable=False),
        sa.Column("trees", sa.Integer(), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("trees > 0", name=op.f("ck_tree_death_trees_positive")),
        sa.ForeignKeyConstraint(
            ["planting_id"],
            ["tree_planting.id"],
            name=op.f("fk_tree_death_planting_id_tree_planting"),
        ),
        sa.PrimaryKeyConstraint("planting_id", "seen_on", name=op.f("pk_tree_death")),
    )
    for table, rights in RIGHTS.items():
        op.execute(f"GRANT {rights} ON {table} TO tanhui_app")
