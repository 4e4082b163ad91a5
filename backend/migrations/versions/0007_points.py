"""Rules of points, pending points, budgets and notices."""

from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

# Causes, alerts and announcements are history. What is pending goes away with its transfer.
RIGHTS: Mapping[str, str] = {
    "campaign": "SELECT, INSERT, UPDATE",
    "campaign_action": "SELECT, INSERT",
    "expiry": "SELECT, INSERT",
    "fund_alert": "SELECT, INSERT",
    "fund_change": "SELECT, INSERT, UPDATE",
    "fund_level": "SELECT, INSERT",
    "lot_pass": "SELECT, INSERT, UPDATE",
    "notice": "SELECT, INSERT, UPDATE",
    "pending_points": "SELECT, INSERT, UPDATE, DELETE",
}

PROGRAMME_FUND = "00000000-0000-7000-8000-000000000002"
LAUNCH = "00000000-0000-7000-8000-000000000003"


def upgrade() -> None:
    """Apply."""
    _extend_fund()
    _create_tables()
    for table, rights in RIGHTS.items():
        op.execute(f"GRANT {rights} ON {table} TO tanhui_app")
    _seed_the_rule_of_the_launch()


def _extend_fund() -> None:
    op.add_column("fund", sa.Column("sponsor_zh", sa.Text(), server_default="", nullable=False))
    op.add_column("fund", sa.Column("sponsor_en", sa.Text(), server_default="", nullable=False))
    op.add_column("fund", sa.Column("stops_on", sa.Date(), nullable=True))
    op.add_column("fund", sa.Column("stop_announced_at", sa.DateTime(timezone=True), nullable=True))
    op.create_check_constraint(
        op.f("ck_fund_stop_announced_ahead"),
        "fund",
        "(stops_on IS NULL) = (stop_announced_at IS NULL) AND (stops_on IS NULL OR"
        " stops_on >= CAST(stop_announced_at AT TIME ZONE 'Asia/Shanghai' AS date) + 7)",
    )


