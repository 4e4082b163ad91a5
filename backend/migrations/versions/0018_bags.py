"""Batches of bag codes, the life and the chain of custody of bags, and weights in doubt."""

from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0018"
down_revision: str | None = "0017"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

RIGHTS: Mapping[str, str] = {
    "bag_batch": "SELECT, INSERT",
    "bag_custody": "SELECT, INSERT",
    "bag_doubt": "SELECT, INSERT, UPDATE",
}


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "bag_batch",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("codes", sa.Integer(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("codes BETWEEN 1 AND 5000", name=op.f("ck_bag_batch_codes")),
        sa.CheckConstraint("char_length(note) <= 200", name=op.f("ck_bag_batch_note_length")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bag_batch")),
        sa.UniqueConstraint("number", name=op.f("uq_bag_batch_number")),
    )
    _let_bags_live()
    _create_custody()
    _create_doubts()
    # A partner's event may bring a weight out of range.
    op.drop_constraint(op.f("ck_partner_event_outcome"), "partner_event")
    op.create_check_constraint(
        op.f("ck_partner_event_outcome"),
        "partner_event",
        "outcome IN ('credited', 'corrected', 'withdrawn', 'superseded', 'parked', 'lapsed',"
        " 'refused', 'doubted')",
    )
    for table, rights in RIGHTS.items():
        op.execute(f"GRANT {rights} ON {table} TO tanhui_app")
    op.execute("GRANT USAGE ON SEQUENCE bag_batch_number_seq TO tanhui_app")
    # What is known of bags from before: each was bound by its member, and some were weighed.
    op.execute(
        "INSERT INTO bag_custody (code, step, occurred_at, recorded_at, actor)"
        " SELECT code, 'bound', bound_at, bound_at, 'member' FROM bag WHERE bound_at IS NOT NULL"
    )
    op.execute(
        "INSERT INTO bag_custody (code, step, occurred_at, recorded_at, actor, partner_id, mass_g)"
        " SELECT code, 'weighed', weighed_at, weighed_at, 'partner', partner_id, mass_g FROM bag"
        " LEFT JOIN partner_report USING (check_in_id) WHERE weighed_at IS NOT NULL"
    )


def _let_bags_live() -> None:
    op.add_column("bag", sa.Column("batch_id", sa.Uuid(), nullable=True))
    for name in ("waiting_since", "reminded_at", "sorted_at", "lapsed_at", "lost_at"):
        op.add_column("bag", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE bag SET waiting_since = bound_at")
    op.create_foreign_key(
        op.f("fk_bag_batch_id_bag_batch"), "bag", "bag_batch", ["batch_id"], ["id"]
    )
    op.create_index(op.f("ix_bag_batch_id"), "bag", ["batch_id"], unique=False)
    for name, rule in (
        ("bound_waits", "(bound_at IS NULL) = (waiting_since IS NULL)"),
        ("weighed_before_sorted", "sorted_at IS NULL OR weighed_at IS NOT NULL"),
        ("ends_once", "num_nonnulls(weighed_at, lapsed_at, lost_at) <= 1"),
        (
            "bound_before_it_ends",
            "bound_at IS NOT NULL OR num_nonnulls(lapsed_at, lost_at, reminded_at) = 0",
        ),
    ):
        op.create_check_constraint(op.f(f"ck_bag_{name}"), "bag", rule)
    op.create_index(
        "ix_bag_waiting_since",
        "bag",
        ["waiting_since"],
        unique=False,
        postgresql_where=sa.text(
            "weighed_at IS NULL AND lapsed_at IS NULL AND lost_at IS NULL"
            " AND waiting_since IS NOT NULL"
        ),
    )


def _create_custody() -> None:
    op.create_table(
        "bag_custody",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("partner_id", sa.Uuid(), nullable=True),
        sa.Column("place", sa.Text(), nullable=True),
        sa.Column("mass_g", sa.BigInteger(), nullable=True),
        sa.Column("quantities", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("residue_g", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "step IN ('bound', 'handed_in', 'picked_up', 'weighed', 'sorted', 'lost', 'lapsed')",
            name=op.f("ck_bag_custody_step"),
        ),
        sa.CheckConstraint(
            "actor IN ('member', 'partner', 'device', 'collector', 'operator', 'programme')",
            name=op.f("ck_bag_custody_actor"),
        ),
        sa.CheckConstraint(
            "partner_id IS NULL OR actor IN ('partner', 'device')",
            name=op.f("ck_bag_custody_whose_key"),
        ),
        sa.CheckConstraint("mass_g > 0", name=op.f("ck_bag_custody_mass_positive")),
        sa.CheckConstraint(
            "step NOT IN ('weighed', 'sorted') OR mass_g IS NOT NULL",
            name=op.f("ck_bag_custody_has_mass"),
        ),
        sa.CheckConstraint(
            "(step = 'sorted') = (quantities IS NOT NULL)",
            name=op.f("ck_bag_custody_sorted_by_material"),
        ),
        sa.CheckConstraint(
            "(step = 'sorted') = (residue_g IS NOT NULL)",
            name=op.f("ck_bag_custody_sorted_has_residue"),
        ),
        sa.CheckConstraint("residue_g >= 0", name=op.f("ck_bag_custody_residue_not_negative")),
        sa.CheckConstraint(
            "char_length(place) BETWEEN 1 AND 100", name=op.f("ck_bag_custody_place_length")
        ),
        sa.ForeignKeyConstraint(["code"], ["bag.code"], name=op.f("fk_bag_custody_code_bag")),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["partner.id"], name=op.f("fk_bag_custody_partner_id_partner")
        ),
        sa.PrimaryKeyConstraint("code", "step", name=op.f("pk_bag_custody")),
    )
    op.create_index(op.f("ix_bag_custody_partner_id"), "bag_custody", ["partner_id"], unique=False)


def _create_doubts() -> None:
    op.create_table(
        "bag_doubt",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("quantities", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("residue_g", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("partner_id", sa.Uuid(), nullable=True),
        sa.Column("place", sa.Text(), nullable=True),
        sa.Column("weighed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("mass_g_decided", sa.BigInteger(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('empty', 'too_heavy')", name=op.f("ck_bag_doubt_kind")),
        sa.CheckConstraint(
            "outcome IN ('pending', 'credited', 'dismissed')", name=op.f("ck_bag_doubt_outcome")
        ),
        sa.CheckConstraint(
            "(outcome = 'pending') = (decided_at IS NULL)",
            name=op.f("ck_bag_doubt_decided_has_time"),
        ),
        sa.CheckConstraint(
            "(outcome = 'pending') = (decided_by IS NULL)",
            name=op.f("ck_bag_doubt_decided_by_somebody"),
        ),
        sa.CheckConstraint(
            "mass_g_decided IS NULL OR (outcome = 'credited' AND mass_g_decided > 0)",
            name=op.f("ck_bag_doubt_mass_decided"),
        ),
        sa.ForeignKeyConstraint(["code"], ["bag.code"], name=op.f("fk_bag_doubt_code_bag")),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["partner.id"], name=op.f("fk_bag_doubt_partner_id_partner")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bag_doubt")),
    )
    op.create_index(
        "uq_bag_doubt_code",
        "bag_doubt",
        ["code"],
        unique=True,
        postgresql_where=sa.text("outcome = 'pending'"),
    )
    op.create_index("ix_bag_doubt_outcome_id", "bag_doubt", ["outcome", "id"], unique=False)
