"""The service as a stranger meets it: an address, tokens and keys, requests and answers."""

import asyncio
import io
import json as json_module
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from uuid import UUID, uuid4

import aiohttp

from backend.api import DEV_ISSUER
from backend.campaigns.domain import PROGRAMME_FUND
from backend.campaigns.queries import top_up
from backend.crediting.steps import Rulebook
from backend.db import fetch, run
from backend.deployment import Deployment
from backend.evidence_store import EvidenceStore
from backend.members.steps import join
from backend.methodologies.register import open_catalogue
from backend.partners.queries import issue_key, link, make_partner
from backend.recycling.queries import add_bags
from backend.serving import serve_deployment
from backend.settings import Settings
from models.renderer import render
from scoring.methodology import load_catalogue
from tests.builders import SECRET
from tests.fakes import ScriptedScorer, make_score

METRO = UUID("00000000-0000-7000-8000-0000000000a1")
RECYCLER = UUID("00000000-0000-7000-8000-0000000000a2")
CATALOGUE = load_catalogue()  # reads files, which the loop must not
DEADLINE_S = 30  # of a condition that is waited for, on a machine that has much else to do
FUND_POINTS = 1_000_000


@dataclass(frozen=True)
class Reply:
    """One answer."""

    status: int
    headers: Any
    body: bytes

    def json(self):
        return json_module.loads(self.body)

    @property
    def problem(self):
        """Last segment of the problem's type; None for an answer that is no problem."""
        if self.headers.get("Content-Type", "") != "application/problem+json":
            return None
        return self.json()["type"].rpartition("/")[2]


@dataclass
class Caller:
    """One principal; nobody when there is no bearer."""

    session: aiohttp.ClientSession
    bearer: str | None = None
    account_id: UUID | None = None

    async def send(self, method, path, *, headers=None, **content) -> Reply:
        own = {"Authorization": f"Bearer {self.bearer}"} if self.bearer else {}
        async with self.session.request(
            method, path, headers={**own, **(headers or {})}, **content
        ) as answer:
            return Reply(answer.status, answer.headers, await answer.read())

    async def get(self, path, **headers) -> Reply:
        return await self.send("GET", path, headers=_named(headers))

    async def post(self, path, json, **headers) -> Reply:
        return await self.send("POST", path, json=json, headers=_named(headers))

    async def capture(self) -> str:
        reply = await self.post("/v1/captures", {})
        assert reply.status == 201, reply.body
        return reply.json()["id"]

    async def send_photo(self, photo, capture, **headers) -> Reply:
        form = aiohttp.FormData()
        form.add_field("capture", capture)
        form.add_field("photo", io.BytesIO(photo), filename="plate.jpg", content_type="image/jpeg")
        return await self.send("POST", "/v1/check-ins", data=form, headers=_named(headers))

    async def photograph(self, photo, **headers) -> Reply:
        """Make a capture and send its photo, waiting for the outcome."""
        wanted = {"prefer": "wait=10", **headers}
        return await self.send_photo(photo, await self.capture(), **wanted)

    async def report(self, trip, key=None, **headers) -> Reply:
        return await self.post("/v1/check-ins", trip, idempotency_key=key or make_key(), **headers)

    async def bind(self, code) -> Reply:
        return await self.post("/v1/check-ins", {"kind": "bag", "code": code})

    async def weigh(self, code, **weights) -> Reply:
        return await self.post(f"/v1/bags/{code}/weighings", weights)

    async def account(self):
        return (await self.get("/v1/account")).json()

    async def balance(self) -> tuple[int, int]:
        """Grams and available points."""
        account = await self.account()
        return account["grams"], account["points"]


def _named(headers):
    return {name.replace("_", "-"): str(value) for name, value in headers.items()}


def make_key() -> str:
    return uuid4().hex


@lru_cache(maxsize=256)
def make_photo(seed, kind="clean") -> bytes:
    """A small JPEG of a rendered plate; another seed is another plate."""
    picture = io.BytesIO()
    render(kind, seed, (240, 180)).save(picture, "JPEG", quality=80)
    return picture.getvalue()


