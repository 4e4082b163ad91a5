"""Run the simulations that operators asked for: the slow step behind `SimulationRequested`."""

import asyncio
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncEngine

from backend.bell import raise_if_cancelled
from backend.crediting.simulating import Question, described, simulate
from backend.crediting.simulation import Effect
from backend.db import snapshot
from backend.methodologies.simulations import (
    MethodologyFileFaulty,
    Simulation,
    find_simulation,
    finish_simulation,
    note_progress,
    read_candidate,
)
from backend.outbox import Work, acknowledge, postpone, prolong
from scoring.methodology import CannotCalculate, Catalogue, CatalogueBroken

SIMULATE_LEASE_S = 60.0  # prolonged with every portion; after a crash a job waits this long


class LeaseLost(Exception):
    """Somebody else runs this job by now; whatever we found is theirs to find."""


async def simulate_step(engine: AsyncEngine, works: Sequence[Work], catalogue: Catalogue) -> None:
    """Run each leased job, telling its progress; a job that ended is not run again.

    Result and acknowledgement are one transaction, fenced by the lease. A database that is away,
    or what nobody expected, postpones the job; what the file makes impossible ends it as failed.
    """
    for work in works:
        try:
            await _run(engine, work, catalogue)
        except LeaseLost:
            continue
        except Exception as error:  # noqa: BLE001  # whatever one job raises, the others must run
            raise_if_cancelled()
            async with engine.begin() as conn:
                await postpone(conn, [work], type(error).__name__)


async def _run(engine: AsyncEngine, work: Work, catalogue: Catalogue) -> None:
    async with engine.connect() as conn:
        asked = await find_simulation(conn, work.ids[0])
    result, error = None, None
    if asked is not None and asked.finished_at is None:
        try:
            question, effect = await _ask(engine, work, asked, catalogue)
            result = described(question, effect, with_accounts=False)
        except (MethodologyFileFaulty, CatalogueBroken, CannotCalculate) as broken:
            error = str(broken)
    async with engine.begin() as conn:
        if not await acknowledge(conn, [work]):
            raise LeaseLost
        if result is not None or error is not None:
            await finish_simulation(conn, work.ids[0], result=result, error=error)


async def _ask(
    engine: AsyncEngine, work: Work, asked: Simulation, catalogue: Catalogue
) -> tuple[Question, Effect]:
    async def progress(done: int, total: int) -> None:
        async with engine.begin() as conn:
            if not await prolong(conn, [work], lease_s=SIMULATE_LEASE_S):
                raise LeaseLost
            await note_progress(conn, asked.id, done, total)

    candidate = await asyncio.to_thread(read_candidate, asked.toml, asked.factor_files)
    question = Question(candidate, asked.since, asked.until)
    async with snapshot(engine) as conn:
        return question, await simulate(conn, question, catalogue, progress)
