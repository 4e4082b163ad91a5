"""What canteens threw away, day by day, as somebody weighed it."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    SmallInteger,
    Table,
    Text,
    Uuid,
)

from backend.db import metadata

waste_entry = Table(
    "waste_entry",
    metadata,
    Column("canteen_id", Uuid, ForeignKey("canteen.id"), primary_key=True),
    # Shanghai day.
    Column("day", Date, primary_key=True),
    # 1 for the first figure; a correction is a further entry, and the last one counts.
    Column("entry", SmallInteger, primary_key=True),
    Column("mass_g", BigInteger, nullable=False),
    Column("note", Text),
    Column("entered_by", Text, nullable=False),
    Column("entered_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("entry >= 1", name="entry"),
    CheckConstraint("mass_g BETWEEN 0 AND 50000000", name="mass_g"),
    CheckConstraint("char_length(note) <= 500", name="note_length"),
)
