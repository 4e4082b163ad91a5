"""Group commit: many callers, one transaction, an answer for each.

A batch is written by a function `write_batch(conn, items) -> list[Done | Refusal]`: one
transaction, a constant number of statements. A refusal is a value and stops only its own item; what
the database itself refuses (SQLSTATE class 22 or 23) makes the batch run again in halves, down to
the one item that is to blame. Callers get their answer after COMMIT, never before.
"""

import asyncio
import random  # noqa: TID251  # jitter between retries; nothing is derived from it
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import Generic, TypeVar

from sqlalchemy.exc import DBAPIError, InterfaceError, TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backend.errors import DomainError

BATCH_ITEMS_MAX = 1_000
BATCH_WAIT_S = 0.002  # far below what a person notices, long enough to share a commit under load
QUEUE_ITEMS_MAX = 5_000  # about half a second of work; beyond it a caller is told to come back
RETRIES_MAX = 5
RETRY_FIRST_S = 0.01
RETRY_LONGEST_S = 0.2

_RETRY = {
    "40001",
    "40P01",
    "55P03",
}  # serialization failure, deadlock, lock not available
_ITEM_TO_BLAME = {"22", "23"}  # data exception, integrity constraint violation
# Connection, transaction rollback, resources, object in use, operator.
_PASSING = {"08", "40", "53", "55", "57"}

Item = TypeVar("Item")
Done = TypeVar("Done")
WriteBatch = Callable[[AsyncConnection, Sequence[Item]], Awaitable[Sequence[Done | DomainError]]]


class Overloaded(DomainError):
    """The service takes in more than it can store at the moment."""


class OutcomeUnknown(DomainError):
    """The connection broke while storing; the same request again gives the same, single effect."""


class ItemImpossible(DomainError):
    """The database refuses this one item, although our own checks let it pass."""


BUSY = (Overloaded, OutcomeUnknown, ItemImpossible)  # what whoever writes in a batch may be told


class BatchRaced(Exception):
    """Another transaction took what this one had seen free; the whole batch is run again."""


async def run_batch(
    engine: AsyncEngine, write_batch: WriteBatch[Item, Done], items: Sequence[Item]
) -> list[Done | DomainError]:
    """Write `items` in one transaction, in halves where one of them is to blame.

    Returns:
        One answer per item, in order.

    Raises:
        Overloaded: Nothing was stored.
        OutcomeUnknown: The connection was lost, or the answer did not come, after statements were
            sent.
    """
    try:
        return await _repeat(engine, write_batch, items)
    except DBAPIError as error:
        if sqlstate(error)[:2] not in _ITEM_TO_BLAME:
            raise OutcomeUnknown from error
        if len(items) == 1:
            return [ItemImpossible()]
    middle = len(items) // 2
    return [
        *await _write_half(engine, write_batch, items[:middle]),
        *await _write_half(engine, write_batch, items[middle:]),
    ]


async def _write_half(
    engine: AsyncEngine, write_batch: WriteBatch[Item, Done], items: Sequence[Item]
) -> list[Done | DomainError]:
    """The other half may be committed, so what stops this one is the answer of its items alone."""
    try:
        return await run_batch(engine, write_batch, items)
    except DomainError as refusal:
        return [refusal] * len(items)


async def _repeat(
    engine: AsyncEngine, write_batch: WriteBatch[Item, Done], items: Sequence[Item]
) -> list[Done | DomainError]:
    for attempt in range(RETRIES_MAX):
        is_sent = False
        try:
            async with engine.begin() as conn:
                is_sent = True
                return list(await write_batch(conn, items))
        except BatchRaced:
            pass
        except DBAPIError as error:
            if not is_sent:
                raise Overloaded from error
            if sqlstate(error) not in _RETRY:
                raise
        except (PoolTimeout, OSError) as error:
            # A command that took too long is an OSError too, and it may have been COMMIT.
            raise (OutcomeUnknown if is_sent else Overloaded) from error
        longest = min(RETRY_LONGEST_S, RETRY_FIRST_S * 2**attempt)
        await asyncio.sleep(random.uniform(0, longest))  # noqa: S311  # jitter
    raise Overloaded


