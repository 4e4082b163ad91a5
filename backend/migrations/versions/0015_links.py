"""Links with consent: codes that make them, and those that have ended."""

from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0015"
down_revision: str | None = "0014"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

RIGHTS: Mapping[str, str] = {
    "ended_link": "SELECT, INSERT, DELETE",  # DELETE for erasure
    "link_code": "SELECT, INSERT, UPDATE, DELETE",
}


def upgrade() -> None:
    """Apply."""
    op.add_column(
        "partner_link",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
    )
    op.create_unique_constraint(op.f("uq_partner_link_id"), "partner_link", ["id"])
    op.add_column("partner_link", sa.Column("consent_version", sa.Text()))
    op.create_table(
        "ended_link",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("subject_token", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("consent_version", sa.Text()),
        sa.Column("linked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("unlinked_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["partner.id"], name=op.f("fk_ended_link_partner_id_partner")
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_ended_link_account_id_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ended_link")),
    )
    op.create_index(op.f("ix_ended_link_account_id"), "ended_link", ["account_id"], unique=False)
    op.create_table(
        "link_code",
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("subject_token", sa.Text(), nullable=False),
        sa.Column("code_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_by", sa.Uuid()),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["partner.id"], name=op.f("fk_link_code_partner_id_partner")
        ),
        sa.ForeignKeyConstraint(
            ["used_by"], ["account.id"], name=op.f("fk_link_code_used_by_account")
        ),
        sa.PrimaryKeyConstraint("partner_id", "subject_token", name=op.f("pk_link_code")),
        sa.UniqueConstraint("code_sha256", name=op.f("uq_link_code_code_sha256")),
    )
    op.create_index(op.f("ix_link_code_expires_at"), "link_code", ["expires_at"], unique=False)
    for table, rights in RIGHTS.items():
        op.execute(f"GRANT {rights} ON {table} TO tanhui_app")
