"""A metro day over HTTP in another order, killed in its middle: the books of an unbroken day.

`TESTS_RIDES=200000 make faults ARGS="-k metro_day"` is the size of a city; a day of this size takes
as long as its events take twice, once in this process and once over HTTP.
"""

import asyncio
import json
import os
import time
from contextlib import suppress

import aiohttp
import pytest

from backend.partners.queries import issue_key
from tests.acceptance.event_sender import BATCH
from tests.faults.killable import killable
from tests.faults.metro_day import METRO, books, events_of_the_day, in_another_order, seed_metro
from tests.integration.test_events_in_any_order import replay

RIDES = int(os.environ.get("TESTS_RIDES", "4000"))
EVENTS_PER_REQUEST, CONNECTIONS, KILLS = 100, 4, 3
DRAIN_S_MAX = 1_800
AWAY = (aiohttp.ClientError, TimeoutError, OSError)


class Sender:
    """Sends every batch until it is answered, whatever happens to the service."""

    def __init__(self, base, key, events):
        starts = range(0, len(events), EVENTS_PER_REQUEST)
        self.bodies = [json.dumps(events[at : at + EVENTS_PER_REQUEST]) for at in starts]
        self.base, self.next, self.refused = base, 0, []
        self.headers = {"Authorization": f"Bearer {key}", "Content-Type": BATCH}

    async def send_all(self):
        async with (
            aiohttp.ClientSession(self.base, headers=self.headers) as session,
            asyncio.TaskGroup() as group,
        ):
            for _ in range(CONNECTIONS):
                group.create_task(self._send(session))

    async def _send(self, session):
        while self.next < len(self.bodies):
            body, self.next = self.bodies[self.next], self.next + 1
            while not await self._is_taken(session, body):  # noqa: ASYNC110  # nor of its return
                await asyncio.sleep(0.2)

    async def _is_taken(self, session, body):
        with suppress(*AWAY):
            async with session.post("/v1/events", data=body) as answer:
                if answer.status == 200:
                    results = (await answer.json())["results"]
                    self.refused += [each for each in results if each["status"] == "refused"]
                    return True
        return False

    async def reached(self, share):
        while self.next < share * len(self.bodies):  # noqa: ASYNC110  # the service tells nobody
            await asyncio.sleep(0.02)


async def drained(deployment):
    ends_at = time.monotonic() + DRAIN_S_MAX
    while (await deployment.fetch("SELECT count(*) AS left FROM work"))[0].left:
        assert time.monotonic() < ends_at, "the work was not done in time"
        await asyncio.sleep(0.2)


@pytest.mark.faults
@pytest.mark.timeout(7_200)
async def test_a_killed_metro_day_in_another_order_gives_the_books_of_a_whole_one(engine):
    events = events_of_the_day(RIDES)
    unbroken = await replay(engine, RIDES, events, 1_000)
    async with killable() as deployment:
        async with deployment.database() as owner, owner.begin() as conn:
            await seed_metro(conn, RIDES)
            key = await issue_key(conn, METRO, kind="partner", scopes=["event.send"])
        sender = Sender(deployment.base, key, in_another_order(events, 11))
        async with asyncio.TaskGroup() as group:
            group.create_task(sender.send_all())
            for number in range(KILLS):
                await sender.reached((number + 1) / (KILLS + 1))
                await deployment.kill()
                await deployment.start()
        assert sender.refused == []
        await drained(deployment)
        async with deployment.database() as owner, owner.connect() as conn:
            broken = await books(conn)
        verified = await deployment.run("verify", timeout_s=DRAIN_S_MAX)
    assert broken == unbroken
    assert unbroken["parked"] == []
    assert len(unbroken["check_ins"]) == RIDES
    assert verified.returncode == 0, verified.stdout + verified.stderr
