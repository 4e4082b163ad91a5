"""Merchants, their stores, people and tills, and what they offer."""

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
    SmallInteger,
    Table,
    Text,
    Uuid,
    func,
)
from sqlalchemy.dialects.postgresql import ARRAY

from backend.db import metadata

merchant = Table(
    "merchant",
    metadata,
    # Its account in the ledger, which the settlements of all its stores fill.
    Column("id", Uuid, ForeignKey("account.id"), primary_key=True),
    Column("name_zh", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("is_active", Boolean, nullable=False, server_default="true"),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)

store = Table(
    "store",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("merchant_id", Uuid, ForeignKey("merchant.id"), nullable=False, index=True),
    Column("name_zh", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    CheckConstraint("region ~ '^[0-9]{6}$'", name="region"),
)

merchant_staff = Table(
    "merchant_staff",
    metadata,
    # Issuer and subject of the sign-in token. One person works for one merchant, so a token alone
    # says for whom it settles.
    Column("subject", Text, primary_key=True),
    Column("merchant_id", Uuid, ForeignKey("merchant.id"), nullable=False, index=True),
    Column("role", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("is_active", Boolean, nullable=False, server_default="true"),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    CheckConstraint("role IN ('merchant_manager', 'cashier')", name="role"),
)

staff_change = Table(
    "staff_change",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("merchant_id", Uuid, ForeignKey("merchant.id"), nullable=False),
    Column("subject", Text, ForeignKey("merchant_staff.subject"), nullable=False),
    # What she is from then on.
    Column("role", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("is_active", Boolean, nullable=False),
    # Principal: a manager of the merchant, or an operator.
    Column("changed_by", Text, nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("role IN ('merchant_manager', 'cashier')", name="role"),
    Index("ix_staff_change_merchant_id_id", "merchant_id", "id"),
)

till = Table(
    "till",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("merchant_id", Uuid, ForeignKey("merchant.id"), nullable=False, index=True),
    Column("store_id", Uuid, ForeignKey("store.id"), nullable=False),
    Column("name", Text, nullable=False),
    # Of the code that a person types once; forty random bits that live for a day.
    Column("code_sha256", LargeBinary, nullable=False, unique=True),
    Column("code_expires_at", DateTime(timezone=True), nullable=False),
    # Set by the enrolment, so that a code which leaked after it opens nothing.
    Column("key_id", Text, ForeignKey("partner_key.id"), unique=True),
    Column("enrolled_at", DateTime(timezone=True)),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    CheckConstraint("(key_id IS NULL) = (enrolled_at IS NULL)", name="enrolled_with_a_key"),
)

reward = Table(
    "reward",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("merchant_id", Uuid, ForeignKey("merchant.id"), nullable=False, index=True),
    Column("name_zh", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("detail_zh", Text, nullable=False, server_default=""),
    Column("detail_en", Text, nullable=False, server_default=""),
    Column("points", BigInteger, nullable=False),
    Column("payer", Text, nullable=False),
    # Only points of this fund buy it, so that its payer pays and nobody else; none means any.
    Column("fund_id", Uuid, ForeignKey("fund.id")),
    Column("fulfilment", Text, nullable=False, server_default="voucher"),
    # What a member has to name so that the partner knows whom to give it to; none for nothing.
    Column("recipient", Text),
    Column("regions", ARRAY(Text), nullable=False, server_default="{}"),
    Column("valid_from", DateTime(timezone=True), nullable=False),
    Column("valid_until", DateTime(timezone=True)),
    Column("voucher_days", SmallInteger, nullable=False, server_default="30"),
    Column("limit_per_member", Integer),
    Column("limit_per_period", Integer),
    Column("period", Text),
    # All pieces ever put up; slices and vouchers add up to it. None means without end.
    Column("stock", BigInteger),
    Column("low_stock_at", BigInteger),
    Column("is_offered", Boolean, nullable=False, server_default="true"),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    CheckConstraint("points BETWEEN 1 AND 1000000", name="points"),
    CheckConstraint("payer IN ('government', 'foundation', 'company')", name="payer"),
    CheckConstraint("fulfilment IN ('voucher', 'pool', 'partner_call')", name="fulfilment"),
    CheckConstraint("recipient IN ('phone', 'account')", name="recipient"),
    CheckConstraint(
        "recipient IS NULL OR fulfilment = 'partner_call'", name="recipient_of_a_partner"
    ),
    CheckConstraint("valid_until > valid_from", name="valid_for_some_time"),
    CheckConstraint("voucher_days BETWEEN 1 AND 366", name="voucher_days"),
    CheckConstraint("limit_per_member > 0", name="limit_per_member"),
    CheckConstraint("limit_per_period > 0", name="limit_per_period"),
    CheckConstraint("period IN ('day', 'week', 'month')", name="period"),
    CheckConstraint("(limit_per_period IS NULL) = (period IS NULL)", name="limit_has_a_period"),
    CheckConstraint("stock >= 0", name="stock_not_negative"),
    Index("ix_reward_offered", "id", postgresql_where="is_offered"),
)

reward_stock = Table(
    "reward_stock",
    metadata,
    Column("reward_id", Uuid, ForeignKey("reward.id"), primary_key=True),
    Column("slice", SmallInteger, primary_key=True),
    Column("available", BigInteger, nullable=False),
    # The last piece is never promised to two people.
    CheckConstraint("available >= 0", name="available_not_negative"),
    postgresql_with={"fillfactor": "50"},
)
