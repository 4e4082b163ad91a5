"""A bell that loses its connection, whatever it was saying, listens again and rings again."""

import asyncio

from backend import bell
from backend.bell import Bell
from backend.db import fetch, run

CHANNEL = "tanhui_test"
CUTS = 40  # most cut the bell off in the middle of a word


async def cut_off(engine):
    """End every other connection of this database, as a server that restarts does."""
    async with engine.begin() as conn:
        await fetch(
            conn,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE pid <> pg_backend_pid() AND datname = current_database()",
        )


async def is_rung(engine, rung):
    async with asyncio.timeout(20):
        while not rung.is_set():
            async with engine.begin() as conn:
                await run(conn, f"NOTIFY {CHANNEL}")
            await asyncio.sleep(0.02)


async def test_a_bell_that_is_cut_off_in_the_middle_of_a_word_rings_again(engine, monkeypatch):
    monkeypatch.setattr(bell, "CONNECTION_CHECK_S", 0.0)
    monkeypatch.setattr(bell, "RECONNECT_AFTER_S", 0.01)
    ringing = Bell(engine, CHANNEL)
    task = asyncio.ensure_future(ringing.serve())
    for _ in range(CUTS):
        await cut_off(engine)
        await asyncio.sleep(0.02)
    rung = asyncio.Event()
    ringing.ring = lambda *_: rung.set()  # from its next connection on
    await cut_off(engine)
    await is_rung(engine, rung)
    assert not task.done()
    task.cancel()
    await asyncio.wait([task])
