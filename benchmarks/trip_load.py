"""The load of the `api` benchmark: partner trips over keep-alive connections, as fast as they go.

Run as `python -m benchmarks.trip_load '{...}'`, in a process of its own so that it does not share
the server's loop; prints one JSON object. Sockets are driven by hand: a client library would cost
more than the server.
"""

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import uvloop

from benchmarks.lab import quantile

CREATED = b"HTTP/1.1 201 "
END_OF_HEAD = b"\r\n\r\n"
LENGTH = b"content-length:"
ANSWER_S_MAX = 30.0
TRIP = timedelta(minutes=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """One round of requests.

    Attributes:
        began_at: When the trips began (RFC 3339); another one in each round.
        round: Part of the keys, so that none comes twice.
    """

    port: int
    bearer: str
    members: int
    connections: int
    seconds: float
    began_at: str
    round: int


@dataclass(slots=True)
class Seen:
    """What came back; latencies in seconds, of answers before the end."""

    created: int = 0
    refused: int = 0
    latencies_s: list[float] = field(default_factory=list)


def requests_of(load: Load) -> Iterator[bytes]:
    """Requests with distinct keys, and distinct members until all have travelled."""
    first = datetime.fromisoformat(load.began_at)
    head = (
        "POST /v1/check-ins HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {load.bearer}\r\nIdempotency-Key: bench-{load.round:04d}-%012d\r\n"
        "Content-Length: %d\r\n\r\n"
    )
    for number in count():
        start = first + 2 * TRIP * (number // load.members)
        body = (
            f'{{"kind":"trip","mode":"metro","started_at":"{start.isoformat()}",'
            f'"ended_at":"{(start + TRIP).isoformat()}","distance_m":12000,'
            f'"subject_token":"card-{number % load.members}"}}'
        )
        yield (head % (number, len(body)) + body).encode()


class Connection(asyncio.Protocol):
    """Sends the next request when the answer to the last one is complete."""

    def __init__(self, requests: Iterator[bytes], seen: Seen, until: float) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._requests, self._seen, self._until = requests, seen, until
        self._answer = b""
        self._sent = 0.0
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        """Count an answer when its last byte is there."""
        self._answer += data
        head, found, body = self._answer.partition(END_OF_HEAD)
        if not found or len(body) < _length(head):
            return
        now = time.perf_counter()
        if head.startswith(CREATED):
            self._seen.created += 1
            if now <= self._until:
                self._seen.latencies_s.append(now - self._sent)
        else:
            self._seen.refused += 1
        self._answer = b""
        if now < self._until:
            self._send()
        else:
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        """Tell that this connection is over."""
        if error is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(error)

    def _send(self) -> None:
        self._sent = time.perf_counter()
        self._transport.write(next(self._requests))


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        if line.lower().startswith(LENGTH):
            return int(line[len(LENGTH) :])
    return 0


async def drive(load: Load) -> dict[str, float]:
    """Run one round; what is in flight at the end is awaited and counted as an effect only."""
    seen, requests = Seen(), requests_of(load)
    until = time.perf_counter() + load.seconds
    loop = asyncio.get_running_loop()
    opened = [
        await loop.create_connection(
            lambda: Connection(requests, seen, until), "127.0.0.1", load.port
        )
        for _ in range(load.connections)
    ]
    async with asyncio.timeout(load.seconds + ANSWER_S_MAX):
        await asyncio.gather(*(connection.done for _, connection in opened))
    milliseconds = [1_000 * latency for latency in seen.latencies_s]
    return {
        "created": seen.created,
        "refused": seen.refused,
        "per_second": len(milliseconds) / load.seconds,
        "p50_ms": quantile(milliseconds, 0.50),
        "p99_ms": quantile(milliseconds, 0.99),
    }


def as_argument(load: Load) -> str:
    """The one argument of this program."""
    return json.dumps(asdict(load))


if __name__ == "__main__":
    print(json.dumps(uvloop.run(drive(Load(**json.loads(sys.argv[1]))))))