def sqlstate(error: DBAPIError) -> str:
    """Five characters of SQLSTATE; 08000 for a lost connection, XX000 when there is none."""
    if isinstance(error, InterfaceError):
        return "08000"
    return str(getattr(error.orig, "sqlstate", None) or "XX000")


def is_passing(error: Exception) -> bool:
    """Whether the same work may succeed at the next try: a race, or a database that is away."""
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or sqlstate(error)[:2] in _PASSING
    return isinstance(error, (BatchRaced, PoolTimeout, OSError))


class Batcher(Generic[Item, Done]):
    """Collects items of one kind and writes them together.

    While one batch commits the next one fills, so the batch grows with the load by itself and a
    lone item waits no longer than `BATCH_WAIT_S`.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        write_batch: WriteBatch[Item, Done],
        *,
        writers: int = 2,
    ) -> None:
        """Prepare; `serve` does the work and must be running for `submit` to answer."""
        self._engine = engine
        self._write_batch = write_batch
        self._writers = writers
        self._queue: asyncio.Queue[tuple[Item, asyncio.Future[Done]]] = asyncio.Queue(
            QUEUE_ITEMS_MAX
        )

    async def submit(self, item: Item) -> Done:
        """The answer for `item`, after its batch was committed.

        Raises:
            DomainError: The refusal of this item.
            Overloaded: The queue is full; nothing was stored.
        """
        future: asyncio.Future[Done] = asyncio.get_running_loop().create_future()
        try:
            self._queue.put_nowait((item, future))
        except asyncio.QueueFull:
            raise Overloaded from None
        return await future

    async def submit_all(self, items: Sequence[Item]) -> list[Done | Exception]:
        """One answer per item, in order, after all were committed or refused.

        Raises:
            Overloaded: There is no room for all of them; none was stored.
        """
        if self._queue.qsize() + len(items) > QUEUE_ITEMS_MAX:
            raise Overloaded
        loop = asyncio.get_running_loop()
        futures: list[asyncio.Future[Done]] = [loop.create_future() for _ in items]
        for pair in zip(items, futures, strict=True):
            self._queue.put_nowait(pair)
        if futures:
            await asyncio.wait(futures)
        return [future.exception() or future.result() for future in futures]  # type: ignore[misc]

    async def serve(self) -> None:
        """Write batches until cancelled; what was taken from the queue is finished first.

        What is left in the queue then is refused with `Overloaded`: nobody waits for ever.
        """
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._writers):
                    group.create_task(self._write_for_ever())
        finally:
            for _, future in self._waiting():
                if not future.done():
                    future.set_exception(Overloaded())

    async def _write_for_ever(self) -> None:
        while True:
            first = await self._queue.get()
            writing = asyncio.ensure_future(self._fill_and_write(first))
            try:
                await asyncio.shield(writing)
            except asyncio.CancelledError:
                # A writer that is stopped still commits and answers what it holds.
                await writing
                raise

    async def _fill_and_write(self, first: tuple[Item, asyncio.Future[Done]]) -> None:
        if self._queue.empty():
            await asyncio.sleep(BATCH_WAIT_S)
        await self._write([first, *islice(self._waiting(), BATCH_ITEMS_MAX - 1)])

    def _waiting(self) -> Iterator[tuple[Item, asyncio.Future[Done]]]:
        """Take what is in the queue, oldest first, until it is empty."""
        with suppress(asyncio.QueueEmpty):
            while True:
                yield self._queue.get_nowait()

    async def _write(self, pairs: Sequence[tuple[Item, asyncio.Future[Done]]]) -> None:
        try:
            answers = await run_batch(self._engine, self._write_batch, [item for item, _ in pairs])
        except Exception as error:  # noqa: BLE001  # each caller must hear of it; none is left waiting
            answers = [error] * len(pairs)  # type: ignore[list-item]
        for (_, future), answer in zip(pairs, answers, strict=True):
            if future.done():
                continue
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)
