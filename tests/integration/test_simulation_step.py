"""The step that runs a requested simulation: once, fenced by its lease, and never half."""

import asyncio

import pytest

from backend.crediting.simulation_step import SIMULATE_LEASE_S, simulate_step
from backend.db import fetch_one, run
from backend.events import SIMULATE, SIMULATION_REQUESTED, Event
from backend.ids import uuid7
from backend.methodologies.simulations import (
    SIMULATIONS_OPEN_MAX,
    find_simulation,
    insert_simulation,
)
from backend.outbox import ATTEMPTS_MAX, append, lease, prolong
from scoring.methodology import load_catalogue
from scoring.methodology.catalogue import packaged_texts
from tests.builders import saved_account

PACKAGED = load_catalogue()
PLATE = packaged_texts("catalogue")["TPH-FOOD-01_v1.0.0.toml"]


@pytest.fixture
async def job(engine):
    """One requested simulation in a programme of three members."""
    for _ in range(3):
        await saved_account(engine, points=0)
    simulation_id = uuid7()
    async with engine.begin() as conn:
        await run(
            conn,
            "INSERT INTO simulation (id, requested_by, requested_at, methodology_id, version,"
            " version_hash, toml, factor_files, since, until, status) VALUES (:id, 'li', now(),"
            " 'TPH-FOOD-01', '1.0.0', :hash, :toml, '{}', '2026-11-01', '2026-11-30', 'waiting')",
            id=simulation_id,
            hash="ab" * 32,
            toml=PLATE,
        )
        await append(conn, [Event(SIMULATION_REQUESTED, [simulation_id])])
    return simulation_id


async def leased(engine, lease_s=SIMULATE_LEASE_S):
    async with engine.begin() as conn:
        return await lease(conn, SIMULATE, limit=1, lease_s=lease_s)


async def state(engine, simulation_id):
    async with engine.connect() as conn:
        row = await fetch_one(
            conn,
            "SELECT status, accounts_done, accounts_total, result IS NOT NULL AS has_result,"
            " (SELECT count(*) FROM work) AS works FROM simulation WHERE id = :id",
            id=simulation_id,
        )
    return tuple(row)


async def test_a_job_is_run_and_its_work_is_gone(engine, job):
    await simulate_step(engine, await leased(engine), PACKAGED)
    assert await state(engine, job) == ("done", 3, 3, True, 0)


async def test_whose_lease_was_taken_over_writes_nothing(engine, job):
    lost = await leased(engine, lease_s=0)
    [ours] = await leased(engine)
    await simulate_step(engine, lost, PACKAGED)
    assert await state(engine, job) == ("waiting", 0, None, False, 1)
    await simulate_step(engine, [ours], PACKAGED)
    assert await state(engine, job) == ("done", 3, 3, True, 0)


async def test_a_job_that_ended_is_not_run_again(engine, job):
    await simulate_step(engine, await leased(engine), PACKAGED)
    async with engine.begin() as conn:
        await run(conn, "UPDATE simulation SET result = '{\"check_ins\": 7}'")
        await append(conn, [Event(SIMULATION_REQUESTED, [job])])
    await simulate_step(engine, await leased(engine), PACKAGED)
    async with engine.connect() as conn:
        row = await fetch_one(conn, "SELECT result FROM simulation")
    assert row.result == {"check_ins": 7}


async def test_a_job_that_fails_as_nobody_expected_is_tried_again_and_given_up_visibly(engine, job):
    for attempt in range(1, ATTEMPTS_MAX + 1):
        await simulate_step(engine, await leased(engine), None)
        async with engine.begin() as conn:
            row = await fetch_one(conn, "SELECT attempts, error, dead_at FROM work")
            assert (row.attempts, bool(row.error)) == (attempt, True)
            await run(conn, "UPDATE work SET run_at = now()")
    assert row.dead_at is not None
    assert (await state(engine, job))[0] == "waiting"


async def test_jobs_that_were_given_up_leave_room_for_others(engine, job):
    async with engine.begin() as conn:
        first = await find_simulation(conn, job)
        for _ in range(SIMULATIONS_OPEN_MAX - 1):
            another = first._replace(id=uuid7())
            assert await insert_simulation(conn, another)
            await append(conn, [Event(SIMULATION_REQUESTED, [another.id])])
        assert not await insert_simulation(conn, first._replace(id=uuid7()))
        await run(conn, "UPDATE work SET dead_at = now()")
        assert await insert_simulation(conn, first._replace(id=uuid7()))


async def test_a_job_that_nobody_knows_is_acknowledged(engine):
    async with engine.begin() as conn:
        await append(conn, [Event(SIMULATION_REQUESTED, [uuid7()])])
    await simulate_step(engine, await leased(engine), PACKAGED)
    assert await leased(engine) == []


@pytest.mark.usefixtures("job")
async def test_a_lease_is_held_on_while_it_is_ours(engine):
    [work] = await leased(engine, lease_s=0)
    async with engine.begin() as conn:
        assert await prolong(conn, [work], lease_s=60) == {work.id}
    assert await leased(engine) == []
    async with engine.begin() as conn:
        assert await prolong(conn, [work._replace(attempts=9)], lease_s=60) == set()


async def test_a_cancelled_job_is_whole_at_its_next_try(engine, job):
    works = await leased(engine)
    running = asyncio.ensure_future(simulate_step(engine, works, PACKAGED))
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await simulate_step(engine, works, PACKAGED)
    assert await state(engine, job) == ("done", 3, 3, True, 0)
