"""Calls that run in processes of their own, which may crash, hang or eat memory alone."""

import asyncio
import multiprocessing
import os
import pickle
import signal
import socket
import traceback
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from mmap import ACCESS_READ, mmap
from multiprocessing.context import SpawnProcess
from tempfile import TemporaryFile
from typing import IO, Any, Final, Self, TypeAlias, TypeVar

from backend.errors import DomainError

START_S_MAX: Final = 60.0  # a first start reads 60 MB of libraries, from a cold disk at worst
# One under way and one lying ready: a process that asks for its next call would wait for a busy
# event loop. Not more, because what lies ready here cannot go to a process that is free.
CALLS_PER_PROCESS: Final = 2
DEATHS_MAX: Final = 2  # one may be another's doing, for want of memory perhaps

Result = TypeVar("Result")
_Question: TypeAlias = tuple[float, Callable[[Any], Any], object]  # time limit, function, argument


class WorkerDied(Exception):
    """The process that did this call died, at the second attempt too."""


class WorkersUnavailable(DomainError):
    """No process can be started to look at the photo; the same request may succeed later."""


class _NeverBegun(Exception):
    """The process died before it came to this call, which may go to any other one."""


class Pool:
    """`count` processes, started when first needed; those that died are replaced at the next call.

    Attributes:
        seconds_max: What a call may take in its process.
    """

    def __init__(self, count: int, seconds_max: float, initialise: Callable[[], None]) -> None:
        """Prepare; `initialise` runs in each process before its first call."""
        self.seconds_max = seconds_max
        self._count = count
        self._initialise = initialise
        self._processes: list[_Process] = []
        self._starting = asyncio.Lock()
        self._places = asyncio.Semaphore(count * CALLS_PER_PROCESS)

    async def call(self, function: Callable[[Any], Result], argument: object) -> Result:
        """Run in a process; a call whose process died is run once more, in another one.

        Raises:
            WorkerDied: Both died.
            TimeoutError: It took more than `seconds_max`, and its process was ended.
            WorkersUnavailable: No process can be started.
        """
        await self._places.acquire()
        # A process goes on when the caller has left, so the place is taken until it answers.
        running = asyncio.ensure_future(self._run((self.seconds_max, function, argument)))
        running.add_done_callback(lambda _: self._places.release())
        answer: Result = await asyncio.shield(running)
        return answer

    async def close(self) -> None:
        """End the processes after the calls that they were given."""
        ending, self._processes = self._processes, []
        await asyncio.gather(*(each.end() for each in ending))

    async def _run(self, question: _Question) -> Any:
        deaths = 0
        while True:
            process = await self._least_busy()
            try:
                return await process.call(question)
            except _NeverBegun:
                continue
            except WorkerDied:
                deaths += 1
                if deaths == DEATHS_MAX:
                    raise

    async def _least_busy(self) -> "_Process":
        async with self._starting:
            self._processes = [each for each in self._processes if each.is_alive]
            missing = self._count - len(self._processes)
            starting = (_Process.start(self._initialise) for _ in range(missing))
            started = await asyncio.gather(*starting, return_exceptions=True)
            self._processes += [each for each in started if isinstance(each, _Process)]
            failed = [each for each in started if isinstance(each, BaseException)]
            if failed and not self._processes:
                raise WorkersUnavailable from failed[0]
        return min(self._processes, key=lambda each: each.calls)


