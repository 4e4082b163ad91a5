"""Partners, their keys, and which of their customers gave which account."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Index,
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

partner_change = Table(
    "partner_change",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("partner_id", Uuid, ForeignKey("partner.id"), nullable=False),
    Column("what", Text, nullable=False),
    Column("reason", Text, nullable=False),
    # Principal of the operator.
    Column("changed_by", Text, nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("what IN ('suspended', 'resumed')", name="what"),
    Index("ix_partner_change_partner_id_id", "partner_id", "id"),
)

partner_key = Table(
    "partner_key",
    metadata,
    Column("id", Text, primary_key=True),
    Column("partner_id", Uuid, ForeignKey("partner.id"), nullable=False),
    # A device is identified by its own key; a partner's server by the partner's.
    Column("kind", Text, nullable=False),
    # How the caller shows that the key is hers: a bearer text, or the id of what signs.
    Column("algorithm", Text, nullable=False, server_default="bearer"),
    # The secret of a bearer text has 256 random bits, so a plain hash cannot be searched.
    Column("secret_sha256", LargeBinary),
    # What HMAC signs with must be read again; it opens under its own key's id only.
    Column("sealed_secret", LargeBinary),
    # Ed25519, raw; the private half never leaves the partner.
    Column("public_key", LargeBinary),
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
    # Principals; none where the command line made the key or a device enrolled itself.
    Column("created_by", Text),
    Column("revoked_by", Text),
    # The key whose place it took, which ends with the overlap.
    Column("replaces", Text, ForeignKey("partner_key.id")),
    Index("ix_partner_key_partner_id_created_at", "partner_id", "created_at"),
    CheckConstraint("kind IN ('partner', 'device')", name="kind"),
    CheckConstraint("algorithm IN ('bearer', 'v1', 'v1a')", name="algorithm"),
    # One kind of material for each key: nothing is good for two algorithms.
    CheckConstraint("(algorithm = 'bearer') = (secret_sha256 IS NOT NULL)", name="bearer_hash"),
    CheckConstraint("(algorithm = 'v1') = (sealed_secret IS NOT NULL)", name="hmac_secret"),
    CheckConstraint("(algorithm = 'v1a') = (public_key IS NOT NULL)", name="ed25519_key"),
    CheckConstraint("octet_length(public_key) = 32", name="public_key_length"),
)

partner_link = Table(
    "partner_link",
    metadata,
    Column("partner_id", Uuid, ForeignKey("partner.id"), primary_key=True),
    # The partner's own name for its customer (a card number's token), never ours.
    Column("subject_token", Text, primary_key=True),
    Column("account_id", Uuid, ForeignKey("account.id"), nullable=False, index=True),
    Column("linked_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("id", Uuid, nullable=False, unique=True, server_default=func.uuidv7()),
    # Which text the member agreed to; none where an operator or the demo has linked.
    Column("consent_version", Text),
)

ended_link = Table(
    "ended_link",
    metadata,
    # A link that stands is a row of its own table, which crediting reads; this one is the proof of
    # what was agreed to, from when until when.
    Column("id", Uuid, primary_key=True),
    Column("partner_id", Uuid, ForeignKey("partner.id"), nullable=False),
    Column("subject_token", Text, nullable=False),
    Column("account_id", Uuid, ForeignKey("account.id"), nullable=False, index=True),
    Column("consent_version", Text),
    Column("linked_at", DateTime(timezone=True), nullable=False),
    Column("unlinked_at", DateTime(timezone=True), nullable=False),
)

link_code = Table(
    "link_code",
    metadata,
    # One code for each customer: a new one takes the place of the one before.
    Column("partner_id", Uuid, ForeignKey("partner.id"), primary_key=True),
    Column("subject_token", Text, primary_key=True),
    Column("code_sha256", LargeBinary, nullable=False, unique=True),
    Column("expires_at", DateTime(timezone=True), nullable=False, index=True),
    # Whom it has linked: she may ask again, nobody else may.
    Column("used_by", Uuid, ForeignKey("account.id")),
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
