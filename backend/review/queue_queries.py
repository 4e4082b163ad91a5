"""What reviewers read: the queue, photos that look alike, and whose evidence may be shown."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import fetch, fetch_one

_OPEN = (
    "SELECT check_in.id, check_in.account_id, action, region, meal_window, occurred_at, tier,"
    " check_in.reason, in_review_since, model_sha256, scores, score.recapture, verdict,"
    " score.reason AS model_reason, appeal.text AS appeal_text, appeal.reason AS appealed_reason,"
    " appealed_at, per_10000 AS risk, photo_risk.recapture AS risk_recapture,"
    " photo_risk.edited AS risk_edited, photo_risk.neighbour AS risk_neighbour,"
    " edited_with, evidence_sha256 IS NOT NULL AS has_photo,"
    " ARRAY(SELECT part FROM check_in_evidence WHERE check_in_evidence.check_in_id = check_in.id"
    " ORDER BY taken_at) AS parts, review_lease.reviewer, expires_at,"
    " expires_at > clock_timestamp() + make_interval(secs => :shift) AS is_taken"
    " FROM check_in LEFT JOIN score ON score.check_in_id = check_in.id"
    " LEFT JOIN photo_risk ON photo_risk.check_in_id = check_in.id"
    " LEFT JOIN edit_hint ON edit_hint.check_in_id = check_in.id"
    " LEFT JOIN appeal ON appeal.check_in_id = check_in.id"
    " LEFT JOIN review_lease ON review_lease.check_in_id = check_in.id"
    " WHERE in_review_since IS NOT NULL AND (CAST(:overdue AS double precision) IS NULL"
    " OR appealed_at + make_interval(secs => :overdue)"
    " <= clock_timestamp() + make_interval(secs => :shift))"
)


class Place(NamedTuple):
    """Where a page of the queue begins: after this check-in."""

    in_review_since: datetime
    check_in_id: UUID


class Wanted(NamedTuple):
    """Which part of the queue a reviewer asked for; None is every one.

    Attributes:
        own_account: The reviewer's own check-ins are never in the list.
        overdue_s: Only appeals that have waited for so long; None is every check-in.
    """

    reason: str | None
    region: str | None
    actions: Sequence[str] | None
    own_account: UUID | None
    overdue_s: float | None = None


class LookAlike(NamedTuple):
    """Another photo that looks like one in the queue.

    Attributes:
        kind: `copy`, `near`, `explained` or `alike`.
        distance_bits: Between the fingerprints, of 256.
        embedding_distance: 1 minus the cosine, per 10,000; None where fingerprints met.
        resemblance: How well one explains the other, per 10,000; None if they were not laid over.
        is_own: Both photos are of one account.
    """

    check_in_id: UUID
    status: str
    occurred_at: datetime
    kind: str
    distance_bits: int
    embedding_distance: int | None
    resemblance: int | None
    is_own: bool


class Evidence(NamedTuple):
    """Where the evidence of a check-in rests, and whose it is."""

    account_id: UUID
    sha256: str


async def list_queue(
    conn: AsyncConnection,
    wanted: Wanted,
    *,
    after: Place | None,
    limit: int,
    clock_shift_s: int = 0,
) -> Sequence[Row[Any]]:
    """Check-ins that wait for a reviewer, those that wait longest first."""
    return await fetch(
        conn,
        f"{_OPEN} AND (in_review_since, check_in.id)"
        " > (CAST(:since AS timestamptz), CAST(:after AS uuid))"
        " AND (CAST(:reason AS text) IS NULL OR check_in.reason = :reason)"
        " AND (CAST(:region AS text) IS NULL OR region = :region)"
        " AND (CAST(:actions AS text[]) IS NULL OR action = ANY(CAST(:actions AS text[])))"
        " AND check_in.account_id IS DISTINCT FROM CAST(:own AS uuid)"
        " ORDER BY in_review_since, check_in.id LIMIT :limit",
        since=after.in_review_since if after else datetime.fromisoformat("2000-01-01T00:00:00Z"),
        after=after.check_in_id if after else UUID(int=0),
        reason=wanted.reason,
        region=wanted.region,
        actions=None if wanted.actions is None else list(wanted.actions),
        own=wanted.own_account,
        limit=limit,
        shift=clock_shift_s,
        overdue=wanted.overdue_s,
    )


async def find_open(
    conn: AsyncConnection,
    check_in_id: UUID,
    *,
    overdue_s: float | None = None,
    clock_shift_s: int = 0,
) -> Row[Any] | None:
    """One check-in that waits for a reviewer, or for `overdue_s` on an appeal; or None."""
    return await fetch_one(
        conn,
        f"{_OPEN} AND check_in.id = :id",
        id=check_in_id,
        overdue=overdue_s,
        shift=clock_shift_s,
    )


async def look_alikes_of(
    conn: AsyncConnection, check_in_ids: Sequence[UUID]
) -> Mapping[UUID, Sequence[LookAlike]]:
    """The photos that look like these, nearest first."""
    rows = await fetch(
        conn,
        "WITH asked AS (SELECT unnest(CAST(:ids AS uuid[])) AS id), pairs AS ("
        " SELECT asked.id, second_id AS other_id, kind, distance_bits, embedding_distance,"
        " resemblance"
        " FROM asked JOIN near_match ON first_id = asked.id UNION ALL"
        " SELECT asked.id, first_id, kind, distance_bits, embedding_distance, resemblance"
        " FROM asked JOIN near_match ON second_id = asked.id)"
        " SELECT pairs.id AS asked_id, other.id, other.status, other.occurred_at, kind,"
        " distance_bits, embedding_distance, resemblance,"
        " other.account_id = own.account_id AS is_own"
        " FROM pairs"
        " JOIN check_in AS own ON own.id = pairs.id JOIN check_in AS other ON other.id = other_id"
        " ORDER BY pairs.id, distance_bits, other.id",
        ids=list(check_in_ids),
    )
    found: dict[UUID, list[LookAlike]] = defaultdict(list)
    for row in rows:
        found[row.asked_id].append(LookAlike._make(row[1:]))
    return found


async def find_evidence(
    conn: AsyncConnection, check_in_id: UUID, part: str | None
) -> Evidence | None:
    """The evidence of a check-in that reviewers may see; None for all that they may not.

    `part` names one of several photos. They may see what waits for them, what they decided, and
    what looks like something that waits.
    """
    row = await fetch_one(
        conn,
        "SELECT account_id, sha256 FROM check_in CROSS JOIN LATERAL ("
        " SELECT check_in.evidence_sha256 AS sha256 WHERE CAST(:part AS text) IS NULL"
        " UNION ALL SELECT evidence_sha256 FROM check_in_evidence"
        " WHERE check_in_id = check_in.id AND part = :part) AS photo"
        " WHERE id = :id AND sha256 IS NOT NULL"
        # A repeat of a photo that was deleted brings its file back, until the sweep.
        " AND NOT EXISTS (SELECT FROM evidence_deletion WHERE check_in_id = check_in.id)"
        " AND (in_review_since IS NOT NULL"
        " OR EXISTS (SELECT FROM review_decision WHERE check_in_id = check_in.id)"
        " OR EXISTS (SELECT FROM near_match JOIN check_in AS other ON other.id = second_id"
        " WHERE first_id = check_in.id AND other.in_review_since IS NOT NULL)"
        " OR EXISTS (SELECT FROM near_match JOIN check_in AS other ON other.id = first_id"
        " WHERE second_id = check_in.id AND other.in_review_since IS NOT NULL))",
        id=check_in_id,
        part=part,
    )
    return Evidence._make(row) if row else None
