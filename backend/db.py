"""The one database: metadata for all rooms' tables, the engine, and how statements are run.

Rooms write plain SQL in `queries.py`; the tables here and there exist for migrations and their
constraints. Whoever takes a `conn` takes part in a transaction; only `batches` and the processor
begin a write.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from functools import cache
from typing import Any

import msgspec
from asyncpg.exceptions import PostgresError
from sqlalchemy import MetaData, Row, TextClause, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

APPLICATION_ROLE = "tanhui_app"
POSTGRESQL_MIN = 180_000  # uuidv7(), and one dialect to think about

POOL_SIZE = 8  # commit-bound work: on two cores more connections only queue inside the server
POOL_OVERFLOW = 8  # readers during a burst of writes
POOL_TIMEOUT_S = 2.0  # then 503: a queue that grows helps nobody
COMMAND_TIMEOUT_S = 20.0  # without one, a silent network cut hangs for ever

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def make_engine(
    url: str,
    *,
    pool_size: int = POOL_SIZE,
    server_settings: Mapping[str, str] | None = None,
    **options: Any,
) -> AsyncEngine:
    """An engine at READ COMMITTED; every lock order in this code base assumes that level.

    Args:
        url: Address of the database.
        pool_size: Connections that are kept; as many again may be made.
        server_settings: Of each session, in place of the server's own.
        options: Further ones of SQLAlchemy.
    """
    return create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=POOL_OVERFLOW,
        pool_timeout=POOL_TIMEOUT_S,
        pool_pre_ping=True,
        json_deserializer=msgspec.json.decode,
        connect_args={
            "command_timeout": COMMAND_TIMEOUT_S,
            "server_settings": {
                "application_name": "tanhui",
                # Batches are many small probes; compiling them costs more than running them.
                "jit": "off",
                **(server_settings or {}),
            },
        },
        **options,
    )


@cache
def _clause(sql: str) -> TextClause:
    """Statements are constants of this code, so each is parsed once."""
    return text(sql)


async def fetch(conn: AsyncConnection, sql: str, **values: Any) -> Sequence[Row[Any]]:
    """All rows of one statement with `:name` parameters; arrays are cast in the SQL."""
    return (await conn.execute(_clause(sql), values)).all()


async def fetch_one(conn: AsyncConnection, sql: str, **values: Any) -> Row[Any] | None:
    """The first row of one statement, or None."""
    return (await conn.execute(_clause(sql), values)).first()


async def clock(conn: AsyncConnection, clock_shift_s: int) -> datetime:
    """The database's time at this moment, the only one that decides."""
    row = await fetch_one(
        conn, "SELECT clock_timestamp() + make_interval(secs => :shift) AS now", shift=clock_shift_s
    )
    assert row is not None, "a SELECT without FROM has a row"
    now: datetime = row.now
    return now


async def run(conn: AsyncConnection, sql: str, **values: Any) -> int:
    """Run one statement and say how many rows it touched."""
    return (await conn.execute(_clause(sql), values)).rowcount


async def copy_rows(
    conn: AsyncConnection, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]
) -> None:
    """Insert rows by COPY in the transaction of `conn`; a broken constraint is a `DBAPIError`."""
    if not rows:
        return
    raw: Any = (await conn.get_raw_connection()).driver_connection
    try:
        await raw.copy_records_to_table(table, columns=columns, records=rows)
    except PostgresError as error:
        raise DBAPIError(f"COPY {table}", None, error) from error


@asynccontextmanager
async def snapshot(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A connection on which every statement sees one moment, and none can write."""
    async with engine.connect() as conn:
        yield await conn.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )


async def assert_safe(conn: AsyncConnection, *, durable: bool = True) -> None:
    """Refuse a server that is too old or that acknowledges before it has stored.

    Raises:
        SystemExit: Says which setting to change. Losing acknowledged credits is worse than not
            starting.
    """
    rows = await fetch(
        conn,
        "SELECT name, setting FROM pg_settings WHERE name IN ('server_version_num', 'fsync',"
        " 'synchronous_commit', 'full_page_writes')",
    )
    found: Mapping[str, str] = {row.name: row.setting for row in rows}
    if int(found["server_version_num"]) < POSTGRESQL_MIN:
        raise SystemExit("PostgreSQL 18 or newer is needed; see docs/how-to/database.md.")
    unsafe = [
        name for name in ("fsync", "synchronous_commit", "full_page_writes") if found[name] == "off"
    ]
    if durable and unsafe:
        raise SystemExit(
            f"PostgreSQL runs with {unsafe[0]} = off: turn it on, or credits can be lost."
        )
