"""Marine plastic: sites, hand-ins, lots and their steps, payouts."""

from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0014"
down_revision: str | None = "0013"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

RIGHTS: Mapping[str, str] = {
    "marine_gathered": "SELECT, INSERT",
    "marine_hand_in": "SELECT, INSERT, UPDATE",
    "marine_lot": "SELECT, INSERT, UPDATE",
    "marine_payout": "SELECT, INSERT",
    "marine_site": "SELECT, INSERT",
    "marine_step": "SELECT, INSERT",
    "marine_taken": "SELECT, INSERT",
}


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "marine_site",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("region ~ '^[0-9]{6}$'", name=op.f("ck_marine_site_region")),
        sa.CheckConstraint(
            "stage IN ('shore', 'port', 'sorter', 'recycler')", name=op.f("ck_marine_site_stage")
        ),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["partner.id"], name=op.f("fk_marine_site_partner_id_partner")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_marine_site")),
    )
    op.create_index(op.f("ix_marine_site_partner_id"), "marine_site", ["partner_id"], unique=False)
    op.create_table(
        "marine_hand_in",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("material", sa.Text(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=True),
        sa.Column("kept_by", sa.Text(), nullable=True),
        sa.Column("mass_g", sa.BigInteger(), nullable=True),
        sa.Column("weighed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("check_in_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "material IN ('sorted_plastic', 'unsorted_waste')",
            name=op.f("ck_marine_hand_in_material"),
        ),
        sa.CheckConstraint(
            "requested_by = 'keeper' OR account_id IS NOT NULL",
            name=op.f("ck_marine_hand_in_asked_for_oneself"),
        ),
        sa.CheckConstraint(
            "requested_by IN ('member', 'keeper')", name=op.f("ck_marine_hand_in_requested_by")
        ),
        sa.CheckConstraint(
            "check_in_id IS NULL OR (account_id IS NOT NULL AND mass_g IS NOT NULL)",
            name=op.f("ck_marine_hand_in_credited_after_the_scale"),
        ),
        sa.CheckConstraint("mass_g BETWEEN 1 AND 500000", name=op.f("ck_marine_hand_in_mass")),
        sa.CheckConstraint(
            "num_nonnulls(site_id, kept_by, mass_g, weighed_at) IN (0, 4)",
            name=op.f("ck_marine_hand_in_weighed_at_a_site"),
        ),
        sa.ForeignKeyConstraint(
            ["site_id"], ["marine_site.id"], name=op.f("fk_marine_hand_in_site_id_marine_site")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_marine_hand_in")),
        sa.UniqueConstraint("check_in_id", name=op.f("uq_marine_hand_in_check_in_id")),
        sa.UniqueConstraint("code", name=op.f("uq_marine_hand_in_code")),
    )
    op.create_index(
        "ix_marine_hand_in_account_id_id", "marine_hand_in", ["account_id", "id"], unique=False
    )
    op.create_index(
        "ix_marine_hand_in_site_id_id", "marine_hand_in", ["site_id", "id"], unique=False
    )
    op.create_table(
        "marine_step",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("taken_g", sa.BigInteger(), nullable=False),
        sa.Column("made_g", sa.BigInteger(), nullable=False),
        sa.Column("loss_g", sa.BigInteger(), nullable=False),
        sa.Column("loss_reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('gathered', 'moved', 'processed')", name=op.f("ck_marine_step_kind")
        ),
        sa.CheckConstraint(
            "loss_reason IN ('drying', 'not_plastic', 'residue', 'spilled', 'other')",
            name=op.f("ck_marine_step_loss_reason"),
        ),
        sa.CheckConstraint(
            "(loss_g = 0) = (loss_reason IS NULL)", name=op.f("ck_marine_step_loss_has_reason")
        ),
        sa.CheckConstraint("loss_g >= 0", name=op.f("ck_marine_step_loss_not_negative")),
        sa.CheckConstraint("made_g > 0", name=op.f("ck_marine_step_something_made")),
        sa.CheckConstraint("taken_g = made_g + loss_g", name=op.f("ck_marine_step_mass_balances")),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["partner.id"], name=op.f("fk_marine_step_partner_id_partner")
        ),
        sa.ForeignKeyConstraint(
            ["site_id"], ["marine_site.id"], name=op.f("fk_marine_step_site_id_marine_site")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_marine_step")),
    )
    op.create_index(
        "ix_marine_step_partner_id_id", "marine_step", ["partner_id", "id"], unique=False
    )
    op.create_table(
        "marine_gathered",
        sa.Column("hand_in_id", sa.Uuid(), nullable=False),
        sa.Column("step_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["hand_in_id"],
            ["marine_hand_in.id"],
            name=op.f("fk_marine_gathered_hand_in_id_marine_hand_in"),
        ),
        sa.ForeignKeyConstraint(
            ["step_id"], ["marine_step.id"], name=op.f("fk_marine_gathered_step_id_marine_step")
        ),
        sa.PrimaryKeyConstraint("hand_in_id", name=op.f("pk_marine_gathered")),
    )
    op.create_index(
        op.f("ix_marine_gathered_step_id"), "marine_gathered", ["step_id"], unique=False
    )
    op.create_table(
        "marine_lot",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("step_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("material", sa.Text(), nullable=False),
        sa.Column("mass_g", sa.BigInteger(), nullable=False),
        sa.Column("left_g", sa.BigInteger(), nullable=False),
        sa.Column("formed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "material IN ('unsorted_waste', 'sorted_plastic', 'product')",
            name=op.f("ck_marine_lot_material"),
        ),
        sa.CheckConstraint("left_g BETWEEN 0 AND mass_g", name=op.f("ck_marine_lot_left_of_it")),
        sa.CheckConstraint("mass_g > 0", name=op.f("ck_marine_lot_mass_positive")),
        sa.ForeignKeyConstraint(
            ["site_id"], ["marine_site.id"], name=op.f("fk_marine_lot_site_id_marine_site")
        ),
        sa.ForeignKeyConstraint(
            ["step_id"], ["marine_step.id"], name=op.f("fk_marine_lot_step_id_marine_step")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_marine_lot")),
        sa.UniqueConstraint("code", name=op.f("uq_marine_lot_code")),
    )
    op.create_index("ix_marine_lot_site_id_id", "marine_lot", ["site_id", "id"], unique=False)
    op.create_index(op.f("ix_marine_lot_step_id"), "marine_lot", ["step_id"], unique=False)
    op.create_table(
        "marine_payout",
        sa.Column("hand_in_id", sa.Uuid(), nullable=False),
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("kept_by", sa.Text(), nullable=False),
        sa.Column("mass_g", sa.BigInteger(), nullable=False),
        sa.Column("fen_per_kg", sa.BigInteger(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "amount_fen = mass_g * fen_per_kg / 1000", name=op.f("ck_marine_payout_amount")
        ),
        sa.CheckConstraint(
            "char_length(reference) BETWEEN 1 AND 100",
            name=op.f("ck_marine_payout_reference_length"),
        ),
        sa.CheckConstraint(
            "fen_per_kg BETWEEN 1 AND 100000", name=op.f("ck_marine_payout_fen_per_kg")
        ),
        sa.CheckConstraint("mass_g > 0", name=op.f("ck_marine_payout_mass_positive")),
        sa.ForeignKeyConstraint(
            ["hand_in_id"],
            ["marine_hand_in.id"],
            name=op.f("fk_marine_payout_hand_in_id_marine_hand_in"),
        ),
        sa.ForeignKeyConstraint(
            ["partner_id"], ["partner.id"], name=op.f("fk_marine_payout_partner_id_partner")
        ),
        sa.ForeignKeyConstraint(
            ["site_id"], ["marine_site.id"], name=op.f("fk_marine_payout_site_id_marine_site")
        ),
        sa.PrimaryKeyConstraint("hand_in_id", name=op.f("pk_marine_payout")),
    )
    op.create_index(
        "ix_marine_payout_partner_id_hand_in_id",
        "marine_payout",
        ["partner_id", "hand_in_id"],
        unique=False,
    )
    op.create_table(
        "marine_taken",
        sa.Column("step_id", sa.Uuid(), nullable=False),
        sa.Column("lot_id", sa.Uuid(), nullable=False),
        sa.Column("mass_g", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("mass_g > 0", name=op.f("ck_marine_taken_mass_positive")),
        sa.ForeignKeyConstraint(
            ["lot_id"], ["marine_lot.id"], name=op.f("fk_marine_taken_lot_id_marine_lot")
        ),
        sa.ForeignKeyConstraint(
            ["step_id"], ["marine_step.id"], name=op.f("fk_marine_taken_step_id_marine_step")
        ),
        sa.PrimaryKeyConstraint("step_id", "lot_id", name=op.f("pk_marine_taken")),
    )
    op.create_index(op.f("ix_marine_taken_lot_id"), "marine_taken", ["lot_id"], unique=False)
    for table, rights in RIGHTS.items():
        op.execute(f"GRANT {rights} ON {table} TO tanhui_app")
