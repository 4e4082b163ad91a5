"""Each check sees the one thing that it is for: broken as the owner, found, rolled back."""

import asyncio
import json
import os

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from backend.db import APPLICATION_ROLE, fetch_one, make_engine
from backend.settings import Settings
from backend.verify import CHECKS, check_invariants, verify_database
from backend.verify.examination import snapshot
from tests.busy_database import fill
from tests.conftest import TEMPLATE, on_server
from tests.mutations import MUTATIONS

BUSY = f"test_busy_{os.getpid()}"  # each process of a run fills its own


@pytest.fixture(scope="module")
def busy(server):
    async def make():
        await on_server(server, f"CREATE DATABASE {BUSY} TEMPLATE {TEMPLATE}")
        engine = make_engine(server.url(BUSY, APPLICATION_ROLE))
        await fill(engine)
        await engine.dispose()

    asyncio.run(make())
    yield BUSY
    asyncio.run(on_server(server, f"DROP DATABASE {BUSY} WITH (FORCE)"))


@pytest.fixture
async def books(server, busy):
    made = make_engine(server.url(busy, APPLICATION_ROLE))
    yield made
    await made.dispose()


@pytest.fixture
async def owner(server, busy):
    made = make_engine(server.url(busy))
    async with made.connect() as conn:
        yield conn
        await conn.rollback()
    await made.dispose()


async def test_everything_has_happened_in_the_busy_database(owner):
    row = await fetch_one(
        owner,
        "SELECT (SELECT count(*) FROM credit) > 300 AS credits,"
        " EXISTS (SELECT FROM reversal) AS reversals,"
        " EXISTS (SELECT FROM check_in WHERE status = 'reversed') AS withdrawn,"
        " EXISTS (SELECT FROM hold) AS holds,"
        " EXISTS (SELECT FROM account_delta) AS deltas,"
        " EXISTS (SELECT FROM account WHERE points_debt > 0) AS debts,"
        " EXISTS (SELECT FROM transfer WHERE purpose = 'repay') AS repaid,"
        " EXISTS (SELECT FROM transfer WHERE purpose = 'claw_back') AS clawed_back,"
        " EXISTS (SELECT FROM transfer WHERE purpose = 'settle') AS settled,"
        " EXISTS (SELECT FROM credit WHERE points_reason = 'points_queued') AS short,"
        " EXISTS (SELECT FROM pending_points) AS queued,"
        " EXISTS (SELECT FROM work WHERE step = 'report') AS pending,"
        " EXISTS (SELECT FROM daily_total) AS totals",
    )
    assert [name for name, there in row._mapping.items() if not there] == []


async def test_a_busy_database_has_no_breach(books):
    assert await check_invariants(books) == []


async def test_an_empty_database_has_no_breach(conn):
    assert await check_invariants(conn) == []


@pytest.mark.parametrize("mutation", MUTATIONS.values(), ids=MUTATIONS.keys())
async def test_what_is_broken_is_found_by_its_own_check(owner, mutation):
    name, statements, *also = mutation
    for statement in statements.split(";"):
        await owner.execute(text(statement.replace(":", "\\:")))
    findings = await check_invariants(owner)
    assert {each.name for each in findings} == {name, *also}
    assert all(each.count >= 1 and 1 <= len(each.examples) <= 10 for each in findings)


def test_each_check_is_broken_by_some_mutation():
    assert {each[0] for each in MUTATIONS.values()} == {
        *(c.name for c in CHECKS),
        "priced",
        "recomputed",
    }


async def test_only_ten_examples_are_shown_of_many_breaches(owner):
    await owner.execute(text("UPDATE credit SET unrounded = '0.5'"))
    await owner.execute(text("DELETE FROM claim"))
    findings = {each.name: each for each in await check_invariants(owner)}
    assert [len(each.examples) for each in findings.values()] == [10, 10]
    assert all(each.count > 100 for each in findings.values())


async def test_a_snapshot_does_not_see_what_commits_after_it_began_and_cannot_write(engine):
    async with snapshot(engine) as conn:
        before = await fetch_one(conn, "SELECT sum(budget) AS budget FROM fund")
        async with engine.begin() as other:
            await other.execute(text("UPDATE fund SET budget = budget + 5"))
        after = await fetch_one(conn, "SELECT sum(budget) AS budget FROM fund")
        assert before == after
        with pytest.raises(DBAPIError, match="read-only"):
            await conn.execute(text("UPDATE fund SET budget = 0"))


@pytest.fixture
def settings(server, busy, tmp_path):
    return Settings(data_dir=tmp_path, database_url=server.url(busy, APPLICATION_ROLE))


def test_the_command_says_yes_in_words_and_in_json(settings, capsys):
    assert verify_database(settings, as_json=False) == 0
    words = capsys.readouterr().out
    assert words.count("✓") == len(CHECKS) + 2
    assert "全部成立" in words
    assert verify_database(settings, as_json=True) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["ok"] is True
    assert answer["rows"]["credit"] > 300
    assert [check["name"] for check in answer["checks"]][-1] == "recomputed"


def test_the_command_exits_with_one_and_names_the_breach(server, settings, capsys):
    def change(statement):
        async def execute():
            engine = make_engine(server.url(BUSY))
            async with engine.begin() as conn:
                await conn.execute(text(statement))
            await engine.dispose()

        asyncio.run(execute())

    change("UPDATE fund SET budget = budget + 1")
    try:
        assert verify_database(settings, as_json=True) == 1
        answer = json.loads(capsys.readouterr().out)
        assert verify_database(settings, as_json=False) == 1
    finally:
        change("UPDATE fund SET budget = budget - 1")
    broken = [check for check in answer["checks"] if not check["ok"]]
    assert [(check["name"], check["count"]) for check in broken] == [("funds_spent", 1)]
    assert "✗ 1 funds_spent" in capsys.readouterr().out
