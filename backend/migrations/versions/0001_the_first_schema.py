"""The first schema: accounts, lots, transfers, check-ins, claims, credits, work and totals."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from pgvector.sqlalchemy import HALFVEC
from sqlalchemy.dialects import postgresql

revision: str = "0001"
down_revision: str | None = None
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    """Apply."""
    op.execute("CREATE EXTENSION IF NOT EXISTS vector")
    op.create_table(
        "account",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("points_debt", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column(
            "opened_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.CheckConstraint(
            "kind IN ('member', 'merchant', 'fund', 'issuance')", name=op.f("ck_account_kind")
        ),
        sa.CheckConstraint("points_debt >= 0", name=op.f("ck_account_points_debt_not_negative")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        postgresql_with={"fillfactor": "70"},
    )
    op.create_table(
        "account_delta",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("lot_id", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount <> 0", name=op.f("ck_account_delta_moves_something")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_delta")),
    )
    op.create_table(
        "account_lot",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("lot_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("posted", sa.BigInteger(), nullable=False),
        sa.Column("held", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "held >= 0 AND posted - held >= 0", name=op.f("ck_account_lot_available_not_negative")
        ),
        sa.PrimaryKeyConstraint("account_id", "lot_id", name=op.f("pk_account_lot")),
        postgresql_with={"fillfactor": "70"},
    )
    op.create_table(
        "bag",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("check_in_id", sa.Uuid(), nullable=True),
        sa.Column("region", sa.Text(), nullable=True),
        sa.Column("bound_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("weighed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("mass_g", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "(bound_at IS NULL) = (account_id IS NULL)", name=op.f("ck_bag_bound_by_somebody")
        ),
        sa.CheckConstraint(
            "(bound_at IS NULL) = (check_in_id IS NULL)", name=op.f("ck_bag_bound_is_a_check_in")
        ),
        sa.CheckConstraint(
            "(weighed_at IS NULL) = (mass_g IS NULL)", name=op.f("ck_bag_weighed_has_mass")
        ),
        sa.CheckConstraint("mass_g > 0", name=op.f("ck_bag_mass_positive")),
        sa.CheckConstraint(
            "weighed_at IS NULL OR bound_at IS NOT NULL", name=op.f("ck_bag_bound_before_weighed")
        ),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_bag")),
        sa.UniqueConstraint("check_in_id", name=op.f("uq_bag_check_in_id")),
    )
    op.create_table(
        "capture",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("meal_window", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_capture")),
    )
    op.create_index("ix_capture_account_id", "capture", ["account_id"], unique=False)
    op.create_table(
        "check_in",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("tier", sa.Text(), nullable=False),
        sa.Column("reported_by", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("quantities", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("natural_key", sa.Text(), nullable=False),
        sa.Column("evidence_sha256", sa.Text(), nullable=True),
        sa.Column("meal_window", sa.Text(), nullable=True),
        sa.CheckConstraint("region ~ '^[0-9]{6}$'", name=op.f("ck_check_in_region")),
        sa.CheckConstraint(
            "status IN ('received', 'bound', 'scored', 'in_review', 'credited', 'rejected', 'reversed', 'lapsed')",
            name=op.f("ck_check_in_status"),
        ),
        sa.CheckConstraint(
            "tier IN ('documented', 'self_declared')", name=op.f("ck_check_in_tier")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_check_in")),
        postgresql_with={"fillfactor": "50"},
    )
    op.create_index("ix_check_in_account_id_id", "check_in", ["account_id", "id"], unique=False)
    op.create_index(
        "ix_check_in_meal_window",
        "check_in",
        ["account_id", "meal_window"],
        unique=False,
        postgresql_where="meal_window IS NOT NULL",
    )
    op.create_index(
        "ix_check_in_stopped_at",
        "check_in",
        ["stopped_at"],
        unique=False,
        postgresql_where="stopped_at IS NOT NULL",
    )
    op.create_index(
        "uq_check_in_account_id_natural_key", "check_in", ["account_id", "natural_key"], unique=True
    )
    op.create_table(
        "claim",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("check_in_id", sa.Uuid(), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("octet_length(key) = 32", name=op.f("ck_claim_key_length")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_claim")),
    )
    op.create_table(
        "credit",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("check_in_id", sa.Uuid(), nullable=False),
        sa.Column("booking", sa.SmallInteger(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("methodology_id", sa.Text(), nullable=False),
        sa.Column("natural_key", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("occurred_on", sa.Date(), nullable=False),
        sa.Column("quantities", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("tier", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("engine", sa.SmallInteger(), nullable=False),
        sa.Column("allowed", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("unrounded", sa.Text(), nullable=False),
        sa.Column("grams", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("points_reason", sa.Text(), nullable=True),
        sa.Column("points_rule", sa.Text(), nullable=False),
        sa.Column("lot_id", sa.BigInteger(), nullable=False),
        sa.Column("booked_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("grams BETWEEN 0 AND 1000000000", name=op.f("ck_credit_grams")),
        sa.CheckConstraint("points BETWEEN 0 AND 1000000", name=op.f("ck_credit_points")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credit")),
        sa.UniqueConstraint("check_in_id", "booking", name=op.f("uq_credit_check_in_id_booking")),
    )
    op.create_index("ix_credit_account_id_period", "credit", ["account_id", "period"], unique=False)
    op.create_table(
        "daily_total",
        sa.Column("occurred_on", sa.Date(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("tier", sa.Text(), nullable=False),
        sa.Column("credits", sa.BigInteger(), nullable=False),
        sa.Column("grams", sa.BigInteger(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "occurred_on", "region", "action", "tier", name=op.f("pk_daily_total")
        ),
    )
    op.create_table(
        "hold",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hold")),
    )
    op.create_index("ix_hold_account_id", "hold", ["account_id"], unique=False)
    op.create_table(
        "idempotency_key",
        sa.Column("principal", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("resource_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("principal", "key", name=op.f("pk_idempotency_key")),
    )
    op.create_table(
        "meal_window",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("opens_minute", sa.SmallInteger(), nullable=False),
        sa.Column("closes_minute", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint(
            "0 <= opens_minute AND opens_minute < closes_minute AND closes_minute <= 1440",
            name=op.f("ck_meal_window_order"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_meal_window")),
    )
    op.create_table(
        "near_match",
        sa.Column("first_id", sa.Uuid(), nullable=False),
        sa.Column("second_id", sa.Uuid(), nullable=False),
        sa.Column("yields", sa.Uuid(), nullable=False),
        sa.Column("distance_bits", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint("first_id < second_id", name=op.f("ck_near_match_ordered_pair")),
        sa.CheckConstraint(
            "yields IN (first_id, second_id)", name=op.f("ck_near_match_one_of_the_pair")
        ),
        sa.PrimaryKeyConstraint("first_id", "second_id", name=op.f("pk_near_match")),
    )
    op.create_table(
        "partner",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_partner")),
        sa.UniqueConstraint("source", name=op.f("uq_partner_source")),
    )
    op.create_table(
        "reversal",
        sa.Column("credit_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("reversed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("credit_id", name=op.f("pk_reversal")),
        sa.UniqueConstraint("id", name=op.f("uq_reversal_id")),
    )
    op.create_table(
        "transfer",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("cause_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("lot_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("debit", sa.Uuid(), nullable=False),
        sa.Column("credit", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("occurred_on", sa.Date(), nullable=False),
        sa.Column("booked_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "purpose IN ('credit', 'reverse', 'settle', 'refund', 'expire', 'claw_back', 'repay', 'adjust')",
            name=op.f("ck_transfer_purpose"),
        ),
        sa.CheckConstraint(
            "account_id IN (debit, credit)", name=op.f("ck_transfer_kept_by_a_side")
        ),
        sa.CheckConstraint(
            "amount BETWEEN 1 AND 1000000000000", name=op.f("ck_transfer_amount_positive")
        ),
        sa.CheckConstraint("debit <> credit", name=op.f("ck_transfer_two_accounts")),
        sa.PrimaryKeyConstraint(
            "account_id", "cause_id", "purpose", "lot_id", name=op.f("pk_transfer")
        ),
    )
    op.create_table(
        "work",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column(
            "run_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("attempts", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("dead_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_work")),
        postgresql_with={
            "fillfactor": "70",
            "autovacuum_vacuum_scale_factor": "0",
            "autovacuum_vacuum_threshold": "5000",
        },
    )
    op.create_index(
        "ix_work_due",
        "work",
        ["step", "run_at", "id"],
        unique=False,
        postgresql_where="dead_at IS NULL",
    )
    op.create_table(
        "account_secret",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_account_secret_account_id_account")
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_account_secret")),
    )
    op.create_table(
        "fund",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("budget", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("budget >= 0", name=op.f("ck_fund_budget_not_negative")),
        sa.ForeignKeyConstraint(["id"], ["account.id"], name=op.f("fk_fund_id_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fund")),
    )
    op.create_table(
        "hold_line",
        sa.Column("hold_id", sa.Uuid(), nullable=False),
        sa.Column("lot_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_hold_line_amount_positive")),
        sa.ForeignKeyConstraint(
            ["hold_id"], ["hold.id"], name=op.f("fk_hold_line_hold_id_hold"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("hold_id", "lot_id", name=op.f("pk_hold_line")),
    )
    op.create_table(
        "lot",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False, start=1), nullable=False),
        sa.Column("fund_id", sa.Uuid(), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(["fund_id"], ["account.id"], name=op.f("fk_lot_fund_id_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lot")),
        sa.UniqueConstraint("fund_id", "expires_on", name=op.f("uq_lot_fund_id_expires_on")),
    )
    op.create_table(
        "member",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column(
            "joined_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_member_account_id_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_member")),
        sa.UniqueConstraint("account_id", name=op.f("uq_member_account_id")),
        sa.UniqueConstraint("subject", name=op.f("uq_member_subject")),
    )
    op.create_table(
        "partner_key",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("secret_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("is_revoked", sa.Boolean(), server_default="false", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("kind IN ('partner', 'device')", name=op.f("ck_partner_key_kind")),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["partner.id"], name=op.f("fk_partner_key_partner_id_partner")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_partner_key")),
    )
    op.create_table(
        "partner_link",
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("subject_token", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column(
            "linked_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_partner_link_account_id_account")
        ),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["partner.id"], name=op.f("fk_partner_link_partner_id_partner")
        ),
        sa.PrimaryKeyConstraint("partner_id", "subject_token", name=op.f("pk_partner_link")),
    )
    op.create_index(
        op.f("ix_partner_link_account_id"), "partner_link", ["account_id"], unique=False
    )
    op.create_table(
        "photo_fingerprint",
        sa.Column("check_in_id", sa.Uuid(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("pdq", postgresql.BIT(length=256), nullable=False),
        sa.Column("embedding", HALFVEC(64), nullable=False),
        sa.ForeignKeyConstraint(
            ["check_in_id"], ["check_in.id"], name=op.f("fk_photo_fingerprint_check_in_id_check_in")
        ),
        sa.PrimaryKeyConstraint("check_in_id", name=op.f("pk_photo_fingerprint")),
    )
    op.create_index(
        op.f("ix_photo_fingerprint_taken_at"), "photo_fingerprint", ["taken_at"], unique=False
    )
    op.create_table(
        "score",
        sa.Column("check_in_id", sa.Uuid(), nullable=False),
        sa.Column("model_sha256", sa.Text(), nullable=False),
        sa.Column("scores", postgresql.ARRAY(sa.SmallInteger()), nullable=False),
        sa.Column("recapture", sa.SmallInteger(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("scored_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "verdict IN ('accepted', 'in_review', 'rejected')", name=op.f("ck_score_verdict")
        ),
        sa.ForeignKeyConstraint(
            ["check_in_id"], ["check_in.id"], name=op.f("fk_score_check_in_id_check_in")
        ),
        sa.PrimaryKeyConstraint("check_in_id", name=op.f("pk_score")),
    )
    op.create_table(
        "fund_slice",
        sa.Column("fund_id", sa.Uuid(), nullable=False),
        sa.Column("slice", sa.SmallInteger(), nullable=False),
        sa.Column("available", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("available >= 0", name=op.f("ck_fund_slice_available_not_negative")),
        sa.ForeignKeyConstraint(["fund_id"], ["fund.id"], name=op.f("fk_fund_slice_fund_id_fund")),
        sa.PrimaryKeyConstraint("fund_id", "slice", name=op.f("pk_fund_slice")),
        postgresql_with={"fillfactor": "50"},
    )
