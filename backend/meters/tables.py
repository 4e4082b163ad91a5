"""Readings of meters as they were told, and the averages of cities that they are compared with."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Index,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)

from backend.db import metadata

meter_reading = Table(
    "meter_reading",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("partner_id", Uuid, ForeignKey("partner.id"), nullable=False),
    Column("medium", Text, nullable=False),
    # The partner's own name of the meter; whose it is stays with the link.
    Column("meter", Text, nullable=False),
    Column("first_day", Date, nullable=False),
    Column("days", SmallInteger, nullable=False),
    # Watt-hours of electricity, litres of gas and water.
    Column("used_wh_or_l", BigInteger, nullable=False),
    Column("told_at", DateTime(timezone=True), nullable=False),
    # A period of a meter has one reading; what is told later replaces it. The order of the columns
    # also serves who looks for the days before a period.
    UniqueConstraint("partner_id", "medium", "meter", "first_day"),
    CheckConstraint("medium IN ('electricity', 'gas', 'water')", name="medium"),
    CheckConstraint("days BETWEEN 1 AND 62", name="days"),
    CheckConstraint("used_wh_or_l >= 0", name="used_not_negative"),
    Index("ix_meter_reading_partner_id_id", "partner_id", "id"),
)

meter_average = Table(
    "meter_average",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("region", Text, nullable=False),
    Column("medium", Text, nullable=False),
    Column("valid_from", Date, nullable=False),
    # Watt-hours or litres of one resident on one day.
    Column("average_wh_or_l", BigInteger, nullable=False),
    Column("source", Text, nullable=False),
    Column("proposed_by", Text, nullable=False),
    Column("proposed_at", DateTime(timezone=True), nullable=False),
    Column("approved_by", Text),
    CheckConstraint("region ~ '^[0-9]{6}$'", name="region"),
    CheckConstraint("medium IN ('electricity', 'gas', 'water')", name="medium"),
    CheckConstraint("average_wh_or_l > 0", name="average_positive"),
    CheckConstraint("char_length(source) BETWEEN 1 AND 300", name="source_length"),
    # It decides what everybody is credited: two persons stand behind it.
    CheckConstraint("approved_by <> proposed_by", name="two_persons"),
    Index(
        "uq_meter_average_region_medium_valid_from",
        "region",
        "medium",
        "valid_from",
        unique=True,
        postgresql_where="approved_by IS NOT NULL",
    ),
)
