"""Hand-ins, the lots they become, every step of the lots, and what was paid for hand-ins."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Table,
    Text,
    Uuid,
)

from backend.db import metadata

marine_site = Table(
    "marine_site",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("partner_id", Uuid, ForeignKey("partner.id"), nullable=False, index=True),
    Column("stage", Text, nullable=False),
    Column("name_zh", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("stage IN ('shore', 'port', 'sorter', 'recycler')", name="stage"),
    CheckConstraint("region ~ '^[0-9]{6}$'", name="region"),
)

marine_hand_in = Table(
    "marine_hand_in",
    metadata,
    Column("id", Uuid, primary_key=True),
    # What the member shows and the keeper reads.
    Column("code", Text, nullable=False, unique=True),
    # Empty for somebody whom the programme does not know: paid, but not credited.
    Column("account_id", Uuid),
    Column("requested_by", Text, nullable=False),
    Column("material", Text, nullable=False),
    Column("requested_at", DateTime(timezone=True), nullable=False),
    Column("site_id", Uuid, ForeignKey("marine_site.id")),
    # The key with which it was weighed: a station's keeper, never the person's name.
    Column("kept_by", Text),
    Column("mass_g", BigInteger),
    Column("weighed_at", DateTime(timezone=True)),
    Column("check_in_id", Uuid, unique=True),
    CheckConstraint("requested_by IN ('member', 'keeper')", name="requested_by"),
    CheckConstraint("material IN ('sorted_plastic', 'unsorted_waste')", name="material"),
    CheckConstraint("requested_by = 'keeper' OR account_id IS NOT NULL", name="asked_for_oneself"),
    CheckConstraint(
        "num_nonnulls(site_id, kept_by, mass_g, weighed_at) IN (0, 4)", name="weighed_at_a_site"
    ),
    CheckConstraint("mass_g BETWEEN 1 AND 500000", name="mass"),
    # Grams need somebody to have them and a scale to have shown them.
    CheckConstraint(
        "check_in_id IS NULL OR (account_id IS NOT NULL AND mass_g IS NOT NULL)",
        name="credited_after_the_scale",
    ),
    Index("ix_marine_hand_in_account_id_id", "account_id", "id"),
    Index("ix_marine_hand_in_site_id_id", "site_id", "id"),
)

marine_step = Table(
    "marine_step",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("site_id", Uuid, ForeignKey("marine_site.id"), nullable=False),
    Column("partner_id", Uuid, ForeignKey("partner.id"), nullable=False),
    Column("recorded_by", Text, nullable=False),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("taken_g", BigInteger, nullable=False),
    Column("made_g", BigInteger, nullable=False),
    Column("loss_g", BigInteger, nullable=False),
    Column("loss_reason", Text),
    # The withdrawn step in whose place this one stands.
    Column("replaces", Uuid, ForeignKey("marine_step.id"), unique=True),
    CheckConstraint("kind IN ('gathered', 'moved', 'processed')", name="kind"),
    # Nothing appears and nothing vanishes: what is not made is a loss with a reason.
    CheckConstraint("taken_g = made_g + loss_g", name="mass_balances"),
    CheckConstraint("made_g > 0", name="something_made"),
    CheckConstraint("loss_g >= 0", name="loss_not_negative"),
    CheckConstraint("(loss_g = 0) = (loss_reason IS NULL)", name="loss_has_reason"),
    CheckConstraint(
        "loss_reason IN ('drying', 'not_plastic', 'residue', 'spilled', 'other')",
        name="loss_reason",
    ),
    Index("ix_marine_step_partner_id_id", "partner_id", "id"),
)

marine_lot = Table(
    "marine_lot",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("code", Text, nullable=False, unique=True),
    Column("step_id", Uuid, ForeignKey("marine_step.id"), nullable=False, index=True),
    Column("site_id", Uuid, ForeignKey("marine_site.id"), nullable=False),
    Column("material", Text, nullable=False),
    Column("mass_g", BigInteger, nullable=False),
    Column("left_g", BigInteger, nullable=False),
    Column("formed_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("material IN ('unsorted_waste', 'sorted_plastic', 'product')", name="material"),
    CheckConstraint("mass_g > 0", name="mass_positive"),
    # More can never leave a lot than came into it.
    CheckConstraint("left_g BETWEEN 0 AND mass_g", name="left_of_it"),
    Index("ix_marine_lot_site_id_id", "site_id", "id"),
)

marine_taken = Table(
    "marine_taken",
    metadata,
    # What a step took out of a lot; the rest may go another way.
    Column("step_id", Uuid, ForeignKey("marine_step.id"), primary_key=True),
    Column("lot_id", Uuid, ForeignKey("marine_lot.id"), primary_key=True, index=True),
    Column("mass_g", BigInteger, nullable=False),
    CheckConstraint("mass_g > 0", name="mass_positive"),
)

marine_gathered = Table(
    "marine_gathered",
    metadata,
    Column("hand_in_id", Uuid, ForeignKey("marine_hand_in.id"), primary_key=True),
    Column("step_id", Uuid, ForeignKey("marine_step.id"), primary_key=True, index=True),
    Column("is_withdrawn", Boolean, nullable=False, server_default="false"),
    # A hand-in is in one lot, and whole.
    Index(
        "uq_marine_gathered_hand_in_id",
        "hand_in_id",
        unique=True,
        postgresql_where="NOT is_withdrawn",
    ),
)

marine_withdrawal = Table(
    "marine_withdrawal",
    metadata,
    # A step that was recorded wrongly stays on record, and counts no more.
    Column("step_id", Uuid, ForeignKey("marine_step.id"), primary_key=True),
    Column("reason", Text, nullable=False),
    Column("withdrawn_by", Text, nullable=False),
    Column("withdrawn_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("char_length(reason) BETWEEN 1 AND 500", name="reason_length"),
)

marine_payout = Table(
    "marine_payout",
    metadata,
    # A hand-in is paid once.
    Column("hand_in_id", Uuid, ForeignKey("marine_hand_in.id"), primary_key=True),
    Column("partner_id", Uuid, ForeignKey("partner.id"), nullable=False),
    Column("site_id", Uuid, ForeignKey("marine_site.id"), nullable=False),
    Column("kept_by", Text, nullable=False),
    Column("mass_g", BigInteger, nullable=False),
    Column("fen_per_kg", BigInteger, nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
    # The payer's own name of the payment: a transfer, a receipt, a page of the cash book.
    Column("reference", Text, nullable=False),
    Column("paid_at", DateTime(timezone=True), nullable=False),
    Column("recorded_by", Text, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("mass_g > 0", name="mass_positive"),
    CheckConstraint("fen_per_kg BETWEEN 1 AND 100000", name="fen_per_kg"),
    # Division of integers: what is below one fen is not paid.
    CheckConstraint("amount_fen = mass_g * fen_per_kg / 1000", name="amount"),
    CheckConstraint("char_length(reference) BETWEEN 1 AND 100", name="reference_length"),
    Index("ix_marine_payout_partner_id_hand_in_id", "partner_id", "hand_in_id"),
)
