"""What merchants were told of stock that ran low."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Table,
    Uuid,
)

from backend.db import metadata

stock_alert = Table(
    "stock_alert",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("reward_id", Uuid, ForeignKey("reward.id"), nullable=False),
    Column("merchant_id", Uuid, ForeignKey("merchant.id"), nullable=False),
    Column("pieces_left", BigInteger, nullable=False),
    Column("low_stock_at", BigInteger, nullable=False),
    Column("raised_at", DateTime(timezone=True), nullable=False),
    # Set when there is more again; the next crossing is another alert.
    Column("recovered_at", DateTime(timezone=True)),
    CheckConstraint("pieces_left BETWEEN 0 AND low_stock_at", name="low_when_raised"),
    # Once per crossing, whoever looks at the same time.
    Index(
        "uq_stock_alert_open",
        "reward_id",
        unique=True,
        postgresql_where="recovered_at IS NULL",
    ),
    Index("ix_stock_alert_merchant_id_id", "merchant_id", "id"),
)
