"""Which events were taken and what they became, for ever; and which of them wait."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from backend.db import metadata

partner_event = Table(
    "partner_event",
    metadata,
    # Source and id name an event for ever, also in ten years; so this table is narrow and whole.
    Column("partner_id", Uuid, ForeignKey("partner.id"), primary_key=True),
    Column("source", Text, primary_key=True),
    Column("event_id", Text, primary_key=True),
    Column("type", Text, nullable=False),
    Column("role", Text, nullable=False),
    # SHA-256 over type, subject, time and data: the same id with another one is refused.
    Column("body_sha256", LargeBinary, nullable=False),
    # Id of the event that this one completes, corrects or withdraws.
    Column("about", Text),
    # The partner's time of a correction: of two the later counts, whichever came first.
    Column("told_at", DateTime(timezone=True)),
    Column("outcome", Text, nullable=False),
    Column("check_in_id", Uuid),
    Column("received_at", DateTime(timezone=True), nullable=False),
    # What it told, for reconciliation: the Shanghai day on which a reported activity began, and
    # the whole numbers of its data by their names. Empty where nothing is told, and in old rows.
    Column("day", Date),
    Column("amounts", JSONB),
    CheckConstraint("role IN ('reported', 'completed', 'corrected', 'withdrawn')", name="role"),
    CheckConstraint("(role = 'reported') = (about IS NULL)", name="changes_are_about_something"),
    CheckConstraint(
        "outcome IN ('credited', 'corrected', 'withdrawn', 'superseded', 'parked', 'lapsed',"
        " 'refused', 'doubted')",
        name="outcome",
    ),
    CheckConstraint("octet_length(body_sha256) = 32", name="body_sha256_bytes"),
    # What was counted names its check-in.
    CheckConstraint(
        "outcome NOT IN ('credited', 'corrected', 'withdrawn') OR check_in_id IS NOT NULL",
        name="counted_has_check_in",
    ),
    CheckConstraint("day IS NULL OR role = 'reported'", name="reports_have_a_day"),
    # What a partner has reported of a day.
    Index(
        "ix_partner_event_day",
        "partner_id",
        "day",
        "type",
        postgresql_where="day IS NOT NULL",
    ),
    # A tray is one event's.
    Index(
        "uq_partner_event_meal",
        "check_in_id",
        unique=True,
        postgresql_where="type = 'tanhui.meal.returned.v1'",
    ),
    # The changes to one activity; reports, which are nearly all rows, are not in it.
    Index(
        "ix_partner_event_about",
        "partner_id",
        "source",
        "about",
        postgresql_where="about IS NOT NULL",
    ),
)

parked_event = Table(
    "parked_event",
    metadata,
    Column("partner_id", Uuid, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("event_id", Text, primary_key=True),
    Column("waits_for", Text, nullable=False),
    # The partner's customer, the event's id, the bag's code, or a device's tray.
    Column("awaited", Text, nullable=False),
    # A customer's token as cards keep theirs: who gets a card finds what was done with it before.
    Column("awaited_sha256", LargeBinary),
    # Type, subject, time and data as canonical JSON; gone when the event waits no more.
    Column("body", Text, nullable=False),
    # As the key was, when it came.
    Column("reported_by", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("until", DateTime(timezone=True), nullable=False),
    Column("parked_at", DateTime(timezone=True), nullable=False),
    ForeignKeyConstraint(
        ["partner_id", "source", "event_id"],
        ["partner_event.partner_id", "partner_event.source", "partner_event.event_id"],
    ),
    CheckConstraint(
        "waits_for IN ('link', 'event', 'bag', 'tap_out', 'tray', 'score')", name="waits_for"
    ),
    CheckConstraint("(waits_for = 'link') = (awaited_sha256 IS NOT NULL)", name="link_has_digest"),
    Index(
        "ix_parked_event_awaited_sha256",
        "awaited_sha256",
        postgresql_where="awaited_sha256 IS NOT NULL",
    ),
    # Small beside all that waits: what canteens look for every two seconds.
    Index(
        "ix_parked_event_trays",
        "awaited",
        postgresql_where="waits_for IN ('tray', 'score')",
    ),
    # Who waits for this customer, event or bag.
    Index("ix_parked_event_awaited", "awaited", "partner_id"),
    # Whose time is over.
    Index("ix_parked_event_until", "until"),
)
