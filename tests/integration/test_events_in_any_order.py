"""The same events in another order, in batches of another size: the same books to the gram."""

from functools import partial
from uuid import uuid4

import pytest

from backend.batches import run_batch
from backend.crediting.steps import Rulebook
from backend.db import APPLICATION_ROLE, fetch_one, make_engine
from backend.events import REPORT
from backend.intake.events.domain import Became
from backend.intake.events.envelope import Speaker, read_event
from backend.intake.events.steps import write_events
from backend.outbox import take
from backend.reports.steps import report_step
from backend.verify import check_invariants
from scoring.methodology import load_catalogue
from tests.builders import SECRET
from tests.conftest import TEMPLATE, on_server
from tests.faults.metro_day import METRO, books, events_of_the_day, in_another_order, seed_metro

RULES = Rulebook(load_catalogue(), SECRET)
RIDES = 240


@pytest.fixture
async def other_engine(server):
    name = f"test_{uuid4().hex[:12]}"
    await on_server(server, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    made = make_engine(server.url(name, APPLICATION_ROLE))
    yield made
    await made.dispose()
    await on_server(server, f"DROP DATABASE {name} WITH (FORCE)")


async def replay(engine, rides, events, size):
    """Take events in batches of `size`; gives the books, once totals are reported."""
    async with engine.begin() as conn:
        await seed_metro(conn, rides)
    speaker = Speaker(METRO, "partner", "330100")
    read = [read_event(each, speaker) for each in events]
    write = partial(write_events, rules=RULES)
    refused = []
    for at in range(0, len(read), size):
        answers = await run_batch(engine, write, read[at : at + size])
        refused += [each for each in answers if not isinstance(each, Became)]
    assert refused == []
    async with engine.begin() as conn:
        while works := await take(conn, REPORT, limit=20):
            await report_step(conn, works)
    async with engine.connect() as conn:
        return await books(conn)


async def test_a_metro_day_in_another_order_gives_the_same_books(engine, other_engine):
    events = events_of_the_day(RIDES)
    in_order = await replay(engine, RIDES, events, 100)
    shuffled = await replay(other_engine, RIDES, in_another_order(events, 3), 37)
    assert shuffled == in_order
    assert in_order["parked"] == []
    assert len(in_order["check_ins"]) == RIDES
    async with engine.connect() as conn:
        seen = await fetch_one(
            conn,
            "SELECT count(*) FILTER (WHERE role = 'corrected') AS corrected,"
            " count(*) FILTER (WHERE role = 'withdrawn') AS withdrawn,"
            " count(*) FILTER (WHERE role = 'completed') AS completed FROM partner_event",
        )
    assert min(seen) > 0
    for each in (engine, other_engine):
        assert await check_invariants(each) == []
