"""Photos per second with one worker, against a bare loop of the same decode, encode and inference.

One worker is one core: our sanitising and scoring processes are pinned to the core on which the
bare loop runs, and everything else (event loop, database) to the other cores. So the ratio says how
much of a core's photo work is left when uploads, evidence, the work table, fingerprints, neighbour
search and credits stand around it. Where cores cannot be pinned, the result says so.
"""

import argparse
import asyncio
import multiprocessing
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import uvloop
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.batches import Batcher
from backend.bell import Bell
from backend.campaigns.domain import PROGRAMME_FUND
from backend.campaigns.queries import top_up
from backend.checkins.queries import OUTCOME_CHANNEL
from backend.checkins.waiting import OutcomeWaiters
from backend.crediting.steps import Rulebook
from backend.db import copy_rows, fetch, make_engine
from backend.evidence_store import EvidenceStore
from backend.http.forms import Form
from backend.ids import uuid7
from backend.intake.domain import Capture, Photo, Received
from backend.intake.photos import write_photos
from backend.intake.queries import insert_captures
from backend.intake.uploads import Uploads
from backend.outbox import CHANNEL
from backend.processor import SCORE_BATCH, Processor
from backend.workers import Workers
from benchmarks.credit import WrongEffect
from benchmarks.lab import Lab, alternate, compare, open_lab
from benchmarks.pictures import HD, LARGE, SMALL, TWELVE_MP, photo
from scoring.methodology import load_catalogue
from scoring.photo import sanitise
from scoring.plate import PlateRecogniser

DATABASE = "ours"
UPLOADS_AT_ONCE = 16  # half of what the API takes; enough to keep one worker busy
ROUND_S_MAX = 300.0
FUND_POINTS = 1_000_000
SECRET = b"\x07" * 32
# A round starts from empty tables, so that the same photos are new again.
EMPTY = "TRUNCATE check_in, score, photo_fingerprint, near_match, claim, capture, work CASCADE"


def pin(process_id: int, cores: set[int]) -> None:
    """Keep all threads of a process on some cores, where the system can do that."""
    if not hasattr(os, "sched_setaffinity"):
        return
    with suppress(OSError):
        for thread in Path(f"/proc/{process_id}/task").iterdir():
            os.sched_setaffinity(int(thread.name), cores)


@dataclass(frozen=True, slots=True)
class Cores:
    """Which core works on photos, and which do the rest."""

    worker: set[int]
    rest: set[int]

    @classmethod
    def of_this_machine(cls) -> "Cores":
        """The last core works, if there is another one for the rest."""
        known = getattr(os, "sched_getaffinity", lambda _: {0})(0)
        last = {max(known)}
        return cls(last, known - last or last)

    @property
    def are_apart(self) -> bool:
        """Whether the worker has a core of its own."""
        return self.worker != self.rest


def loop_bare(photos: Sequence[bytes], worker: set[int], answer: Any) -> None:
    """The rival, in a process of its own: seconds for all but the first, eight at a time."""
    pin(os.getpid(), worker)
    recogniser = PlateRecogniser.load()
    recogniser.score([sanitise(photos[0]).jpeg])
    began = time.perf_counter()
    for start in range(1, len(photos), SCORE_BATCH):
        recogniser.score([sanitise(data).jpeg for data in photos[start : start + SCORE_BATCH]])
    answer.put(time.perf_counter() - began)


@dataclass(frozen=True, slots=True)
class Bare:
    """The rival."""

    photos: Sequence[bytes]
    cores: Cores

    def measure(self, _: int) -> float:
        """Photos per second of one round."""
        context = multiprocessing.get_context("spawn")
        answer = context.Queue()
        process = context.Process(
            target=loop_bare, args=(self.photos, self.cores.worker, answer), daemon=True
        )
        process.start()
        seconds: float = answer.get(timeout=ROUND_S_MAX)
        process.join()
        return (len(self.photos) - 1) / seconds