@dataclass
class Service:
    """A served deployment on a database of its own."""

    base: str
    session: aiohttp.ClientSession
    engine: Any
    scorer: ScriptedScorer
    keys: dict[str, str]
    nobody: Caller
    stop: asyncio.Event
    _callers: dict[tuple[str, ...], Caller] = field(default_factory=dict)

    async def caller(self, subject, *roles) -> Caller:
        """A principal of the development issuer."""
        known = self._callers.get((subject, *roles))
        if known is None:
            asked = {"subject": subject, "roles": list(roles)}
            reply = await self.nobody.post("/dev-issuer/token", asked)
            known = Caller(self.session, reply.json()["access_token"])
            self._callers[(subject, *roles)] = known
        return known

    async def member(self, subject="li") -> Caller:
        member = await self.caller(subject, "member")
        if member.account_id is None:
            member.account_id = UUID((await member.account())["account_id"])
        return member

    def by_key(self, name) -> Caller:
        """The metro's server or the recycler's scale."""
        return Caller(self.session, self.keys[name])

    async def link_card(self, card, subject) -> UUID:
        async with self.engine.begin() as conn:
            account_id = await join(conn, f"{DEV_ISSUER}|{subject}")
            await link(conn, METRO, card, account_id)
        return account_id

    async def script(self, photo, verdict, reason=None) -> bytes:
        """Decide what the scorer will say of a photo."""
        jpeg = (await self.scorer.sanitise(photo)).jpeg
        self.scorer.answers[jpeg] = make_score(jpeg, verdict=verdict, reason=reason)
        return photo

    async def fetch(self, sql, **values):
        async with self.engine.connect() as conn:
            return await fetch(conn, sql, **values)

    async def value(self, sql, **values):
        return (await self.fetch(sql, **values))[0][0]

    async def execute(self, sql, **values) -> None:
        async with self.engine.begin() as conn:
            await run(conn, sql, **values)

    async def row_counts(self) -> dict[str, int]:
        """Rows of every table, to show that nothing was written."""
        names = await self.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        counts = " UNION ALL ".join(
            f"SELECT '{name}' AS name, count(*) AS rows FROM {name}" for (name,) in sorted(names)
        )
        return {row.name: row.rows for row in await self.fetch(counts)}

    async def drained(self) -> None:
        """Wait until the processor has nothing left to do, and balances are up to date."""
        await until(
            lambda: self.value(
                "SELECT NOT EXISTS (SELECT FROM work) AND NOT EXISTS (SELECT FROM account_delta)"
            )
        )

    async def open_meals(self, *names) -> None:
        """Close all meal windows and open these for the whole day; at most one is useful."""
        await self.execute("UPDATE meal_window SET opens_minute = 1439, closes_minute = 1440")
        for name in names:
            await self.execute(
                "UPDATE meal_window SET opens_minute = 0, closes_minute = 1440 WHERE id = :id",
                id=name,
            )


async def until(holds, deadline_s=DEADLINE_S) -> None:
    """Wait until an awaitable condition holds."""
    ends_at = time.monotonic() + deadline_s
    while not await holds():
        assert time.monotonic() < ends_at, "the condition did not come true in time"
        await asyncio.sleep(0.02)


@asynccontextmanager
async def serving(
    engine,
    folder,
    *,
    parts="serve",
    rate_limits=False,
    clock_shift_s=0,
    vesting_h=0,
    catalogue=CATALOGUE,
    notice_s=0,
    **settings_changed,
):
    """Serve on a free port, with a scripted scorer and the day as one long lunch.

    Whoever is new may redeem at once, and points are paid at once, unless a test is about that.
    """
    settings = Settings(
        data_dir=folder,
        dev_issuer=True,
        port=0,
        rate_limits=rate_limits,
        redemption_needs_phone=False,
        redemption_account_age_h=0,
    ).changed(**settings_changed)
    scorer = ScriptedScorer()
    on_record = await open_catalogue(engine, catalogue, clock_shift_s=clock_shift_s)
    rules = Rulebook(on_record, SECRET, clock_shift_s, vesting_h)
    store = EvidenceStore(folder / "evidence")
    deployment = Deployment(settings, engine, store, scorer, rules)
    keys = await _seed(engine)
    stop, port = asyncio.Event(), asyncio.get_running_loop().create_future()
    async with asyncio.TaskGroup() as group:
        group.create_task(
            serve_deployment(
                deployment, parts=parts, started=port.set_result, stop=stop, notice_s=notice_s
            )
        )
        base = f"http://127.0.0.1:{await asyncio.wait_for(port, DEADLINE_S)}"
        unlimited = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(base, connector=unlimited) as session:
            service = Service(base, session, engine, scorer, keys, Caller(session), stop)
            await service.open_meals("lunch")
            try:
                yield service
            finally:
                stop.set()


async def _seed(engine) -> dict[str, str]:
    async with engine.begin() as conn:
        await top_up(conn, PROGRAMME_FUND, FUND_POINTS)
        await make_partner(conn, METRO, name_zh="地铁", name_en="Metro", source="urn:metro")
        await make_partner(conn, RECYCLER, name_zh="回收", name_en="Recycler", source="urn:bags")
        await add_bags(conn, [f"BAG{number:05d}" for number in range(100)])
        return {
            "metro": await issue_key(
                conn, METRO, kind="partner", scopes=["trip.report", "event.send"]
            ),
            "scale": await issue_key(
                conn, RECYCLER, kind="device", scopes=["bag.weigh", "event.send"]
            ),
        }
