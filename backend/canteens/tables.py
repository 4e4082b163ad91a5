"""Canteens, the trays that their cameras saw, and which member claimed which tray."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)

from backend.db import metadata

canteen = Table(
    "canteen",
    metadata,
    Column("id", Uuid, primary_key=True),
    # Who runs it: its devices report for this partner, whose card tokens they read.
    Column("partner_id", Uuid, ForeignKey("partner.id"), nullable=False),
    Column("name_zh", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("region ~ '^[0-9]{6}$'", name="region"),
)

tray = Table(
    "tray",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("device_id", Uuid, nullable=False),
    Column("canteen_id", Uuid, nullable=False),
    # The device's own count of trays; with the device it names one tray for ever.
    Column("sequence", BigInteger, nullable=False),
    # By our clock: what the device said, corrected by its offset.
    Column("taken_at", DateTime(timezone=True), nullable=False),
    Column("received_at", DateTime(timezone=True), nullable=False),
    Column("meal_window", Text, nullable=False),
    Column("evidence_sha256", Text, nullable=False),
    Column("pixel_sha256", LargeBinary, nullable=False),
    # HMAC of all that the device said of it: the same again is a repetition, else a conflict.
    Column("content_sha256", LargeBinary, nullable=False),
    # What the card reader gave; gone as soon as it is of no use any more.
    Column("subject_token", Text),
    # SHA-256 of the code that the device showed beside this tray.
    Column("code_sha256", LargeBinary, unique=True),
    Column("status", Text, nullable=False),
    Column("check_in_id", Uuid, unique=True),
    CheckConstraint("status IN ('waiting', 'joined', 'refused', 'lapsed')", name="status"),
    CheckConstraint("(status = 'joined') = (check_in_id IS NOT NULL)", name="joined_has_check_in"),
    CheckConstraint("status = 'waiting' OR subject_token IS NULL", name="token_while_waiting"),
    CheckConstraint("sequence >= 0", name="sequence"),
    CheckConstraint("octet_length(pixel_sha256) = 32", name="pixel_length"),
    CheckConstraint("octet_length(content_sha256) = 32", name="content_length"),
    UniqueConstraint("device_id", "sequence"),
    # A day of one canteen.
    Index("ix_tray_canteen_id_taken_at", "canteen_id", "taken_at"),
    # Stays as small as what waits for its member.
    Index("ix_tray_waiting", "taken_at", "id", postgresql_where="status = 'waiting'"),
)

tray_claim = Table(
    "tray_claim",
    metadata,
    # The first member who scans a tray's code has it.
    Column("code_sha256", LargeBinary, primary_key=True),
    Column("account_id", Uuid, ForeignKey("account.id"), nullable=False),
    Column("claimed_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("octet_length(code_sha256) = 32", name="code_length"),
)
