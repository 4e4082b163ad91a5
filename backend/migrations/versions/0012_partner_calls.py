"""Rewards that another system hands over: where it is called, and what came of each call."""

from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

RIGHTS: Mapping[str, str] = {
    "call_endpoint": "SELECT, INSERT, UPDATE",
    "partner_call": "SELECT, INSERT, UPDATE",
}
_STATUSES = "'issued', 'fulfilling', 'settled', 'voided', 'expired', 'undone', 'returned'"


def upgrade() -> None:
    """Apply."""
    _change_rewards()
    _change_vouchers()
    op.create_table(
        "call_endpoint",
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("previous_secret", sa.LargeBinary(), nullable=True),
        sa.Column("previous_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(previous_secret IS NULL) = (previous_until IS NULL)",
            name=op.f("ck_call_endpoint_previous_for_some_time"),
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchant.id"], name=op.f("fk_call_endpoint_merchant_id_merchant")
        ),
        sa.PrimaryKeyConstraint("merchant_id", name=op.f("pk_call_endpoint")),
    )
    _create_calls()
    for table, rights in RIGHTS.items():
        op.execute(f"GRANT {rights} ON {table} TO tanhui_app")


def _change_rewards() -> None:
    op.add_column("reward", sa.Column("recipient", sa.Text(), nullable=True))
    op.drop_constraint(op.f("ck_reward_fulfilment"), "reward")
    for name, holds in (
        ("fulfilment", "fulfilment IN ('voucher', 'pool', 'partner_call')"),
        ("recipient", "recipient IN ('phone', 'account')"),
        ("recipient_of_a_partner", "recipient IS NULL OR fulfilment = 'partner_call'"),
    ):
        op.create_check_constraint(op.f(f"ck_reward_{name}"), "reward", holds)


def _change_vouchers() -> None:
    """One more status that holds points; the constraints are checked by what is there."""
    for name in ("status", "ended_unless_issued"):
        op.drop_constraint(op.f(f"ck_voucher_{name}"), "voucher")
    for name, holds in (
        ("status", f"status IN ({_STATUSES})"),
        ("ended_unless_open", "(status IN ('issued', 'fulfilling')) = (ended_at IS NULL)"),
    ):
        op.create_check_constraint(op.f(f"ck_voucher_{name}"), "voucher", holds)


def _create_calls() -> None:
    op.create_table(
        "partner_call",
        sa.Column("voucher_id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("recipient", sa.LargeBinary(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("attempts_before", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ask_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("response_code", sa.SmallInteger(), nullable=True),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        *(
            sa.CheckConstraint(holds, name=op.f(f"ck_partner_call_{name}"))
            for name, holds in _CALL_CHECKS.items()
        ),
        sa.PrimaryKeyConstraint("voucher_id", name=op.f("pk_partner_call")),
        postgresql_with={"fillfactor": "70"},
    )
    for name, columns, where in (
        ("due", ["merchant_id", "due_at", "voucher_id"], "status = 'calling'"),
        ("merchant_id_voucher_id", ["merchant_id", "voucher_id"], None),
        ("undecided", ["voucher_id"], "status = 'undecided'"),
    ):
        op.create_index(
            f"ix_partner_call_{name}",
            "partner_call",
            columns,
            unique=False,
            postgresql_where=sa.text(where) if where else None,
        )


_CALL_CHECKS: Mapping[str, str] = {
    "status": "status IN ('calling', 'undecided', 'fulfilled', 'refused')",
    "has_its_reference": "(status = 'fulfilled') = (reference IS NOT NULL)",
    "refused_for_a_reason": "status <> 'refused' OR reason IS NOT NULL",
    "ended_when_known": "(status IN ('fulfilled', 'refused')) = (ended_at IS NOT NULL)",
    "leased_while_calling": "leased_until IS NULL OR status = 'calling'",
    "recipient_forgotten": "recipient IS NULL OR ended_at IS NULL",
}
