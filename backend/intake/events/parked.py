"""Events that wait: decided again when a link or a binding comes, or when their time is over."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backend.batches import run_batch
from backend.crediting.steps import Rulebook
from backend.errors import DomainError
from backend.intake.events.queries import change_outcomes, lock_linked, lock_over, pass_gate, unpark
from backend.intake.events.steps import reopen
from backend.outbox import Work

OVER_AT_ONCE_MAX = 500  # half a batch: each may bring the events that wait for it


async def unpark_step(conn: AsyncConnection, works: Sequence[Work], rules: Rulebook) -> None:
    """Decide what waited for these accounts' links or bags; a second call finds nothing."""
    await pass_gate(conn)
    account_ids = sorted({each for work in works for each in work.ids})
    await reopen(conn, await lock_linked(conn, account_ids), rules)


async def end_waits(engine: AsyncEngine, rules: Rulebook) -> int:
    """Decide one portion of events that have waited long enough; return how many.

    A ride without a tap-out is credited as one ride; what nobody was linked to in time lapses.
    """

    async def write(conn: AsyncConnection, _: Sequence[None]) -> list[int | DomainError]:
        await pass_gate(conn)
        reports, changes = await lock_over(
            conn, clock_shift_s=rules.clock_shift_s, limit=OVER_AT_ONCE_MAX
        )
        await reopen(conn, reports, rules)
        await change_outcomes(conn, [(key, "lapsed", None) for key in changes])
        await unpark(conn, changes)
        return [len(reports) + len(changes)]

    [done] = await run_batch(engine, write, [None])
    if isinstance(done, DomainError):
        raise done
    return done
