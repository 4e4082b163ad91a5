"""A client of the API as a phone, a metro or a station would be: tokens, retries, waiting."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, NamedTuple, TypeVar

import aiohttp

from backend.demo.screen import Screen

T = TypeVar("T")

CALLS_AT_ONCE = 8  # below the 32 uploads that the service takes at a time
CALL_TIMEOUT = aiohttp.ClientTimeout(total=90)  # a photo's own deadline is 60 s
TRIES_MAX = 6
WAIT_S = 10
POLLS_MAX = 30  # of WAIT_S each: five minutes for one verdict, on a very busy machine
BUSY = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
UNDECIDED = frozenset({"received", "scored"})
DUPLICATE = "evidence-already-used"


class Reply(NamedTuple):
    """What came back: a resource, or a problem."""

    status: int
    body: Mapping[str, Any]
    is_replay: bool

    @property
    def is_taken(self) -> bool:
        """Whether a check-in stands behind this answer."""
        return self.status < HTTPStatus.BAD_REQUEST

    @property
    def problem(self) -> str:
        """Last part of the problem's type; empty for what was taken."""
        return str(self.body.get("type", "")).rpartition("/")[2]


class CallRefused(Exception):
    """The API refused what the demo counts on; the sentence says what and why."""


@dataclass(frozen=True, slots=True)
class Client:
    """Calls to one API with one bearer; `language` as a phone would ask for it."""

    session: aiohttp.ClientSession
    bearer: str = ""
    language: str = "zh-CN"

    def speaking(self, language: str) -> "Client":
        """The same caller in another language."""
        return Client(self.session, self.bearer, language)

    async def get(self, path: str) -> Reply:
        """Read."""
        return await self._call("GET", path, {}, lambda: None)

    async def need(self, path: str) -> Mapping[str, Any]:
        """Read what must be there.

        Raises:
            CallRefused: It is not.
        """
        return needed(await self.get(path), path).body

    async def post(self, path: str, body: Mapping[str, Any], key: str = "") -> Reply:
        """Write JSON; `key` is the idempotency key of a write without a natural key."""
        text = json.dumps(body)
        headers = {"Content-Type": "application/json"} | ({"Idempotency-Key": key} if key else {})
        return await self._call("POST", path, headers, lambda: text)

    async def put(self, path: str, body: Mapping[str, Any]) -> Reply:
        """Set a resource of a known name."""
        text = json.dumps(body)
        return await self._call("PUT", path, {"Content-Type": "application/json"}, lambda: text)

    async def post_raw(self, path: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Write octets, such as those that a device has signed."""
        return await self._call("POST", path, headers, lambda: body)

    async def outcome_of(self, check_in_id: str) -> Reply:
        """A check-in, once it has a verdict."""
        path = f"/v1/check-ins/{check_in_id}?wait={WAIT_S}"
        reply, asked = await self.get(path), 1
        while reply.body.get("status") in UNDECIDED and asked < POLLS_MAX:
            reply, asked = await self.get(path), asked + 1
        return reply

    async def post_photo(self, capture: str, photo: bytes, content_type: str) -> Reply:
        """Send a photo and wait until it has a verdict, in the answer or by asking again."""

        def form() -> aiohttp.FormData:
            made = aiohttp.FormData()
            made.add_field("capture", capture)
            made.add_field("photo", photo, filename="photo", content_type=content_type)
            return made

        reply = await self._call("POST", "/v1/check-ins", {"Prefer": f"wait={WAIT_S}"}, form)
        if reply.status == HTTPStatus.ACCEPTED or reply.body.get("status") in UNDECIDED:
            return await self.outcome_of(reply.body["id"])
        return reply

    async def _call(
        self, method: str, path: str, headers: Mapping[str, str], body: Callable[[], Any]
    ) -> Reply:
        """One call, repeated while the service asks to come back later."""
        sent = {"Accept-Language": self.language, **headers}
        if self.bearer:
            sent["Authorization"] = f"Bearer {self.bearer}"
        for tried in range(1, TRIES_MAX + 1):
            async with self.session.request(method, path, data=body(), headers=sent) as response:
                if response.status not in BUSY or tried == TRIES_MAX:
                    return Reply(
                        response.status,
                        await response.json(content_type=None),
                        response.headers.get("Idempotency-Replayed") == "true",
                    )
                pause_s = float(response.headers.get("Retry-After", tried))
            await asyncio.sleep(pause_s)
        raise AssertionError("the last try returns")


def open_session(port: int) -> aiohttp.ClientSession:
    """Connections to the API of this process; proxies of the machine are none of its business."""
    return aiohttp.ClientSession(
        f"http://127.0.0.1:{port}",
        timeout=CALL_TIMEOUT,
        connector=aiohttp.TCPConnector(limit=CALLS_AT_ONCE),
        trust_env=False,
    )


async def together(*days: Coroutine[Any, Any, T]) -> list[T]:
    """Let all run at once; what one of them counts on in vain ends the others.

    Raises:
        CallRefused: The first of them, out of its groups.
    """
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(each) for each in days]
    except* CallRefused as refused:
        one: BaseException = refused
        while isinstance(one, BaseExceptionGroup):
            one = one.exceptions[0]
        raise one from None
    return [task.result() for task in tasks]


async def sign_in(session: aiohttp.ClientSession, subject: str, *, role: str = "member") -> Client:
    """A caller with a token of the development issuer."""
    body = {"subject": subject, "roles": [role], "phone_number_verified": True}
    reply = needed(await Client(session).post("/dev-issuer/token", body), "sign-in")
    return Client(session, str(reply.body["access_token"]))


async def clock(session: aiohttp.ClientSession) -> datetime:
    """The service's time: what happens is told by it, whatever this machine believes."""
    config = await Client(session).need("/v1/client-config")
    return datetime.fromisoformat(config["server_time"])


async def show_refusal(screen: Screen, caller: Client, reply: Reply) -> None:
    """Write a refusal as people read it, in both languages: its type's page has them."""
    row = await caller.need(reply.body["type"])
    for language in ("zh-CN", "en"):
        screen.say(f"      {row['title'][language]} · {row['next'][language]}")


def needed(reply: Reply, what: str) -> Reply:
    """The reply, unless it is a refusal.

    Raises:
        CallRefused: With the problem's own words.
    """
    if reply.is_taken:
        return reply
    words = reply.body.get("detail") or reply.body.get("title")
    raise CallRefused(f"{what}: {reply.status} {reply.problem} {words}")
