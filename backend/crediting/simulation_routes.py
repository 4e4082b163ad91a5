"""Asking what a new rule would change: a job that operators request, its progress and result."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from typing import Annotated, Any
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backend.batches import BatchRaced, run_batch
from backend.crediting.simulation import Rehearsal
from backend.db import clock
from backend.errors import DomainError, NotFound
from backend.events import SIMULATION_REQUESTED, Event
from backend.http.cursors import PageQuery, cursor_at, position_of
from backend.http.principal import roles
from backend.http.routes import Answer, Call, Route, replayed
from backend.idempotency import IdempotencyKeyReused, Intention, find_effects, record_effects
from backend.ids import uuid7
from backend.methodologies.simulations import (
    PERIOD_DAYS_MAX,
    MethodologyFileFaulty,
    Simulation,
    SimulationPeriodNotValid,
    TooManySimulations,
    faulty,
    find_simulation,
    insert_simulation,
    list_simulations,
    read_candidate,
)
from backend.outbox import append
from scoring.methodology import Catalogue, CatalogueBroken, MethodologyVersion

BODY_BYTES_MAX = 256 * 1024  # a methodology has some 3 kB, a table of all provinces some 30 kB
TEXT_CHARACTERS_MAX = 65_536
FACTOR_FILES_MAX = 8


FileName = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_]{1,60}\.toml$")]
FileText = Annotated[str, msgspec.Meta(min_length=1, max_length=TEXT_CHARACTERS_MAX)]


class NewSimulation(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A methodology file, further factor files by name, and the days of past activities."""

    toml: FileText
    since: date = msgspec.field(name="from")
    until: date = msgspec.field(name="to")
    factor_files: Annotated[dict[FileName, FileText], msgspec.Meta(max_length=FACTOR_FILES_MAX)] = (
        msgspec.field(default_factory=dict)
    )


class SimulationAnswer(msgspec.Struct, kw_only=True):
    """One simulation; `result` is there once its status is `done`, `error` once it `failed`."""

    id: UUID
    status: str
    methodology_id: str
    version: str
    version_hash: str
    since: date = msgspec.field(name="from")
    until: date = msgspec.field(name="to")
    requested_by: str
    requested_at: datetime
    accounts_done: int
    accounts_total: int | None
    finished_at: datetime | None
    error: str | None
    result: dict[str, Any] | None


class SimulationPage(msgspec.Struct, kw_only=True):
    """One page of simulations, newest first, without their results."""

    items: list[SimulationAnswer]
    next_cursor: str | None


_REFUSED = (
    IdempotencyKeyReused,
    MethodologyFileFaulty,
    SimulationPeriodNotValid,
    TooManySimulations,
)


