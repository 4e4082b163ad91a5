"""One write by itself: what a person or a partner sets up, once per Idempotency-Key."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backend.batches import BatchRaced, run_batch
from backend.db import clock
from backend.errors import DomainError
from backend.http.routes import Call, replayed
from backend.idempotency import Intention, find_effects, record_effects

Result = TypeVar("Result")

Make = Callable[[AsyncConnection, datetime], Awaitable[Result]]


class Made(NamedTuple):
    """A resource by its id, and whether an earlier request had made it."""

    id: UUID
    is_replay: bool = False

    @property
    def headers(self) -> dict[str, str]:
        """What tells a caller that nothing new was made."""
        return replayed(is_replay=self.is_replay)


def intention_of(call: Call[Any, Any]) -> Intention | None:
    """The caller's name for the effect of this call, if there is one."""
    if call.idempotency_key is None:
        return None
    return Intention(call.principal.id, call.idempotency_key, call.request_hash)


async def write_alone(engine: AsyncEngine, make: Make[Result], *, clock_shift_s: int = 0) -> Result:
    """Run one write in a transaction of its own, repeated when it raced.

    Raises:
        DomainError: What `make` refuses; nothing was stored.
    """

    async def write(conn: AsyncConnection, _: Sequence[None]) -> list[Result]:
        return [await make(conn, await clock(conn, clock_shift_s))]

    [answer] = await run_batch(engine, write, [None])
    if isinstance(answer, DomainError):
        raise answer
    return answer


async def write_once(
    engine: AsyncEngine, intention: Intention | None, make: Make[UUID], *, clock_shift_s: int = 0
) -> Made:
    """Make a resource once for each intention; the same intention again gives the same resource."""

    async def make_once(conn: AsyncConnection, now: datetime) -> Made:
        if intention is None:
            return Made(await make(conn, now))
        effect = (await find_effects(conn, [intention])).get(intention)
        if isinstance(effect, DomainError):
            raise effect
        if effect is not None:
            return Made(effect, is_replay=True)
        made = await make(conn, now)
        if not await record_effects(conn, [(intention, made)], now):
            raise BatchRaced
        return Made(made)

    return await write_alone(engine, make_once, clock_shift_s=clock_shift_s)
