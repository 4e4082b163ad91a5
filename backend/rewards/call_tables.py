"""Rewards that another system hands over (直充): where it is called, and what came of each call."""

from sqlalchemy import (
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
)

from backend.db import metadata

call_endpoint = Table(
    "call_endpoint",
    metadata,
    # One system per merchant; which reward is meant stands in the body.
    Column("merchant_id", Uuid, ForeignKey("merchant.id"), primary_key=True),
    Column("url", Text, nullable=False),
    # Sealed: signing needs it back, so a hash is not enough.
    Column("secret", LargeBinary, nullable=False),
    # Signs too until then, so that a rotation breaks no call.
    Column("previous_secret", LargeBinary),
    Column("previous_until", DateTime(timezone=True)),
    Column("changed_by", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False),
    CheckConstraint(
        "(previous_secret IS NULL) = (previous_until IS NULL)", name="previous_for_some_time"
    ),
)

partner_call = Table(
    "partner_call",
    metadata,
    # One call per voucher, and the name by which the partner knows a repetition.
    Column("voucher_id", Uuid, primary_key=True),
    Column("merchant_id", Uuid, nullable=False),
    # Fixed with the call: another system has never heard of this voucher and would do it again.
    Column("url", Text, nullable=False),
    # A phone number or an account at the partner, sealed; gone when the call has ended.
    Column("recipient", LargeBinary),
    Column("status", Text, nullable=False),
    # Fences what is written about an attempt.
    Column("attempts", Integer, nullable=False, server_default="0"),
    # Made before a person had it asked again: pauses grow from there.
    Column("attempts_before", Integer, nullable=False, server_default="0"),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("leased_until", DateTime(timezone=True)),
    # After this a person decides.
    Column("ask_until", DateTime(timezone=True), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("error", Text),
    Column("response_code", SmallInteger),
    # What the partner calls its side of it.
    Column("reference", Text),
    # Why it did not happen, in the partner's or the deciding person's words.
    Column("reason", Text),
    Column("decided_by", Text),
    Column("ended_at", DateTime(timezone=True)),
    CheckConstraint("status IN ('calling', 'undecided', 'fulfilled', 'refused')", name="status"),
    CheckConstraint("(status = 'fulfilled') = (reference IS NOT NULL)", name="has_its_reference"),
    CheckConstraint("status <> 'refused' OR reason IS NOT NULL", name="refused_for_a_reason"),
    CheckConstraint(
        "(status IN ('fulfilled', 'refused')) = (ended_at IS NOT NULL)", name="ended_when_known"
    ),
    CheckConstraint("leased_until IS NULL OR status = 'calling'", name="leased_while_calling"),
    CheckConstraint("recipient IS NULL OR ended_at IS NULL", name="recipient_forgotten"),
    # What is due, per merchant, so that a slow partner hides nothing of the others.
    Index(
        "ix_partner_call_due",
        "merchant_id",
        "due_at",
        "voucher_id",
        postgresql_where="status = 'calling'",
    ),
    Index("ix_partner_call_merchant_id_voucher_id", "merchant_id", "voucher_id"),
    Index("ix_partner_call_undecided", "voucher_id", postgresql_where="status = 'undecided'"),
    postgresql_with={"fillfactor": "70"},
)
