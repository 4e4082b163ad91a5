"""Totals per day, action, district and tier; no row can be traced to an account."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Date, DateTime, Table, Text

from backend.db import metadata

daily_total = Table(
    "daily_total",
    metadata,
    Column("occurred_on", Date, primary_key=True),
    Column("region", Text, primary_key=True),
    Column("action", Text, primary_key=True),
    Column("tier", Text, primary_key=True),
    # Net of reversals: a corrected check-in counts once.
    Column("credits", BigInteger, nullable=False),
    Column("grams", BigInteger, nullable=False),
    Column("points", BigInteger, nullable=False),
)

closed_month = Table(
    "closed_month",
    metadata,
    # Its first day. Totals of its days never change again; what comes later is a correction.
    Column("month", Date, primary_key=True),
    Column("closed_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("extract(day FROM month) = 1", name="first_day"),
)

total_correction = Table(
    "total_correction",
    metadata,
    # First day of the open month that reports the change.
    Column("reported_in", Date, primary_key=True),
    # The activity's own day, in a month that was closed before.
    Column("occurred_on", Date, primary_key=True),
    Column("region", Text, primary_key=True),
    Column("action", Text, primary_key=True),
    Column("tier", Text, primary_key=True),
    Column("credits", BigInteger, nullable=False),
    Column("grams", BigInteger, nullable=False),
    Column("points", BigInteger, nullable=False),
    CheckConstraint("occurred_on < reported_in", name="reported_later"),
)
