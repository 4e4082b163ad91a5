"""The work table: what has become true and must be acted on, once.

A row is written in the transaction that made its event true. A fast step deletes its
rows (`FOR UPDATE SKIP LOCKED`) and writes their effect in one transaction. A slow step
(inference, foreign calls) leases rows and acknowledges with the attempt number as a fence, so
that a worker that was thought dead cannot act twice. A row that fails too often stays, visible and
replayable.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Identity,
    Index,
    Row,
    SmallInteger,
    Table,
    Text,
    Uuid,
    func,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import fetch, fetch_one, metadata, run
from backend.events import STEPS_OF, Event

CHANNEL = "tanhui_work"
ATTEMPTS_MAX = 8  # with the backoff below, about four minutes of trying
# Stops give leases back and use up a number each; more than this is work that kills its worker.
LEASES_MAX = 100
LEASE_RAN_OUT = "the lease ran out each time"
BACKOFF_FIRST_S = 1.0
BACKOFF_MAX_S = 600.0  # of a row that many leases used up: two to its number would be for ever
ERROR_LENGTH_MAX = 500

work = Table(
    "work",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("step", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("ids", ARRAY(Uuid), nullable=False),
    Column("run_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("attempts", SmallInteger, nullable=False, server_default="0"),
    Column("dead_at", DateTime(timezone=True)),
    Column("error", Text),
    # With the id in it, taking rows of one moment reads them in order instead of sorting them all.
    Index("ix_work_due", "step", "run_at", "id", postgresql_where="dead_at IS NULL"),
    # Rows live for seconds: vacuum by count, not by share.
    postgresql_with={
        "fillfactor": "70",
        "autovacuum_vacuum_scale_factor": "0",
        "autovacuum_vacuum_threshold": "5000",
    },
)


class Work(NamedTuple):
    """One (event, step) to act on; `attempts` fences the acknowledgement of a leased row."""

    id: int
    step: str
    ids: Sequence[UUID]
    attempts: int
    event: str


async def append(conn: AsyncConnection, events: Iterable[Event]) -> None:
    """Write one row per (event, step) and wake the processor once, after commit."""
    rows = [
        (step, event.name, list(event.ids)) for event in events for step in STEPS_OF[event.name]
    ]
    if not rows:
        return
    # Arrays of arrays must be rectangular in PostgreSQL, so the ids travel as one text per row.
    await run(
        conn,
        "INSERT INTO work (step, event, ids)"
        " SELECT step, event, CAST(ids AS uuid[]) FROM unnest(CAST(:steps AS text[]),"
        " CAST(:events AS text[]), CAST(:ids AS text[])) AS given(step, event, ids)",
        steps=[row[0] for row in rows],
        events=[row[1] for row in rows],
        ids=["{" + ",".join(map(str, row[2])) + "}" for row in rows],
    )
    await run(conn, f"NOTIFY {CHANNEL}")


async def take(conn: AsyncConnection, step: str, *, limit: int) -> list[Work]:
    """Delete due rows of a fast step and return them; other processors skip them meanwhile.

    The caller writes the effect in the same transaction: a rollback brings the rows back.
    """
    rows = await fetch(
        conn,
        "WITH due AS MATERIALIZED (SELECT id FROM work WHERE step = :step AND dead_at IS NULL"
        " AND run_at <= now() ORDER BY run_at, id LIMIT :limit FOR UPDATE SKIP LOCKED)"
        " DELETE FROM work USING due WHERE work.id = due.id"
        " RETURNING work.id, work.step, work.ids, work.attempts + 1, work.event",
        step=step,
        limit=limit,
    )
    return sorted(Work._make(row) for row in rows)


async def lease(conn: AsyncConnection, step: str, *, limit: int, lease_s: float) -> list[Work]:
    """Take due rows of a slow step for `lease_s` seconds; each lease has its own attempt number.

    A row whose leases have run out `LEASES_MAX` times is dead instead of leased: nobody who took it
    lived to say that it failed, and its number must not outgrow its column.
    """
    rows = await fetch(
        conn,
        "WITH due AS MATERIALIZED (SELECT id FROM work WHERE step = :step AND dead_at IS NULL"
        " AND run_at <= now() ORDER BY run_at, id LIMIT :limit FOR UPDATE SKIP LOCKED)"
        " UPDATE work SET attempts = attempts + 1,"
        " run_at = now() + make_interval(secs => :lease_s),"
        " dead_at = CASE WHEN attempts >= :leases_max THEN now() END,"
        " error = CASE WHEN attempts >= :leases_max THEN :ran_out ELSE error END"
        " FROM due WHERE work.id = due.id"
        " RETURNING work.id, work.step, work.ids, work.attempts, work.event, work.dead_at",
        step=step,
        limit=limit,
        lease_s=lease_s,
        leases_max=LEASES_MAX,
        ran_out=LEASE_RAN_OUT,
    )
    return sorted(Work._make(row[:-1]) for row in rows if row.dead_at is None)


async def acknowledge(conn: AsyncConnection, done: Sequence[Work]) -> set[int]:
    """Delete leased rows whose lease is still ours and return their ids.

    The caller writes effects for those alone: a lease that ran out may be somebody else's by now.
    """
    rows = await fetch(
        conn,
        "DELETE FROM work USING unnest(CAST(:ids AS bigint[]), CAST(:attempts AS smallint[]))"
        " AS ours(id, attempts) WHERE work.id = ours.id AND work.attempts = ours.attempts"
        " RETURNING work.id",
        ids=[w.id for w in done],
        attempts=[w.attempts for w in done],
    )
    return {row.id for row in rows}


async def postpone(conn: AsyncConnection, failed: Sequence[Work], error: str) -> None:
    """Try again later, or after `ATTEMPTS_MAX` tries stop visibly; the error is kept, cut short."""
    await run(
        conn,
        "UPDATE work SET attempts = ours.attempts, error = :error,"
        " run_at = now() + make_interval(secs => least(:first * power(2, ours.attempts),"
        " :longest)),"
        " dead_at = CASE WHEN ours.attempts >= :attempts_max THEN now() END"
        " FROM unnest(CAST(:ids AS bigint[]), CAST(:attempts AS smallint[])) AS ours(id, attempts)"
        " WHERE work.id = ours.id AND work.attempts <= ours.attempts",
        ids=[w.id for w in failed],
        attempts=[w.attempts for w in failed],
        error=error.replace("\x00", "")[:ERROR_LENGTH_MAX],
        attempts_max=ATTEMPTS_MAX,
        first=BACKOFF_FIRST_S,
        longest=BACKOFF_MAX_S,
    )


async def release(conn: AsyncConnection, kept: Sequence[Work]) -> None:
    """Give leases back that are still ours, due at once; the attempt number stays used up."""
    await run(
        conn,
        "UPDATE work SET run_at = now()"
        " FROM unnest(CAST(:ids AS bigint[]), CAST(:attempts AS smallint[])) AS ours(id, attempts)"
        " WHERE work.id = ours.id AND work.attempts = ours.attempts",
        ids=[w.id for w in kept],
        attempts=[w.attempts for w in kept],
    )
    await run(conn, f"NOTIFY {CHANNEL}")


async def prolong(conn: AsyncConnection, kept: Sequence[Work], *, lease_s: float) -> set[int]:
    """Hold leases for another `lease_s` seconds; gives the ids of those that are still ours."""
    rows = await fetch(
        conn,
        "UPDATE work SET run_at = now() + make_interval(secs => :lease_s)"
        " FROM unnest(CAST(:ids AS bigint[]), CAST(:attempts AS smallint[])) AS ours(id, attempts)"
        " WHERE work.id = ours.id AND work.attempts = ours.attempts RETURNING work.id",
        ids=[w.id for w in kept],
        attempts=[w.attempts for w in kept],
        lease_s=lease_s,
    )
    return {row.id for row in rows}


async def dead_letters(
    conn: AsyncConnection, *, after: int = 0, limit: int = 50
) -> Sequence[Row[Any]]:
    """Rows that were given up, oldest first: id, step, event, ids, attempts, dead_at, error."""
    return await fetch(
        conn,
        "SELECT id, step, event, ids, attempts, dead_at, error FROM work"
        " WHERE dead_at IS NOT NULL AND id > :after ORDER BY id LIMIT :limit",
        after=after,
        limit=limit,
    )


async def replay(conn: AsyncConnection, ids: Sequence[int]) -> int:
    """Put dead rows back to work, due now; an id that is not dead is left alone."""
    count = await run(
        conn,
        "UPDATE work SET dead_at = NULL, attempts = 0, run_at = now()"
        " WHERE id = ANY(CAST(:ids AS bigint[])) AND dead_at IS NOT NULL",
        ids=list(ids),
    )
    await run(conn, f"NOTIFY {CHANNEL}")
    return count


async def backlog(conn: AsyncConnection, step: str) -> int:
    """How many rows of work wait for `step`."""
    row = await fetch_one(
        conn,
        "SELECT count(*) AS waiting FROM work WHERE step = :step AND dead_at IS NULL",
        step=step,
    )
    return int(row.waiting) if row else 0
