"""Bags by their printed code, the batches they were printed in, and what happened to each."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from backend.db import metadata

bag_batch = Table(
    "bag_batch",
    metadata,
    Column("id", Uuid, primary_key=True),
    # The serials of its codes follow from the number, so no two batches share a code.
    Column("number", BigInteger, Identity(always=True), nullable=False, unique=True),
    Column("codes", Integer, nullable=False),
    Column("note", Text),
    Column("created_by", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("codes BETWEEN 1 AND 5000", name="codes"),
    CheckConstraint("char_length(note) <= 200", name="note_length"),
)

bag = Table(
    "bag",
    metadata,
    Column("code", Text, primary_key=True),
    # Empty for codes of an older print that were registered from a list.
    Column("batch_id", Uuid, ForeignKey("bag_batch.id"), index=True),
    Column("account_id", Uuid),
    Column("check_in_id", Uuid, unique=True),
    # Where it was bound; the weighing is credited there.
    Column("region", Text),
    Column("bound_at", DateTime(timezone=True)),
    # Since when it waits for its scale. The member's two weeks end when she hands it in, and the
    # station has two weeks of its own: its delay is not hers.
    Column("waiting_since", DateTime(timezone=True)),
    Column("reminded_at", DateTime(timezone=True)),
    Column("weighed_at", DateTime(timezone=True)),
    Column("mass_g", BigInteger),
    Column("sorted_at", DateTime(timezone=True)),
    Column("lapsed_at", DateTime(timezone=True)),
    Column("lost_at", DateTime(timezone=True)),
    # A bag is bound by one member and weighed once, in this order.
    CheckConstraint("(bound_at IS NULL) = (account_id IS NULL)", name="bound_by_somebody"),
    CheckConstraint("(bound_at IS NULL) = (check_in_id IS NULL)", name="bound_is_a_check_in"),
    CheckConstraint("(bound_at IS NULL) = (waiting_since IS NULL)", name="bound_waits"),
    CheckConstraint("weighed_at IS NULL OR bound_at IS NOT NULL", name="bound_before_weighed"),
    CheckConstraint("(weighed_at IS NULL) = (mass_g IS NULL)", name="weighed_has_mass"),
    CheckConstraint("mass_g > 0", name="mass_positive"),
    CheckConstraint("sorted_at IS NULL OR weighed_at IS NOT NULL", name="weighed_before_sorted"),
    # It ends once: weighed, lapsed or lost, and each of them needs an owner.
    CheckConstraint("num_nonnulls(weighed_at, lapsed_at, lost_at) <= 1", name="ends_once"),
    CheckConstraint(
        "bound_at IS NOT NULL OR num_nonnulls(lapsed_at, lost_at, reminded_at) = 0",
        name="bound_before_it_ends",
    ),
    # What the processor looks through for bags to remind of and to let lapse.
    Index(
        "ix_bag_waiting_since",
        "waiting_since",
        postgresql_where="weighed_at IS NULL AND lapsed_at IS NULL AND lost_at IS NULL"
        " AND waiting_since IS NOT NULL",
    ),
)

bag_custody = Table(
    "bag_custody",
    metadata,
    # Each step of a bag happens once, however often it is reported.
    Column("code", Text, ForeignKey("bag.code"), primary_key=True),
    Column("step", Text, primary_key=True),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    # Who it was by kind, and whose key; never which person.
    Column("actor", Text, nullable=False),
    Column("partner_id", Uuid, ForeignKey("partner.id"), index=True),
    Column("place", Text),
    Column("mass_g", BigInteger),
    Column("quantities", JSONB),
    Column("residue_g", BigInteger),
    # Empty where nobody stated one: then two scales differ within the tolerance.
    Column("loss_g", BigInteger),
    CheckConstraint(
        "step IN ('bound', 'handed_in', 'picked_up', 'weighed', 'sorted', 'lost', 'lapsed')",
        name="step",
    ),
    CheckConstraint(
        "actor IN ('member', 'partner', 'device', 'collector', 'operator', 'programme')",
        name="actor",
    ),
    CheckConstraint("partner_id IS NULL OR actor IN ('partner', 'device')", name="whose_key"),
    CheckConstraint("mass_g > 0", name="mass_positive"),
    CheckConstraint("step NOT IN ('weighed', 'sorted') OR mass_g IS NOT NULL", name="has_mass"),
    CheckConstraint("(step = 'sorted') = (quantities IS NOT NULL)", name="sorted_by_material"),
    CheckConstraint("(step = 'sorted') = (residue_g IS NOT NULL)", name="sorted_has_residue"),
    CheckConstraint("residue_g >= 0", name="residue_not_negative"),
    CheckConstraint("loss_g >= 0", name="loss_not_negative"),
    CheckConstraint("loss_g IS NULL OR step = 'sorted'", name="sorting_states_loss"),
    CheckConstraint("char_length(place) BETWEEN 1 AND 100", name="place_length"),
)

bag_doubt = Table(
    "bag_doubt",
    metadata,
    # A weighing that nobody credits before an operator has looked: empty, or too heavy.
    Column("id", Uuid, primary_key=True),
    Column("code", Text, ForeignKey("bag.code"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("quantities", JSONB, nullable=False),
    Column("residue_g", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("partner_id", Uuid, ForeignKey("partner.id")),
    Column("place", Text),
    Column("weighed_at", DateTime(timezone=True), nullable=False),
    Column("reported_at", DateTime(timezone=True), nullable=False),
    Column("outcome", Text, nullable=False),
    Column("mass_g_decided", BigInteger),
    Column("decided_by", Text),
    Column("decided_at", DateTime(timezone=True)),
    Column("loss_g", BigInteger),
    CheckConstraint("loss_g >= 0", name="loss_not_negative"),
    CheckConstraint("kind IN ('empty', 'too_heavy')", name="kind"),
    CheckConstraint("outcome IN ('pending', 'credited', 'dismissed')", name="outcome"),
    CheckConstraint("(outcome = 'pending') = (decided_at IS NULL)", name="decided_has_time"),
    CheckConstraint("(outcome = 'pending') = (decided_by IS NULL)", name="decided_by_somebody"),
    CheckConstraint(
        "mass_g_decided IS NULL OR (outcome = 'credited' AND mass_g_decided > 0)",
        name="mass_decided",
    ),
    # One open question per bag: a second report of the same weight finds it.
    Index("uq_bag_doubt_code", "code", unique=True, postgresql_where="outcome = 'pending'"),
    Index("ix_bag_doubt_outcome_id", "outcome", "id"),
)
