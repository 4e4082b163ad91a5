"""The only tables that know a person; every other room knows an account."""

from sqlalchemy import (
    Column,
    DateTime,
    ForeignKey,
    LargeBinary,
    Table,
    Text,
    Uuid,
    func,
)

from backend.db import metadata

member = Table(
    "member",
    metadata,
    Column("id", Uuid, primary_key=True),
    # Issuer and subject of the sign-in token; the only personal key that we keep.
    Column("subject", Text, nullable=False, unique=True),
    # One member, one account: erasing this row is what makes the account nobody's.
    Column("account_id", Uuid, ForeignKey("account.id"), nullable=False, unique=True),
    Column("joined_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)

account_secret = Table(
    "account_secret",
    metadata,
    Column("account_id", Uuid, ForeignKey("account.id"), primary_key=True),
    # 32 random bytes that salt the account's credits when they are sealed; erased with the member.
    Column("secret", LargeBinary, nullable=False),
)
