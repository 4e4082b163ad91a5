"""Pledges of trees, what was planted for them, and which of it died."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)

from backend.db import metadata

tree_project = Table(
    "tree_project",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("partner_id", Uuid, ForeignKey("partner.id"), nullable=False, index=True),
    Column("name_zh", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("region ~ '^[0-9]{6}$'", name="region"),
)

tree_pledge = Table(
    "tree_pledge",
    metadata,
    Column("id", Uuid, primary_key=True),
    # The application's role cannot change it: a certificate is never transferred.
    Column("account_id", Uuid, nullable=False),
    Column("project_id", Uuid, ForeignKey("tree_project.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("trees", Integer, nullable=False),
    Column("amount_fen", BigInteger),
    Column("fulfilled", Integer, nullable=False, server_default="0"),
    Column("pledged_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("kind IN ('donation', 'planting_day')", name="kind"),
    CheckConstraint("trees BETWEEN 1 AND 1000", name="trees"),
    CheckConstraint("amount_fen > 0", name="amount_positive"),
    # Nobody is certified for more than was promised.
    CheckConstraint("fulfilled BETWEEN 0 AND trees", name="fulfilled"),
    Index("ix_tree_pledge_account_id_id", "account_id", "id"),
    Index("ix_tree_pledge_project_id_id", "project_id", "id"),
)

tree_holder = Table(
    "tree_holder",
    metadata,
    # All that is kept of a name, apart from the rest so that erasure can take it away.
    Column("pledge_id", Uuid, ForeignKey("tree_pledge.id"), primary_key=True),
    Column("initial", Text, nullable=False),
    # HMAC of the name with the pledge, under the programme's key: two pledges of one person differ.
    Column("name_hmac", LargeBinary, nullable=False),
    CheckConstraint("char_length(initial) = 1", name="initial"),
    CheckConstraint("octet_length(name_hmac) = 32", name="name_hmac_bytes"),
)

tree_planting = Table(
    "tree_planting",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("number", Text, nullable=False, unique=True),
    Column("pledge_id", Uuid, ForeignKey("tree_pledge.id"), nullable=False, index=True),
    Column("partner_id", Uuid, ForeignKey("partner.id"), nullable=False),
    # The partner's own name, by which it later says that these trees are alive.
    Column("planting", Text, nullable=False),
    Column("plot", Text, nullable=False),
    Column("species", Text, nullable=False),
    Column("trees", Integer, nullable=False),
    Column("planted_on", Date, nullable=False),
    Column("dead", Integer, nullable=False, server_default="0"),
    Column("recorded_by", Text, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    # A planting is certified to one pledge: nobody else can be given the same trees.
    UniqueConstraint("partner_id", "planting"),
    CheckConstraint("trees > 0", name="trees_positive"),
    CheckConstraint("dead BETWEEN 0 AND trees", name="dead"),
)

tree_death = Table(
    "tree_death",
    metadata,
    # What was found dead on one day of looking; saying it again changes nothing.
    Column("planting_id", Uuid, ForeignKey("tree_planting.id"), primary_key=True),
    Column("seen_on", Date, primary_key=True),
    Column("trees", Integer, nullable=False),
    Column("recorded_by", Text, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("trees > 0", name="trees_positive"),
)
