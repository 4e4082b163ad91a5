"""What canteens threw away, day by day, with its corrections."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0024"
down_revision: str | None = "0023"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "waste_entry",
        sa.Column("canteen_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("entry", sa.SmallInteger(), nullable=False),
        sa.Column("mass_g", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("entered_by", sa.Text(), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("char_length(note) <= 500", name=op.f("ck_waste_entry_note_length")),
        sa.CheckConstraint("entry >= 1", name=op.f("ck_waste_entry_entry")),
        sa.CheckConstraint("mass_g BETWEEN 0 AND 50000000", name=op.f("ck_waste_entry_mass_g")),
        sa.ForeignKeyConstraint(
            ["canteen_id"], ["canteen.id"], name=op.f("fk_waste_entry_canteen_id_canteen")
        ),
        sa.PrimaryKeyConstraint("canteen_id", "day", "entry", name=op.f("pk_waste_entry")),
    )
    op.execute("GRANT SELECT, INSERT ON waste_entry TO tanhui_app")
