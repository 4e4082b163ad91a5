"""The statements of laying photos over each other: thumbnails, and whose to lay over which.

A thumbnail is kept only of photos that may have used something up, and only for as long as a copy
of one could still be counted beside it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.checkins.neighbour_queries import (
    COUNTS,
    NEIGHBOURS_WITHIN_H,
    PDQ_OF_TURN,
    RECENT,
    TURNS,
)
from backend.checkins.score_queries import Fingerprint, as_bits, as_vector
from backend.db import fetch, run
from scoring.plate import PARTS
from scoring.registration import (
    PROPOSED_BITS_MAX,
    PROPOSED_BY_EMBEDDING,
    PROPOSED_BY_FINGERPRINT,
)

# A copy may be taken 48 hours after its original, and come in a day after that.
THUMBNAIL_KEPT_H = NEIGHBOURS_WITHIN_H + 24
# Nearest photos that are looked at for each one that is proposed: those that were rejected use
# nothing up and fall out afterwards.
LOOKED_AT_PER_PROPOSED = 4

_SEEN = (
    "SELECT stored.check_in_id AS id,"
    f" CAST(least({', '.join(f'stored.pdq <~> asked.turn_{turn}' for turn in TURNS)}) AS integer)"
    " AS bits,"
    f" CAST(round({PARTS} * (1 + (stored.embedding <#> asked.embedding))) AS integer) AS apart"
    f" FROM photo_fingerprint AS stored WHERE stored.region = asked.region AND {RECENT}"
    " AND stored.check_in_id <> asked.id"
)
_CANDIDATES = (
    "SELECT check_in_id, neighbour_id, bits, apart, packed FROM ("
    " SELECT asked.id AS check_in_id, near.id AS neighbour_id, bits, apart, packed,"
    " row_number() OVER (PARTITION BY asked.id ORDER BY apart, near.id) AS by_embedding,"
    " row_number() OVER (PARTITION BY asked.id ORDER BY bits, near.id) AS by_fingerprint"
    f" FROM (SELECT id, taken_at, region, model, {PDQ_OF_TURN},"
    " CAST(embedding AS halfvec) AS embedding"
    " FROM unnest(CAST(:ids AS uuid[]), CAST(:taken AS timestamptz[]), CAST(:regions AS text[]),"
    " CAST(:models AS text[]), CAST(:embeddings AS text[]),"
    f" {', '.join(f'CAST(:turn_{turn} AS text[])' for turn in TURNS)}) AS given(id, taken_at,"
    f" region, model, embedding, {', '.join(f'turn_{turn}' for turn in TURNS)}) OFFSET 0) AS asked"
    f" CROSS JOIN LATERAL (WITH seen AS MATERIALIZED ({_SEEN})"
    " (SELECT * FROM seen ORDER BY apart, id"
    f" LIMIT {PROPOSED_BY_EMBEDDING * LOOKED_AT_PER_PROPOSED})"
    f" UNION (SELECT * FROM seen WHERE bits <= {PROPOSED_BITS_MAX} ORDER BY bits, id"
    f" LIMIT {PROPOSED_BY_FINGERPRINT * LOOKED_AT_PER_PROPOSED})) AS near"
    " JOIN photo_thumbnail ON photo_thumbnail.check_in_id = near.id"
    " JOIN score ON score.check_in_id = near.id JOIN check_in ON check_in.id = near.id"
    f" WHERE score.model_sha256 = asked.model AND {COUNTS}) AS found"
    f" WHERE by_embedding <= {PROPOSED_BY_EMBEDDING}"
    f" OR (by_fingerprint <= {PROPOSED_BY_FINGERPRINT} AND bits <= {PROPOSED_BITS_MAX})"
    " ORDER BY check_in_id, neighbour_id"
)


class Candidate(NamedTuple):
    """A photo that is to be laid over another one.

    Attributes:
        distance_bits: Of the fingerprints, in the orientation in which they are nearest.
        embedding_distance: 1 minus the cosine, per 10,000.
        thumbnail: Of the neighbour, packed.
    """

    check_in_id: UUID
    neighbour_id: UUID
    distance_bits: int
    embedding_distance: int
    thumbnail: bytes


async def find_candidates(
    conn: AsyncConnection, fingerprints: Sequence[Fingerprint]
) -> list[Candidate]:
    """Of each photo, the committed ones of its region and 48 hours that are nearest to it.

    At most `PROPOSED_BY_EMBEDDING` of the same model, whatever the distance, and at most
    `PROPOSED_BY_FINGERPRINT` within `PROPOSED_BITS_MAX` in any orientation; as exact as the search
    of neighbours, and through the same index.
    """
    rows = await fetch(
        conn,
        _CANDIDATES,
        ids=[each.check_in_id for each in fingerprints],
        taken=[each.taken_at for each in fingerprints],
        regions=[each.region for each in fingerprints],
        models=[each.model_sha256 for each in fingerprints],
        embeddings=[as_vector(each.embedding) for each in fingerprints],
        hours=NEIGHBOURS_WITHIN_H,
        **{
            f"turn_{turn}": [as_bits(each.orientations[turn]) for each in fingerprints]
            for turn in TURNS
        },
    )
    return [Candidate._make(row)._replace(embedding_distance=max(0, row.apart)) for row in rows]


async def insert_thumbnails(conn: AsyncConnection, thumbnails: Mapping[UUID, bytes]) -> None:
    """Keep small pictures of photos whose fingerprints are kept; one that is there stays."""
    ids = sorted(thumbnails)
    await run(
        conn,
        "INSERT INTO photo_thumbnail (check_in_id, taken_at, packed)"
        " SELECT id, taken_at, given.packed"
        " FROM unnest(CAST(:ids AS uuid[]), CAST(:packed AS bytea[])) AS given(id, packed)"
        " JOIN photo_fingerprint ON photo_fingerprint.check_in_id = id"
        " ORDER BY id ON CONFLICT DO NOTHING",
        ids=ids,
        packed=[thumbnails[id] for id in ids],
    )


async def forget_thumbnails(conn: AsyncConnection, *, before: datetime, limit: int) -> int:
    """Delete thumbnails of photos taken before a time, the oldest first; return how many."""
    rows = await fetch(
        conn,
        "DELETE FROM photo_thumbnail WHERE check_in_id IN (SELECT check_in_id FROM photo_thumbnail"
        " WHERE taken_at < :before ORDER BY taken_at LIMIT :limit)"
        " RETURNING check_in_id",
        before=before,
        limit=limit,
    )
    return len(rows)
