"""Where webhooks go, the secrets that sign them, and what was sent.

The growing table has no foreign key to what its messages are about; `tanhui verify` proves it.
"""

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
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.dialects.postgresql import ARRAY

from backend.db import metadata

webhook_endpoint = Table(
    "webhook_endpoint",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("owner_kind", Text, nullable=False),
    # A partner or a merchant; which table, the kind says.
    Column("owner_id", Uuid, nullable=False),
    # The limit per owner is a constraint: each endpoint takes one of these places.
    Column("place", SmallInteger, nullable=False),
    Column("url", Text, nullable=False),
    Column("event_types", ARRAY(Text), nullable=False),
    # From here on every event of these types has a delivery; `tanhui verify` goes by it.
    Column("subscribed_at", DateTime(timezone=True), nullable=False),
    Column("status", Text, nullable=False),
    Column("disabled_reason", Text),
    # First failure since the last success; after days of it the endpoint is disabled.
    Column("failing_since", DateTime(timezone=True)),
    Column("created_by", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("owner_kind IN ('partner', 'merchant')", name="owner_kind"),
    CheckConstraint("place BETWEEN 1 AND 10", name="place"),
    CheckConstraint("cardinality(event_types) > 0", name="event_types"),
    CheckConstraint("status IN ('enabled', 'disabled', 'deleted')", name="status"),
    CheckConstraint(
        "disabled_reason IN ('owner', 'operator', 'gone', 'failing', 'address_refused')",
        name="disabled_reason",
    ),
    CheckConstraint(
        "(status = 'disabled') = (disabled_reason IS NOT NULL)", name="disabled_for_a_reason"
    ),
    Index(
        "uq_webhook_endpoint_owner_id_place",
        "owner_id",
        "place",
        unique=True,
        postgresql_where="status <> 'deleted'",
    ),
    # The natural key of a registration: the same one again is the same endpoint.
    Index(
        "uq_webhook_endpoint_owner_id_url",
        "owner_id",
        "url",
        unique=True,
        postgresql_where="status <> 'deleted'",
    ),
)

webhook_secret = Table(
    "webhook_secret",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("endpoint_id", Uuid, ForeignKey("webhook_endpoint.id"), nullable=False, index=True),
    # Encrypted (`backend.sealing`): signing needs it back, so a hash is not enough.
    Column("sealed", LargeBinary, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    # Set by the rotation that replaced it; until then it signs too.
    Column("expires_at", DateTime(timezone=True)),
)

webhook_delivery = Table(
    "webhook_delivery",
    metadata,
    # The `webhook-id` of every attempt, by which a receiver knows a repetition.
    Column("id", Uuid, primary_key=True),
    Column("endpoint_id", Uuid, ForeignKey("webhook_endpoint.id"), nullable=False),
    Column("event_type", Text, nullable=False),
    Column("subject_id", Uuid, nullable=False),
    # Exactly what is signed and sent, the same at every attempt.
    Column("body", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    # Made before the last replay: pauses grow from there, while `attempts` stays a fence.
    Column("attempts_before", Integer, nullable=False, server_default="0"),
    Column("due_at", DateTime(timezone=True), nullable=False),
    # While an attempt is under way: nobody else sends it, and it counts against the endpoint.
    Column("leased_until", DateTime(timezone=True)),
    Column("give_up_at", DateTime(timezone=True), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("attempted_at", DateTime(timezone=True)),
    Column("response_code", SmallInteger),
    Column("duration_ms", Integer),
    Column("error", Text),
    CheckConstraint("status IN ('pending', 'delivered', 'failed')", name="status"),
    CheckConstraint(
        "status <> 'delivered' OR coalesce(response_code, 0) BETWEEN 200 AND 299",
        name="delivered_with_success",
    ),
    CheckConstraint("leased_until IS NULL OR status = 'pending'", name="leased_while_pending"),
    CheckConstraint("octet_length(body) <= 20480", name="body_bytes"),
    # A step that runs again, or a replayed dead letter, makes no second message.
    UniqueConstraint("endpoint_id", "event_type", "subject_id"),
    # An owner's log, newest first.
    Index("ix_webhook_delivery_endpoint_id_id", "endpoint_id", "id"),
    # What is due, per endpoint, so that a long queue of one hides nothing of the others.
    Index(
        "ix_webhook_delivery_due",
        "endpoint_id",
        "due_at",
        "id",
        postgresql_where="status = 'pending'",
    ),
    Index(
        "ix_webhook_delivery_leased",
        "endpoint_id",
        "leased_until",
        postgresql_where="leased_until IS NOT NULL",
    ),
    # Old rows go; see the reference of retention.
    Index("ix_webhook_delivery_created_at", "created_at"),
    postgresql_with={"fillfactor": "70"},
)
