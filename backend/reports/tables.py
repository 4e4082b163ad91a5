"""Totals per day, action, district and tier; no row can be traced to an account."""

from sqlalchemy import BigInteger, Column, Date, Table, Text

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
