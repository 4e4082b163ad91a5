"""Check-ins, what the model said of their photos, and which photos look like which."""

from pgvector.sqlalchemy import HALFVEC
from sqlalchemy import (
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import ARRAY, BIT, JSONB

from backend.db import metadata

EMBEDDING_DIMENSIONS = 64  # of the recogniser's penultimate layer; scoring.plate checks it

check_in = Table(
    "check_in",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("account_id", Uuid, nullable=False),
    Column("action", Text, nullable=False),
    Column("status", Text, nullable=False),
    # A stable code such as `leftovers`; the words for people are in the catalogue of reasons.
    Column("reason", Text),
    Column("tier", Text, nullable=False),
    # Who reported: the member, or a partner or device by key.
    Column("reported_by", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
    Column("received_at", DateTime(timezone=True), nullable=False),
    Column("decided_at", DateTime(timezone=True)),
    # When it went to review or was rejected; empty for what is on its way or credited.
    Column("stopped_at", DateTime(timezone=True)),
    # Since when a person has been asked; set while in review, so the queue is an index by itself.
    Column("in_review_since", DateTime(timezone=True)),
    # Until when the owner may appeal a rejection; promised then, so a setting cannot take it back.
    Column("appeal_until", DateTime(timezone=True)),
    # When the evidence goes unless somebody appeals; a photo of no plate may show anything.
    Column("evidence_until", DateTime(timezone=True)),
    # Activity data in base units, for example {"distance_m": 12000}.
    Column("quantities", JSONB, nullable=False),
    # What names the activity in the world: capture id, bag code, partner source and event id.
    Column("natural_key", Text, nullable=False),
    Column("evidence_sha256", Text),
    # "2026-11-21/lunch": which meal a plate belongs to.
    Column("meal_window", Text),
    CheckConstraint(
        "status IN ('received', 'bound', 'scored', 'in_review', 'credited', 'rejected',"
        " 'reversed', 'lapsed')",
        name="status",
    ),
    CheckConstraint("tier IN ('documented', 'self_declared')", name="tier"),
    CheckConstraint("region ~ '^[0-9]{6}$'", name="region"),
    # A phone that lost the answer asks by what it photographed or scanned.
    Index("uq_check_in_account_id_natural_key", "account_id", "natural_key", unique=True),
    # A member's list, newest first.
    Index("ix_check_in_account_id_id", "account_id", "id"),
    # One plate and three retries per meal are counted here.
    Index(
        "ix_check_in_meal_window",
        "account_id",
        "meal_window",
        postgresql_where="meal_window IS NOT NULL",
    ),
    # The operator's numbers of what was not credited, without a scan of what was.
    Index("ix_check_in_stopped_at", "stopped_at", postgresql_where="stopped_at IS NOT NULL"),
    # Both stay as small as what waits: rows that were credited were never in them.
    Index(
        "ix_check_in_in_review_since",
        "in_review_since",
        "id",
        postgresql_where="in_review_since IS NOT NULL",
    ),
    Index(
        "ix_check_in_evidence_until",
        "evidence_until",
        postgresql_where="evidence_until IS NOT NULL",
    ),
    # A batch moves all check-ins of a page at once. With half the page free and no index on what
    # changes, those updates stay heap-only: a credit writes one tuple here, not six.
    postgresql_with={"fillfactor": "50"},
)

score = Table(
    "score",
    metadata,
    Column("check_in_id", Uuid, ForeignKey("check_in.id"), primary_key=True),
    Column("model_sha256", Text, nullable=False),
    # Per 10,000 and in the order of `scoring.plate.CLASSES`: quantised, so that recompute is exact.
    Column("scores", ARRAY(SmallInteger), nullable=False),
    # Per 10,000: how much it looks like a picture of a picture; a verdict is recomputed from both.
    Column("recapture", SmallInteger, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("reason", Text),
    Column("scored_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("verdict IN ('accepted', 'in_review', 'rejected')", name="verdict"),
)

photo_fingerprint = Table(
    "photo_fingerprint",
    metadata,
    Column("check_in_id", Uuid, ForeignKey("check_in.id"), primary_key=True),
    Column("taken_at", DateTime(timezone=True), nullable=False),
    # Of the check-in: neighbours are searched in the same place first.
    Column("region", Text, nullable=False),
    # PDQ, 256 bits, of the upright picture; neighbours are searched with the eight orientations.
    Column("pdq", BIT(256), nullable=False),
    Column("embedding", HALFVEC(EMBEDDING_DIMENSIONS), nullable=False),
    # The exact search over the same place and 48 hours.
    Index("ix_photo_fingerprint_region_taken_at", "region", "taken_at"),
    # The search over everything. The embedding has no such index: those of two models do not
    # compare, and over years honest plates of one canteen come too near each other.
    Index(
        "ix_photo_fingerprint_pdq",
        "pdq",
        postgresql_using="hnsw",
        postgresql_ops={"pdq": "bit_hamming_ops"},
    ),
)

photo_thumbnail = Table(
    "photo_thumbnail",
    metadata,
    # Beside the fingerprint and not in it: a row that goes after three days rewrites nothing there.
    Column("check_in_id", Uuid, ForeignKey("check_in.id"), primary_key=True),
    Column("taken_at", DateTime(timezone=True), nullable=False),
    # `scoring.thumbnail`: width, height, grey pixels; from 8 x 8 to 128 x 128.
    Column("packed", LargeBinary, nullable=False),
    CheckConstraint("octet_length(packed) BETWEEN 66 AND 16386", name="size"),
    # What is too old to be copied goes, the oldest first.
    Index("ix_photo_thumbnail_taken_at", "taken_at"),
)

photo_risk = Table(
    "photo_risk",
    metadata,
    Column("check_in_id", Uuid, ForeignKey("check_in.id"), primary_key=True),
    # Per 10,000, like the three signs that it is made of.
    Column("per_10000", SmallInteger, nullable=False),
    Column("recapture", SmallInteger, nullable=False),
    Column("edited", SmallInteger, nullable=False),
    Column("neighbour", SmallInteger, nullable=False),
    CheckConstraint("least(recapture, edited, neighbour) >= 0", name="signs_not_negative"),
    CheckConstraint("greatest(recapture, edited, neighbour) <= 10000", name="signs_are_parts"),
    # As if the signs were independent, rounded up: whoever reads the row can recompute it.
    CheckConstraint(
        "per_10000 = 10000 - (10000 - recapture)::bigint * (10000 - edited)"
        " * (10000 - neighbour) / 100000000",
        name="made_of_its_signs",
    ),
)

edit_hint = Table(
    "edit_hint",
    metadata,
    # Written at intake, because the upload that says it is not kept.
    Column("check_in_id", Uuid, ForeignKey("check_in.id"), primary_key=True),
    # A name of our own list, never what the file says.
    Column("edited_with", Text, nullable=False),
)

near_match = Table(
    "near_match",
    metadata,
    # The pair in byte order, so that both sides of a race insert the same key.
    Column("first_id", Uuid, primary_key=True),
    Column("second_id", Uuid, primary_key=True),
    # The check-in that stops for a person to look; decided by whoever inserted first.
    Column("yields", Uuid, nullable=False),
    # What it leads to: a copy is not counted, near and explained go to a person, alike raises the
    # risk.
    Column("kind", Text, nullable=False),
    Column("distance_bits", SmallInteger, nullable=False),
    # 1 minus the cosine, per 10,000; empty where the index of fingerprints found the pair.
    Column("embedding_distance", SmallInteger),
    # How well one photo explains the other, per 10,000; empty where they were not laid over.
    Column("resemblance", SmallInteger),
    # A reviewer asks from either side.
    Index("ix_near_match_second_id", "second_id"),
    # A rejected copy stands for its original in later searches.
    Index("ix_near_match_yields", "yields"),
    CheckConstraint("kind IN ('copy', 'near', 'explained', 'alike')", name="kind"),
    CheckConstraint(
        "kind <> 'explained' OR resemblance IS NOT NULL", name="explained_says_how_well"
    ),
    CheckConstraint("resemblance BETWEEN 0 AND 10000", name="resemblance_is_parts"),
    CheckConstraint("first_id < second_id", name="ordered_pair"),
    CheckConstraint("yields IN (first_id, second_id)", name="one_of_the_pair"),
)

meal_window = Table(
    "meal_window",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name_zh", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    # Minutes of the Shanghai day, half open: 660 to 840 is 11:00 to 14:00.
    Column("opens_minute", SmallInteger, nullable=False),
    Column("closes_minute", SmallInteger, nullable=False),
    CheckConstraint(
        "0 <= opens_minute AND opens_minute < closes_minute AND closes_minute <= 1440",
        name="order",
    ),
)
