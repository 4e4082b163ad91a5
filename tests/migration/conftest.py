"""Databases whose schema is a test's own business: without one, or at an earlier revision."""

from uuid import uuid4

import pytest
from alembic import command

from backend.db import make_engine
from backend.migrations import alembic_config
from tests.conftest import on_server


@pytest.fixture(autouse=True)
def nothing_blocks_the_loop():
    """Alembic reads its revisions from files; `migrate` is a command that serves nobody else."""


@pytest.fixture
async def empty(server):
    """Address of a database without a schema, for the owner."""
    name = f"test_{uuid4().hex[:12]}"
    await on_server(server, f"CREATE DATABASE {name}")
    yield server.url(name)
    await on_server(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database_at(empty):
    """Bring the empty database to a revision, and give its address."""

    async def upgrade(revision):
        engine = make_engine(empty)
        async with engine.begin() as conn:
            await conn.run_sync(lambda sync: command.upgrade(alembic_config(sync), revision))
        await engine.dispose()
        return empty

    return upgrade
