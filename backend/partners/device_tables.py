"""Devices that send evidence of their own, and who did what with them."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
)

from backend.db import metadata

device = Table(
    "device",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("partner_id", Uuid, ForeignKey("partner.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    # The canteen in which it stands; that room lies above this one, so `tanhui verify` compares.
    Column("place_id", Uuid, nullable=False),
    Column("status", Text, nullable=False),
    # The key that it signs with; a device that is enrolled again has another one at once.
    Column("key_id", Text, ForeignKey("partner_key.id"), unique=True),
    # Good for its device until it expires also after its use: who lost the answer asks again.
    Column("code_sha256", LargeBinary),
    Column("is_code_used", Boolean, nullable=False, server_default="false"),
    Column("code_expires_at", DateTime(timezone=True)),
    Column("enrolled_at", DateTime(timezone=True)),
    # What the last heartbeat said. Our clock minus the device's, in milliseconds.
    Column("last_seen_at", DateTime(timezone=True)),
    Column("clock_offset_ms", BigInteger, nullable=False, server_default="0"),
    Column("queue_length", Integer),
    Column("software_version", Text),
    Column("created_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("kind IN ('tray_return')", name="kind"),
    CheckConstraint("status IN ('waiting', 'active', 'suspended')", name="status"),
    CheckConstraint("status <> 'active' OR key_id IS NOT NULL", name="active_has_key"),
    CheckConstraint("status <> 'waiting' OR key_id IS NULL", name="waiting_has_no_key"),
    CheckConstraint("(key_id IS NULL) = (enrolled_at IS NULL)", name="key_has_day"),
    CheckConstraint("(code_sha256 IS NULL) = (code_expires_at IS NULL)", name="code_expires"),
    CheckConstraint("queue_length >= 0", name="queue_length"),
    Index("uq_device_code_sha256", "code_sha256", unique=True),
    Index("ix_device_place_id", "place_id"),
)

device_change = Table(
    "device_change",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("device_id", Uuid, ForeignKey("device.id"), nullable=False),
    Column("what", Text, nullable=False),
    Column("note", Text),
    # Principal; a device that enrols itself is its own.
    Column("changed_by", Text, nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False),
    CheckConstraint(
        "what IN ('added', 'code_made', 'enrolled', 'suspended', 'resumed')", name="what"
    ),
    CheckConstraint("char_length(note) <= 500", name="note_length"),
    Index("ix_device_change_device_id_id", "device_id", "id"),
)
