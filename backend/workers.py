"""Processes for what decodes strangers' bytes or computes for long: sanitising and scoring.

A decoder that crashes, hangs or eats memory takes its process along and nothing else. Each kind of
work has a pool of its own, so that a batch of eight photos in the model never delays an upload.
Rooms stay ignorant of this: to them a worker is an awaitable.
"""

import asyncio
import multiprocessing
import os
import resource
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from backend.errors import DomainError
from scoring.model_card import load_checked
from scoring.photo import PhotoUnreadable, SanitisedPhoto, sanitise

if TYPE_CHECKING:
    # The API process and the sanitising workers never load the model's libraries.
    from scoring.plate import PlateRecogniser, PlateScore

SANITISE_S_MAX: Final = 5.0  # 40 MP take 0.5 s on a slow core; what takes longer is made to
SCORE_S_MAX: Final = 30.0  # eight photos take 0.3 s; this is for a machine that is out of memory
START_S_MAX: Final = 60.0  # a first start reads 60 MB of libraries, from a cold disk at worst
# Decoding 40 MP needs about 0.5 GB and the model 0.3 GB; the rest is address space that numerical
# libraries reserve per core without using it.
ADDRESS_SPACE_BYTES_MAX: Final = 8 * 2**30

Result = TypeVar("Result")


class WorkerDied(Exception):
    """The process that did this call, alone and at the second attempt, died or took too long."""


class WorkersUnavailable(DomainError):
    """No process can be started to look at the photo; the same request may succeed later."""


class Workers:
    """`count` processes for sanitising and as many for scoring, started when first needed.

    Use as `async with`: leaving ends the processes.
    """

    def __init__(self, count: int, model_path: Path | None = None) -> None:
        """Prepare; the packaged model is used when no path is given."""
        self._model_path = model_path
        self._sanitising = _Pool(count, SANITISE_S_MAX, _limit_process)
        self._scoring = _Pool(count, SCORE_S_MAX, partial(_prepare_scoring, model_path))

    async def __aenter__(self) -> Self:
        """Nothing is started yet."""
        return self

    async def __aexit__(self, *error: object) -> None:
        """End the processes."""
        await self.close()

    async def sanitise(self, data: bytes) -> SanitisedPhoto:
        """Turn an upload into evidence.

        Raises:
            PhotoUnreadable: It is not one acceptable photo; `broken` also when decoding it takes
                more than `SANITISE_S_MAX` or kills its process.
            WorkersUnavailable: No process can be started; the photo is not to blame.
        """
        try:
            return await self._sanitising.call(sanitise, data)
        except (WorkerDied, TimeoutError) as error:
            raise PhotoUnreadable("broken") from error

    async def score(self, jpegs: Sequence[bytes]) -> "list[PlateScore | PhotoUnreadable]":
        """Score stored evidence, in order; what cannot be decoded is a value in its place.

        Raises:
            WorkerDied: One of these photos kills its process.
            TimeoutError: They took more than `SCORE_S_MAX`.
            WorkersUnavailable: No process can be started, or the model does not load.
        """
        return await self._scoring.call(partial(_score, self._model_path), list(jpegs))

    async def model_sha256(self) -> str:
        """Hash of the model that scores.

        A processor asks for it when it starts, so that a wrong model stops the start and not the
        photos.

        Raises:
            ModelNotInCard: The file is missing or is not the one that its card describes.
        """
        _, card = await asyncio.to_thread(load_checked, self._model_path)
        return card.sha256

    async def close(self) -> None:
        """End the processes after the calls that they are running."""
        await self._sanitising.close()
        await self._scoring.close()


