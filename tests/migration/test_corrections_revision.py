"""Corrections from the time when one operator was enough say so; undos at tills stay undos."""

from backend.db import fetch, make_engine, run
from backend.migrations import migrate


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


async def test_earlier_corrections_keep_their_single_operator(database_at):
    address = await database_at("0025")
    engine = make_engine(address)
    async with engine.begin() as conn:
        await undone(conn, 10, "cashier")
        await undone(conn, 11, "op")
    await engine.dispose()
    await migrate(address)
    engine = make_engine(address)
    async with engine.connect() as conn:
        rows = await fetch(
            conn,
            "SELECT proposed_by, decided_by, outcome, points, is_by_one FROM settlement_correction",
        )
    await engine.dispose()
    assert [tuple(row) for row in rows] == [("op", None, "done", 30, True)]
