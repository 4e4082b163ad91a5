"""Control totals as partners stated them, and the events that they listed."""

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
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from backend.db import metadata

control_total = Table(
    "control_total",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("partner_id", Uuid, ForeignKey("partner.id"), nullable=False),
    Column("source", Text, nullable=False),
    Column("type", Text, nullable=False),
    # The Shanghai day on which the activities began.
    Column("day", Date, nullable=False),
    Column("count", BigInteger, nullable=False),
    # Sum of each amount by its name, such as {"distance_m": 21000}.
    Column("sums", JSONB, nullable=False),
    Column("stated_at", DateTime(timezone=True), nullable=False),
    # When the partner stated other totals; what it had said before stays on record.
    Column("replaced_at", DateTime(timezone=True)),
    CheckConstraint("count >= 0", name="count_not_negative"),
    CheckConstraint("jsonb_typeof(sums) = 'object'", name="sums_by_name"),
    CheckConstraint("replaced_at >= stated_at", name="replaced_afterwards"),
    # One statement counts; the order of the columns also serves the list of a day.
    Index(
        "uq_control_total_partner_id_day_type_source",
        "partner_id",
        "day",
        "type",
        "source",
        unique=True,
        postgresql_where="replaced_at IS NULL",
    ),
)

control_event = Table(
    "control_event",
    metadata,
    Column("total_id", Uuid, ForeignKey("control_total.id"), primary_key=True),
    Column("event_id", Text, primary_key=True),
    # A part that is sent again replaces what it listed before.
    Column("part", SmallInteger, nullable=False),
    Column("amounts", JSONB, nullable=False),
    CheckConstraint("part BETWEEN 1 AND 1000", name="part"),
    CheckConstraint("jsonb_typeof(amounts) = 'object'", name="amounts_by_name"),
)
