"""An API that uses every feature of the layer once, and raw sockets to throw things at it."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Annotated, Any
from uuid import UUID

import msgspec
from aiohttp import web

from backend.errors import DomainError
from backend.http import (
    PUBLIC,
    Answer,
    ApiInfo,
    Call,
    Deadlines,
    HttpSettings,
    PageQuery,
    Principal,
    ProblemType,
    Route,
    build_application,
    cursor_at,
    file_field,
    position_of,
    roles,
    scopes,
    text_field,
)
from backend.http.refusals import Unauthenticated
from backend.http.server import Runner

KEY = "0123456789abcdef"
MEMBER = {"Authorization": "Bearer member"}
THING_ID = "0199a3e0-7f00-7000-8000-000000000001"


class BagLapsed(DomainError):
    """The bag was bound too long ago."""


class Unmapped(DomainError):
    """A refusal that nobody gave a row."""


class Weighing(msgspec.Struct, forbid_unknown_fields=True):
    mass_g: Annotated[int, msgspec.Meta(ge=1, le=100_000)]
    note: Annotated[str, msgspec.Meta(max_length=200)] = ""


class Trip(msgspec.Struct, tag_field="kind", tag="trip", forbid_unknown_fields=True):
    distance_m: Annotated[int, msgspec.Meta(ge=1)]
    stops: Annotated[list[Weighing], msgspec.Meta(max_length=100)] = []


class Bag(msgspec.Struct, tag_field="kind", tag="bag", forbid_unknown_fields=True):
    code: str


class Thing(msgspec.Struct):
    kind: str
    size: int


class ThingQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    district: str | None = None
    open: bool | None = None
    account_id: UUID | None = None


class Things(msgspec.Struct):
    rows: list[int]
    next_cursor: str | None = None


class Asked(msgspec.Struct):
    wait_s: float
    language: str
    key: str | None = None
    hash: str | None = None


async def weigh(call: Call[Weighing, None]) -> Answer:
    if call.body.note == "lapsed":
        raise BagLapsed(bound_on="2026-11-01")
    if call.body.note == "unmapped":
        raise Unmapped
    if call.body.note == "broken":
        raise KeyError("secret")
    return Answer(Thing("weighing", call.body.mass_g), 201, {"Location": "/v1/weighings/1"})


async def make_thing(call: Call[Trip | Bag, None]) -> Answer:
    if call.form is not None:
        return Answer(Thing(call.form.text("capture"), len(call.form.file("photo"))), 202)
    thing = call.body
    if isinstance(thing, Bag):
        return Answer(Thing("bag", len(thing.code)), 201)
    return Answer(Thing("trip", thing.distance_m), 201)


async def give_thing(call: Call[None, None]) -> Answer:
    return Answer(Thing(str(call.path_id()), 1))


async def list_things(call: Call[None, ThingQuery]) -> Answer:
    start = position_of(call, int) or 0
    rows = list(range(start, start + call.query.limit))
    return Answer(Things(rows, cursor_at(call, start + call.query.limit)))


async def ask(call: Call[None, None]) -> Answer:
    return Answer(Asked(call.wait_s, call.language))


async def name_effect(call: Call[Weighing, None]) -> Answer:
    key, digest = call.idempotency_key, call.request_hash.hex()
    return Answer(Asked(call.wait_s, call.language, key, digest))


async def give_photo(_: Call[None, None]) -> Answer:
    return Answer(b"\xff\xd8", headers={"Content-Type": "image/jpeg"})


async def sleep_long(_: Call[None, None]) -> Answer:
    await asyncio.sleep(5)
    return Answer()


ROUTES = [
    Route(
        "POST",
        "/v1/weighings",
        weigh,
        policy=roles("member") | scopes("bag.weigh"),
        body=Weighing,
        answers={201: Thing},
        problems=(BagLapsed,),
        summary="Weigh a bag.",
        examples={201: {"kind": "weighing", "size": 5}},
    ),
    Route(
        "POST",
        "/v1/things",
        make_thing,
        policy=roles("member"),
        body=Trip | Bag,
        form=(text_field("capture"), file_field("photo", 1_000_000)),
        answers={201: Thing, 202: Thing},
        summary="Make a thing.",
        deadline_s=60,
        waits=True,
    ),
    Route(
        "GET",
        "/v1/things/{id}",
        give_thing,
        policy=roles("member"),
        answers={200: Thing},
        summary="One thing.",
    ),
    Route(
        "GET",
        "/v1/things",
        list_things,
        policy=roles("member"),
        query=ThingQuery,
        answers={200: Things},
        summary="My things.",
    ),
    Route(
        "GET", "/v1/public", ask, policy=PUBLIC, answers={200: Asked}, summary="Ask.", waits=True
    ),
    Route(
        "POST",
        "/v1/effects",
        name_effect,
        policy=PUBLIC,
        body=Weighing,
        answers={200: Asked},
        idempotency="required",
        summary="An effect.",
    ),
    Route(
        "GET",
        "/v1/bags/{code}",
        ask,
        policy=PUBLIC,
        parameters={"code": "[A-Z0-9]{8,20}"},
        answers={200: Asked},
        summary="A bag.",
    ),
    Route("GET", "/v1/photo", give_photo, policy=PUBLIC, answers={200: bytes}, summary="A photo."),
    Route(
        "GET",
        "/v1/slow",
        sleep_long,
        policy=PUBLIC,
        answers={200: Asked},
        summary="Never ends.",
        deadline_s=0.05,
    ),
    Route(
        "GET",
        "/v1/operators-only",
        ask,
        policy=roles("operator"),
        answers={200: Asked},
        summary="Not for members.",
    ),
]
PROBLEMS = {
    BagLapsed: ProblemType(
        "bag-lapsed", 409, "袋子已过期", "Bag lapsed", "请绑定新袋子", "Bind a new bag"
    )
}
PRINCIPALS = {
    "Bearer member": Principal("member-1", frozenset({"member"})),
    "Bearer other": Principal("member-2", frozenset({"member"})),
    "Bearer scale": Principal("scale-1", scopes=frozenset({"bag.weigh"})),
}


async def authenticate(request: web.Request) -> Principal | None:
    presented = request.headers.getall("Authorization", [])
    if not presented:
        return None
    if len(presented) > 1 or presented[0] not in PRINCIPALS:
        raise Unauthenticated
    return PRINCIPALS[presented[0]]


def make_app(routes=ROUTES, **changes) -> web.Application:
    options = {
        "problem_types": PROBLEMS,
        "authenticate": authenticate,
        "info": ApiInfo(title="碳惠", version="0.1.0"),
        "settings": HttpSettings(cursor_key=b"k" * 32, deadlines=SHORT_DEADLINES),
    }
    return build_application(routes, **(options | changes))


SHORT_DEADLINES = Deadlines(headers_s=0.2, keep_alive_s=1.0, body_idle_s=0.2, body_total_s=0.4)


@dataclass
class Reply:
    """One parsed answer."""

    head: str
    body: bytes
    fields: dict[str, str] = field(default_factory=dict)

    @property
    def status(self) -> int:
        return int(self.head.split(" ")[1])

    @property
    def problem(self) -> dict[str, Any]:
        assert self.fields["content-type"] == "application/problem+json", self.head
        return json.loads(self.body)

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Server:
    """A running application."""

    app: web.Application
    port: int

    async def send(self, *pieces: bytes, pause_s: float = 0.0, is_ended: bool = False) -> Reply:
        """Send raw bytes, piece by piece, and read one answer."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            for number, piece in enumerate(pieces):
                if number:
                    await asyncio.sleep(pause_s)
                writer.write(piece)
                await writer.drain()
            if is_ended:
                writer.write_eof()
            return await read_reply(reader)
        finally:
            writer.close()

    async def request(self, method, path, *, body=b"", headers=None, **fields) -> Reply:
        """Send one well-framed request; dict bodies are JSON."""
        lines = {"Host": "t", **fields, **(headers or {})}
        if isinstance(body, dict | list):
            body = json.dumps(body).encode()
        if body:
            lines = {"Content-Type": "application/json", "Content-Length": len(body)} | lines
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value is not None)
        return await self.send(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body)

    async def weigh(self, body, **fields) -> Reply:
        return await self.request("POST", "/v1/weighings", body=body, headers=MEMBER, **fields)


async def read_reply(reader: asyncio.StreamReader) -> Reply:
    async with asyncio.timeout(4):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        fields = {}
        for line in head.split("\r\n")[1:-2]:
            name, _, value = line.partition(": ")
            fields[name.lower()] = value
        return Reply(head, await reader.readexactly(int(fields.get("content-length", 0))), fields)


async def start(app: web.Application) -> tuple[Runner, int]:
    runner = Runner(app, drain_s=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    return runner, site.port
