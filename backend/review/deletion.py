"""Photos of no plate go within a day, unless their owner appeals; what was claimed stays claimed.

What the member photographed instead may be anything, a person too, and nobody needs to see it. The
row that says a photo has to go is committed before the store is asked, so that a deletion that was
cut off is finished by the next run.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backend.checkins.score_queries import forget_looks
from backend.db import fetch, run
from backend.evidence_store import EvidenceStore, EvidenceUnavailable
from backend.ledger.queries import lock_accounts

PORTION_ROWS = 100  # accounts locked at once, for some milliseconds


class Due(NamedTuple):
    """Evidence that has to go."""

    check_in_id: UUID
    account_id: UUID
    sha256: str


async def delete_due_evidence(
    engine: AsyncEngine, store: EvidenceStore, *, clock_shift_s: int = 0
) -> int:
    """Delete one portion of the evidence whose time is over; return how many were deleted.

    A second run finds nothing more. The check-in keeps the hash of what it was, and its claims.

    Raises:
        EvidenceUnavailable: Some of it may still be there; the others are deleted.
    """
    async with engine.begin() as conn:
        await _mark_due(conn, clock_shift_s)
    async with engine.connect() as conn:
        due = await _marked(conn)
    gone, failure = await _delete(store, due)
    if gone:
        async with engine.begin() as conn:
            await _finish(conn, gone)
    if failure is not None:
        raise failure
    return len(gone)


async def _delete(
    store: EvidenceStore, due: Sequence[Due]
) -> tuple[list[UUID], EvidenceUnavailable | None]:
    """Whose evidence is gone, and a failure if there was one: what cannot go keeps no other."""
    gone: list[UUID] = []
    failure = None
    for each in due:
        try:
            await store.delete(each.account_id, each.sha256)
        except EvidenceUnavailable as error:
            failure = error
        else:
            gone.append(each.check_in_id)
    return gone, failure


async def _mark_due(conn: AsyncConnection, clock_shift_s: int) -> None:
    """Decide what goes, under the lock that an appeal holds too: after this there is none."""
    candidates = await fetch(
        conn,
        "SELECT id, account_id FROM check_in"
        " WHERE evidence_until < clock_timestamp() + make_interval(secs => :shift)"
        " ORDER BY evidence_until LIMIT :limit",
        shift=clock_shift_s,
        limit=PORTION_ROWS,
    )
    if not candidates:
        return
    accounts = {row.account_id for row in candidates}
    locked = await lock_accounts(conn, accounts, clock_shift_s=clock_shift_s)
    await _close(conn, [row.id for row in candidates], locked.now)


async def _close(conn: AsyncConnection, ids: Sequence[UUID], now: datetime) -> None:
    await run(
        conn,
        "WITH due AS (SELECT id, evidence_until FROM check_in"
        " WHERE id = ANY(CAST(:ids AS uuid[])) AND evidence_until < :now ORDER BY id"
        " FOR NO KEY UPDATE), closed AS ("
        " UPDATE check_in SET evidence_until = NULL, appeal_until = NULL FROM due"
        " WHERE check_in.id = due.id RETURNING check_in.id, due.evidence_until)"
        " INSERT INTO evidence_deletion (check_in_id, due_at)"
        " SELECT id, evidence_until FROM closed ORDER BY id ON CONFLICT DO NOTHING",
        ids=list(ids),
        now=now,
    )


async def _marked(conn: AsyncConnection) -> list[Due]:
    rows = await fetch(
        conn,
        "SELECT check_in_id, account_id, evidence_sha256 FROM evidence_deletion"
        " JOIN check_in ON check_in.id = check_in_id"
        " WHERE deleted_at IS NULL ORDER BY due_at LIMIT :limit",
        limit=PORTION_ROWS,
    )
    return [Due._make(row) for row in rows]


async def _finish(conn: AsyncConnection, check_in_ids: Sequence[UUID]) -> None:
    """Write down that the evidence is gone, and forget what it looked like."""
    await forget_looks(conn, check_in_ids)
    await run(
        conn,
        "UPDATE evidence_deletion SET deleted_at = clock_timestamp()"
        " WHERE check_in_id = ANY(CAST(:ids AS uuid[])) AND deleted_at IS NULL",
        ids=list(check_in_ids),
    )
