"""The statements of the score step: what the model said, and which photos look alike."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import fetch, run

# The whole population of one deployment, but only for as long as a photo can still come in (24 h)
# on either side of an activity that is as late as one (24 h).
NEIGHBOURS_WITHIN_H = 48
# Design, decision 8: among 93 real clean dishes none met another within 31 bits, 17 % within 58.
NEAR_DISTANCE_BITS = 31


class Scored(NamedTuple):
    """What is kept of one score.

    Attributes:
        parts: Per 10,000, in the order of `scoring.plate.CLASSES`.
    """

    check_in_id: UUID
    model_sha256: str
    parts: Sequence[int]
    recapture: int
    verdict: str
    reason: str | None


class Fingerprint(NamedTuple):
    """What a photo looks like.

    Attributes:
        orientations: PDQ of the photo in its eight orientations, 32 bytes each, upright first.
        embedding: Of length one.
    """

    check_in_id: UUID
    taken_at: datetime
    orientations: Sequence[bytes]
    embedding: Sequence[float]


class Ruling(NamedTuple):
    """The verdict as it was stored first, which later runs of the step follow."""

    verdict: str
    reason: str | None


class NearPair(NamedTuple):
    """A photo that lies within `NEAR_DISTANCE_BITS` of an earlier one."""

    check_in_id: UUID
    neighbour_id: UUID
    distance_bits: int


async def insert_scores(conn: AsyncConnection, scores: Sequence[Scored], now: datetime) -> None:
    """Keep what the model said; a second score of the same check-in changes nothing."""
    # Arrays of arrays must be rectangular in PostgreSQL, so the parts travel as one text per row.
    await run(
        conn,
        "INSERT INTO score (check_in_id, model_sha256, scores, recapture, verdict, reason,"
        " scored_at)"
        " SELECT id, model, CAST(parts AS smallint[]), recapture, verdict, reason, :now"
        " FROM unnest(CAST(:ids AS uuid[]), CAST(:models AS text[]), CAST(:parts AS text[]),"
        " CAST(:recaptures AS smallint[]), CAST(:verdicts AS text[]), CAST(:reasons AS text[]))"
        " AS given(id, model, parts, recapture, verdict, reason) ORDER BY id"
        " ON CONFLICT DO NOTHING",
        ids=[score.check_in_id for score in scores],
        models=[score.model_sha256 for score in scores],
        parts=["{" + ",".join(map(str, score.parts)) + "}" for score in scores],
        recaptures=[score.recapture for score in scores],
        verdicts=[score.verdict for score in scores],
        reasons=[score.reason for score in scores],
        now=now,
    )


async def insert_fingerprints(conn: AsyncConnection, fingerprints: Sequence[Fingerprint]) -> None:
    """Keep what photos look like; one that is there stays as it is."""
    await run(
        conn,
        "INSERT INTO photo_fingerprint (check_in_id, taken_at, pdq, embedding)"
        " SELECT id, taken_at, CAST(pdq AS bit(256)), CAST(embedding AS halfvec)"
        " FROM unnest(CAST(:ids AS uuid[]), CAST(:taken AS timestamptz[]), CAST(:pdqs AS text[]),"
        " CAST(:embeddings AS text[])) AS given(id, taken_at, pdq, embedding)"
        " ORDER BY id ON CONFLICT DO NOTHING",
        ids=[each.check_in_id for each in fingerprints],
        taken=[each.taken_at for each in fingerprints],
        pdqs=[_bits(each.orientations[0]) for each in fingerprints],
        embeddings=["[" + ",".join(map(str, each.embedding)) + "]" for each in fingerprints],
    )


async def rulings_of(conn: AsyncConnection, ids: Sequence[UUID]) -> Mapping[UUID, Ruling]:
    """The stored verdicts of these check-ins."""
    rows = await fetch(
        conn,
        "SELECT check_in_id, verdict, reason FROM score"
        " WHERE check_in_id = ANY(CAST(:ids AS uuid[]))",
        ids=list(ids),
    )
    return {row.check_in_id: Ruling(row.verdict, row.reason) for row in rows}


async def find_neighbours(
    conn: AsyncConnection, fingerprints: Sequence[Fingerprint]
) -> list[NearPair]:
    """Committed photos that are near one of these in any orientation.

    A photo that was rejected used nothing up, so a retake may resemble it. The distance operator of
    pgvector counts bits without making a bit string per row: 0.6 µs per stored photo, all eight
    orientations together, measured on 50,000.
    """
    rows = await fetch(
        conn,
        "SELECT asked.id, stored.check_in_id AS neighbour_id,"
        " CAST(min(stored.pdq <~> asked.pdq) AS integer) AS distance_bits"
        " FROM unnest(CAST(:ids AS uuid[]), CAST(:taken AS timestamptz[]), CAST(:pdqs AS text[]))"
        " AS given(id, taken_at, bits) CROSS JOIN LATERAL"
        " (SELECT given.id, CAST(given.bits AS bit(256)) AS pdq OFFSET 0) AS asked"
        " JOIN photo_fingerprint AS stored ON stored.taken_at BETWEEN"
        " given.taken_at - make_interval(hours => :hours)"
        " AND given.taken_at + make_interval(hours => :hours)"
        " AND stored.check_in_id <> asked.id AND stored.pdq <~> asked.pdq <= :near"
        " JOIN check_in ON check_in.id = stored.check_in_id AND check_in.status <> 'rejected'"
        " GROUP BY asked.id, stored.check_in_id",
        ids=[each.check_in_id for each in fingerprints for _ in each.orientations],
        taken=[each.taken_at for each in fingerprints for _ in each.orientations],
        pdqs=[_bits(pdq) for each in fingerprints for pdq in each.orientations],
        hours=NEIGHBOURS_WITHIN_H,
        near=NEAR_DISTANCE_BITS,
    )
    return [NearPair._make(row) for row in rows]


async def insert_near_matches(conn: AsyncConnection, pairs: Iterable[NearPair]) -> None:
    """Say that a photo yields to its neighbour, unless the pair was settled the other way before.

    In key order, so that two steps that found each other cannot deadlock. Of a pair within one
    batch the later check-in is proposed first, and so yields.
    """
    ordered = sorted(pairs, key=lambda pair: (*_in_byte_order(pair), -pair.check_in_id.int))
    await run(
        conn,
        "INSERT INTO near_match (first_id, second_id, yields, distance_bits)"
        " SELECT * FROM unnest(CAST(:firsts AS uuid[]), CAST(:seconds AS uuid[]),"
        " CAST(:yields AS uuid[]), CAST(:distances AS smallint[])) ON CONFLICT DO NOTHING",
        firsts=[_in_byte_order(pair)[0] for pair in ordered],
        seconds=[_in_byte_order(pair)[1] for pair in ordered],
        yields=[pair.check_in_id for pair in ordered],
        distances=[pair.distance_bits for pair in ordered],
    )


async def yielding(conn: AsyncConnection, pairs: Sequence[NearPair]) -> set[UUID]:
    """Which of these photos stop: those that the row of a pair names, whoever wrote the row."""
    rows = await fetch(
        conn,
        "SELECT yields FROM near_match JOIN unnest(CAST(:firsts AS uuid[]),"
        " CAST(:seconds AS uuid[])) AS pair(first_id, second_id) USING (first_id, second_id)",
        firsts=[_in_byte_order(pair)[0] for pair in pairs],
        seconds=[_in_byte_order(pair)[1] for pair in pairs],
    )
    return {row.yields for row in rows} & {pair.check_in_id for pair in pairs}


def _in_byte_order(pair: NearPair) -> list[UUID]:
    return sorted((pair.check_in_id, pair.neighbour_id))


def _bits(pdq: bytes) -> str:
    return f"{int.from_bytes(pdq, 'big'):0{len(pdq) * 8}b}"