@dataclass(frozen=True, slots=True)
class Simulations:
    """What asking for simulations needs."""

    engine: AsyncEngine
    catalogue: Catalogue
    clock_shift_s: int = 0

    def routes(self) -> Sequence[Route[Any, Any]]:
        """Give the job, its progress and its result."""
        readers = roles("operator", "auditor", "admin")
        return [
            Route(
                "POST",
                "/v1/operator/simulations",
                self.request,
                policy=roles("operator", "admin"),
                summary="Ask what a new methodology would change for past check-ins",
                summary_zh="模拟新方法学对以往打卡的影响",
                body=NewSimulation,
                body_bytes_max=BODY_BYTES_MAX,
                answers={202: SimulationAnswer},
                idempotency="required",
                problems=_REFUSED,
            ),
            Route(
                "GET",
                "/v1/operator/simulations",
                self.list_all,
                policy=readers,
                summary="List simulations, newest first",
                summary_zh="模拟列表",
                query=PageQuery,
                answers={200: SimulationPage},
            ),
            Route(
                "GET",
                "/v1/operator/simulations/{id}",
                self.get_one,
                policy=readers,
                summary="See how far a simulation is, and what it found",
                summary_zh="查看模拟的进度和结果",
                answers={200: SimulationAnswer},
                problems=(NotFound,),
            ),
        ]

    async def request(self, call: Call[NewSimulation, None]) -> Answer:
        """Read the file, keep the job and give it to the processor; a repeat answers the same job.

        Appends `SimulationRequested`.
        """
        body = call.body
        if not timedelta(0) <= body.until - body.since < timedelta(days=PERIOD_DAYS_MAX):
            raise SimulationPeriodNotValid
        candidate = await asyncio.to_thread(
            _candidate, body.toml, body.factor_files, self.catalogue
        )
        intention = Intention(call.principal.id, call.idempotency_key or "", call.request_hash)
        write = partial(write_simulations, clock_shift_s=self.clock_shift_s)
        wanted = _Wanted(body, candidate, intention)
        [answer] = await run_batch(self.engine, write, [wanted])
        if isinstance(answer, DomainError):
            raise answer
        headers = {"Location": f"/v1/operator/simulations/{answer.simulation.id}"}
        headers |= replayed(is_replay=answer.is_replay)
        return Answer(_render(answer.simulation), 202, headers)

    async def list_all(self, call: Call[None, PageQuery]) -> Answer:
        """Answer one page of jobs."""
        before, limit = position_of(call, UUID), call.query.limit
        async with self.engine.connect() as conn:
            found = await list_simulations(conn, before=before, limit=limit + 1)
        page = found[:limit]
        more = len(found) > limit
        return Answer(
            SimulationPage(
                items=[_render(each._replace(result=None)) for each in page],
                next_cursor=cursor_at(call, page[-1].id) if more else None,
            )
        )

    async def get_one(self, call: Call[None, None]) -> Answer:
        """Answer one job."""
        async with self.engine.connect() as conn:
            found = await find_simulation(conn, call.path_id())
        if found is None:
            raise NotFound
        return Answer(_render(found))


@dataclass(frozen=True, slots=True)
class _Wanted:
    body: NewSimulation
    candidate: MethodologyVersion
    intention: Intention


@dataclass(frozen=True, slots=True)
class _Requested:
    simulation: Simulation
    is_replay: bool = field(default=False)


async def write_simulations(
    conn: AsyncConnection, wanted: Sequence[_Wanted], *, clock_shift_s: int
) -> list[_Requested | DomainError]:
    """Keep jobs, each with its work; the same intention again gives the same job."""
    now = await clock(conn, clock_shift_s)
    return [await _write(conn, each, now) for each in wanted]


async def _write(conn: AsyncConnection, wanted: _Wanted, now: datetime) -> _Requested | DomainError:
    effect = (await find_effects(conn, [wanted.intention])).get(wanted.intention)
    if isinstance(effect, DomainError):
        return effect
    if effect is not None:
        known = await find_simulation(conn, effect)
        assert known is not None, "simulations are never deleted"
        return _Requested(known, is_replay=True)
    simulation = _simulation_of(wanted, now)
    if not await insert_simulation(conn, simulation):
        return TooManySimulations()
    if not await record_effects(conn, [(wanted.intention, simulation.id)], now):
        raise BatchRaced
    await append(conn, [Event(SIMULATION_REQUESTED, [simulation.id])])
    return _Requested(simulation)


def _candidate(
    toml: str, factor_files: Mapping[str, str], catalogue: Catalogue
) -> MethodologyVersion:
    """Read the file and see that it can stand in the catalogue, before a job is made of it."""
    candidate = read_candidate(toml, factor_files)
    try:
        Rehearsal(catalogue, candidate)
    except CatalogueBroken as broken:
        raise faulty(broken) from broken
    return candidate


def _simulation_of(wanted: _Wanted, now: datetime) -> Simulation:
    body, candidate = wanted.body, wanted.candidate
    return Simulation(
        id=uuid7(),
        requested_by=wanted.intention.principal,
        requested_at=now,
        methodology_id=candidate.methodology_id,
        version=candidate.version,
        version_hash=candidate.hash,
        toml=body.toml,
        factor_files=body.factor_files,
        since=body.since,
        until=body.until,
        status="waiting",
        accounts_done=0,
        accounts_total=None,
        result=None,
        error=None,
        finished_at=None,
    )


def _render(simulation: Simulation) -> SimulationAnswer:
    shown = SimulationAnswer.__struct_fields__
    values = {name: value for name, value in simulation._asdict().items() if name in shown}
    return SimulationAnswer(**values)
