"""The processor goes on, whatever one of the things that it repeats comes to."""

import asyncio
from contextlib import asynccontextmanager
from hashlib import sha256

import pytest

from backend import processor as processor_module
from backend.bell import Bell
from backend.checkins.queries import get_check_in, insert_check_ins
from backend.events import CHECK_IN_RECEIVED, Event
from backend.evidence_store import EvidenceStore
from backend.outbox import CHANNEL, append
from backend.processor import Processor
from backend.upkeep import Duty
from tests.builders import make_check_in
from tests.busy_database import RULES
from tests.fakes import ScriptedScorer


class ProcessorOf(Processor):
    """A processor whose duties are those of a test."""

    def duties(self):
        return self.bell.duties


@asynccontextmanager
async def processing(engine, tmp_path, *duties):
    bell = Bell(engine, CHANNEL)
    bell.duties = duties
    processor = ProcessorOf(engine, bell, ScriptedScorer(), EvidenceStore(tmp_path), RULES)
    task = asyncio.ensure_future(processor.serve())
    try:
        yield task
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_a_duty_that_fails_as_nobody_expected_stops_nothing_and_is_tried_again(
    engine, tmp_path
):
    tries, turns = [], asyncio.Queue()

    async def fail():
        tries.append(1)
        raise ValueError("not enough values to unpack")

    async def act():
        turns.put_nowait(1)
        return 0

    duties = Duty("failing", fail, 0.01), Duty("acting", act, 0.01)
    async with processing(engine, tmp_path, *duties), asyncio.timeout(20):
        while len(tries) < 3:
            await turns.get()


async def test_photos_that_take_longer_than_their_lease_are_scored_once_and_settled(
    engine, tmp_path, monkeypatch
):
    monkeypatch.setattr(processor_module, "SCORE_LEASE_S", 1.0)
    store, scorer, jpeg = EvidenceStore(tmp_path), ScriptedScorer(), b"a plate"
    photo = make_check_in(evidence_sha256=sha256(jpeg).hexdigest(), meal_window="x")
    await store.put(photo.account_id, photo.evidence_sha256, jpeg)
    async with engine.begin() as conn:
        await insert_check_ins(conn, [photo])
        await append(conn, [Event(CHECK_IN_RECEIVED, [photo.id])])
    processor = Processor(engine, Bell(engine, CHANNEL), scorer, store, RULES)
    scorer.gate.clear()
    scoring = asyncio.ensure_future(processor.score_once())
    await scorer.busy.wait()
    await asyncio.sleep(1.5)
    async with asyncio.timeout(20):
        assert await processor.score_once() == 0
    scorer.gate.set()
    assert await scoring == 1
    async with engine.connect() as conn:
        assert (await get_check_in(conn, photo.id)).status == "scored"
    assert scorer.batches == [1]