def _create_tables() -> None:
    op.create_table(
        "expiry",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("lot_id", sa.BigInteger(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("expired_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("points > 0", name=op.f("ck_expiry_points_positive")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_expiry")),
    )
    op.create_table(
        "notice",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("arguments", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("read_at >= created_at", name=op.f("ck_notice_read_after_it_was_made")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
        sa.UniqueConstraint(
            "account_id", "kind", "subject", name=op.f("uq_notice_account_id_kind_subject")
        ),
    )
    op.create_index("ix_notice_account_id_id", "notice", ["account_id", "id"], unique=False)
    op.create_table(
        "pending_points",
        sa.Column("credit_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("fund_id", sa.Uuid(), nullable=False),
        sa.Column("lot_id", sa.BigInteger(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("occurred_on", sa.Date(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_funded", sa.Boolean(), nullable=False),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("points BETWEEN 1 AND 1000000", name=op.f("ck_pending_points_points")),
        sa.PrimaryKeyConstraint("credit_id", name=op.f("pk_pending_points")),
    )
    op.create_index("ix_pending_points_account_id", "pending_points", ["account_id"], unique=False)
    op.create_index(
        "ix_pending_points_due",
        "pending_points",
        ["due_at"],
        unique=False,
        postgresql_where="is_funded",
    )
    op.create_index(
        "ix_pending_points_queue",
        "pending_points",
        ["fund_id", "arrived_at", "credit_id"],
        unique=False,
        postgresql_where="NOT is_funded",
    )
    op.create_table(
        "campaign",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.SmallInteger(), nullable=False),
        sa.Column("title_zh", sa.Text(), nullable=False),
        sa.Column("title_en", sa.Text(), nullable=False),
        sa.Column("fund_id", sa.Uuid(), nullable=False),
        sa.Column("is_default", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("budget", sa.BigInteger(), nullable=False),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("approved_by", sa.Text(), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "name ~ '^[a-z0-9][a-z0-9-]{2,63}$' AND version > 0", name=op.f("ck_campaign_name")
        ),
        sa.CheckConstraint(
            "region ~ '^([0-9]{2}|[0-9]{4}|[0-9]{6})?$'", name=op.f("ck_campaign_region")
        ),
        sa.CheckConstraint(
            "(approved_by IS NULL) = (approved_at IS NULL) AND approved_by <> proposed_by",
            name=op.f("ck_campaign_two_persons"),
        ),
        sa.CheckConstraint("budget >= 0", name=op.f("ck_campaign_budget_not_negative")),
        sa.CheckConstraint(
            "valid_until >= valid_from - 1", name=op.f("ck_campaign_ends_after_it_begins")
        ),
        sa.ForeignKeyConstraint(["fund_id"], ["fund.id"], name=op.f("fk_campaign_fund_id_fund")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign")),
        sa.UniqueConstraint("name", "version", name=op.f("uq_campaign_name_version")),
    )
    op.create_table(
        "fund_alert",
        sa.Column("fund_id", sa.Uuid(), nullable=False),
        sa.Column("percent", sa.SmallInteger(), nullable=False),
        sa.Column("budget", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("available", sa.BigInteger(), nullable=False),
        sa.Column("runs_out_on", sa.Date(), nullable=True),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("percent IN (70, 85, 95)", name=op.f("ck_fund_alert_percent")),
        sa.ForeignKeyConstraint(["fund_id"], ["fund.id"], name=op.f("fk_fund_alert_fund_id_fund")),
        sa.PrimaryKeyConstraint("fund_id", "percent", "budget", name=op.f("pk_fund_alert")),
    )
    op.create_table(
        "fund_change",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("fund_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=True),
        sa.Column("stops_on", sa.Date(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("approved_by", sa.Text(), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "CASE kind WHEN 'top_up' THEN points > 0 AND stops_on IS NULL ELSE points IS NULL AND stops_on IS NOT NULL END",
            name=op.f("ck_fund_change_says_what"),
        ),
        sa.CheckConstraint("kind IN ('top_up', 'stop')", name=op.f("ck_fund_change_kind")),
        sa.CheckConstraint(
            "(approved_by IS NULL) = (approved_at IS NULL) AND approved_by <> proposed_by",
            name=op.f("ck_fund_change_two_persons"),
        ),
        sa.ForeignKeyConstraint(["fund_id"], ["fund.id"], name=op.f("fk_fund_change_fund_id_fund")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fund_change")),
    )
    op.create_table(
        "fund_level",
        sa.Column("fund_id", sa.Uuid(), nullable=False),
        sa.Column("measured_on", sa.Date(), nullable=False),
        sa.Column("drawn", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["fund_id"], ["fund.id"], name=op.f("fk_fund_level_fund_id_fund")),
        sa.PrimaryKeyConstraint("fund_id", "measured_on", name=op.f("pk_fund_level")),
    )
    op.create_table(
        "lot_pass",
        sa.Column("lot_id", sa.BigInteger(), nullable=False),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("after_id", sa.Uuid(), nullable=True),
        sa.Column("accounts", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("points", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("held", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "task IN ('remind_60', 'remind_15', 'remind_3', 'expire')",
            name=op.f("ck_lot_pass_task"),
        ),
        sa.ForeignKeyConstraint(["lot_id"], ["lot.id"], name=op.f("fk_lot_pass_lot_id_lot")),
        sa.PrimaryKeyConstraint("lot_id", "task", name=op.f("pk_lot_pass")),
    )
    op.create_table(
        "campaign_action",
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=True),
        sa.Column("multiplier_percent", sa.Integer(), nullable=True),
        sa.Column("self_declared_points", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "multiplier_percent BETWEEN 1 AND 1000",
            name=op.f("ck_campaign_action_multiplier_percent"),
        ),
        sa.CheckConstraint(
            "num_nonnulls(points, multiplier_percent) = 1",
            name=op.f("ck_campaign_action_points_or_multiplier"),
        ),
        sa.CheckConstraint(
            "points BETWEEN 0 AND 100000 AND self_declared_points BETWEEN 0 AND 100000",
            name=op.f("ck_campaign_action_points"),
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_campaign_action_campaign_id_campaign")
        ),
        sa.PrimaryKeyConstraint("campaign_id", "action", name=op.f("pk_campaign_action")),
    )
    op.create_index(
        "ix_account_lot_of_lot",
        "account_lot",
        ["lot_id", "account_id"],
        unique=False,
        postgresql_where="lot_id <> 0",
    )


def _seed_the_rule_of_the_launch() -> None:
    op.execute(
        "INSERT INTO campaign (id, name, version, title_zh, title_en, fund_id, is_default, region,"
        " valid_from, budget, proposed_by, proposed_at, approved_by, approved_at)"
        f" VALUES ('{LAUNCH}', 'launch-2026', 1, '碳普惠积分规则 2026', 'Points of the launch',"
        f" '{PROGRAMME_FUND}', true, '', '2026-01-01', 0, 'tanhui', '2025-12-01T00:00Z',"
        " 'revision 0007', '2025-12-01T00:00Z')"
    )
    op.execute(
        "INSERT INTO campaign_action (campaign_id, action, points)"
        f" SELECT '{LAUNCH}', action, points FROM (VALUES ('clean_plate', 5), ('metro', 10),"
        " ('bus', 10), ('cycling', 5), ('mixed_recycling', 10), ('sorted_recycling', 10))"
        " AS launch(action, points)"
    )
