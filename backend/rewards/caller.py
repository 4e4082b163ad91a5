"""Calls the systems of partners that are due, many at once, and never two in each other's way.

A call is leased, made with no transaction open, and closed fenced. A process that dies between the
two leaves a lease that runs out: the next attempt asks the partner what became of it.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backend.batches import Batcher
from backend.bell import Bell, raise_if_cancelled
from backend.calling.addresses import is_public
from backend.calling.dialling import TOTAL_TIMEOUT_S, GuardedResolver, guarded_session
from backend.errors import DomainError
from backend.rewards.call_domain import NOT_UNDERSTOOD, Call, Outcome, Said
from backend.rewards.call_queries import lease_calls, release_calls
from backend.rewards.call_sending import Asker
from backend.rewards.call_steps import Finished, write_outcomes
from backend.sealing import Sealer

AT_ONCE_MAX = 32  # calls under way in one process; members redeem far more seldom than they earn
AT_ONCE_PER_MERCHANT = 4  # a partner that sleeps holds these, and everybody else the others
# Two requests, each with its timeout, and the time to write down what came of them.
LEASE_S = 2 * TOTAL_TIMEOUT_S + 20.0
LOOK_ANYWAY_S = 1.0  # an ask that has become due rings no bell

_log = structlog.get_logger(__name__)


class PartnerCaller:
    """Everything that calling needs; several processes may run one each."""

    def __init__(self, engine: AsyncEngine, bell: Bell, asker: Asker, clock_shift_s: int) -> None:
        """Prepare; `serve` does the work."""
        self._engine = engine
        self._bell = bell
        self._asker = asker
        self._results: Batcher[Finished, bool] = Batcher(
            engine, partial(_write, clock_shift_s=clock_shift_s), writers=1
        )
        self._under_way = 0

    async def serve(self) -> None:
        """Call until cancelled; what is under way then is given back, and asked for again."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._results.serve())
            while True:
                calls = await self._lease()
                for call in calls:
                    self._under_way += 1
                    group.create_task(self._call(call))
                if not calls:
                    await self._bell.wait(LOOK_ANYWAY_S)

    async def _lease(self) -> list[Call]:
        free = AT_ONCE_MAX - self._under_way
        if not free:
            return []
        try:
            async with self._engine.begin() as conn:
                return await lease_calls(
                    conn, at_once=AT_ONCE_PER_MERCHANT, limit=free, lease_s=LEASE_S
                )
        except (SQLAlchemyError, OSError) as error:
            raise_if_cancelled()
            _log.warning("partner_call_lease_failed", error=type(error).__name__)
            return []

    async def _call(self, call: Call) -> None:
        try:
            outcome = await self._asked(call)
            if not await self._results.submit(Finished(call, outcome)):
                _log.info("partner_call_lease_lost", voucher=str(call.voucher_id))
        except DomainError as refusal:
            # Nothing is lost: the lease runs out and the partner is asked again.
            _log.warning("partner_call_not_closed", error=type(refusal).__name__)
        except asyncio.CancelledError:
            with suppress(SQLAlchemyError, OSError):
                async with self._engine.begin() as conn:
                    await release_calls(conn, [call])
            raise
        finally:
            self._under_way -= 1

    async def _asked(self, call: Call) -> Outcome:
        try:
            return await self._asker.ask(call)
        except Exception as error:  # noqa: BLE001  # whatever one partner answers, the others must flow
            _log.warning("partner_call_failed", voucher=str(call.voucher_id), error=repr(error))
            return Outcome(Said.UNKNOWN, error=NOT_UNDERSTOOD)


async def _write(
    conn: AsyncConnection, finished: Sequence[Finished], clock_shift_s: int
) -> list[bool | DomainError]:
    return list(await write_outcomes(conn, finished, clock_shift_s))


@asynccontextmanager
async def open_caller(
    engine: AsyncEngine, bell: Bell, sealer: Sealer, *, clock_shift_s: int, is_anywhere: bool
) -> AsyncIterator[PartnerCaller]:
    """A caller with its client; `is_anywhere` switches the guard off for tests and the demo."""
    resolver = GuardedResolver(_is_any if is_anywhere else is_public)
    async with guarded_session(resolver) as session:
        yield PartnerCaller(engine, bell, Asker(session, sealer), clock_shift_s)


def _is_any(_: str) -> bool:
    return True
