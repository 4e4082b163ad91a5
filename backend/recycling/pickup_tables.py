"""Pickups at the door, and what collectors report of them."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    Uuid,
)

from backend.db import metadata

pickup = Table(
    "pickup",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("account_id", Uuid, nullable=False),
    Column("region", Text, nullable=False),
    Column("slot_on", Date, nullable=False),
    Column("slot_hour", SmallInteger, nullable=False),
    Column("sealed_address", LargeBinary),
    Column("bags", SmallInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("status_at", DateTime(timezone=True), nullable=False),
    # Principal of the collector; a name is nowhere.
    Column("collector", Text),
    Column("requested_at", DateTime(timezone=True), nullable=False),
    Column("closed_at", DateTime(timezone=True)),
    CheckConstraint("slot_hour IN (9, 14, 18)", name="slot_hour"),
    CheckConstraint("bags BETWEEN 1 AND 20", name="bags"),
    CheckConstraint("region ~ '^[0-9]{6}$'", name="region"),
    CheckConstraint(
        "status IN ('open', 'not_home', 'done', 'cancelled', 'expired')", name="status"
    ),
    CheckConstraint("(closed_at IS NULL) = (status IN ('open', 'not_home'))", name="closed"),
    # An address is kept exactly as long as somebody has to find it.
    CheckConstraint(
        "(closed_at IS NULL) = (sealed_address IS NOT NULL)", name="address_while_open"
    ),
    # One open pickup per member: asking twice, even at once, sends nobody twice.
    Index("uq_pickup_account_id", "account_id", unique=True, postgresql_where="closed_at IS NULL"),
    Index("ix_pickup_account_id_id", "account_id", "id"),
    # A collector's round, and the operator's: by slot.
    Index(
        "ix_pickup_collector_slot",
        "collector",
        "slot_on",
        "slot_hour",
        postgresql_where="closed_at IS NULL",
    ),
    Index("ix_pickup_slot_on", "slot_on", "slot_hour", "region", "id"),
)

pickup_capacity = Table(
    "pickup_capacity",
    metadata,
    # Who books a slot locks the rows of the areas around it, and counts: no place is given twice.
    Column("region", Text, primary_key=True),
    Column("slot_hour", SmallInteger, primary_key=True, autoincrement=False),
    # Empty where an operator has lifted the limit.
    Column("places", SmallInteger),
    Column("set_by", Text, nullable=False),
    Column("set_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("region ~ '^[0-9]{6}$'", name="region"),
    CheckConstraint("slot_hour IN (9, 14, 18)", name="slot_hour"),
    CheckConstraint("places BETWEEN 0 AND 1000", name="places"),
)

pickup_report = Table(
    "pickup_report",
    metadata,
    # The collector's own id: a report that comes twice, or in bulk a day later, counts once.
    Column("collector", Text, primary_key=True),
    Column("id", Uuid, primary_key=True),
    Column("pickup_id", Uuid, ForeignKey("pickup.id"), nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
    Column("code", Text),
    Column("mass_g", BigInteger),
    Column("slot_on", Date),
    Column("slot_hour", SmallInteger),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    CheckConstraint(
        "kind IN ('arrived', 'not_home', 'rescheduled', 'picked_up', 'done')", name="kind"
    ),
    CheckConstraint("(kind = 'picked_up') = (code IS NOT NULL)", name="picked_up_a_bag"),
    CheckConstraint(
        "mass_g IS NULL OR (mass_g > 0 AND kind = 'picked_up')", name="weighed_at_the_door"
    ),
    CheckConstraint("(kind = 'rescheduled') = (slot_on IS NOT NULL)", name="rescheduled_to"),
    CheckConstraint("(slot_on IS NULL) = (slot_hour IS NULL)", name="slot_is_whole"),
)
