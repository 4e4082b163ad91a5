"""Sends due messages, many at once, and never two slow receivers in each other's way.

A delivery is leased, sent with no transaction open, and closed fenced. A process that dies between
the two leaves a lease that runs out: the same message is sent again under the same id.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.batches import Batcher
from backend.bell import Bell, raise_if_cancelled
from backend.calling.addresses import is_public
from backend.calling.dialling import TOTAL_TIMEOUT_S, GuardedResolver, guarded_session
from backend.calling.faults import NOT_HTTP
from backend.errors import DomainError
from backend.sealing import Sealer
from backend.webhooks.attempt_queries import lease_deliveries, lock_due_endpoints, release_leases
from backend.webhooks.delivery_queries import forget, give_up
from backend.webhooks.domain import Attempt, Result
from backend.webhooks.results import Finished, write_results
from backend.webhooks.sending import Sender

AT_ONCE_MAX = 128  # sends under way in one process; a socket and a few kB each
AT_ONCE_PER_ENDPOINT = 4  # a receiver that sleeps holds these, and everybody else the others
LEASE_S = TOTAL_TIMEOUT_S + 25.0  # name, connection, answer, and the time to write it down
LOOK_ANYWAY_S = 1.0  # a retry that has become due rings no bell
LOOK_PAUSE_S = 0.02  # the bell rings for every batch of the service; this often is often enough
TIDY_EVERY_S = 600.0
TIDY_ROWS_MAX = 1_000

_log = structlog.get_logger(__name__)


class Deliverer:
    """Everything that sending needs; several processes may run one each."""

    def __init__(self, engine: AsyncEngine, bell: Bell, sender: Sender) -> None:
        """Prepare; `serve` does the work."""
        self._engine = engine
        self._bell = bell
        self._sender = sender
        self._results = Batcher(engine, write_results, writers=1)
        self._under_way = 0
        self._one_ended = asyncio.Event()

    async def serve(self) -> None:
        """Send until cancelled; what is under way then is given back, and sent again."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._results.serve())
            group.create_task(self._tidy())
            while True:
                # Cleared before looking: what ends while we look makes room that we may not see.
                self._one_ended.clear()
                attempts = await self._lease()
                for attempt in attempts:
                    self._under_way += 1
                    group.create_task(self._deliver(attempt))
                await asyncio.sleep(LOOK_PAUSE_S)
                if not attempts:
                    await self._wait()

    async def _lease(self) -> list[Attempt]:
        free = AT_ONCE_MAX - self._under_way
        if not free:
            return []
        try:
            async with self._engine.begin() as conn:
                # At most one each when there are many: who waits longest comes first.
                endpoints = await lock_due_endpoints(
                    conn, at_once=AT_ONCE_PER_ENDPOINT, limit=max(1, free // AT_ONCE_PER_ENDPOINT)
                )
                if not endpoints:
                    return []
                return await lease_deliveries(
                    conn, endpoints, at_once=AT_ONCE_PER_ENDPOINT, lease_s=LEASE_S
                )
        except (SQLAlchemyError, OSError) as error:
            raise_if_cancelled()
            _log.warning("webhook_lease_failed", error=type(error).__name__)
            return []

    async def _wait(self) -> None:
        """Until the bell rings, a send has ended, or a second has passed."""
        waiting = {
            asyncio.ensure_future(self._bell.wait(LOOK_ANYWAY_S)),
            asyncio.ensure_future(self._one_ended.wait()),
        }
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waiting:
                each.cancel()

    async def _deliver(self, attempt: Attempt) -> None:
        try:
            result = await self._sent(attempt)
            if not await self._results.submit(Finished(attempt, result)):
                _log.info("webhook_lease_lost", delivery=str(attempt.delivery_id))
        except DomainError as refusal:
            # Nothing is lost: the lease runs out and the message is sent again.
            _log.warning("webhook_not_closed", error=type(refusal).__name__)
        except asyncio.CancelledError:
            with suppress(SQLAlchemyError, OSError):
                async with self._engine.begin() as conn:
                    await release_leases(conn, [attempt])
            raise
        finally:
            self._under_way -= 1
            self._one_ended.set()

    async def _sent(self, attempt: Attempt) -> Result:
        try:
            return await self._sender.send(attempt)
        except Exception as error:  # noqa: BLE001  # whatever one receiver answers, the others must flow
            _log.warning("webhook_failed", delivery=str(attempt.delivery_id), error=repr(error))
            return Result(None, 0, NOT_HTTP)

    async def _tidy(self) -> None:
        """End what nobody will take any more, and forget what is old."""
        while True:
            try:
                while await self._tidy_once():
                    pass
            except (SQLAlchemyError, OSError) as error:
                raise_if_cancelled()
                _log.warning("webhook_tidy_failed", error=type(error).__name__)
            await asyncio.sleep(TIDY_EVERY_S)

    async def _tidy_once(self) -> bool:
        """One portion; whether there may be more."""
        async with self._engine.begin() as conn:
            ended = await give_up(conn, limit=TIDY_ROWS_MAX)
        async with self._engine.begin() as conn:
            forgotten = await forget(conn, limit=TIDY_ROWS_MAX)
        return TIDY_ROWS_MAX in {ended, forgotten}


@asynccontextmanager
async def open_deliverer(
    engine: AsyncEngine, bell: Bell, sealer: Sealer, *, is_anywhere: bool
) -> AsyncIterator[Deliverer]:
    """A deliverer with its client; `is_anywhere` switches the guard off for tests and the demo."""
    resolver = GuardedResolver(_is_any if is_anywhere else is_public)
    async with guarded_session(resolver) as session:
        yield Deliverer(engine, bell, Sender(session, sealer))


def _is_any(_: str) -> bool:
    return True
