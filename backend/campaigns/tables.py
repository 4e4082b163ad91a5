"""Funds (budgets with a floor, in slices so that no batch waits), and the points they pay for."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)

from backend.db import metadata

fund = Table(
    "fund",
    metadata,
    Column("id", Uuid, ForeignKey("account.id"), primary_key=True),
    Column("name_zh", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    # All points put into the fund, less what was released; slices and transfers add up to it.
    Column("budget", BigInteger, nullable=False),
    # Who pays; empty for the programme itself.
    Column("sponsor_zh", Text, nullable=False, server_default=""),
    Column("sponsor_en", Text, nullable=False, server_default=""),
    # Activities from this day on earn nothing from the fund; until then what it cannot pay waits.
    Column("stops_on", Date),
    Column("stop_announced_at", DateTime(timezone=True)),
    CheckConstraint("budget >= 0", name="budget_not_negative"),
    # Nobody is told afterwards: a week lies between the announcement and the stop.
    CheckConstraint(
        "(stops_on IS NULL) = (stop_announced_at IS NULL) AND (stops_on IS NULL OR"
        " stops_on >= CAST(stop_announced_at AT TIME ZONE 'Asia/Shanghai' AS date) + 7)",
        name="stop_announced_ahead",
    ),
)

fund_slice = Table(
    "fund_slice",
    metadata,
    Column("fund_id", Uuid, ForeignKey("fund.id"), primary_key=True),
    Column("slice", SmallInteger, primary_key=True),
    Column("available", BigInteger, nullable=False),
    # Points owed never exceed what is funded: the sum over slices only falls by what was drawn.
    CheckConstraint("available >= 0", name="available_not_negative"),
    postgresql_with={"fillfactor": "50"},
)

fund_change = Table(
    "fund_change",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("fund_id", Uuid, ForeignKey("fund.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("points", BigInteger),
    Column("stops_on", Date),
    Column("reason", Text, nullable=False),
    Column("proposed_by", Text, nullable=False),
    Column("proposed_at", DateTime(timezone=True), nullable=False),
    Column("approved_by", Text),
    Column("approved_at", DateTime(timezone=True)),
    CheckConstraint("kind IN ('top_up', 'top_up_alone', 'release', 'stop')", name="kind"),
    CheckConstraint(
        "CASE kind WHEN 'stop' THEN points IS NULL AND stops_on IS NOT NULL"
        " ELSE points > 0 AND stops_on IS NULL END",
        name="says_what",
    ),
    # Money needs two persons, whatever the code above this table believes. Who owns the machine is
    # kept from nothing, so what she puts in alone is true at once, never approved, and told apart.
    CheckConstraint(
        "(approved_by IS NULL) = (approved_at IS NULL) AND approved_by <> proposed_by"
        " AND (kind <> 'top_up_alone' OR approved_by IS NULL)",
        name="two_persons",
    ),
)

fund_alert = Table(
    "fund_alert",
    metadata,
    # Once per mark and budget: a fund that is topped up can pass the same mark again.
    Column("fund_id", Uuid, ForeignKey("fund.id"), primary_key=True),
    Column("percent", SmallInteger, primary_key=True),
    Column("budget", BigInteger, primary_key=True, autoincrement=False),
    Column("available", BigInteger, nullable=False),
    Column("runs_out_on", Date),
    Column("raised_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("percent IN (70, 85, 95)", name="percent"),
)

fund_level = Table(
    "fund_level",
    metadata,
    # What was drawn by the first look of each day: the present rate is read from a week of these.
    Column("fund_id", Uuid, ForeignKey("fund.id"), primary_key=True),
    Column("measured_on", Date, primary_key=True),
    Column("drawn", BigInteger, nullable=False),
)

campaign = Table(
    "campaign",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("version", SmallInteger, nullable=False),
    Column("title_zh", Text, nullable=False),
    Column("title_en", Text, nullable=False),
    Column("fund_id", Uuid, ForeignKey("fund.id"), nullable=False),
    # The programme's own rule, which every campaign goes before.
    Column("is_default", Boolean, nullable=False, server_default="false"),
    Column("region", Text, nullable=False),
    Column("valid_from", Date, nullable=False),
    # Last day; only this changes after the approval, and only to a day that has not ended.
    Column("valid_until", Date),
    # Points that the approval puts into the fund.
    Column("budget", BigInteger, nullable=False),
    Column("proposed_by", Text, nullable=False),
    Column("proposed_at", DateTime(timezone=True), nullable=False),
    Column("approved_by", Text),
    Column("approved_at", DateTime(timezone=True)),
    Column("ended_by", Text),
    UniqueConstraint("name", "version"),
    CheckConstraint("name ~ '^[a-z0-9][a-z0-9-]{2,63}$' AND version > 0", name="name"),
    CheckConstraint("region ~ '^([0-9]{2}|[0-9]{4}|[0-9]{6})?$'", name="region"),
    CheckConstraint("valid_until >= valid_from - 1", name="ends_after_it_begins"),
    CheckConstraint("budget >= 0", name="budget_not_negative"),
    CheckConstraint(
        "(approved_by IS NULL) = (approved_at IS NULL) AND approved_by <> proposed_by",
        name="two_persons",
    ),
)

campaign_action = Table(
    "campaign_action",
    metadata,
    Column("campaign_id", Uuid, ForeignKey("campaign.id"), primary_key=True),
    Column("action", Text, primary_key=True),
    Column("points", BigInteger),
    Column("multiplier_percent", Integer),
    # A member's word alone earns nothing unless a campaign says so.
    Column("self_declared_points", BigInteger, nullable=False, server_default="0"),
    CheckConstraint("num_nonnulls(points, multiplier_percent) = 1", name="points_or_multiplier"),
    CheckConstraint(
        "points BETWEEN 0 AND 100000 AND self_declared_points BETWEEN 0 AND 100000",
        name="points",
    ),
    CheckConstraint("multiplier_percent BETWEEN 1 AND 1000", name="multiplier_percent"),
)

pending_points = Table(
    "pending_points",
    metadata,
    # One credit's points that have no transfer yet; the row goes away with the transfer, or with
    # the credit when it is reversed first.
    Column("credit_id", Uuid, primary_key=True),
    Column("account_id", Uuid, nullable=False),
    Column("fund_id", Uuid, nullable=False),
    Column("lot_id", BigInteger, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("occurred_on", Date, nullable=False),
    # Not before this: evidence that a person could have faked is paid after a day.
    Column("due_at", DateTime(timezone=True), nullable=False),
    # Drawn from the fund when the credit was booked; else they wait for money, first come first.
    Column("is_funded", Boolean, nullable=False),
    Column("arrived_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("points BETWEEN 1 AND 1000000", name="points"),
    Index("ix_pending_points_account_id", "account_id"),
    Index("ix_pending_points_due", "due_at", postgresql_where="is_funded"),
    Index(
        "ix_pending_points_queue",
        "fund_id",
        "arrived_at",
        "credit_id",
        postgresql_where="NOT is_funded",
    ),
)