class _Pool:
    """A process pool that is made again when a process dies."""

    def __init__(
        self,
        count: int,
        seconds_max: float,
        initialise: Callable[[], None],
    ) -> None:
        self._count = count
        self._seconds_max = seconds_max
        self._initialise = initialise
        self._executor: ProcessPoolExecutor | None = None
        # No more calls than processes, so that the time limit measures work and not waiting.
        self._free = asyncio.Semaphore(count)
        self._alone = asyncio.Lock()
        self._changing = asyncio.Lock()

    async def call(self, function: Callable[[Any], Result], argument: object) -> Result:
        """Run in a process; a call whose process died is run once more, alone.

        The death of one process breaks every call of its pool. A second attempt in a process of its
        own tells the guilty call from those that were beside it.
        """
        async with self._free:
            executor, future = await self._submit(function, argument)
            try:
                return await self._answer(future)
            except TimeoutError:
                await self._forget(executor)
                raise
            except BrokenProcessPool:
                await self._forget(executor)
            async with self._alone:
                return await self._call_alone(function, argument)

    async def close(self) -> None:
        """End the processes after the calls that they are running."""
        executor, self._executor = self._executor, None
        if executor is not None:
            await _end(executor)

    async def _submit(
        self, function: Callable[[Any], Result], argument: object
    ) -> tuple[ProcessPoolExecutor, Future[Result]]:
        # Making a pool and submitting write to pipes: not in the event loop. One lock, so that
        # nothing is submitted to a pool that somebody is just giving up.
        async with self._changing:
            while True:
                executor = self._executor or await self._started()
                with suppress(BrokenProcessPool):
                    future = await asyncio.to_thread(
                        executor.submit, _timed, self._seconds_max, function, argument
                    )
                    return executor, future
                # A process died between two calls, for want of memory perhaps: nobody's fault.
                self._executor = None

    async def _answer(self, future: Future[Result]) -> Result:
        async with asyncio.timeout(self._seconds_max):
            return await asyncio.wrap_future(future)

    async def _call_alone(self, function: Callable[[Any], Result], argument: object) -> Result:
        executor = await asyncio.to_thread(self._made, 1)
        try:
            await _warm(executor, 1)
            future = await asyncio.to_thread(
                executor.submit, _timed, self._seconds_max, function, argument
            )
            return await self._answer(future)
        except BrokenProcessPool as error:
            raise WorkerDied from error
        finally:
            await _end(executor)

    async def _started(self) -> ProcessPoolExecutor:
        self._executor = await asyncio.to_thread(self._made, self._count)
        try:
            await _warm(self._executor, self._count)
        except BrokenProcessPool as error:
            self._executor = None
            raise WorkersUnavailable from error
        return self._executor

    async def _forget(self, executor: ProcessPoolExecutor) -> None:
        # Not waited for: a pool that breaks ends its other processes, and one whose process hangs
        # breaks when that process's alarm rings.
        async with self._changing:
            if self._executor is executor:
                self._executor = None
            await asyncio.to_thread(executor.shutdown, wait=False)

    def _made(self, count: int) -> ProcessPoolExecutor:
        # Spawned, not forked: a fork of a process with threads and a database pool inherits both.
        return ProcessPoolExecutor(
            count, mp_context=multiprocessing.get_context("spawn"), initializer=self._initialise
        )


async def _warm(executor: ProcessPoolExecutor, count: int) -> None:
    """Wait until the processes have loaded what they need, outside of any call's time limit."""
    futures: list[Future[int]] = await asyncio.to_thread(
        lambda: [executor.submit(os.getpid) for _ in range(count)]
    )
    async with asyncio.timeout(START_S_MAX):
        await asyncio.gather(*map(asyncio.wrap_future, futures))


async def _end(executor: ProcessPoolExecutor) -> None:
    # A process that hangs ends by its alarm, so this waits for `seconds_max` at the longest.
    await asyncio.to_thread(executor.shutdown)


def _limit_process() -> None:
    """Limits of a worker: memory, no keyboard interrupts, and no life without its parent."""
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    allowed = ADDRESS_SPACE_BYTES_MAX if most < 0 else min(most, ADDRESS_SPACE_BYTES_MAX)
    resource.setrlimit(resource.RLIMIT_AS, (allowed, most))
    # The terminal sends it to the whole group; the parent lets running work finish.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    # A worker waits on a pipe whose other end it holds too: it would never notice a killed parent.
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)


def _prepare_scoring(model_path: Path | None) -> None:
    _limit_process()
    _recogniser(model_path)


@cache
def _recogniser(model_path: Path | None) -> "PlateRecogniser":
    from scoring.plate import PlateRecogniser

    return PlateRecogniser.load(model_path)


def _timed(seconds_max: float, function: Callable[[Any], Result], argument: object) -> Result:
    """Run with the alarm on: the default action of SIGALRM ends a process even inside C code."""
    signal.setitimer(signal.ITIMER_REAL, seconds_max)
    try:
        return function(argument)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _score(model_path: Path | None, jpegs: Sequence[bytes]) -> "list[PlateScore | PhotoUnreadable]":
    recogniser = _recogniser(model_path)
    try:
        return list(recogniser.score(jpegs))
    except PhotoUnreadable as unreadable:
        if len(jpegs) == 1:
            return [unreadable]
    return [answer for jpeg in jpegs for answer in _score(model_path, [jpeg])]
