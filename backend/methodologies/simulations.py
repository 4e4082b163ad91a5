"""Simulations that operators ask for: read the file, keep the job, and its progress and result."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import fetch, fetch_one, run
from backend.errors import DomainError
from backend.events import SIMULATE
from scoring.methodology import CatalogueBroken, MethodologyVersion
from scoring.methodology.catalogue import packaged_texts, read_factor_sets
from scoring.methodology.version_file import read_version

FAULTS_SHOWN_MAX = 100  # an author corrects those and asks again
SIMULATIONS_OPEN_MAX = 3  # each takes a core of the processor for a while
PERIOD_DAYS_MAX = 366  # a year shows every season; longer ones run on the command line

_encode = msgspec.json.Encoder().encode


class MethodologyFileFaulty(DomainError):
    """The file cannot be used; `faults` says where, what is wrong and what to do."""


class SimulationPeriodNotValid(DomainError):
    """A simulation covers at most 366 days, from its first day to its last."""


class TooManySimulations(DomainError):
    """Three simulations wait or run already."""


class Simulation(NamedTuple):
    """One job; the fields are columns of `simulation`.

    Attributes:
        accounts_done: Accounts looked at so far, of `accounts_total`.
        result: What it found, once its status is `done`.
    """

    id: UUID
    requested_by: str
    requested_at: datetime
    methodology_id: str
    version: str
    version_hash: str
    toml: str
    factor_files: Mapping[str, str]
    since: date
    until: date
    status: str
    accounts_done: int
    accounts_total: int | None
    result: Mapping[str, Any] | None
    error: str | None
    finished_at: datetime | None


_COLUMNS = ", ".join(Simulation._fields)


def read_candidate(toml: str, factor_files: Mapping[str, str]) -> MethodologyVersion:
    """A version from the text of its file, beside the packaged factor files; reads files.

    Raises:
        MethodologyFileFaulty: With all faults.
    """
    try:
        sets = read_factor_sets({**packaged_texts("factors"), **factor_files})
        return read_version("methodology.toml", toml, sets)
    except CatalogueBroken as broken:
        raise faulty(broken) from broken


def faulty(broken: CatalogueBroken) -> MethodologyFileFaulty:
    """All faults of one reading, as facts of a refusal."""
    rows = [
        {"where": fault.where, "what": fault.what, "do": fault.do}
        for fault in broken.faults[:FAULTS_SHOWN_MAX]
    ]
    return MethodologyFileFaulty(str(broken), faults=rows, faults_in_all=len(broken.faults))


async def insert_simulation(conn: AsyncConnection, simulation: Simulation) -> bool:
    """Keep a new job; False when too many are open (a limit on load, so a race may pass it).

    One whose work was given up is no load: it waits for somebody who replays it.
    """
    inserted = await run(
        conn,
        "INSERT INTO simulation (id, requested_by, requested_at, methodology_id, version,"
        " version_hash, toml, factor_files, since, until, status)"
        " SELECT :id, :requested_by, :requested_at, :methodology_id, :version, :version_hash,"
        " :toml, CAST(:factor_files AS jsonb), :since, :until, :status"
        " WHERE (SELECT count(*) FROM simulation AS open WHERE status IN ('waiting', 'running')"
        " AND EXISTS (SELECT FROM work WHERE step = :step AND dead_at IS NULL"
        " AND open.id = ANY(ids))) < :most",
        **simulation._replace(
            factor_files=_encode(simulation.factor_files).decode(),  # type: ignore[arg-type]
        )._asdict(),
        step=SIMULATE,
        most=SIMULATIONS_OPEN_MAX,
    )
    return inserted == 1


async def find_simulation(conn: AsyncConnection, simulation_id: UUID) -> Simulation | None:
    """One job, or None."""
    row = await fetch_one(
        conn, f"SELECT {_COLUMNS} FROM simulation WHERE id = :id", id=simulation_id
    )
    return Simulation._make(row) if row else None


async def list_simulations(
    conn: AsyncConnection, *, before: UUID | None, limit: int
) -> list[Simulation]:
    """Jobs, newest first."""
    rows = await fetch(
        conn,
        f"SELECT {_COLUMNS} FROM simulation"
        " WHERE CAST(:before AS uuid) IS NULL OR id < :before ORDER BY id DESC LIMIT :limit",
        before=before,
        limit=limit,
    )
    return [Simulation._make(row) for row in rows]


async def note_progress(conn: AsyncConnection, simulation_id: UUID, done: int, total: int) -> None:
    """Say how far a job is."""
    await run(
        conn,
        "UPDATE simulation SET status = 'running', accounts_done = :done, accounts_total = :total"
        " WHERE id = :id AND status IN ('waiting', 'running')",
        id=simulation_id,
        done=done,
        total=total,
    )


async def finish_simulation(
    conn: AsyncConnection,
    simulation_id: UUID,
    *,
    result: Mapping[str, Any] | None,
    error: str | None,
) -> None:
    """End a job well, with its result, or badly, with what went wrong."""
    await run(
        conn,
        "UPDATE simulation SET status = CASE WHEN CAST(:error AS text) IS NULL THEN 'done'"
        " ELSE 'failed' END, result = CAST(:result AS jsonb), error = :error,"
        " finished_at = now() WHERE id = :id AND status IN ('waiting', 'running')",
        id=simulation_id,
        result=None if result is None else _encode(result).decode(),
        error=error,
    )
