"""Work is given out once at a time, comes back when it fails, and stops visibly in the end."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from backend.bell import Bell
from backend.db import fetch, fetch_one, run
from backend.events import CHECK_IN_ACCEPTED, CREDIT, CREDIT_BOOKED, REPORT, SCORE, WEBHOOK, Event
from backend.evidence_store import EvidenceStore
from backend.ids import uuid7
from backend.outbox import (
    ATTEMPTS_MAX,
    BACKOFF_MAX_S,
    CHANNEL,
    ERROR_LENGTH_MAX,
    LEASE_RAN_OUT,
    LEASES_MAX,
    acknowledge,
    append,
    backlog,
    dead_letters,
    lease,
    postpone,
    replay,
    take,
)
from backend.processor import Processor
from backend.reports.steps import report_step
from tests.busy_database import RULES


async def saved_work(engine, count=1, *, step=CREDIT):
    """Rows of work, one id each; returns the ids that they name."""
    named = [uuid7() for _ in range(count)]
    async with engine.begin() as conn:
        await append(conn, [Event(CHECK_IN_ACCEPTED, [id]) for id in named])
        await run(conn, "UPDATE work SET step = :step", step=step)
    return named


async def make_due(engine):
    async with engine.begin() as conn:
        await run(conn, "UPDATE work SET run_at = now() - interval '1 second'")


async def rows_in(engine):
    async with engine.connect() as conn:
        return await fetch(
            conn,
            "SELECT ids, attempts, error, dead_at IS NOT NULL AS is_dead,"
            " CAST(extract(epoch FROM run_at - now()) AS float) AS due_in_s FROM work ORDER BY id",
        )


def named_by(works):
    return {id for work in works for id in work.ids}


async def test_one_row_is_written_per_event_and_step_and_nobody_is_woken_for_nothing(engine):
    first, second = [uuid7(), uuid7()], [uuid7()]
    async with engine.begin() as conn:
        await append(conn, [])
        await append(conn, [Event(CREDIT_BOOKED, first), Event(CHECK_IN_ACCEPTED, second)])
        rows = await fetch(conn, "SELECT step, event, ids, attempts FROM work ORDER BY id")
        waiting = [await backlog(conn, step) for step in (CREDIT, REPORT, SCORE)]
    assert [tuple(row) for row in rows] == [
        (REPORT, CREDIT_BOOKED, first, 0),
        (WEBHOOK, CREDIT_BOOKED, first, 0),
        (CREDIT, CHECK_IN_ACCEPTED, second, 0),
    ]
    assert waiting == [1, 1, 0]


async def test_two_processors_that_take_at_once_never_get_the_same_row(engine):
    named = await saved_work(engine, 60)
    both_took = asyncio.Barrier(2)

    async def take_some():
        taken = []
        async with engine.begin() as conn:
            for _ in range(3):
                taken += await take(conn, CREDIT, limit=10)
            await both_took.wait()
        return taken

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(take_some()) for _ in range(2)]
    first, second = (task.result() for task in tasks)
    assert (len(first), len(second)) == (30, 30)
    assert named_by(first) | named_by(second) == set(named)
    assert await rows_in(engine) == []


async def test_a_rollback_brings_the_rows_back(engine):
    named = await saved_work(engine, 3)
    async with engine.connect() as conn:
        assert named_by(await take(conn, CREDIT, limit=10)) == set(named)
        await conn.rollback()
    async with engine.begin() as conn:
        again = await take(conn, CREDIT, limit=10)
    assert named_by(again) == set(named)
    assert [work.attempts for work in again] == [1, 1, 1]


async def test_only_due_rows_of_the_step_are_taken_and_the_oldest_first(engine):
    named = await saved_work(engine, 3)
    async with engine.begin() as conn:
        await run(
            conn,
            "UPDATE work SET run_at = now() + interval '1 hour' WHERE ids = CAST(:ids AS uuid[])",
            ids=[named[0]],
        )
        assert await take(conn, REPORT, limit=10) == []
        assert named_by(await take(conn, CREDIT, limit=1)) == {named[1]}
        assert named_by(await take(conn, CREDIT, limit=10)) == {named[2]}


async def lease_now(engine, *, lease_s=60.0):
    async with engine.begin() as conn:
        return await lease(conn, SCORE, limit=10, lease_s=lease_s)


async def test_a_lease_that_ran_out_goes_to_another_and_the_stale_worker_acknowledges_nothing(
    engine,
):
    [named] = await saved_work(engine, step=SCORE)
    stale = await lease_now(engine)
    assert await lease_now(engine) == []
    await make_due(engine)
    [second] = await lease_now(engine)
    assert (second.ids, second.attempts) == ([named], 2)
    async with engine.begin() as conn:
        assert await acknowledge(conn, stale) == set()
    async with engine.begin() as conn:
        await postpone(conn, stale, "late")
    assert [(row.attempts, row.error) for row in await rows_in(engine)] == [(2, None)]
    async with engine.begin() as conn:
        assert await acknowledge(conn, [second]) == {second.id}
    assert await rows_in(engine) == []


async def test_work_whose_leases_all_ran_out_is_dead_in_the_end(engine):
    """Whoever leases it dies of it: nobody is left to say that it failed."""
    [killer], [other] = await saved_work(engine, step=SCORE), await saved_work(engine, step=SCORE)
    async with engine.begin() as conn:
        await run(
            conn,
            "UPDATE work SET attempts = :most WHERE ids = CAST(:ids AS uuid[])",
            most=LEASES_MAX - 1,
            ids=[killer],
        )
    assert named_by(await lease_now(engine)) == {killer, other}
    await make_due(engine)
    assert named_by(await lease_now(engine)) == {other}
    async with engine.begin() as conn:
        [dead] = await dead_letters(conn)
        assert (dead.ids, dead.error) == ([killer], LEASE_RAN_OUT)
        assert await replay(conn, [dead.id]) == 1
    assert named_by(await lease_now(engine)) == {killer}


async def test_work_that_failed_waits_twice_as_long_each_time(engine):
    await saved_work(engine, step=SCORE)
    waits = []
    for _ in range(4):
        works = await lease_now(engine)
        async with engine.begin() as conn:
            await postpone(conn, works, "ValueError")
        waits.append((await rows_in(engine))[0].due_in_s)
        await make_due(engine)
    assert waits == pytest.approx([2, 4, 8, 16], abs=0.5)
    assert max(waits) < BACKOFF_MAX_S


async def test_work_that_fails_too_often_is_dead_until_somebody_replays_it(engine):
    [named] = await saved_work(engine, step=SCORE)
    for _ in range(ATTEMPTS_MAX):
        assert not (await rows_in(engine))[0].is_dead
        works = await lease_now(engine)
        async with engine.begin() as conn:
            await postpone(conn, works, "x" * 5_000 + "\x00")
        await make_due(engine)
    assert await lease_now(engine) == []
    async with engine.begin() as conn:
        assert await backlog(conn, SCORE) == 0
        [dead] = await dead_letters(conn)
        assert (dead.step, dead.ids, dead.attempts) == (SCORE, [named], ATTEMPTS_MAX)
        assert len(dead.error) == ERROR_LENGTH_MAX
        assert await dead_letters(conn, after=dead.id) == []
        assert await replay(conn, [dead.id, dead.id + 1]) == 1
        assert await replay(conn, [dead.id]) == 0
    [again] = await lease_now(engine)
    assert (again.ids, again.attempts) == ([named], 1)


class Poisoned(Exception):
    pass


class ScriptedProcessor(Processor):
    """A processor whose fast steps are those of a test."""

    def steps(self):
        return self.bell.steps


class ScriptedBell(Bell):
    def __init__(self, engine, steps):
        super().__init__(engine, CHANNEL)
        self.steps = steps

    async def wait(self, timeout_s):
        await asyncio.sleep(min(timeout_s, 0.02))


@asynccontextmanager
async def processing(engine, tmp_path, act, *, lanes=2):
    processor = ScriptedProcessor(
        engine,
        ScriptedBell(engine, {CREDIT: act, REPORT: report_step}),
        workers=None,
        store=EvidenceStore(tmp_path),
        rules=RULES,
        credit_lanes=lanes,
    )
    task = asyncio.ensure_future(processor.serve())
    try:
        yield
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def until(condition):
    async with asyncio.timeout(20):
        while not await condition():  # noqa: ASYNC110  # the database tells nobody
            await asyncio.sleep(0.01)


async def test_a_poison_row_stops_nobody_else_and_is_the_only_one_that_is_postponed(
    engine, tmp_path
):
    named = await saved_work(engine, 120)
    poison = named[40]
    acted = []

    async def act(conn, works):
        await run(conn, "SELECT pg_sleep(0.002)")
        if poison in named_by(works):
            raise Poisoned
        acted.extend(works)

    async def only_poison_is_left():
        rows = await rows_in(engine)
        return len(rows) == 1 and rows[0].attempts

    async with processing(engine, tmp_path, act, lanes=4):
        await until(only_poison_is_left)
        [left] = await rows_in(engine)
    assert left.ids == [poison]
    assert "Poisoned" in left.error
    assert named_by(acted) == set(named) - {poison}
    assert {work.attempts for work in acted} == {1}


async def test_a_row_that_comes_before_the_poison_one_meanwhile_is_not_taken_for_it(
    engine, tmp_path
):
    [poison] = await saved_work(engine)
    acted = []

    async def act(_, works):
        if poison not in named_by(works):
            acted.extend(works)
            return
        async with engine.begin() as other:  # it began before the poison row's transaction
            await run(
                other,
                "INSERT INTO work (step, event, ids, run_at) VALUES ('credit', 'CheckInAccepted',"
                " ARRAY[uuidv7()], now() - interval '1 hour')",
            )
        raise Poisoned

    async def poison_is_postponed():
        return [row for row in await rows_in(engine) if row.ids == [poison] and row.attempts]

    async with processing(engine, tmp_path, act, lanes=1):
        await until(poison_is_postponed)
    assert {work.attempts for work in acted} <= {1}
    assert [row.ids for row in await rows_in(engine) if row.attempts] == [[poison]]


async def test_a_poison_row_is_dead_after_its_last_attempt_and_lives_again_by_replay(
    engine, tmp_path
):
    named = await saved_work(engine, 2)
    is_mended = asyncio.Event()
    acted = set()

    async def act(_, works):
        if named[0] in named_by(works) and not is_mended.is_set():
            raise Poisoned
        acted.update(named_by(works))

    async def others_are_done():
        return acted == {named[1]}

    async def is_dead():
        await make_due(engine)
        async with engine.connect() as conn:
            return await dead_letters(conn)

    async def is_done():
        return acted == set(named)

    async with processing(engine, tmp_path, act):
        await until(others_are_done)
        await until(is_dead)
        is_mended.set()
        async with engine.begin() as conn:
            [dead] = await dead_letters(conn)
            assert await replay(conn, [dead.id]) == 1
        await until(is_done)
    assert await rows_in(engine) == []


async def test_a_race_is_repeated_without_counting_against_the_row(engine, tmp_path):
    [named] = await saved_work(engine)
    calls = []

    async def act(conn, works):
        calls.append(works)
        if len(calls) <= 14:  # more often than a row may fail
            await run(conn, "DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '40001'; END $$")

    async def is_done():
        return not await rows_in(engine)

    async with processing(engine, tmp_path, act, lanes=1):
        await until(is_done)
    assert calls[-1][0].ids == [named]
    assert calls[-1][0].attempts == 1


async def time_out_here(_):
    raise TimeoutError


async def time_out_there(conn):
    await run(conn, "SET LOCAL statement_timeout = 1")
    await run(conn, "SELECT pg_sleep(60)")


@pytest.mark.parametrize("time_out", [time_out_here, time_out_there])
async def test_a_row_that_always_takes_too_long_counts_its_tries_while_others_flow(
    engine, tmp_path, time_out
):
    slow, *others = await saved_work(engine, 20)
    acted = set()

    async def act(conn, works):
        if slow in named_by(works):
            await time_out(conn)
        acted.update(named_by(works))

    async def is_the_only_one_left_and_dead():
        await make_due(engine)
        async with engine.connect() as conn:
            return acted == set(others) and await dead_letters(conn)

    async with processing(engine, tmp_path, act):
        await until(is_the_only_one_left_and_dead)
    [left] = await rows_in(engine)
    assert (left.ids, left.attempts) == ([slow], ATTEMPTS_MAX)


async def test_what_a_step_wrote_before_it_failed_is_not_there(engine, tmp_path):
    await saved_work(engine)

    async def act(conn, _):
        await run(conn, "INSERT INTO bag (code) VALUES ('half')")
        raise Poisoned

    async def is_postponed():
        return (await rows_in(engine))[0].error

    async with processing(engine, tmp_path, act):
        await until(is_postponed)
    async with engine.connect() as conn:
        assert (await fetch_one(conn, "SELECT count(*) AS bags FROM bag")).bags == 0


async def test_a_cancel_that_comes_out_as_an_error_of_the_driver_still_stops_the_processor(
    engine, tmp_path
):
    await saved_work(engine)
    is_acting = asyncio.Event()

    async def act(_, __):
        is_acting.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            raise Poisoned from None  # as a connection that was cut in the middle does

    async with asyncio.timeout(10), processing(engine, tmp_path, act):
        await is_acting.wait()
