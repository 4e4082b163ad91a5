"""A weight that an operator must look at, and what happens to its bag at the same moment."""

import asyncio
from dataclasses import replace
from functools import partial

from backend.batches import run_batch
from backend.intake.bags import write_weighings
from backend.intake.binding import write_bindings
from backend.intake.domain import Binding, Weighing
from backend.intake.handing_over import lapse_next
from backend.recycling.domain import LATE_WINDOW
from backend.recycling.queries import add_bags, find_bags
from tests.builders import saved_account
from tests.busy_database import RULES

CODE = "BAGINDOUBT"
LATE_S = int(LATE_WINDOW.total_seconds())


async def test_a_bag_whose_weight_comes_into_doubt_while_it_is_about_to_lapse_waits(engine):
    account_id = await saved_account(engine)
    async with engine.begin() as conn:
        await add_bags(conn, [CODE])
    binding = Binding(account_id, CODE, "330100")
    await run_batch(engine, partial(write_bindings, rules=RULES), [binding])

    async def lapse():
        async with engine.begin() as conn:
            return await lapse_next(conn, clock_shift_s=LATE_S + 60)

    async with engine.begin() as weighing:
        in_time = replace(RULES, clock_shift_s=LATE_S - 60)
        [answer] = await write_weighings(weighing, [Weighing(CODE, {"mass_g": 20})], in_time)
        lapsing = asyncio.ensure_future(lapse())
        await asyncio.sleep(0.5)  # it has seen the bag, and waits for its account
    assert answer.waits
    assert await lapsing == 0
    async with engine.connect() as conn:
        assert (await find_bags(conn, [CODE]))[CODE].lapsed_at is None
