"""Recomputing and simulating for the command line, each in one read-only snapshot."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import date
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.crediting.simulating import Question, described, simulate
from backend.db import make_engine, snapshot
from backend.deployment import database_url
from backend.methodologies.register import CreditingCatalogue, catalogue_on_record
from backend.settings import Settings
from backend.verify.command import patient
from backend.verify.examination import EXAMPLES_MAX
from backend.verify.recompute import Days, Recomputation, recompute_days
from scoring.methodology import MethodologyVersion, load_catalogue

Told = Callable[[int], None]


async def recompute_database(
    settings: Settings, since: date | None, until: date | None, told: Told
) -> Recomputation:
    """Compute the periods of these days again."""
    async with _opened(settings) as (conn, catalogue):
        return await recompute_days(
            conn, catalogue, Days(since, until), examples_max=EXAMPLES_MAX, progress=told
        )


async def simulate_on_database(
    settings: Settings,
    candidate: MethodologyVersion,
    *,
    since: date,
    until: date,
    with_accounts: bool,
    told: Told,
) -> dict[str, Any]:
    """What the candidate would have changed on these days.

    Raises:
        CatalogueBroken: It cannot stand in the catalogue in force.
    """

    async def progress(done: int, _: int) -> None:
        told(done)

    question = Question(candidate, since, until)
    async with _opened(settings) as (conn, catalogue):
        effect = await simulate(conn, question, catalogue, progress)
    return described(question, effect, with_accounts=with_accounts)


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[tuple[AsyncConnection, CreditingCatalogue]]:
    engine = patient(make_engine(await database_url(settings)))
    try:
        async with snapshot(engine) as conn:
            yield conn, await catalogue_on_record(conn, load_catalogue())
    finally:
        await engine.dispose()
