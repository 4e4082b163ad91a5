"""The statements that find photos which look alike, and remember who of a pair yields.

Two searches: an exact one over the same region and 48 hours, which finds everything that the
card's limits mean; and one through the index of fingerprints over the whole population and all
times, which costs the same among ten million photos as among ten thousand.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.checkins.score_queries import Fingerprint, as_bits, as_vector
from backend.db import fetch, run
from scoring.fingerprint import ORIENTATIONS
from scoring.model_card import CopyLimits
from scoring.plate import PARTS

# For as long as a photo can still come in (24 h), on either side of an activity that is as late as
# one (24 h). The card's limits are measured for the photos of one canteen in that time.
NEIGHBOURS_WITHIN_H = 48
# Nearest fingerprints that are looked at per orientation: copies of one photo that were stopped
# before count as well, so that a crowd of them hides nothing.
NEAREST_LOOKED_AT = 10

TURNS = range(len(ORIENTATIONS))
# A photo that was rejected used nothing up, so a retake may resemble it. But a rejected copy stands
# for its original, and a photo whose score says no is as good as rejected.
COUNTS = (
    "(check_in.status <> 'rejected' OR EXISTS (SELECT FROM near_match"
    " WHERE near_match.yields = check_in.id AND near_match.kind = 'copy'))"
    " AND NOT (check_in.status = 'received' AND score.verdict = 'rejected')"
)

PDQ_OF_TURN = ", ".join(f"CAST(turn_{turn} AS bit(256)) AS turn_{turn}" for turn in TURNS)
RECENT = (
    "stored.taken_at BETWEEN asked.taken_at - make_interval(hours => :hours)"
    " AND asked.taken_at + make_interval(hours => :hours)"
)
_RECENT_NEIGHBOURS = (
    "SELECT asked.id AS check_in_id, near.id AS neighbour_id, near.bits,"
    " CASE WHEN score.model_sha256 = asked.model THEN near.apart END AS apart"
    f" FROM (SELECT id, taken_at, region, model, {PDQ_OF_TURN},"
    " CAST(embedding AS halfvec) AS embedding"
    " FROM unnest(CAST(:ids AS uuid[]), CAST(:taken AS timestamptz[]), CAST(:regions AS text[]),"
    " CAST(:models AS text[]), CAST(:embeddings AS text[]),"
    f" {', '.join(f'CAST(:turn_{turn} AS text[])' for turn in TURNS)}) AS given(id, taken_at,"
    f" region, model, embedding, {', '.join(f'turn_{turn}' for turn in TURNS)}) OFFSET 0) AS asked"
    # OFFSET 0 keeps each distance from being computed once more where it is compared.
    " CROSS JOIN LATERAL (SELECT stored.check_in_id AS id, CAST(least("
    f"{', '.join(f'stored.pdq <~> asked.turn_{turn}' for turn in TURNS)}) AS integer) AS bits,"
    f" CAST(round({PARTS} * (1 + (stored.embedding <#> asked.embedding))) AS integer) AS apart"
    f" FROM photo_fingerprint AS stored WHERE stored.region = asked.region AND {RECENT}"
    " AND stored.check_in_id <> asked.id OFFSET 0) AS near"
    " JOIN score ON score.check_in_id = near.id JOIN check_in ON check_in.id = near.id"
    " WHERE (near.bits <= :near OR (near.apart <= :alike AND score.model_sha256 = asked.model))"
    f" AND {COUNTS}"
)
_COPIES_ANYWHERE = (
    "SELECT asked.id AS check_in_id, near.id AS neighbour_id,"
    " CAST(min(near.bits) AS integer) AS bits, near.is_recent"
    " FROM (SELECT id, taken_at, CAST(bits AS bit(256)) AS pdq"
    " FROM unnest(CAST(:ids AS uuid[]), CAST(:taken AS timestamptz[]), CAST(:pdqs AS text[]))"
    " AS given(id, taken_at, bits) OFFSET 0) AS asked"
    " CROSS JOIN LATERAL (SELECT stored.check_in_id AS id, stored.pdq <~> asked.pdq AS bits,"
    f" {RECENT} AS is_recent FROM photo_fingerprint AS stored"
    " ORDER BY stored.pdq <~> asked.pdq LIMIT :looked_at) AS near"
    " JOIN score ON score.check_in_id = near.id JOIN check_in ON check_in.id = near.id"
    " WHERE near.id <> asked.id AND near.bits <= (CASE WHEN near.is_recent"
    " THEN CAST(:near AS integer) ELSE CAST(:refused AS integer) END)"
    f" AND {COUNTS} GROUP BY asked.id, near.id, near.is_recent"
)


class Kind(StrEnum):
    """How two photos resemble each other, the strongest first, and what that leads to."""

    COPY = "copy"  # so near that honest plates do not meet: not counted
    NEAR = "near"  # near fingerprints: a person looks
    EXPLAINED = "explained"  # one photo, laid over the other, explains it: a person looks
    ALIKE = "alike"  # near embeddings: raises the risk


class NearPair(NamedTuple):
    """A photo and an earlier one that it resembles.

    Attributes:
        distance_bits: Of the fingerprints, in the orientation in which they are nearest.
        embedding_distance: 1 minus the cosine, per 10,000; None for embeddings of two models.
        resemblance: How well the neighbour explains the photo, per 10,000; None if not laid over.
    """

    check_in_id: UUID
    neighbour_id: UUID
    kind: Kind
    distance_bits: int
    embedding_distance: int | None = None
    resemblance: int | None = None


async def find_recent_neighbours(
    conn: AsyncConnection, fingerprints: Sequence[Fingerprint], limits: CopyLimits
) -> list[NearPair]:
    """Committed photos of the same region and 48 hours within the limits, in any orientation.

    Exact, through the index of region and time: 0.6 µs per photo of the region's 48 hours.
    """
    rows = await fetch(
        conn,
        _RECENT_NEIGHBOURS,
        ids=[each.check_in_id for each in fingerprints],
        taken=[each.taken_at for each in fingerprints],
        regions=[each.region for each in fingerprints],
        models=[each.model_sha256 for each in fingerprints],
        embeddings=[as_vector(each.embedding) for each in fingerprints],
        hours=NEIGHBOURS_WITHIN_H,
        near=limits.fingerprint_review_max,
        alike=limits.embedding_review_max,
        **{
            f"turn_{turn}": [as_bits(each.orientations[turn]) for each in fingerprints]
            for turn in TURNS
        },
    )
    return [
        NearPair(
            row.check_in_id,
            row.neighbour_id,
            _kind(row.bits, is_recent=True, limits=limits),
            row.bits,
            None if row.apart is None else max(0, row.apart),
        )
        for row in rows
    ]


async def find_copies_anywhere(
    conn: AsyncConnection, fingerprints: Sequence[Fingerprint], limits: CopyLimits
) -> list[NearPair]:
    """Photos of the whole population that are near in any orientation, through the index.

    Within 48 hours as near as the search above, at any other time only as near as copies are: over
    years, honest plates of one canteen meet at distances at which they do not within 48 hours.
    """
    rows = await fetch(
        conn,
        _COPIES_ANYWHERE,
        ids=[each.check_in_id for each in fingerprints for _ in each.orientations],
        taken=[each.taken_at for each in fingerprints for _ in each.orientations],
        pdqs=[as_bits(pdq) for each in fingerprints for pdq in each.orientations],
        hours=NEIGHBOURS_WITHIN_H,
        looked_at=NEAREST_LOOKED_AT,
        near=limits.fingerprint_review_max,
        refused=limits.fingerprint_refused_max,
    )
    return [
        NearPair(
            row.check_in_id,
            row.neighbour_id,
            _kind(row.bits, is_recent=row.is_recent, limits=limits),
            row.bits,
        )
        for row in rows
    ]


def _kind(bits: int, *, is_recent: bool, limits: CopyLimits) -> Kind:
    """What a distance means; a limit is measured among the photos of 48 hours."""
    if bits <= limits.fingerprint_refused_max:
        return Kind.COPY if is_recent else Kind.NEAR
    return Kind.NEAR if bits <= limits.fingerprint_review_max else Kind.ALIKE


async def insert_near_matches(conn: AsyncConnection, pairs: Iterable[NearPair]) -> None:
    """Say that a photo yields to its neighbour, unless the pair was settled the other way before.

    In key order, so that two steps that found each other cannot deadlock. Of a pair within one
    batch the later check-in is proposed first, and so yields.
    """
    ordered = sorted(pairs, key=lambda pair: (*_in_byte_order(pair), -pair.check_in_id.int))
    await run(
        conn,
        "INSERT INTO near_match"
        " (first_id, second_id, yields, kind, distance_bits, embedding_distance, resemblance)"
        " SELECT * FROM unnest(CAST(:firsts AS uuid[]), CAST(:seconds AS uuid[]),"
        " CAST(:yields AS uuid[]), CAST(:kinds AS text[]), CAST(:distances AS smallint[]),"
        " CAST(:embeddings AS smallint[]), CAST(:resemblances AS smallint[]))"
        " ON CONFLICT DO NOTHING",
        firsts=[_in_byte_order(pair)[0] for pair in ordered],
        seconds=[_in_byte_order(pair)[1] for pair in ordered],
        yields=[pair.check_in_id for pair in ordered],
        kinds=[pair.kind for pair in ordered],
        distances=[pair.distance_bits for pair in ordered],
        embeddings=[pair.embedding_distance for pair in ordered],
        resemblances=[pair.resemblance for pair in ordered],
    )


async def yielding(conn: AsyncConnection, pairs: Sequence[NearPair]) -> list[NearPair]:
    """Those of these pairs in whose row their photo stops, whoever wrote the row, as written."""
    rows = await fetch(
        conn,
        "SELECT yields, CASE yields WHEN first_id THEN second_id ELSE first_id END AS other, kind,"
        " distance_bits, embedding_distance, resemblance"
        " FROM near_match JOIN unnest(CAST(:firsts AS uuid[]), CAST(:seconds AS uuid[]))"
        " AS pair(first_id, second_id) USING (first_id, second_id)",
        firsts=[_in_byte_order(pair)[0] for pair in pairs],
        seconds=[_in_byte_order(pair)[1] for pair in pairs],
    )
    asked = {pair.check_in_id for pair in pairs}
    return [
        NearPair._make(row)._replace(kind=Kind(row.kind)) for row in rows if row.yields in asked
    ]


def _in_byte_order(pair: NearPair) -> list[UUID]:
    return sorted((pair.check_in_id, pair.neighbour_id))
