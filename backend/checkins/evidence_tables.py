"""Evidence of check-ins that more than one photo shows."""

from sqlalchemy import CheckConstraint, Column, DateTime, ForeignKey, Table, Text, Uuid

from backend.db import metadata

check_in_evidence = Table(
    "check_in_evidence",
    metadata,
    Column("check_in_id", Uuid, ForeignKey("check_in.id"), primary_key=True),
    # What the photo shows: the odometer in the morning, or in the evening of the same day.
    Column("part", Text, primary_key=True),
    Column("capture_id", Uuid, nullable=False, unique=True),
    # Of the JPEG in the store of evidence, under the account of the check-in.
    Column("evidence_sha256", Text, nullable=False),
    Column("taken_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("part IN ('morning', 'evening')", name="part"),
)