@dataclass(frozen=True, slots=True)
class Whole:
    """Our side, from the bytes of an upload to its outcome; HTTP alone is left out."""

    lab: Lab
    url: str
    photos: Sequence[bytes]
    cores: Cores

    def measure(self, _: int) -> float:
        """Photos per second of one round."""
        self.lab.administer(DATABASE, EMPTY, "CHECKPOINT")
        return (len(self.photos) - 1) / uvloop.run(self._run())

    async def prepare(self) -> None:
        """Fill the fund."""
        engine = make_engine(self.url)
        async with engine.begin() as conn:
            await top_up(conn, PROGRAMME_FUND, FUND_POINTS)
        await engine.dispose()

    async def _run(self) -> float:
        engine = make_engine(self.url)
        captures = await _captures(engine, len(self.photos))
        rules = Rulebook(load_catalogue(), SECRET)
        store = EvidenceStore(self.lab.folder / "evidence")
        work_bell, outcome_bell = Bell(engine, CHANNEL), Bell(engine, OUTCOME_CHANNEL)
        photos: Batcher[Photo, Received] = Batcher(engine, partial(write_photos, rules=rules))
        waiters = OutcomeWaiters(engine, outcome_bell)
        async with Workers(1) as workers, asyncio.TaskGroup() as group:
            await self._pin_workers(workers)
            processor = Processor(engine, work_bell, workers, store, rules)
            parts = (work_bell, outcome_bell, photos, waiters, processor)
            beside = [group.create_task(part.serve()) for part in parts]
            phones = Phones(Uploads(engine, workers, store), photos, waiters)
            async with asyncio.timeout(ROUND_S_MAX):
                await phones.send(captures[:1], self.photos[:1])
                began = time.perf_counter()
                await phones.send(captures[1:], self.photos[1:])
            seconds = time.perf_counter() - began
            for task in beside:
                task.cancel()
        await _check(engine, len(self.photos))
        await engine.dispose()
        return seconds

    async def _pin_workers(self, workers: Workers) -> None:
        """Start both processes, then give them their core; all others keep off it."""
        evidence = await workers.sanitise(self.photos[0])
        await workers.score([evidence.jpeg])
        pin(os.getpid(), self.cores.rest)
        pin(self.lab.server.postmaster_pid, self.cores.rest)
        for child in multiprocessing.active_children():
            if child.pid is not None:
                pin(child.pid, self.cores.worker)


@dataclass(frozen=True, slots=True)
class Phones:
    """Members who upload and wait for their outcomes, a few at a time."""

    uploads: Uploads
    photos: Batcher[Photo, Received]
    waiters: OutcomeWaiters

    async def send(self, captures: Sequence[Capture], photos: Sequence[bytes]) -> None:
        """Send all photos; returns when the last one has its outcome."""
        free = asyncio.Semaphore(UPLOADS_AT_ONCE)

        async def send_one(capture: Capture, data: bytes) -> None:
            form = Form({"capture": str(capture.id).encode(), "photo": data})
            async with free:
                received = await self.photos.submit(
                    await self.uploads.receive(capture.account_id, form)
                )
            assert await self.waiters.wait(received.check_in_id, ROUND_S_MAX)

        async with asyncio.TaskGroup() as group:
            for capture, data in zip(captures, photos, strict=True):
                group.create_task(send_one(capture, data))


async def _captures(engine: AsyncEngine, count: int) -> list[Capture]:
    """As many members as photos, each with a capture made just now."""
    now = datetime.now(UTC)
    made = [
        Capture(uuid7(), account_id, "clean_plate", now, "330100", f"{now.date()}/lunch")
        for account_id in (uuid7() for _ in range(count))
    ]
    rows: list[tuple[UUID, str]] = [(each.account_id, "member") for each in made]
    async with engine.begin() as conn:
        await copy_rows(conn, "account", ("id", "kind"), rows)
        await insert_captures(conn, made)
    return made


async def _check(engine: AsyncEngine, count: int) -> None:
    async with engine.connect() as conn:
        rows = await fetch(
            conn,
            "SELECT count(*) AS photos, count(*) FILTER (WHERE status IN ('received', 'scored'))"
            " AS left_over, (SELECT count(*) FROM score) AS scores FROM check_in",
        )
    found = tuple(rows[0])
    if found != (count, 0, count):
        raise WrongEffect(f"{found} instead of {(count, 0, count)}")


def main(argv: Sequence[str]) -> int:
    options = _parser().parse_args(argv)
    size, about, usual = (TWELVE_MP, LARGE, 96) if options.large else (HD, SMALL, 320)
    count = options.photos or usual
    # The first photo of a round finds connections, statements and the model cold, on both sides.
    photos = [photo(number, size, about) for number in range(count + 1)]
    cores = Cores.of_this_machine()
    with open_lab() as lab:
        ours = Whole(lab, lab.make_database(DATABASE), photos, cores)
        uvloop.run(ours.prepare())
        found = alternate(ours.measure, Bare(photos, cores).measure, options.rounds)
    ran = {
        "rounds": options.rounds,
        "photos_per_round": count,
        "pixels": size,
        "bytes_mean": sum(map(len, photos)) // len(photos),
        "uploads_at_once": UPLOADS_AT_ONCE,
        "worker_core_apart": cores.are_apart,
        "rival": "sanitise and score in one process, batches of 8, the same core",
    }
    compare("photo", *found, unit="photos/s", ran=ran)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tanhui bench photo", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--photos", type=int, help="per side and round; 320, or 96 of 12 MP")
    parser.add_argument("--large", action="store_true", help="12 MP of about 4 MB instead of 1080p")
    parser.add_argument("--json", action="store_true", help="accepted; the last line always is")
    return parser
