"""Fixtures: `conn` is rolled back, `engine` is a database of its own."""

import asyncio
import itertools
import os
import warnings
from pathlib import Path
from uuid import uuid4

import pytest
from blockbuster import blockbuster_ctx
from fasteners import InterProcessLock
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

# The embedded server's package warns at import, before pytest filters.
warnings.simplefilter("ignore")
from backend.db import APPLICATION_ROLE, make_engine  # noqa: E402
from backend.embedded import EmbeddedServer  # noqa: E402
from backend.migrations import migrate  # noqa: E402

TEMPLATE = "tanhui_template"
PASSWORD_FILE = {"_read_password_file", "_parse_connect_dsn_and_args"}
_numbers = itertools.count()


@pytest.fixture(autouse=True)
def no_setting_of_this_machine(monkeypatch):
    for name in [name for name in os.environ if name.startswith("TANHUI_")]:
        monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def nothing_blocks_the_loop():
    with blockbuster_ctx(scanned_modules=["backend", "scoring"]) as blockbuster:
        # The driver looks for a password file once per connection; it is on the local disk.
        for function in ("os.stat", "io.TextIOWrapper.read", "io.BufferedReader.read"):
            if function in blockbuster.functions:
                blockbuster.functions[function].can_block_in(
                    "asyncpg/connect_utils.py", PASSWORD_FILE
                )
        yield


@pytest.fixture(scope="session")
def server(tmp_path_factory, worker_id):
    base = tmp_path_factory.getbasetemp()
    shared = base if worker_id == "master" else base.parent
    with InterProcessLock(shared / "server.lock"):
        running = EmbeddedServer(shared / "pg", durable=False)
        ready = shared / "template-ready"
        if not ready.exists():
            asyncio.run(_make_template(running))
            ready.touch()
    return running


async def _make_template(running):
    await _on_server(running, f"CREATE DATABASE {TEMPLATE}")
    await migrate(running.url(TEMPLATE))


async def _on_server(running, statement):
    admin = create_async_engine(running.url("postgres"), isolation_level="AUTOCOMMIT")
    async with admin.connect() as connection:
        await connection.execute(text(statement))
    await admin.dispose()


@pytest.fixture
async def database(server):
    name = f"test_{uuid4().hex[:12]}"
    await _on_server(server, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    yield name
    await _on_server(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def engine(server, database):
    made = make_engine(server.url(database, APPLICATION_ROLE))
    yield made
    await made.dispose()


@pytest.fixture
async def conn(engine):
    async with engine.connect() as connection:
        yield connection
        await connection.rollback()


@pytest.fixture(scope="session")
def photos():
    folder = Path(__file__).parents[2] / "shared" / "photos"
    if not folder.is_dir():
        pytest.skip("needs ../shared/photos, which this checkout does not have beside it")
    return folder
