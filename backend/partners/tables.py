"""Partners, their keys, and which of their customers gave which account."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    LargeBinary,
    Table,
    Text,
    Uuid,
    func,
)
from sqlalchemy.dialects.postgresql import ARRAY

from backend.db import metadata

partner = Table(
    "partner",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name_zh", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    # CloudEvents `source` prefix that this partner may speak for.
    Column("source", Text, nullable=False, unique=True),
    # While it is set none of the partner's keys opens anything; what was credited stays.
    Column("suspended_at", DateTime(timezone=True)),
)

partner_key = Table(
    "partner_key",
    metadata,
    Column("id", Text, primary_key=True),
    Column("partner_id", Uuid, ForeignKey("partner.id"), nullable=False),
    # A device is identified by its own key; a partner's server by the partner's.
    Column("kind", Text, nullable=False),
    # The secret has 256 random bits, so a plain hash cannot be searched.
    Column("secret_sha256", LargeBinary, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    # Empty: every type, region and source that the partner itself may speak for.
    Column("event_types", ARRAY(Text), nullable=False, server_default="{}"),
    Column("regions", ARRAY(Text), nullable=False, server_default="{}"),
    Column("sources", ARRAY(Text), nullable=False, server_default="{}"),
    Column("is_revoked", Boolean, nullable=False, server_default="false"),
    # The end of the overlap in which this key and the one that takes its place both work.
    Column("expires_at", DateTime(timezone=True)),
    # A day and no more: who was online when is nobody's business.
    Column("last_used_on", Date),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    CheckConstraint("kind IN ('partner', 'device')", name="kind"),
)

partner_link = Table(
    "partner_link",
    metadata,
    Column("partner_id", Uuid, ForeignKey("partner.id"), primary_key=True),
    # The partner's own name for its customer (a card number's token), never ours.
    Column("subject_token", Text, primary_key=True),
    Column("account_id", Uuid, ForeignKey("account.id"), nullable=False, index=True),
    Column("linked_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)

partner_report = Table(
    "partner_report",
    metadata,
    # Whose evidence a check-in rests on: what that partner may hear of, and what to look at again
    # when its key turns out to have lied.
    Column("check_in_id", Uuid, primary_key=True),
    Column("partner_id", Uuid, ForeignKey("partner.id"), nullable=False),
    Column("reported_at", DateTime(timezone=True), nullable=False),
)
