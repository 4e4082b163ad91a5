"""Codes of others (券码池): bought in bulk by a merchant, each given to one member."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    Table,
    UniqueConstraint,
    Uuid,
)

from backend.db import metadata

pool_code = Table(
    "pool_code",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("reward_id", Uuid, ForeignKey("reward.id"), nullable=False),
    # AES-256-GCM: twelve bytes of nonce, then the code and its tag, bound to the id.
    Column("ciphertext", LargeBinary, nullable=False),
    # Finds a code that was imported before without keeping it readable.
    Column("code_hmac", LargeBinary, nullable=False),
    Column("imported_at", DateTime(timezone=True), nullable=False),
    # Each code is used once.
    Column("voucher_id", Uuid, unique=True),
    Column("taken_at", DateTime(timezone=True)),
    UniqueConstraint("reward_id", "code_hmac"),
    CheckConstraint("(voucher_id IS NULL) = (taken_at IS NULL)", name="taken_by_a_voucher"),
    Index("ix_pool_code_free", "reward_id", "id", postgresql_where="voucher_id IS NULL"),
)
