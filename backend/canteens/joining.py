"""What the processor repeats for trays: give those that wait to members who are known by now."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backend.batches import run_batch
from backend.canteens.domain import CLAIM_BEFORE, CLAIM_WITHIN, LATE_WINDOW
from backend.canteens.trays import Joining, write_joinings
from backend.crediting.steps import Rulebook
from backend.db import clock, fetch, run
from backend.evidence_store import EvidenceMissing, EvidenceStore, EvidenceUnavailable

PORTION = 100  # some seconds of copying; the next look takes the rest
UNAVAILABLE_MAX = 20  # so many in one look are a store that is away, and each may take 5 s


class _Found(NamedTuple):
    tray_id: UUID
    device_id: UUID
    evidence_sha256: str
    account_id: UUID


async def join_waiting(engine: AsyncEngine, store: EvidenceStore, rules: Rulebook) -> int:
    """Make check-ins of trays whose card was linked, or whose code was scanned; return how many.

    Two processors may do it at once: the account's lock lets one of them, and the other one finds
    the tray joined. Evidence is copied first, and what is copied for nothing is swept. A photo that
    cannot be had is tried again at the next look, and keeps no other one.

    Raises:
        EvidenceUnavailable: Of no tray that waits the photo can be had.
    """
    async with engine.connect() as conn:
        found = await _owned(conn, await clock(conn, rules.clock_shift_s))
    ready: list[Joining] = []
    failed: list[EvidenceUnavailable] = []
    for each in found:
        try:
            if await _copied(store, each):
                ready.append(Joining(each.tray_id, each.account_id))
        except EvidenceUnavailable as error:
            failed.append(error)
            if len(failed) == UNAVAILABLE_MAX:
                break
    if ready:
        await run_batch(engine, partial(write_joinings, rules=rules), ready)
    elif failed:
        raise failed[0]
    return len(ready)


async def _copied(store: EvidenceStore, found: _Found) -> bool:
    """Put a tray's photo among its member's; False when it was swept: it lapses within the hour."""
    try:
        jpeg = await store.get(found.device_id, found.evidence_sha256)
    except EvidenceMissing:
        return False
    await store.put(found.account_id, found.evidence_sha256, jpeg)
    return True


async def lapse_waiting(engine: AsyncEngine, clock_shift_s: int = 0) -> int:
    """Give up trays that nobody claimed in their late window, and forget whose card it was.

    Their photos are orphans from then on: the sweep deletes them within the day.
    """
    async with engine.begin() as conn:
        now = await clock(conn, clock_shift_s)
        return await run(
            conn,
            "UPDATE tray SET status = 'lapsed', subject_token = NULL"
            " WHERE status = 'waiting' AND taken_at < :before",
            before=now - LATE_WINDOW,
        )


async def _owned(conn: AsyncConnection, now: datetime) -> Sequence[_Found]:
    """Waiting trays with their members: by the card, its link, or by a scan at the right moment."""
    rows = await fetch(
        conn,
        "SELECT tray.id, device_id, evidence_sha256,"
        " coalesce(partner_link.account_id, card.account_id, tray_claim.account_id) AS account_id"
        " FROM tray JOIN canteen ON canteen.id = canteen_id"
        " LEFT JOIN partner_link ON partner_link.partner_id = canteen.partner_id"
        " AND partner_link.subject_token = tray.subject_token"
        " LEFT JOIN card ON card.status = 'active'"
        " AND card.token_sha256 = sha256(convert_to(tray.subject_token, 'UTF8'))"
        " LEFT JOIN tray_claim ON tray_claim.code_sha256 = tray.code_sha256"
        " AND claimed_at BETWEEN taken_at - make_interval(secs => :before)"
        " AND taken_at + make_interval(secs => :within)"
        " WHERE tray.status = 'waiting' AND taken_at > :since AND coalesce("
        "partner_link.account_id, card.account_id, tray_claim.account_id) IS NOT NULL"
        " ORDER BY taken_at, tray.id LIMIT :portion",
        since=now - LATE_WINDOW,
        before=CLAIM_BEFORE.total_seconds(),
        within=CLAIM_WITHIN.total_seconds(),
        portion=PORTION,
    )
    return [_Found._make(row) for row in rows]
