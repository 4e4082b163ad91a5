"""Waiting for outcomes: any number of waiters cost one query per ring of the bell."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence, Set as AbstractSet
from contextlib import suppress
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.bell import Bell
from backend.checkins.domain import SETTLED, Status
from backend.checkins.queries import statuses_of

LOOK_ANYWAY_S = 1.0  # the bell may be lost; a person should not notice


class OutcomeWaiters:
    """Who waits for which check-in."""

    def __init__(self, engine: AsyncEngine, bell: Bell) -> None:
        """Prepare; `serve` must be running for `wait` to end before its time."""
        self._engine = engine
        self._bell = bell
        self._waiting: dict[UUID, dict[asyncio.Future[None], AbstractSet[Status]]] = defaultdict(
            dict
        )

    async def wait(
        self, check_in_id: UUID, timeout_s: float, outcomes: AbstractSet[Status] = SETTLED
    ) -> bool:
        """Whether the check-in came to one of `outcomes` within `timeout_s` seconds."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[check_in_id][future] = outcomes
        try:
            # The outcome may have come between the caller's own look and this waiting.
            await self._look([check_in_id])
            await asyncio.wait_for(future, timeout_s)
        except TimeoutError:
            return False
        finally:
            self._waiting[check_in_id].pop(future, None)
            if not self._waiting[check_in_id]:
                del self._waiting[check_in_id]
        return True

    async def serve(self) -> None:
        """Look at each ring, and at least once a second while somebody waits."""
        while True:
            await self._bell.wait(LOOK_ANYWAY_S)
            # A database that is away must not end the API; the next look comes within a second.
            with suppress(SQLAlchemyError, OSError):
                if self._waiting:
                    await self._look(list(self._waiting))

    async def _look(self, check_in_ids: Sequence[UUID]) -> None:
        async with self._engine.connect() as conn:
            statuses = await statuses_of(conn, check_in_ids)
        for check_in_id, status in statuses.items():
            for future, outcomes in self._waiting.get(check_in_id, {}).items():
                if status in outcomes and not future.done():
                    future.set_result(None)
