"""Answers that are dear to find and the same for everybody: found once for all who ask.

A key costs the database at most a twentieth of its time, however many ask, and however often.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Final, TypeVar

KEPT_TIMES: Final = 20  # a minute for a count of three seconds, an instant in a small programme
KEYS_MAX: Final = 64  # more periods than operators compare while an answer is kept

Found = TypeVar("Found")


class SharedAnswers:
    """The latest answer to each key, for as long as it is worth what finding it took.

    Attributes:
        clock: Seconds that only grow.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        # Each gives its answer and the moment until which that is kept; oldest first.
        self._finds: dict[Hashable, asyncio.Task[tuple[Any, float]]] = {}

    async def of(self, key: Hashable, find: Callable[[], Coroutine[Any, Any, Found]]) -> Found:
        """Give what `find` has found for `key`, is finding, or finds for this call.

        An answer is at most twenty times as old as finding it took. An error is told to all who
        wait for it, and the next who asks tries again. Whoever stops waiting stops nobody else.
        """
        if not self._is_good(key):
            self._begin(key, find)
        answer, _ = await asyncio.shield(self._finds[key])
        found: Found = answer
        return found

    def _is_good(self, key: Hashable) -> bool:
        task = self._finds.get(key)
        if task is None or not task.done():
            return task is not None
        return not task.cancelled() and not task.exception() and self._clock() < task.result()[1]

    def _begin(self, key: Hashable, find: Callable[[], Coroutine[Any, Any, Found]]) -> None:
        self._finds.pop(key, None)
        if len(self._finds) >= KEYS_MAX:
            del self._finds[next(iter(self._finds))]
        # No group owns it: all who ask await it, and a group would end with its first error.
        self._finds[key] = asyncio.create_task(self._find(find))  # noqa: TID251

    async def _find(self, find: Callable[[], Coroutine[Any, Any, Found]]) -> tuple[Found, float]:
        began = self._clock()
        found = await find()
        ended = self._clock()
        return found, ended + KEPT_TIMES * (ended - began)
