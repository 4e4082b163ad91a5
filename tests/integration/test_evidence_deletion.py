"""Photos of no plate go within a day unless somebody appeals; the clock is moved, nobody waits."""

import asyncio
import os
import time
from datetime import timedelta
from hashlib import sha256

import pytest

from backend.batches import run_batch
from backend.checkins.domain import NO_PLATE_KEPT, Change, Status, first_rejection
from backend.checkins.queries import get_check_in, insert_check_ins, settle_check_ins
from backend.db import fetch
from backend.evidence_store import EvidenceMissing, EvidenceStore, EvidenceUnavailable
from backend.intake.sweep import sweep_orphans
from backend.ledger.queries import lock_accounts
from backend.review.deletion import delete_due_evidence
from backend.review.domain import AppealRequest
from backend.review.refusals import AppealClosed, NotAppealable
from backend.review.steps import Appealed, ReviewRules, write_appeals
from backend.verify import check_invariants
from tests.builders import make_check_in, saved_account

DAY_S = 86_400
KEPT_S = int(NO_PLATE_KEPT.total_seconds())
WEEK = timedelta(days=7)


@pytest.fixture
def store(tmp_path):
    return EvidenceStore(tmp_path / "evidence")


@pytest.fixture
def saved_rejection(engine, store):
    """Store a photo whose check-in is rejected just now."""

    async def save(reason):
        account_id = await saved_account(engine)
        jpeg = str(account_id).encode()
        digest = sha256(jpeg).hexdigest()
        check_in = make_check_in(account_id=account_id, evidence_sha256=digest, meal_window="x")
        await store.put(account_id, digest, jpeg)
        async with engine.begin() as conn:
            await insert_check_ins(conn, [check_in])
            now = (await lock_accounts(conn, [account_id])).now
            change = Change(check_in.id, Status.RECEIVED, Status.REJECTED, reason)
            await settle_check_ins(conn, [first_rejection(change, now, WEEK)], now)
        return check_in

    return save


async def delete(engine, store, *, after_s):
    return await delete_due_evidence(engine, store, clock_shift_s=after_s)


async def is_there(store, check_in):
    try:
        await store.get(check_in.account_id, check_in.evidence_sha256)
    except EvidenceMissing:
        return False
    return True


async def appeal(engine, check_in, *, after_s=0):
    async def write(conn, requests):
        return await write_appeals(conn, requests, ReviewRules(clock_shift_s=after_s))

    [answer] = await run_batch(
        engine, write, [AppealRequest(check_in.id, check_in.account_id, None)]
    )
    return answer


async def deletions(engine):
    async with engine.connect() as conn:
        return await fetch(conn, "SELECT check_in_id, due_at, deleted_at FROM evidence_deletion")


async def test_a_photo_of_no_plate_is_gone_within_a_day_and_others_stay(
    engine, store, saved_rejection
):
    no_plate, leftovers = await saved_rejection("no_plate"), await saved_rejection("leftovers")
    assert await delete(engine, store, after_s=KEPT_S - 60) == 0
    assert await delete(engine, store, after_s=KEPT_S + 60) == 1
    assert KEPT_S + 60 < DAY_S
    assert [await is_there(store, each) for each in (no_plate, leftovers)] == [False, True]
    [row] = await deletions(engine)
    assert (row.check_in_id, row.deleted_at is None) == (no_plate.id, False)
    async with engine.connect() as conn:
        kept = await get_check_in(conn, no_plate.id)
    assert (kept.status, kept.reason, kept.appeal_until) == ("rejected", "no_plate", None)
    assert kept.evidence_sha256 == no_plate.evidence_sha256
    assert await delete(engine, store, after_s=30 * DAY_S) == 0


async def test_an_appealed_photo_stays_for_the_person_who_looks(engine, store, saved_rejection):
    no_plate = await saved_rejection("no_plate")
    assert isinstance(await appeal(engine, no_plate, after_s=KEPT_S - 60), Appealed)
    assert await delete(engine, store, after_s=KEPT_S + 60) == 0
    assert await is_there(store, no_plate)


