"""Events that wait: decided again when a link or a binding comes, or when their time is over."""

from collections.abc import Sequence
from functools import partial
from typing import Final

import structlog
from prometheus_client import Counter
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backend.batches import ItemImpossible, OutcomeUnknown, Overloaded, WriteBatch, run_batch
from backend.crediting.steps import Rulebook
from backend.errors import DomainError
from backend.intake.events.domain import EventKey
from backend.intake.events.parked_queries import (
    find_over,
    lock_linked,
    lock_parked,
    put_off,
    unpark,
)
from backend.intake.events.queries import change_outcomes, pass_gate
from backend.intake.events.steps import reopen
from backend.outbox import Work

OVER_AT_ONCE_MAX: Final = 500  # half a batch: each may bring the events that wait for it
PUT_OFF_S: Final = 3_600  # what fails alone fails again soon; it is counted, and tried every hour

Write = WriteBatch[EventKey, bool]

_log = structlog.get_logger(__name__)
_failed = Counter("tanhui_parked_failed", "Tries to decide a waiting event that failed")


async def unpark_step(conn: AsyncConnection, works: Sequence[Work], rules: Rulebook) -> None:
    """Decide what waited for these accounts' links or bags; a second call finds nothing."""
    await pass_gate(conn)
    account_ids = sorted({each for work in works for each in work.ids})
    await reopen(conn, await lock_linked(conn, account_ids), rules)


async def end_waits(engine: AsyncEngine, rules: Rulebook) -> int:
    """Decide one portion of events that have waited long enough; return how many were decided.

    A ride without a tap-out is credited as one ride; what nobody was linked to in time lapses. One
    that cannot be decided is found by halves, and put off.

    Raises:
        Overloaded, OutcomeUnknown: The database is away; what is still over is taken the next time.
    """
    async with engine.connect() as conn:
        over = await find_over(conn, clock_shift_s=rules.clock_shift_s, limit=OVER_AT_ONCE_MAX)
    return await decide_apart(engine, partial(_write_over, rules=rules), over, rules)


async def decide_apart(
    engine: AsyncEngine, write: Write, keys: Sequence[EventKey], rules: Rulebook
) -> int:
    """Decide waiting events, in halves where one of them fails; return how many were decided.

    `write` says of each event whether it has decided it.
    """
    if not keys:
        return 0
    try:
        answers = await run_batch(engine, write, keys)
    except (Overloaded, OutcomeUnknown):
        raise
    except Exception as error:  # noqa: BLE001  # whatever one event raises, the others must flow
        if len(keys) == 1:
            await _put_off(engine, keys[0], error, rules)
            return 0
        middle = len(keys) // 2
        first = await decide_apart(engine, write, keys[:middle], rules)
        return first + await decide_apart(engine, write, keys[middle:], rules)
    for key, answer in zip(keys, answers, strict=True):
        if isinstance(answer, ItemImpossible):
            await _put_off(engine, key, answer, rules)
    return sum(answer is True for answer in answers)


async def _write_over(
    conn: AsyncConnection, over: Sequence[EventKey], rules: Rulebook
) -> list[bool | DomainError]:
    """Decide those that still wait; whether each of these events did."""
    await pass_gate(conn)
    reports, changes = await lock_parked(conn, over)
    await reopen(conn, reports, rules)
    await change_outcomes(conn, [(key, "lapsed", None) for key in changes])
    await unpark(conn, changes)
    decided = {*changes, *(each.key for each in reports)}
    return [key in decided for key in over]


async def _put_off(engine: AsyncEngine, key: EventKey, error: Exception, rules: Rulebook) -> None:
    _failed.inc()
    _log.warning(
        "parked_event_failed", source=key.source, event_id=key.event_id, error=type(error).__name__
    )
    async with engine.begin() as conn:
        await put_off(conn, key, clock_shift_s=rules.clock_shift_s, by_s=PUT_OFF_S)
