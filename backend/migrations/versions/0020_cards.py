"""Cards of people without a phone, and settlement requests that were made with them."""

from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0020"
down_revision: str | None = "0019"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

RIGHTS: Mapping[str, str] = {
    "card": "SELECT, INSERT, UPDATE",
    "card_change": "SELECT, INSERT",
    "card_request": "SELECT, INSERT",
}


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "card",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("pin_salt", sa.LargeBinary(), nullable=True),
        sa.Column("pin_hash", sa.LargeBinary(), nullable=True),
        sa.Column("pin_tries", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("printed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("bound_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("replaced_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "(status = 'blank') = (account_id IS NULL)", name=op.f("ck_card_bound_unless_blank")
        ),
        sa.CheckConstraint(
            "(status = 'replaced') = (replaced_by IS NOT NULL)",
            name=op.f("ck_card_replaced_by_one"),
        ),
        sa.CheckConstraint("number ~ '^[0-9]{12}$'", name=op.f("ck_card_number")),
        sa.CheckConstraint(
            "status IN ('blank', 'active', 'blocked', 'replaced')", name=op.f("ck_card_status")
        ),
        sa.CheckConstraint(
            "(account_id IS NULL) = (bound_at IS NULL)", name=op.f("ck_card_bound_has_day")
        ),
        sa.CheckConstraint(
            "(account_id IS NULL) = (pin_hash IS NULL)", name=op.f("ck_card_bound_has_pin")
        ),
        sa.CheckConstraint(
            "(pin_salt IS NULL) = (pin_hash IS NULL)", name=op.f("ck_card_pin_is_salted")
        ),
        sa.CheckConstraint("octet_length(token_sha256) = 32", name=op.f("ck_card_token_length")),
        sa.CheckConstraint("pin_tries BETWEEN 0 AND 5", name=op.f("ck_card_pin_tries")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_card_account_id_account")
        ),
        sa.ForeignKeyConstraint(
            ["replaced_by"], ["card.id"], name=op.f("fk_card_replaced_by_card")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_card")),
        sa.UniqueConstraint("number", name=op.f("uq_card_number")),
        sa.UniqueConstraint("replaced_by", name=op.f("uq_card_replaced_by")),
        sa.UniqueConstraint("token_sha256", name=op.f("uq_card_token_sha256")),
    )
    op.create_index(
        "uq_card_account_id",
        "card",
        ["account_id"],
        unique=True,
        postgresql_where=sa.text("status IN ('active', 'blocked')"),
    )
    op.create_table(
        "card_change",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("card_id", sa.Uuid(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "what IN ('bound', 'blocked', 'unblocked', 'pin_set', 'locked', 'replaced')",
            name=op.f("ck_card_change_what"),
        ),
        sa.CheckConstraint("char_length(note) <= 500", name=op.f("ck_card_change_note_length")),
        sa.ForeignKeyConstraint(["card_id"], ["card.id"], name=op.f("fk_card_change_card_id_card")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_card_change")),
    )
    op.create_index("ix_card_change_card_id_id", "card_change", ["card_id", "id"], unique=False)
    op.create_table(
        "card_request",
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("card_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["card_id"], ["card.id"], name=op.f("fk_card_request_card_id_card")
        ),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["settlement_request.id"],
            name=op.f("fk_card_request_request_id_settlement_request"),
        ),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_card_request")),
    )
    op.create_index("ix_card_request_card_id", "card_request", ["card_id"], unique=False)
    for table, rights in RIGHTS.items():
        op.execute(f"GRANT {rights} ON {table} TO tanhui_app")
