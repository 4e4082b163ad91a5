"""The ledger: one row per transfer, and the balances that transfers explain.

Grams are lot 0; every other lot holds points of one fund that expire at one month's end. The
growing tables carry no foreign keys: a check of `lot` would lock one shared row for every credit,
and `tanhui verify` proves what they would.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
)

from backend.db import metadata

account = Table(
    "account",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    # Points that a clawback could not find; repaid by the next points in the same transaction.
    Column("points_debt", BigInteger, nullable=False, server_default="0"),
    Column("opened_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    CheckConstraint("kind IN ('member', 'merchant', 'fund', 'issuance')", name="kind"),
    CheckConstraint("points_debt >= 0", name="points_debt_not_negative"),
    # Every batch locks its accounts here; room on the page keeps those updates heap-only.
    postgresql_with={"fillfactor": "70"},
)

lot = Table(
    "lot",
    metadata,
    Column("id", BigInteger, Identity(start=1), primary_key=True),
    Column("fund_id", Uuid, ForeignKey("account.id"), nullable=False),
    Column("expires_on", Date, nullable=False),
    # One shared row per fund and month end, not one per credit.
    UniqueConstraint("fund_id", "expires_on"),
)

account_lot = Table(
    "account_lot",
    metadata,
    Column("account_id", Uuid, primary_key=True),
    Column("lot_id", BigInteger, primary_key=True, autoincrement=False),
    Column("posted", BigInteger, nullable=False),
    Column("held", BigInteger, nullable=False, server_default="0"),
    # The second guard behind the account lock: nobody spends what is not there.
    CheckConstraint("held >= 0 AND posted - held >= 0", name="available_not_negative"),
    # A lot that expires is walked account by account. The index names no balance, so that updates
    # of balances stay heap-only.
    Index("ix_account_lot_of_lot", "lot_id", "account_id", postgresql_where="lot_id <> 0"),
    postgresql_with={"fillfactor": "70"},
)

account_delta = Table(
    "account_delta",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("account_id", Uuid, nullable=False),
    Column("lot_id", BigInteger, nullable=False),
    # What one batch moved on a shared account (issuance, a merchant); the roller adds it up later.
    Column("amount", BigInteger, nullable=False),
    CheckConstraint("amount <> 0", name="moves_something"),
)

transfer = Table(
    "transfer",
    metadata,
    Column("account_id", Uuid, primary_key=True),
    Column("cause_id", Uuid, primary_key=True),
    Column("purpose", Text, primary_key=True),
    Column("lot_id", BigInteger, primary_key=True, autoincrement=False),
    Column("debit", Uuid, nullable=False),
    Column("credit", Uuid, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("occurred_on", Date, nullable=False),
    Column("booked_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("amount BETWEEN 1 AND 1000000000000", name="amount_positive"),
    CheckConstraint("debit <> credit", name="two_accounts"),
    CheckConstraint("account_id IN (debit, credit)", name="kept_by_a_side"),
    CheckConstraint(
        "purpose IN ('credit', 'reverse', 'settle', 'refund', 'expire', 'claw_back', 'repay',"
        " 'adjust')",
        name="purpose",
    ),
)

expiry = Table(
    "expiry",
    metadata,
    # The cause of one transfer: points of one account and one lot that nobody used in time.
    Column("id", Uuid, primary_key=True),
    Column("account_id", Uuid, nullable=False),
    Column("lot_id", BigInteger, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("expired_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("points > 0", name="points_positive"),
)

lot_pass = Table(
    "lot_pass",
    metadata,
    # Progress of a job that walks the accounts of one lot in order of their ids: what a restart
    # goes on from. A pass that met held points is made again.
    Column("lot_id", BigInteger, ForeignKey("lot.id"), primary_key=True),
    Column("task", Text, primary_key=True),
    Column("after_id", Uuid),
    Column("accounts", BigInteger, nullable=False, server_default="0"),
    Column("points", BigInteger, nullable=False, server_default="0"),
    Column("held", BigInteger, nullable=False, server_default="0"),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("finished_at", DateTime(timezone=True)),
    CheckConstraint("task IN ('remind_60', 'remind_15', 'remind_3', 'expire')", name="task"),
)

hold = Table(
    "hold",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("account_id", Uuid, nullable=False),
    Column("placed_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Index("ix_hold_account_id", "account_id"),
)

hold_line = Table(
    "hold_line",
    metadata,
    # Deleted with its hold: an open hold is a row, a resolved one is gone and its outcome is a
    # transfer.
    Column("hold_id", Uuid, ForeignKey("hold.id", ondelete="CASCADE"), primary_key=True),
    Column("lot_id", BigInteger, primary_key=True, autoincrement=False),
    Column("amount", BigInteger, nullable=False),
    CheckConstraint("amount > 0", name="amount_positive"),
)
