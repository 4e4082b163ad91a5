"""The phones of the `noon` benchmark: each sends one photo at its time, and waits."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import aiohttp

from benchmarks.arrivals import Arrival

WAIT_S = 10
TRIES_MAX = 6
POLLS_MAX = 12
PREPARED_AT_ONCE = 16
LOST_AFTER_S = 0.5
SLOW_BYTES_PER_S = 100_000  # a crowded cell at the canteen's back wall
CHUNKS_PER_S = 10
CALL_TIMEOUT = aiohttp.ClientTimeout(total=90)  # a photo's own deadline is 60 s
BUSY = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
UNDECIDED = frozenset({"received", "scored"})
BOUNDARY = "tanhui-bench"


@dataclass(frozen=True, slots=True)
class Phone:
    """A signed-in member with a capture, ready to send."""

    bearer: str
    capture: str


@dataclass(slots=True)
class Noon:
    """What happened: milliseconds from the intended start to the verdict, by arrival."""

    verdict_ms: dict[int, float] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)
    requests: int = 0
    shed: int = 0
    given_up: int = 0
    last_verdict_s: float = 0.0


class GaveUp(Exception):
    """The service kept shedding this photo, or never decided it."""


async def prepare(session: aiohttp.ClientSession, count: int) -> list[Phone]:
    """Sign members in and make their captures, before anything is timed."""
    free = asyncio.Semaphore(PREPARED_AT_ONCE)

    async def one(number: int) -> Phone:
        async with free:
            body = {"subject": f"noon-{number}", "roles": ["member"]}
            bearer = (await _post(session, "/dev-issuer/token", body, {}))["access_token"]
            headers = {
                "Authorization": f"Bearer {bearer}",
                "Idempotency-Key": f"noon-{number:012d}",
            }
            return Phone(bearer, (await _post(session, "/v1/captures", {}, headers))["id"])

    return list(await asyncio.gather(*map(one, range(count))))


async def _post(
    session: aiohttp.ClientSession, path: str, body: dict[str, Any], headers: dict[str, str]
) -> Any:
    sent = {"Content-Type": "application/json", **headers}
    async with session.post(path, data=json.dumps(body), headers=sent) as answer:
        answer.raise_for_status()
        return await answer.json()


async def play(
    session: aiohttp.ClientSession,
    arrivals: Sequence[Arrival],
    phones: Sequence[Phone],
    photos: Sequence[bytes],
) -> Noon:
    """Start every phone at its intended time, whatever became of the earlier ones."""
    noon = Noon()
    began = time.perf_counter()

    async def one(arrival: Arrival, phone: Phone, photo: bytes) -> None:
        await asyncio.sleep(began + arrival.at_s - time.perf_counter())
        try:
            status = await _verdict(session, arrival, phone, photo, noon)
        except (GaveUp, aiohttp.ClientError, TimeoutError):
            noon.given_up += 1
            return
        now_s = time.perf_counter() - began
        noon.verdict_ms[arrival.number] = 1_000 * (now_s - arrival.at_s)
        noon.last_verdict_s = max(noon.last_verdict_s, now_s)
        noon.statuses[status] = noon.statuses.get(status, 0) + 1

    async with asyncio.TaskGroup() as group:
        for each in zip(arrivals, phones, photos, strict=True):
            group.create_task(one(*each))
    return noon


async def _verdict(
    session: aiohttp.ClientSession, arrival: Arrival, phone: Phone, photo: bytes, noon: Noon
) -> str:
    form = _form(phone.capture, photo)
    headers = {
        "Authorization": f"Bearer {phone.bearer}",
        "Prefer": f"wait={WAIT_S}",
        "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
        "Content-Length": str(len(form)),
    }
    if arrival.loses_answer:
        noon.requests += 1
        try:
            async with asyncio.timeout(LOST_AFTER_S):
                await _sent(session, "POST", "/v1/check-ins", headers, form)
        except TimeoutError:
            pass
    answer = await _until_taken(session, headers, form, is_slow=arrival.is_slow, noon=noon)
    for _ in range(POLLS_MAX):
        if answer.get("status") not in UNDECIDED:
            return str(answer.get("status") or answer.get("type"))
        asked = {"Authorization": headers["Authorization"]}
        path = f"/v1/check-ins/{answer['id']}?wait={WAIT_S}"
        _, _, answer = await _sent(session, "GET", path, asked, None)
    raise GaveUp


async def _until_taken(
    session: aiohttp.ClientSession,
    headers: dict[str, str],
    form: bytes,
    *,
    is_slow: bool,
    noon: Noon,
) -> dict[str, Any]:
    """Send again while the service says that it is busy, no sooner than it asks for."""
    for _ in range(TRIES_MAX):
        noon.requests += 1
        body = _slowly(form) if is_slow else form
        status, retry_after_s, answer = await _sent(session, "POST", "/v1/check-ins", headers, body)
        if status not in BUSY:
            return answer
        noon.shed += 1
        await asyncio.sleep(retry_after_s)
    raise GaveUp


async def _sent(
    session: aiohttp.ClientSession, method: str, path: str, headers: dict[str, str], body: Any
) -> tuple[int, float, dict[str, Any]]:
    async with session.request(method, path, data=body, headers=headers) as answer:
        retry_after_s = float(answer.headers.get("Retry-After", 1))
        return answer.status, retry_after_s, await answer.json(content_type=None)


async def _slowly(form: bytes) -> AsyncIterator[bytes]:
    size = SLOW_BYTES_PER_S // CHUNKS_PER_S
    for start in range(0, len(form), size):
        yield form[start : start + size]
        await asyncio.sleep(1 / CHUNKS_PER_S)


def _form(capture: str, photo: bytes) -> bytes:
    part = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="'
    return b"".join(
        (
            f'{part}capture"\r\n\r\n{capture}\r\n'.encode(),
            f'{part}photo"; filename="p.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'.encode(),
            photo,
            f"\r\n--{BOUNDARY}--\r\n".encode(),
        )
    )
