"""What was stopped before there were reviewers comes into the queue, or can be appealed."""

from datetime import timedelta
from uuid import uuid4

import pytest
from alembic import command

from backend.db import fetch, make_engine, run
from backend.migrations import alembic_config, migrate
from tests.conftest import _on_server

REJECTED = ("leftovers", "no_plate", "meal_already_counted")


@pytest.fixture(autouse=True)
def nothing_blocks_the_loop():
    """Alembic reads its revisions from files; `migrate` is a command that serves nobody else."""


@pytest.fixture
async def before_reviews(server):
    """Address of a database as it was before revision 0003."""
    name = f"test_{uuid4().hex[:12]}"
    await _on_server(server, f"CREATE DATABASE {name}")
    engine = make_engine(server.url(name))
    async with engine.begin() as conn:
        await conn.run_sync(lambda sync: command.upgrade(alembic_config(sync), "0002"))
    await engine.dispose()
    yield server.url(name)
    await _on_server(server, f"DROP DATABASE {name} WITH (FORCE)")


async def stop(conn, status, reason):
    await run(
        conn,
        "INSERT INTO check_in (id, account_id, action, status, reason, tier, reported_by, region,"
        " occurred_at, received_at, stopped_at, quantities, natural_key, evidence_sha256)"
        " VALUES (uuidv7(), uuidv7(), 'clean_plate', :status, :reason, 'documented', 'member',"
        " '330100', now(), now(), now(), '{}', :reason, 'x')",
        status=status,
        reason=reason,
    )


async def test_the_first_version_keeps_its_stopped_photos(before_reviews):
    engine = make_engine(before_reviews)
    async with engine.begin() as conn:
        await stop(conn, "in_review", "uncertain")
        for reason in REJECTED:
            await stop(conn, "rejected", reason)
    await engine.dispose()
    await migrate(before_reviews)
    engine = make_engine(before_reviews)
    async with engine.connect() as conn:
        rows = await fetch(
            conn,
            "SELECT reason, in_review_since = stopped_at, appeal_until - stopped_at,"
            " evidence_until - stopped_at FROM check_in",
        )
    await engine.dispose()
    week, kept = timedelta(days=7), timedelta(hours=22)
    assert {row[0]: tuple(row[1:]) for row in rows} == {
        "uncertain": (True, None, None),
        "leftovers": (None, week, None),
        "no_plate": (None, kept, kept),
        "meal_already_counted": (None, None, None),
    }
