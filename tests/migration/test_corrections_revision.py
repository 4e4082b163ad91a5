"""Corrections from the time when one operator was enough say so; undos at tills stay undos."""

from uuid import uuid4

import pytest
from alembic import command

from backend.db import fetch, make_engine, run
from backend.migrations import alembic_config, migrate
from tests.conftest import _on_server


@pytest.fixture(autouse=True)
def nothing_blocks_the_loop():
    """Alembic reads its revisions from files; `migrate` is a command that serves nobody else."""


@pytest.fixture
async def before_two_persons(server):
    """Address of a database as it was before revision 0026."""
    name = f"test_{uuid4().hex[:12]}"
    await _on_server(server, f"CREATE DATABASE {name}")
    engine = make_engine(server.url(name))
    async with engine.begin() as conn:
        await conn.run_sync(lambda sync: command.upgrade(alembic_config(sync), "0025"))
    await engine.dispose()
    yield server.url(name)
    await _on_server(server, f"DROP DATABASE {name} WITH (FORCE)")


async def undone(conn, minutes, who):
    await run(
        conn,
        "WITH settled AS (INSERT INTO settlement (id, voucher_id, merchant_id, reward_id, points,"
        " settled_by, settled_at) VALUES (uuidv7(), uuidv7(), uuidv7(), uuidv7(), 30, 'cashier',"
        " now()) RETURNING *) INSERT INTO settlement_undo (settlement_id, id, merchant_id, points,"
        " reason, undone_by, undone_at) SELECT id, uuidv7(), merchant_id, points, '错', :who,"
        " settled_at + make_interval(mins => :minutes) FROM settled",
        minutes=minutes,
        who=who,
    )


async def test_earlier_corrections_keep_their_single_operator(before_two_persons):
    engine = make_engine(before_two_persons)
    async with engine.begin() as conn:
        await undone(conn, 10, "cashier")
        await undone(conn, 11, "op")
    await engine.dispose()
    await migrate(before_two_persons)
    engine = make_engine(before_two_persons)
    async with engine.connect() as conn:
        rows = await fetch(
            conn,
            "SELECT proposed_by, decided_by, outcome, points, is_by_one FROM settlement_correction",
        )
    await engine.dispose()
    assert [tuple(row) for row in rows] == [("op", None, "done", 30, True)]
