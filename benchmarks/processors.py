"""Processors of the `credit` benchmark, each a process of its own.

Run as `python -m benchmarks.processors URL`; prints one line when it looks for work, and acts on it
until SIGTERM.
"""

import asyncio
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvloop

from backend.bell import Bell
from backend.crediting.steps import Rulebook
from backend.db import make_engine
from backend.evidence_store import EvidenceStore
from backend.outbox import CHANNEL
from backend.processor import Processor
from backend.serving import configure_logs, spare_garbage_collector
from backend.workers import Workers
from scoring.methodology import load_catalogue

SECRET = b"\x07" * 32
STOP_S_MAX = 20.0


@contextmanager
def running_processors(url: str, count: int) -> Iterator[None]:
    """Keep `count` processors at work on the database at `url`."""
    command = [sys.executable, "-m", "benchmarks.processors", url]
    with tempfile.TemporaryDirectory() as folder:
        started = [
            subprocess.Popen([*command, folder], stdout=subprocess.PIPE, text=True)  # noqa: S603
            for _ in range(count)
        ]
        try:
            for each in started:
                assert each.stdout is not None
                each.stdout.readline()
            yield
        finally:
            for each in started:
                each.terminate()
            for each in started:
                each.wait(STOP_S_MAX)


async def act(url: str, folder: Path) -> None:
    """Act on work as `tanhui processor` does, without a model: no photo waits here."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    engine = make_engine(url)
    bell = Bell(engine, CHANNEL)
    rules = Rulebook(load_catalogue(), SECRET)
    async with Workers(1) as workers, asyncio.TaskGroup() as group:
        processor = Processor(engine, bell, workers, EvidenceStore(folder), rules)
        beside = [group.create_task(bell.serve()), group.create_task(processor.serve())]
        print("looking", flush=True)
        await stop.wait()
        for task in beside:
            task.cancel()
    await engine.dispose()


if __name__ == "__main__":
    configure_logs()
    spare_garbage_collector()
    uvloop.run(act(sys.argv[1], Path(sys.argv[2])))
