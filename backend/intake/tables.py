"""Captures (permission to take one photo), odometer photos that await their pair, and tallies."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Index,
    LargeBinary,
    Table,
    Text,
    Uuid,
)

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
    # Day and window: `2026-11-21/lunch` of a plate, `2026-11-21/morning` of an odometer.
    Column("meal_window", Text, nullable=False),
    Index("ix_capture_account_id", "account_id"),
)

odometer_photo = Table(
    "odometer_photo",
    metadata,
    # One photo per capture; the second one of the day makes the pair a check-in.
    Column("capture_id", Uuid, primary_key=True),
    Column("account_id", Uuid, nullable=False),
    Column("evidence_sha256", Text, nullable=False),
    # SHA-256 of the decoded pixels: claimed when the pair becomes a check-in, not before.
    Column("pixel_sha256", LargeBinary, nullable=False),
    Column("received_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("octet_length(pixel_sha256) = 32", name="pixel_length"),
    # The sweep asks which stored evidence somebody names.
    Index("ix_odometer_photo_account_id", "account_id", "evidence_sha256"),
)

tally = Table(
    "tally",
    metadata,
    Column("account_id", Uuid, primary_key=True),
    Column("action", Text, primary_key=True),
    # Shanghai day that was counted.
    Column("day", Date, primary_key=True),
    # The device that counted, such as `phone`; one source replaces its own count only.
    Column("source", Text, primary_key=True),
    Column("amount", BigInteger, nullable=False),
    # When the source read its counter; the latest reading counts, whenever it arrives.
    Column("measured_at", DateTime(timezone=True), nullable=False),
    Column("check_in_id", Uuid, nullable=False),
    CheckConstraint("amount >= 0", name="amount_not_negative"),
)
