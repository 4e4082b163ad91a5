"""Send a line of events at a rate, as a careful partner does: again what had no answer.

A batch that was refused for a moment, or whose answer was lost, is sent again as it was; that is
safe, because each event has its own id.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

import aiohttp

from backend.sandbox.plan import Planned, batches_of
from backend.sandbox.signing import Sign, signed_headers

BATCH_EVENTS_MAX: Final = 100  # what one request takes
AT_ONCE: Final = 8  # requests under way; a partner has a few senders, not a hundred
TRIES_MAX: Final = 6
PAUSE_FIRST_S: Final = 0.5
PROGRESS_EVERY_S: Final = 2.0
TIMEOUT: Final = aiohttp.ClientTimeout(total=30)
AGAIN: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
_BATCH_TYPE = "application/cloudevents-batch+json"


class NotTaken(Exception):
    """The API refuses the requests themselves; the sentence says how."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends where.

    Attributes:
        key: A bearer key, or the name of the key that signs.
        sign: Makes its signatures; without one the key is a bearer.
    """

    base: str
    key: str
    sign: Sign | None = None

    def headers(self, body: bytes) -> dict[str, str]:
        """Header fields of one request."""
        if self.sign is None:
            return {"Authorization": f"Bearer {self.key}", "Content-Type": _BATCH_TYPE}
        return {**signed_headers(self.key, self.sign, body), "Content-Type": _BATCH_TYPE}


@dataclass(slots=True)
class Tally:
    """What came back so far."""

    sent: int = 0
    repetitions: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    problems: Counter[str] = field(default_factory=Counter)
    durations_s: list[float] = field(default_factory=list)

    def add(self, results: Sequence[Mapping[str, Any]]) -> None:
        """Count one answer per event."""
        self.sent += len(results)
        self.statuses.update(each["status"] for each in results)
        self.problems.update(
            each["problem"]["type"].rpartition("/")[2] for each in results if "problem" in each
        )

    def percentile_ms(self, share: float) -> int:
        """Milliseconds within which this share of the requests was answered."""
        ordered = sorted(self.durations_s) or [0.0]
        return int(1_000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))])


async def send_line(sender: Sender, line: Sequence[Planned], *, duration_s: float) -> Tally:
    """Send everything evenly over this time and tell the progress on standard error.

    Raises:
        NotTaken: A request was refused as a whole, or had no answer for too long.
    """
    tally, begun = Tally(), time.monotonic()
    rate_per_s = len(line) / max(duration_s, 0.001)
    size = max(1, min(BATCH_EVENTS_MAX, int(rate_per_s)))  # a slow partner sends each second
    slots = asyncio.Semaphore(AT_ONCE)
    async with aiohttp.ClientSession(sender.base, timeout=TIMEOUT) as session:
        try:
            async with asyncio.TaskGroup() as group:
                progress = group.create_task(_tell(tally, len(line), begun))
                async with asyncio.TaskGroup() as sending:
                    for number, batch in enumerate(batches_of(line, size)):
                        due = begun + number * size / rate_per_s
                        await asyncio.sleep(max(0.0, due - time.monotonic()))
                        await slots.acquire()
                        body = json.dumps([each.document for each in batch]).encode()
                        task = sending.create_task(_send(session, sender, body, tally))
                        task.add_done_callback(lambda _: slots.release())
                progress.cancel()
        except* NotTaken as refused:
            raise _first(refused) from None
    return tally


def _first(group: BaseExceptionGroup[NotTaken]) -> NotTaken:
    one: BaseException = group
    while isinstance(one, BaseExceptionGroup):
        one = one.exceptions[0]
    assert isinstance(one, NotTaken), "the group was made of these"
    return one


async def _send(session: aiohttp.ClientSession, sender: Sender, body: bytes, tally: Tally) -> None:
    for attempt in range(TRIES_MAX):
        if attempt:
            tally.repetitions += 1
            await asyncio.sleep(PAUSE_FIRST_S * 2 ** (attempt - 1))
        begun = time.monotonic()
        try:
            async with session.post("/v1/events", data=body, headers=sender.headers(body)) as reply:
                content, status = await reply.read(), reply.status
        except (aiohttp.ClientError, TimeoutError):
            continue
        if status in AGAIN:
            continue
        if status != HTTPStatus.OK:
            raise NotTaken(f"POST /v1/events answers {status}: {content.decode()[:500]}")
        tally.durations_s.append(time.monotonic() - begun)
        tally.add(json.loads(content)["results"])
        return
    raise NotTaken(f"No answer from {sender.base} after {TRIES_MAX} tries.")


async def _tell(tally: Tally, total: int, begun: float) -> None:
    while True:
        await asyncio.sleep(PROGRESS_EVERY_S)
        counts = " ".join(f"{name} {count:,}" for name, count in sorted(tally.statuses.items()))
        seconds = time.monotonic() - begun
        print(f"{seconds:6.0f} s  {tally.sent:,}/{total:,}  {counts}", file=sys.stderr, flush=True)
