"""Funds: budgets with a floor, cut into slices so that no batch waits for another's."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    SmallInteger,
    Table,
    Text,
    Uuid,
)

from backend.db import metadata

fund = Table(
    "fund",
    metadata,
    Column("id", Uuid, ForeignKey("account.id"), primary_key=True),
    Column("name_zh", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    # All points ever put into the fund; slices and transfers add up to it.
    Column("budget", BigInteger, nullable=False),
    CheckConstraint("budget >= 0", name="budget_not_negative"),
)

fund_slice = Table(
    "fund_slice",
    metadata,
    Column("fund_id", Uuid, ForeignKey("fund.id"), primary_key=True),
    Column("slice", SmallInteger, primary_key=True),
    Column("available", BigInteger, nullable=False),
    # Points owed never exceed what is funded: the sum over slices only falls by what was drawn.
    CheckConstraint("available >= 0", name="available_not_negative"),
    postgresql_with={"fillfactor": "50"},
)
