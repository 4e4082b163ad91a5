"""Captures: permission to take one photo, made before the photo."""

from sqlalchemy import Column, DateTime, Index, Table, Text, Uuid

from backend.db import metadata

capture = Table(
    "capture",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("account_id", Uuid, nullable=False),
    Column("action", Text, nullable=False),
    # The photo's time of activity; the phone's own clock is never asked.
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("region", Text, nullable=False),
    Column("meal_window", Text, nullable=False),
    Index("ix_capture_account_id", "account_id"),
)
