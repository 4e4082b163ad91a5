"""Merchants, rewards, vouchers and their settlement."""

from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

# What is history can be read and added to; what has a life also changes.
RIGHTS: Mapping[str, str] = {
    "charity_project": "SELECT, INSERT, UPDATE",
    "donation": "SELECT, INSERT",
    "member_code": "SELECT, INSERT, UPDATE, DELETE",
    "merchant": "SELECT, INSERT, UPDATE",
    "merchant_staff": "SELECT, INSERT, UPDATE",
    "pool_code": "SELECT, INSERT, UPDATE",
    "reward": "SELECT, INSERT, UPDATE",
    "reward_stock": "SELECT, INSERT, UPDATE",
    "settlement": "SELECT, INSERT",
    "settlement_request": "SELECT, INSERT, UPDATE",
    "settlement_statement": "SELECT, INSERT, UPDATE",
    "settlement_undo": "SELECT, INSERT",
    "shift": "SELECT, INSERT",
    "shift_line": "SELECT, INSERT",
    "statement_line": "SELECT, INSERT",
    "store": "SELECT, INSERT",
    "till": "SELECT, INSERT, UPDATE",
    "voucher": "SELECT, INSERT, UPDATE",
}


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "donation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("donated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("points > 0", name=op.f("ck_donation_points_positive")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_donation")),
    )
    op.create_index("ix_donation_account_id_id", "donation", ["account_id", "id"], unique=False)
    op.create_index(op.f("ix_donation_project_id"), "donation", ["project_id"], unique=False)
    op.create_table(
        "settlement",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("voucher_id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("reward_id", sa.Uuid(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("store_id", sa.Uuid(), nullable=True),
        sa.Column("till_id", sa.Uuid(), nullable=True),
        sa.Column("settled_by", sa.Text(), nullable=False),
        sa.Column("ticket", sa.Text(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("points > 0", name=op.f("ck_settlement_points_positive")),
        sa.CheckConstraint(
            "ticket IS NULL OR store_id IS NOT NULL", name=op.f("ck_settlement_ticket_of_a_store")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settlement")),
        sa.UniqueConstraint("voucher_id", name=op.f("uq_settlement_voucher_id")),
    )
    op.create_index(
        "ix_settlement_merchant_id_id", "settlement", ["merchant_id", "id"], unique=False
    )
    op.create_index(
        "ix_settlement_merchant_id_settled_at",
        "settlement",
        ["merchant_id", "settled_at"],
        unique=False,
    )
    op.create_index("ix_settlement_settled_by_id", "settlement", ["settled_by", "id"], unique=False)
    op.create_index(
        "uq_settlement_store_id_ticket",
        "settlement",
        ["store_id", "ticket"],
        unique=True,
        postgresql_where="ticket IS NOT NULL",
    )
    op.create_table(
        "settlement_request",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("reward_id", sa.Uuid(), nullable=False),
        sa.Column("store_id", sa.Uuid(), nullable=True),
        sa.Column("till_id", sa.Uuid(), nullable=True),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("voucher_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "(status = 'confirmed') = (voucher_id IS NOT NULL)",
            name=op.f("ck_settlement_request_confirmed_settles"),
        ),
        sa.CheckConstraint(
            "(status = 'pending') = (decided_at IS NULL)",
            name=op.f("ck_settlement_request_decided_unless_pending"),
        ),
        sa.CheckConstraint(
            "status IN ('pending', 'confirmed', 'declined')",
            name=op.f("ck_settlement_request_status"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settlement_request")),
        sa.UniqueConstraint("voucher_id", name=op.f("uq_settlement_request_voucher_id")),
    )
    op.create_index(
        "ix_settlement_request_account_id_id",
        "settlement_request",
        ["account_id", "id"],
        unique=False,
    )
    op.create_table(
        "settlement_undo",
        sa.Column("settlement_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("undone_by", sa.Text(), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("points > 0", name=op.f("ck_settlement_undo_points_positive")),
        sa.PrimaryKeyConstraint("settlement_id", name=op.f("pk_settlement_undo")),
        sa.UniqueConstraint("id", name=op.f("uq_settlement_undo_id")),
    )
    op.create_index(
        "ix_settlement_undo_merchant_id_id", "settlement_undo", ["merchant_id", "id"], unique=False
    )
    op.create_index(
        "ix_settlement_undo_undone_by_id", "settlement_undo", ["undone_by", "id"], unique=False
    )
    op.create_table(
        "shift_line",
        sa.Column("cause_id", sa.Uuid(), nullable=False),
        sa.Column("shift_id", sa.Uuid(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("cause_id", name=op.f("pk_shift_line")),
    )
    op.create_index(op.f("ix_shift_line_shift_id"), "shift_line", ["shift_id"], unique=False)
    op.create_table(
        "statement_line",
        sa.Column("cause_id", sa.Uuid(), nullable=False),
        sa.Column("statement_id", sa.Uuid(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("cause_id", name=op.f("pk_statement_line")),
    )
    op.create_index(
        op.f("ix_statement_line_statement_id"), "statement_line", ["statement_id"], unique=False
    )
    op.create_table(
        "voucher",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("reward_id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("digits", sa.Text(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(status = 'issued') = (ended_at IS NULL)", name=op.f("ck_voucher_ended_unless_issued")
        ),
        sa.CheckConstraint("digits ~ '^[0-9]{12}$'", name=op.f("ck_voucher_digits")),
        sa.CheckConstraint(
            "status IN ('issued', 'settled', 'voided', 'expired', 'undone', 'returned')",
            name=op.f("ck_voucher_status"),
        ),
        sa.CheckConstraint("points > 0", name=op.f("ck_voucher_points_positive")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_voucher")),
        sa.UniqueConstraint("code", name=op.f("uq_voucher_code")),
        postgresql_with={"fillfactor": "70"},
    )
    op.create_index("ix_voucher_account_id_id", "voucher", ["account_id", "id"], unique=False)
    op.create_index("ix_voucher_digits", "voucher", ["digits"], unique=False)
    op.create_index(
        "ix_voucher_live_expires_at",
        "voucher",
        ["expires_at"],
        unique=False,
        postgresql_where="status = 'issued'",
    )
    op.create_index("ix_voucher_reward_id", "voucher", ["reward_id"], unique=False)
    op.create_index(
        "uq_voucher_live_digits",
        "voucher",
        ["digits"],
        unique=True,
        postgresql_where="status = 'issued'",
    )
    op.create_table(
        "charity_project",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("detail_zh", sa.Text(), server_default="", nullable=False),
        sa.Column("detail_en", sa.Text(), server_default="", nullable=False),
        sa.Column("goal_points", sa.BigInteger(), nullable=True),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("goal_points > 0", name=op.f("ck_charity_project_goal_points")),
        sa.ForeignKeyConstraint(["id"], ["account.id"], name=op.f("fk_charity_project_id_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_charity_project")),
    )
    op.create_table(
        "member_code",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("handle", sa.Text(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_step", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint("handle ~ '^[0-9]{10}$'", name=op.f("ck_member_code_handle")),
        sa.CheckConstraint("octet_length(secret) = 32", name=op.f("ck_member_code_secret_length")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_member_code_account_id_account")
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_member_code")),
        sa.UniqueConstraint("handle", name=op.f("uq_member_code_handle")),
    )
    op.create_table(
        "merchant",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default="true", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["id"], ["account.id"], name=op.f("fk_merchant_id_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merchant")),
    )
    op.create_table(
        "merchant_staff",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default="true", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "role IN ('merchant_manager', 'cashier')", name=op.f("ck_merchant_staff_role")
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchant.id"], name=op.f("fk_merchant_staff_merchant_id_merchant")
        ),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_merchant_staff")),
    )
    op.create_index(
        op.f("ix_merchant_staff_merchant_id"), "merchant_staff", ["merchant_id"], unique=False
    )
    op.create_table(
        "reward",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("detail_zh", sa.Text(), server_default="", nullable=False),
        sa.Column("detail_en", sa.Text(), server_default="", nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("payer", sa.Text(), nullable=False),
        sa.Column("fund_id", sa.Uuid(), nullable=True),
        sa.Column("fulfilment", sa.Text(), server_default="voucher", nullable=False),
        sa.Column("regions", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("voucher_days", sa.SmallInteger(), server_default="30", nullable=False),
        sa.Column("limit_per_member", sa.Integer(), nullable=True),
        sa.Column("limit_per_period", sa.Integer(), nullable=True),
        sa.Column("period", sa.Text(), nullable=True),
        sa.Column("stock", sa.BigInteger(), nullable=True),
        sa.Column("low_stock_at", sa.BigInteger(), nullable=True),
        sa.Column("is_offered", sa.Boolean(), server_default="true", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "fulfilment IN ('voucher', 'pool', 'partner')", name=op.f("ck_reward_fulfilment")
        ),
        sa.CheckConstraint(
            "payer IN ('government', 'foundation', 'company')", name=op.f("ck_reward_payer")
        ),
        sa.CheckConstraint("period IN ('day', 'week', 'month')", name=op.f("ck_reward_period")),
        sa.CheckConstraint(
            "(limit_per_period IS NULL) = (period IS NULL)",
            name=op.f("ck_reward_limit_has_a_period"),
        ),
        sa.CheckConstraint("limit_per_member > 0", name=op.f("ck_reward_limit_per_member")),
        sa.CheckConstraint("limit_per_period > 0", name=op.f("ck_reward_limit_per_period")),
        sa.CheckConstraint("points BETWEEN 1 AND 1000000", name=op.f("ck_reward_points")),
        sa.CheckConstraint("stock >= 0", name=op.f("ck_reward_stock_not_negative")),
        sa.CheckConstraint("valid_until > valid_from", name=op.f("ck_reward_valid_for_some_time")),
        sa.CheckConstraint("voucher_days BETWEEN 1 AND 366", name=op.f("ck_reward_voucher_days")),
        sa.ForeignKeyConstraint(["fund_id"], ["fund.id"], name=op.f("fk_reward_fund_id_fund")),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchant.id"], name=op.f("fk_reward_merchant_id_merchant")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reward")),
    )
    op.create_index(op.f("ix_reward_merchant_id"), "reward", ["merchant_id"], unique=False)
    op.create_index(
        "ix_reward_offered", "reward", ["id"], unique=False, postgresql_where="is_offered"
    )
    op.create_table(
        "settlement_statement",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("settled_count", sa.Integer(), nullable=False),
        sa.Column("settled_points", sa.BigInteger(), nullable=False),
        sa.Column("undone_count", sa.Integer(), nullable=False),
        sa.Column("undone_points", sa.BigInteger(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirmed_by", sa.Text(), nullable=True),
        sa.Column("disputed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("dispute", sa.Text(), nullable=True),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paid_by", sa.Text(), nullable=True),
        sa.Column("payment_reference", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(status = 'paid') = (paid_at IS NOT NULL)",
            name=op.f("ck_settlement_statement_paid_has_a_time"),
        ),
        sa.CheckConstraint(
            "status <> 'confirmed' OR confirmed_at IS NOT NULL",
            name=op.f("ck_settlement_statement_confirmed"),
        ),
        sa.CheckConstraint(
            "status <> 'disputed' OR dispute IS NOT NULL",
            name=op.f("ck_settlement_statement_dispute_has_a_reason"),
        ),
        sa.CheckConstraint(
            "status IN ('draft', 'confirmed', 'disputed', 'paid')",
            name=op.f("ck_settlement_statement_status"),
        ),
        sa.CheckConstraint(
            "(paid_at IS NULL) = (payment_reference IS NULL)",
            name=op.f("ck_settlement_statement_paid_has_a_reference"),
        ),
        sa.CheckConstraint("last_day >= first_day", name=op.f("ck_settlement_statement_days")),
        sa.ForeignKeyConstraint(
            ["merchant_id"],
            ["merchant.id"],
            name=op.f("fk_settlement_statement_merchant_id_merchant"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settlement_statement")),
        sa.UniqueConstraint(
            "merchant_id", "first_day", name=op.f("uq_settlement_statement_merchant_id_first_day")
        ),
    )
    op.create_table(
        "shift",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("cashier", sa.Text(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_count", sa.Integer(), nullable=False),
        sa.Column("settled_points", sa.BigInteger(), nullable=False),
        sa.Column("undone_count", sa.Integer(), nullable=False),
        sa.Column("undone_points", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("settled_count + undone_count > 0", name=op.f("ck_shift_not_empty")),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchant.id"], name=op.f("fk_shift_merchant_id_merchant")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shift")),
    )
    op.create_index("ix_shift_merchant_id_id", "shift", ["merchant_id", "id"], unique=False)
    op.create_table(
        "store",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("region ~ '^[0-9]{6}$'", name=op.f("ck_store_region")),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchant.id"], name=op.f("fk_store_merchant_id_merchant")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_store")),
    )
    op.create_index(op.f("ix_store_merchant_id"), "store", ["merchant_id"], unique=False)
    op.create_table(
        "pool_code",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reward_id", sa.Uuid(), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("code_hmac", sa.LargeBinary(), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("voucher_id", sa.Uuid(), nullable=True),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(voucher_id IS NULL) = (taken_at IS NULL)",
            name=op.f("ck_pool_code_taken_by_a_voucher"),
        ),
        sa.ForeignKeyConstraint(
            ["reward_id"], ["reward.id"], name=op.f("fk_pool_code_reward_id_reward")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pool_code")),
        sa.UniqueConstraint(
            "reward_id", "code_hmac", name=op.f("uq_pool_code_reward_id_code_hmac")
        ),
        sa.UniqueConstraint("voucher_id", name=op.f("uq_pool_code_voucher_id")),
    )
    op.create_index(
        "ix_pool_code_free",
        "pool_code",
        ["reward_id", "id"],
        unique=False,
        postgresql_where="voucher_id IS NULL",
    )
    op.create_table(
        "reward_stock",
        sa.Column("reward_id", sa.Uuid(), nullable=False),
        sa.Column("slice", sa.SmallInteger(), nullable=False),
        sa.Column("available", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("available >= 0", name=op.f("ck_reward_stock_available_not_negative")),
        sa.ForeignKeyConstraint(
            ["reward_id"], ["reward.id"], name=op.f("fk_reward_stock_reward_id_reward")
        ),
        sa.PrimaryKeyConstraint("reward_id", "slice", name=op.f("pk_reward_stock")),
        postgresql_with={"fillfactor": "50"},
    )
    op.create_table(
        "till",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("code_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("code_expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=True),
        sa.Column("enrolled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "(key_id IS NULL) = (enrolled_at IS NULL)", name=op.f("ck_till_enrolled_with_a_key")
        ),
        sa.ForeignKeyConstraint(
            ["key_id"], ["partner_key.id"], name=op.f("fk_till_key_id_partner_key")
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchant.id"], name=op.f("fk_till_merchant_id_merchant")
        ),
        sa.ForeignKeyConstraint(["store_id"], ["store.id"], name=op.f("fk_till_store_id_store")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_till")),
        sa.UniqueConstraint("code_sha256", name=op.f("uq_till_code_sha256")),
        sa.UniqueConstraint("key_id", name=op.f("uq_till_key_id")),
    )
    op.create_index(op.f("ix_till_merchant_id"), "till", ["merchant_id"], unique=False)
    for table, rights in RIGHTS.items():
        op.execute(f"GRANT {rights} ON {table} TO tanhui_app")
