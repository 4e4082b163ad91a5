"""The load of the `events` benchmark: batches of a hundred rides over keep-alive connections.

Run as `python -m benchmarks.event_load '{...}'`, in a process of its own so that it does not share
the server's loop; prints one JSON object. Bodies are made before the clock starts.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import uvloop

EVENTS_PER_REQUEST = 100
SOURCE = "urn:bench"
RIDE = timedelta(minutes=30)
BATCH = "application/cloudevents-batch+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventLoad:
    """One round: every member travels once.

    Attributes:
        began_at: When the rides began (RFC 3339); another day in each round.
        round: Part of the ids, so that none comes twice.
    """

    port: int
    bearer: str
    members: int
    connections: int
    began_at: str
    round: int


def events_of(*, members: int, began_at: str, number: int) -> Iterator[dict[str, Any]]:
    """One metro ride of each member, as CloudEvents."""
    start = datetime.fromisoformat(began_at)
    for member in range(members):
        yield {
            "specversion": "1.0",
            "id": f"ride-{number}-{member:08d}",
            "source": SOURCE,
            "type": "tanhui.trip.v1",
            "subject": f"card-{member}",
            "time": (start + RIDE).isoformat(),
            "data": {
                "record": "ride",
                "mode": "metro",
                "started_at": start.isoformat(),
                "ended_at": (start + RIDE).isoformat(),
                "distance_m": 12_000,
                "region": "330100",
            },
        }


def bodies_of(load: EventLoad) -> Sequence[bytes]:
    """Requests of a hundred events each."""
    events = list(events_of(members=load.members, began_at=load.began_at, number=load.round))
    starts = range(0, len(events), EVENTS_PER_REQUEST)
    return [json.dumps(events[at : at + EVENTS_PER_REQUEST]).encode() for at in starts]


async def drive(load: EventLoad) -> dict[str, Any]:
    """Send everything; gives events per second and what became of them."""
    bodies = iter(bodies_of(load))
    counts: Counter[str] = Counter()
    headers = {"Authorization": f"Bearer {load.bearer}", "Content-Type": BATCH}
    url = f"http://127.0.0.1:{load.port}/v1/events"

    async def send(session: aiohttp.ClientSession) -> None:
        for body in bodies:
            async with session.post(url, data=body) as answer:
                results = await answer.json()
                counts.update(each["status"] for each in results.get("results", ()))
                counts.update([] if answer.status == 200 else [f"http {answer.status}"])

    connector = aiohttp.TCPConnector(limit=load.connections)
    async with aiohttp.ClientSession(headers=headers, connector=connector) as session:
        began = time.perf_counter()
        await asyncio.gather(*(send(session) for _ in range(load.connections)))
        took_s = time.perf_counter() - began
    return {"per_second": load.members / took_s, "counts": counts}


def as_argument(load: EventLoad) -> str:
    """The one argument of this program."""
    return json.dumps(asdict(load))


if __name__ == "__main__":
    print(json.dumps(uvloop.run(drive(EventLoad(**json.loads(sys.argv[1]))))))
