"""The statements of the score step: what the model said, and what a photo looks like.

Which photos look alike is asked in `neighbour_queries`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import fetch, run
from scoring.risk import Risk


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
        region: Where it was taken, six digits.
        orientations: PDQ of the photo in its eight orientations, 32 bytes each, upright first.
        embedding: Of length one.
        model_sha256: Of the model that made the embedding: those of two models do not compare.
    """

    check_in_id: UUID
    taken_at: datetime
    region: str
    orientations: Sequence[bytes]
    embedding: Sequence[float]
    model_sha256: str


class Ruling(NamedTuple):
    """The verdict as it was stored first, which later runs of the step follow."""

    verdict: str
    reason: str | None


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
        "INSERT INTO photo_fingerprint (check_in_id, taken_at, region, pdq, embedding)"
        " SELECT id, taken_at, region, CAST(pdq AS bit(256)), CAST(embedding AS halfvec)"
        " FROM unnest(CAST(:ids AS uuid[]), CAST(:taken AS timestamptz[]),"
        " CAST(:regions AS text[]), CAST(:pdqs AS text[]), CAST(:embeddings AS text[]))"
        " AS given(id, taken_at, region, pdq, embedding) ORDER BY id ON CONFLICT DO NOTHING",
        ids=[each.check_in_id for each in fingerprints],
        taken=[each.taken_at for each in fingerprints],
        regions=[each.region for each in fingerprints],
        pdqs=[as_bits(each.orientations[0]) for each in fingerprints],
        embeddings=[as_vector(each.embedding) for each in fingerprints],
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


async def insert_risks(conn: AsyncConnection, risks: Mapping[UUID, Risk]) -> None:
    """Keep what speaks for a person to look; the first word on a photo stands."""
    ids = sorted(risks)
    await run(
        conn,
        "INSERT INTO photo_risk (check_in_id, per_10000, recapture, edited, neighbour)"
        " SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:totals AS smallint[]),"
        " CAST(:recaptures AS smallint[]), CAST(:edited AS smallint[]),"
        " CAST(:neighbours AS smallint[])) ON CONFLICT DO NOTHING",
        ids=ids,
        totals=[risks[id].per_10000 for id in ids],
        recaptures=[risks[id].recapture for id in ids],
        edited=[risks[id].edited for id in ids],
        neighbours=[risks[id].neighbour for id in ids],
    )


async def insert_edit_hints(conn: AsyncConnection, hints: Mapping[UUID, str]) -> None:
    """Remember which editing program named itself in an upload, whose bytes are not kept."""
    if not hints:
        return
    await run(
        conn,
        "INSERT INTO edit_hint (check_in_id, edited_with)"
        " SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:programs AS text[]))",
        ids=list(hints),
        programs=list(hints.values()),
    )


async def edited_among(conn: AsyncConnection, ids: Sequence[UUID]) -> frozenset[UUID]:
    """Those of these check-ins whose upload named an editing program."""
    rows = await fetch(
        conn,
        "SELECT check_in_id FROM edit_hint WHERE check_in_id = ANY(CAST(:ids AS uuid[]))",
        ids=list(ids),
    )
    return frozenset(row.check_in_id for row in rows)


async def forget_looks(conn: AsyncConnection, ids: Sequence[UUID]) -> None:
    """Delete what is known of how photos looked; goes with their evidence, and can be repeated.

    Scores, risks and near matches stay: whole numbers that explain a decision and show nothing.
    """
    for table in ("photo_fingerprint", "photo_thumbnail", "edit_hint"):
        await run(
            conn,
            f"DELETE FROM {table} WHERE check_in_id = ANY(CAST(:ids AS uuid[]))",
            ids=list(ids),
        )


def as_bits(pdq: bytes) -> str:
    """A fingerprint as the text of a bit string."""
    return f"{int.from_bytes(pdq, 'big'):0{len(pdq) * 8}b}"


def as_vector(embedding: Sequence[float]) -> str:
    """An embedding as the text of a vector."""
    return "[" + ",".join(map(str, embedding)) + "]"
