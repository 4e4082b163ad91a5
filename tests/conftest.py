"""Fixtures: `conn` is rolled back, `engine` is a database of its own."""

import asyncio
import atexit
import os
import shutil
import tempfile
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
SERVER_FOLDER = "TESTS_SERVER_FOLDER"
MEMORY = Path("/dev/shm")
MEMORY_BYTES_MIN = 4 * 2**30  # the log stays below 1 GB, two clones of 12 MB are there at a time
PASSWORD_FILE = {"_read_password_file", "_parse_connect_dsn_and_args"}


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


def pytest_configure(config):
    """One folder for the server of this run; pytest's own would go away under a second run."""
    if not hasattr(config, "workerinput"):
        folder = tempfile.mkdtemp(prefix="tanhui-tests-", dir=_memory())
        os.environ[SERVER_FOLDER] = folder
        # Registered before the server's own farewell, so it runs after it.
        atexit.register(shutil.rmtree, folder, ignore_errors=True)


def _memory():
    """A folder in memory where there is room: a clone is a thousand files: 0.03 s, not 0.4 s."""
    has_room = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= MEMORY_BYTES_MIN
    return MEMORY if has_room and os.access(MEMORY, os.W_OK) else None


@pytest.fixture(scope="session")
def server():
    folder = Path(os.environ[SERVER_FOLDER])
    with InterProcessLock(folder / "server.lock"):
        running = EmbeddedServer(folder / "pg", durable=False)
        ready = folder / "template-ready"
        if not ready.exists():
            asyncio.run(_make_template(running))
            ready.touch()
    return running


async def _make_template(running):
    await on_server(running, f"CREATE DATABASE {TEMPLATE}")
    await migrate(running.url(TEMPLATE))


async def on_server(running, statement):
    admin = create_async_engine(running.url("postgres"), isolation_level="AUTOCOMMIT")
    async with admin.connect() as connection:
        await connection.execute(text(statement))
    await admin.dispose()


@pytest.fixture
async def database(server):
    name = f"test_{uuid4().hex[:12]}"
    await on_server(server, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY file_copy")
    yield name
    await on_server(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def engine(server, database):
    # Twice the usual: the test asks beside a service that is just starting on a busy machine.
    made = make_engine(server.url(database, APPLICATION_ROLE), pool_size=24)
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
