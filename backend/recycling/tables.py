"""Bags by their printed code."""

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, Table, Text, Uuid

from backend.db import metadata

bag = Table(
    "bag",
    metadata,
    Column("code", Text, primary_key=True),
    Column("account_id", Uuid),
    Column("check_in_id", Uuid, unique=True),
    # Where it was bound; the weighing is credited there.
    Column("region", Text),
    Column("bound_at", DateTime(timezone=True)),
    Column("weighed_at", DateTime(timezone=True)),
    Column("mass_g", BigInteger),
    # A bag is bound by one member and weighed once, in this order.
    CheckConstraint("(bound_at IS NULL) = (account_id IS NULL)", name="bound_by_somebody"),
    CheckConstraint("(bound_at IS NULL) = (check_in_id IS NULL)", name="bound_is_a_check_in"),
    CheckConstraint("weighed_at IS NULL OR bound_at IS NOT NULL", name="bound_before_weighed"),
    CheckConstraint("(weighed_at IS NULL) = (mass_g IS NULL)", name="weighed_has_mass"),
    CheckConstraint("mass_g > 0", name="mass_positive"),
)
