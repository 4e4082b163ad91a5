"""Evidence that no check-in names: uploads that were refused, or whose commit never came."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backend.db import clock, fetch
from backend.evidence_store import EvidenceStore, EvidenceUnavailable
from backend.intake.domain import CAPTURE_LIFE

# No capture of this age can still become a check-in, so nobody is about to name the evidence.
ORPHAN_AGE = CAPTURE_LIFE + timedelta(hours=1)

# A no-drive day can be reported for seven days; after that a single odometer photo is of no use.
ODOMETER_KEPT_DAYS = 8


async def sweep_orphans(engine: AsyncEngine, store: EvidenceStore) -> int:
    """Delete evidence older than `ORPHAN_AGE` that no check-in names; return how many.

    A second run finds nothing more. The store's own clock dates the evidence, never a setting.

    Raises:
        EvidenceUnavailable: Something of it may still be there; the rest is deleted.
    """
    async with engine.connect() as conn:
        before = await clock(conn, 0) - ORPHAN_AGE
    deleted, failure = 0, None
    async for portion in store.older_than(before):
        async with engine.connect() as conn:
            named = await _named(conn, portion)
        for account_id, sha256 in set(portion) - named:
            try:
                deleted += await _delete(store, account_id, sha256, before)
            except EvidenceUnavailable as error:
                failure = error
    deleted += await store.delete_unfinished(before)
    if failure is not None:
        raise failure
    return deleted


async def _delete(store: EvidenceStore, account_id: UUID, sha256: str, before: datetime) -> bool:
    """Delete what has not been put again since the look: a check-in may name it by now."""
    if not await store.is_older(account_id, sha256, before):
        return False
    await store.delete(account_id, sha256)
    return True


async def _named(
    conn: AsyncConnection, evidence: Sequence[tuple[UUID, str]]
) -> set[tuple[UUID, str]]:
    """What somebody may still have to see; a photo that was deleted comes back with a repeat."""
    rows = await fetch(
        conn,
        "WITH asked AS MATERIALIZED (SELECT * FROM unnest(CAST(:accounts AS uuid[]),"
        " CAST(:hashes AS text[])) AS given(account_id, evidence_sha256))"
        " SELECT account_id, evidence_sha256 FROM check_in"
        " JOIN asked USING (account_id, evidence_sha256)"
        " WHERE NOT EXISTS (SELECT FROM evidence_deletion WHERE check_in_id = check_in.id)"
        " UNION SELECT account_id, asked.evidence_sha256 FROM asked"
        " JOIN odometer_photo USING (account_id, evidence_sha256)"
        " WHERE received_at > now() - make_interval(days => :days)"
        " OR EXISTS (SELECT FROM check_in_evidence AS pair"
        " WHERE pair.capture_id = odometer_photo.capture_id)",
        days=ODOMETER_KEPT_DAYS,
        accounts=[account_id for account_id, _ in evidence],
        hashes=[sha256 for _, sha256 in evidence],
    )
    return {(row.account_id, row.evidence_sha256) for row in rows}