async def test_after_its_time_there_is_nothing_left_to_appeal(engine, store, saved_rejection):
    no_plate = await saved_rejection("no_plate")
    assert isinstance(await appeal(engine, no_plate, after_s=KEPT_S + 60), AppealClosed)
    await delete(engine, store, after_s=KEPT_S + 60)
    assert isinstance(await appeal(engine, no_plate), NotAppealable)


async def test_an_appeal_that_races_the_deletion_has_its_photo_or_is_refused(
    engine, store, saved_rejection
):
    photos = [await saved_rejection("no_plate") for _ in range(8)]
    # The appeals are in time by their own clock, while the deletion's is already past it.
    async with asyncio.TaskGroup() as group:
        gone = group.create_task(delete(engine, store, after_s=KEPT_S + 60))
        appeals = [group.create_task(appeal(engine, photo)) for photo in photos]
    answers = [each.result() for each in appeals]
    there = [await is_there(store, photo) for photo in photos]
    assert there == [isinstance(answer, Appealed) for answer in answers]
    assert gone.result() == there.count(False)


class BrokenOnce:
    """A store whose first deletion fails."""

    def __init__(self, store):
        self._store, self._is_broken = store, True

    async def delete(self, account_id, digest):
        if self._is_broken:
            self._is_broken = False
            raise EvidenceUnavailable
        await self._store.delete(account_id, digest)


async def test_a_deletion_that_was_cut_off_is_finished_by_the_next_run(
    engine, store, saved_rejection
):
    no_plate = await saved_rejection("no_plate")
    broken = BrokenOnce(store)
    with pytest.raises(EvidenceUnavailable):
        await delete(engine, broken, after_s=KEPT_S + 60)
    [row] = await deletions(engine)
    assert row.deleted_at is None
    assert isinstance(await appeal(engine, no_plate), NotAppealable)
    assert await delete(engine, broken, after_s=KEPT_S + 60) == 1
    assert not await is_there(store, no_plate)


class BrokenFor:
    """A store that cannot delete one photo."""

    def __init__(self, store, check_in):
        self._store, self._broken = store, check_in.evidence_sha256

    async def delete(self, account_id, digest):
        if digest == self._broken:
            raise EvidenceUnavailable
        await self._store.delete(account_id, digest)


async def test_a_photo_that_cannot_be_deleted_keeps_no_other_one(engine, store, saved_rejection):
    first, second = await saved_rejection("no_plate"), await saved_rejection("no_plate")
    with pytest.raises(EvidenceUnavailable):
        await delete(engine, BrokenFor(store, first), after_s=KEPT_S + 60)
    assert [await is_there(store, each) for each in (first, second)] == [True, False]


async def test_a_deleted_photo_that_is_sent_again_is_swept(
    engine, store, saved_rejection, tmp_path
):
    no_plate = await saved_rejection("no_plate")
    await delete(engine, store, after_s=KEPT_S + 60)
    sent_again = str(no_plate.account_id).encode()
    await store.put(no_plate.account_id, no_plate.evidence_sha256, sent_again)
    [file] = [each for each in (tmp_path / "evidence").rglob("*") if each.is_file()]
    os.utime(file, (time.time() - 2 * DAY_S,) * 2)
    assert await sweep_orphans(engine, store) == 1
    assert not await is_there(store, no_plate)


async def test_verify_knows_that_the_photo_is_gone_and_sees_one_that_should_be(
    engine, store, saved_rejection
):
    await saved_rejection("no_plate")

    async def breached():
        return {each.name for each in await check_invariants(engine)} - {"evidence_claimed"}

    assert await breached() == set()
    await delete(engine, store, after_s=KEPT_S + 60)
    assert await breached() == set()
