"""A crowd that keeps reporting, remembers what was acknowledged, and reports again when unsure."""

import asyncio
import itertools
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from uuid import uuid4

import aiohttp

from tests.acceptance.running_service import Caller, make_photo

KINDS = ("trip", "bag", "photo")
PAUSE_S = 0.05  # per kind: sixty reports a second at most, so that machines are not the limit
TIMEOUT = aiohttp.ClientTimeout(total=30)


class Away(Exception):
    """The service says that it cannot answer at the moment."""


BROKEN = (aiohttp.ClientError, TimeoutError, OSError, Away)


@dataclass
class Report:
    """One real thing that a person did, and what the service said of it."""

    kind: str
    number: int
    key: str = field(default_factory=lambda: uuid4().hex)
    capture: str | None = None
    check_in_id: str | None = None
    is_acknowledged: bool = False

    @property
    def member(self) -> str:
        return f"{self.kind}-{self.number}"


class Crowd:
    """Sends reports of all kinds until told to stop; a report is repeated with its own key."""

    def __init__(self, base: str, scale_key: str) -> None:
        self.base = base
        self.scale_key = scale_key
        self.reports: list[Report] = []
        self._numbers = itertools.count()
        self._tokens: dict[str, str] = {}
        self._stopped = False
        # Every member's trip is the same one; a repetition must not move with the clock.
        self._trips_start = datetime.now(UTC) - timedelta(days=1)

    @property
    def acknowledged(self) -> list[Report]:
        return [report for report in self.reports if report.is_acknowledged]

    async def report_until_killed(self, each_kind: int, kill) -> None:
        """Report at a steady rate; `kill` is called in the middle of it."""
        self._stopped = False
        async with self._session() as session, asyncio.TaskGroup() as group:
            for kind in KINDS:
                group.create_task(self._keep_reporting(session, kind))
            await self._until_acknowledged(each_kind)
            await kill()
            self._stopped = True

    async def repeat_all(self) -> None:
        """Say everything again, as phones and stations do that do not know what was heard."""
        self._tokens.clear()  # the issuer's key died with the process
        async with self._session() as session:
            for report in self.reports:
                await self._send(session, report)

    def _session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(self.base, timeout=TIMEOUT)

    async def _until_acknowledged(self, each_kind: int) -> None:
        ends_at = time.monotonic() + 60
        while any(
            sum(report.kind == kind for report in self.acknowledged) < each_kind for kind in KINDS
        ):
            assert time.monotonic() < ends_at, "too few reports were acknowledged"
            await asyncio.sleep(0.05)

    async def _keep_reporting(self, session, kind) -> None:
        while not self._stopped:
            report = Report(kind, next(self._numbers))
            self.reports.append(report)
            with suppress(*BROKEN):  # nobody knows what became of it
                await self._send(session, report)
            await asyncio.sleep(PAUSE_S)

    async def _send(self, session, report: Report) -> None:
        member = Caller(session, await self._token(session, report.member))
        reply = _answered(await getattr(self, f"_send_{report.kind}")(session, member, report))
        assert reply.status in {200, 201, 202}, (report, reply.body)
        check_in_id = reply.json()["id"]
        assert report.check_in_id in {None, check_in_id}, "the same report became another check-in"
        report.check_in_id, report.is_acknowledged = check_in_id, True

    async def _token(self, session, subject) -> str:
        if subject not in self._tokens:
            asked = {"subject": subject, "roles": ["member"]}
            reply = await Caller(session).post("/dev-issuer/token", asked)
            self._tokens[subject] = reply.json()["access_token"]
        return self._tokens[subject]

    async def _send_trip(self, _, member, report):
        start = self._trips_start
        trip = {
            "kind": "trip",
            "mode": "metro",
            "started_at": start.isoformat(),
            "ended_at": (start + timedelta(minutes=40)).isoformat(),
            "distance_m": 12_000,
        }
        return await member.report(trip, report.key)

    async def _send_bag(self, session, member, report):
        code = f"BAG{report.number:05d}"
        bound = _answered(await member.bind(code))
        assert bound.status == 201, bound.body
        return await Caller(session, self.scale_key).weigh(code, mass_g=2_500)

    async def _send_photo(self, _, member, report):
        if report.capture is None:
            reply = _answered(await member.post("/v1/captures", {}, idempotency_key=report.key))
            report.capture = reply.json()["id"]
        return await member.send_photo(make_photo(report.number), report.capture)


def _answered(reply):
    if reply.status == HTTPStatus.SERVICE_UNAVAILABLE:
        raise Away
    return reply
