"""Group commit on the real database: who gets which answer when something goes wrong."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError, ProgrammingError

from backend.batches import (
    BATCH_ITEMS_MAX,
    QUEUE_ITEMS_MAX,
    RETRIES_MAX,
    Batcher,
    BatchRaced,
    ItemImpossible,
    OutcomeUnknown,
    Overloaded,
    run_batch,
)
from backend.db import fetch, fetch_one, make_engine, run
from backend.errors import DomainError, NotFound
from backend.idempotency import Follows, Intention, Replay, find_effects, record_effects, stand
from backend.ids import uuid7
from backend.ledger.queries import lock_accounts
from tests.builders import NOON, saved_account

POISON = "\x00"  # PostgreSQL stores no NUL: class 22


async def insert_bags(conn, codes):
    """One statement for all; a code that is there is a class 23 error."""
    await run(conn, "INSERT INTO bag (code) SELECT unnest(CAST(:codes AS text[]))", codes=codes)
    return [code.lower() for code in codes]


async def codes_in(engine):
    async with engine.connect() as conn:
        return {row.code for row in await fetch(conn, "SELECT code FROM bag")}


@asynccontextmanager
async def serving(engine, write_batch, **options):
    batcher = Batcher(engine, write_batch, **options)
    task = asyncio.ensure_future(batcher.serve())
    try:
        yield batcher
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def submit_all(batcher, items):
    """Answers and refusals of items that are submitted at once, in order."""

    async def submit(item):
        try:
            return await batcher.submit(item)
        except DomainError as refusal:
            return refusal

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(submit(item)) for item in items]
    return [task.result() for task in tasks]


async def test_items_submitted_together_are_written_together(engine):
    sizes = []

    async def count_and_insert(conn, codes):
        sizes.append(len(codes))
        return await insert_bags(conn, codes)

    codes = [f"A{n}" for n in range(2_500)]
    async with serving(engine, count_and_insert) as batcher:
        answers = await submit_all(batcher, codes)
    assert answers == [code.lower() for code in codes]
    assert await codes_in(engine) == set(codes)
    assert max(sizes) == BATCH_ITEMS_MAX
    assert len(sizes) <= 4


async def test_one_poison_item_fails_alone(engine):
    codes = [f"A{n}" for n in range(64)]
    poisoned = [*codes[:21], POISON, *codes[21:], codes[3]]
    answers = await run_batch(engine, insert_bags, poisoned)
    assert isinstance(answers[21], ItemImpossible)
    assert sum(isinstance(each, ItemImpossible) for each in answers) == 2
    assert await codes_in(engine) == set(codes)


async def test_a_refusal_is_the_answer_of_its_own_item(engine):
    async def refuse_odd(_, numbers):
        return [NotFound(n=n) if n % 2 else n for n in numbers]

    async with serving(engine, refuse_odd) as batcher:
        answers = await submit_all(batcher, range(4))
    assert [isinstance(each, NotFound) for each in answers] == [False, True, False, True]


async def test_a_full_queue_refuses_at_once_and_loses_nothing(engine):
    async def echo(_, numbers):
        return numbers

    batcher = Batcher(engine, echo)
    async with asyncio.TaskGroup() as group:
        waiting = [group.create_task(batcher.submit(n)) for n in range(QUEUE_ITEMS_MAX)]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await batcher.submit(-1)
        serving_task = asyncio.ensure_future(batcher.serve())
        assert await asyncio.gather(*waiting) == list(range(QUEUE_ITEMS_MAX))
    serving_task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving_task


@dataclass
class Gate:
    """A write that waits in the middle until it is let through."""

    entered: asyncio.Event
    opened: asyncio.Event

    async def insert(self, conn, codes):
        answers = await insert_bags(conn, codes)
        self.entered.set()
        await self.opened.wait()
        return answers


async def test_a_writer_that_is_cancelled_still_commits_and_answers(engine):
    gate = Gate(asyncio.Event(), asyncio.Event())
    batcher = Batcher(engine, gate.insert)
    serve = asyncio.ensure_future(batcher.serve())
    answer = asyncio.ensure_future(batcher.submit("A1"))
    await gate.entered.wait()
    serve.cancel()
    await asyncio.sleep(0)
    gate.opened.set()
    async with asyncio.timeout(5):
        assert await answer == "a1"
        with pytest.raises(asyncio.CancelledError):
            await serve
    assert await codes_in(engine) == {"A1"}


async def test_an_item_that_was_taken_but_not_yet_written_is_answered_after_a_cancel(engine):
    batcher = Batcher(engine, insert_bags)
    serve = asyncio.ensure_future(batcher.serve())
    await asyncio.sleep(0)  # the writers wait for a first item
    answer = asyncio.ensure_future(batcher.submit("A1"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)  # one of them has it, and waits for more
    assert batcher._queue.empty()
    serve.cancel()
    async with asyncio.timeout(5):
        assert await answer == "a1"


async def test_items_that_nobody_will_write_any_more_are_refused(engine):
    gate = Gate(asyncio.Event(), asyncio.Event())
    batcher = Batcher(engine, gate.insert, writers=1)
    serve = asyncio.ensure_future(batcher.serve())
    taken = asyncio.ensure_future(batcher.submit("A1"))
    await gate.entered.wait()
    left = asyncio.ensure_future(batcher.submit("A2"))
    await asyncio.sleep(0)
    serve.cancel()
    gate.opened.set()
    async with asyncio.timeout(5):
        assert await taken == "a1"
        with pytest.raises(Overloaded):
            await left
    assert await codes_in(engine) == {"A1"}


async def test_a_caller_that_went_away_does_not_disturb_the_others(engine):
    gate = Gate(asyncio.Event(), asyncio.Event())
    async with serving(engine, gate.insert) as batcher:
        gone = asyncio.ensure_future(batcher.submit("A1"))
        stays = asyncio.ensure_future(batcher.submit("A2"))
        await gate.entered.wait()
        gone.cancel()
        gate.opened.set()
        assert await stays == "a2"
    assert await codes_in(engine) == {"A1", "A2"}


async def test_a_defect_in_the_writer_reaches_each_caller_and_the_next_batch_is_written(engine):
    calls = []

    async def break_once(conn, codes):
        calls.append(codes)
        if len(calls) == 1:
            raise KeyError("a defect")
        return await insert_bags(conn, codes)

    async with serving(engine, break_once) as batcher:
        with pytest.raises(KeyError):
            await batcher.submit("A1")
        assert await batcher.submit("A2") == "a2"


async def test_a_batch_that_raced_is_repeated_a_few_times_and_then_given_up(engine):
    calls = []

    async def race(_, items):
        calls.append(items)
        raise BatchRaced

    with pytest.raises(Overloaded):
        await run_batch(engine, race, ["a"])
    assert len(calls) == RETRIES_MAX


async def test_two_batches_that_deadlock_are_both_written_in_the_end(engine):
    accounts = [await saved_account(engine) for _ in range(2)]
    both_hold_one = asyncio.Barrier(2)
    attempts = []

    async def lock_in_given_order(conn, account_ids):
        attempts.append(account_ids)
        await lock_accounts(conn, account_ids[:1])
        if len(attempts) <= 2:
            await both_hold_one.wait()
        await lock_accounts(conn, account_ids[1:])
        await run(conn, "UPDATE account SET points_debt = points_debt + 1")
        return account_ids

    async with asyncio.TaskGroup() as group:
        group.create_task(run_batch(engine, lock_in_given_order, accounts))
        group.create_task(run_batch(engine, lock_in_given_order, accounts[::-1]))
    assert len(attempts) > 2
    async with engine.connect() as conn:
        row = await fetch_one(
            conn, "SELECT points_debt FROM account WHERE id = :id", id=accounts[0]
        )
    assert row.points_debt == 2


async def write_named(conn, intentions):
    """One bag per idempotency key, made once."""
    await run(conn, "SELECT pg_advisory_xact_lock(7)")
    effects = await find_effects(conn, intentions)
    answers: list[Any] = []
    fresh = []
    for intention, stands in zip(intentions, stand(intentions, effects), strict=True):
        match stands:
            case Replay(resource_id):
                answers.append(resource_id)
            case Follows(leader):
                answers.append(answers[leader])
            case None:
                answers.append(uuid7())
                fresh.append((intention, answers[-1]))
            case refusal:
                answers.append(refusal)
    await insert_bags(conn, [str(resource_id) for _, resource_id in fresh])
    await record_effects(conn, fresh, NOON)
    return answers


async def test_fifty_duplicates_in_flight_have_one_effect_and_one_answer(engine):
    same = Intention("member", "key", b"hash")
    async with serving(engine, write_named) as batcher:
        answers = await submit_all(batcher, [same] * 50)
        later = await batcher.submit(same)
    assert {*answers, later} == {answers[0]}
    assert await codes_in(engine) == {str(answers[0])}


async def test_a_connection_that_is_killed_while_storing_leaves_one_effect_after_the_retry(
    engine, server, database
):
    same = Intention("member", "key", b"hash")

    async def write_and_be_killed(conn, intentions):
        answers = await write_named(conn, intentions)
        pid = (await fetch_one(conn, "SELECT pg_backend_pid() AS pid")).pid
        owner = make_engine(server.url(database))
        async with owner.begin() as other:
            await run(other, "SELECT pg_terminate_backend(:pid)", pid=pid)
        await owner.dispose()
        await run(conn, "SELECT 1")
        return answers

    with pytest.raises(OutcomeUnknown):
        await run_batch(engine, write_and_be_killed, [same])
    assert await codes_in(engine) == set()
    [first] = await run_batch(engine, write_named, [same])
    [second] = await run_batch(engine, write_named, [same])
    assert first == second
    assert await codes_in(engine) == {str(first)}


async def test_a_commit_whose_answer_never_came_is_an_unknown_outcome(engine):
    async def cut_off(conn, codes):
        await insert_bags(conn, codes)
        raise TimeoutError  # as the driver does when a command takes too long

    with pytest.raises(OutcomeUnknown):
        await run_batch(engine, cut_off, ["A1"])


async def test_a_half_that_is_stored_is_not_taken_back_by_the_other_one(engine):
    async def cut_off(conn, codes):
        answers = await insert_bags(conn, codes)
        if "A3" in codes:
            raise TimeoutError
        return answers

    answers = await run_batch(engine, cut_off, ["A1", POISON, "A2", "A3"])
    assert answers[0] == "a1"
    assert [type(each) for each in answers[1:]] == [ItemImpossible, OutcomeUnknown, OutcomeUnknown]
    assert await codes_in(engine) == {"A1"}


async def test_a_database_that_is_away_is_overload_because_nothing_was_sent(server):
    away = make_engine(server.url("postgres").replace("host=", "host=/nowhere"))
    with pytest.raises(Overloaded):
        await run_batch(away, insert_bags, ["A1"])
    await away.dispose()


async def test_a_statement_that_is_wrong_is_not_an_item_to_blame(engine):
    async def misspell(conn, _):
        await run(conn, "SELEKT 1")

    with pytest.raises(OutcomeUnknown) as refusal:
        await run_batch(engine, misspell, ["a", "b"])
    assert isinstance(refusal.value.__cause__, ProgrammingError | DBAPIError)