class _Process:
    """One process and its calls: the first is under way, the next one lies ready for it.

    A call is a file in memory that takes the question there and brings the answer back, so that no
    photo of 10 MB waits for a pipe to be fed. Its descriptor and one byte per answer go through a
    socket, on which either side reads that the other one has ended.
    """

    def __init__(self, channel: socket.socket, process: SpawnProcess) -> None:
        self._channel = channel
        self._process = process
        self._answers: deque[asyncio.Future[None]] = deque()
        self._listening = asyncio.ensure_future(self._listen())
        self.is_alive = True

    @classmethod
    async def start(cls, initialise: Callable[[], None]) -> Self:
        """Return when it has loaded what it needs, which no call's time limit counts.

        Raises:
            OSError, TimeoutError, WorkerDied: It cannot be started, or not in time.
        """
        ours, theirs = socket.socketpair()
        ours.settimeout(0)
        # Spawned, not forked: a fork of a process with threads and a database pool inherits both.
        process = multiprocessing.get_context("spawn").Process(
            target=_serve, args=(theirs, initialise), daemon=True
        )
        with theirs:
            await asyncio.to_thread(process.start)
        started = cls(ours, process)
        try:
            async with asyncio.timeout(START_S_MAX):
                await started._next_answer()
        except TimeoutError:
            process.kill()
            raise
        return started

    @property
    def calls(self) -> int:
        """How many it has not answered."""
        return len(self._answers)

    async def call(self, question: _Question) -> Any:
        """What the function returns or raises there.

        Raises:
            WorkerDied: The process died of this call.
            TimeoutError: The call took too long.
            _NeverBegun: The process died before it came to this call.
        """
        with _file_in_memory() as file:
            await asyncio.to_thread(_write, file, question)
            answer = self._next_answer()
            with suppress(OSError):  # of a process that just died: `_listen` says so
                socket.send_fds(self._channel, [b"?"], [file.fileno()])
            await answer
            is_error, value = _read(file)
        if is_error:
            raise value
        return value

    async def end(self) -> None:
        """Let it answer what it was given, then end it."""
        with suppress(OSError):
            self._channel.shutdown(socket.SHUT_WR)
        await self._listening

    def _next_answer(self) -> asyncio.Future[None]:
        if not self.is_alive:
            raise _NeverBegun
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._answers.append(answer)
        return answer

    async def _listen(self) -> None:
        """Tell who waits that the answer is there, in the order of the calls, until the end."""
        loop = asyncio.get_running_loop()
        with suppress(ConnectionError):
            while await loop.sock_recv(self._channel, 1):
                _settle(self._answers.popleft(), None)
        self.is_alive = False
        self._channel.close()
        await asyncio.to_thread(self._process.join)
        was_slow = self._process.exitcode == -signal.SIGALRM
        error: Exception = TimeoutError() if was_slow else WorkerDied()
        for answer in self._answers:
            _settle(answer, error)
            error = _NeverBegun()


def _settle(answer: asyncio.Future[None], error: Exception | None) -> None:
    if answer.done():  # its caller was cancelled
        return
    if error:
        answer.set_exception(error)
    else:
        answer.set_result(None)


def _file_in_memory() -> IO[bytes]:
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("call"), "r+b", buffering=0)
    return TemporaryFile(buffering=0)  # a developer's machine; it has no name there


def _write(file: IO[bytes], value: object) -> None:
    with os.fdopen(file.fileno(), "wb", closefd=False) as writer:
        writer.seek(0)
        pickle.dump(value, writer, pickle.HIGHEST_PROTOCOL)


def _read(file: IO[bytes]) -> Any:
    with mmap(file.fileno(), 0, access=ACCESS_READ) as memory:
        return pickle.loads(memory)  # noqa: S301  # written by us, here or there


def _serve(channel: socket.socket, initialise: Callable[[], None]) -> None:
    """The life of a process: answer until the other side ends, by its will or killed."""
    initialise()
    with suppress(BrokenPipeError):
        channel.send(b"!")
        while descriptors := socket.recv_fds(channel, 1, 1)[1]:
            with os.fdopen(descriptors[0], "r+b", buffering=0) as file:
                _write(file, _answer(*_read(file)))
            channel.send(b"!")


def _answer(
    seconds_max: float, function: Callable[[Any], Any], argument: object
) -> tuple[bool, Any]:
    """Run with the alarm on: the default action of SIGALRM ends a process even inside C code."""
    signal.setitimer(signal.ITIMER_REAL, seconds_max)
    try:
        return False, function(argument)
    except Exception as error:  # noqa: BLE001  # it is raised where the call was made
        error.add_note(traceback.format_exc())
        return True, error
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
