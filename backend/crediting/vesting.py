"""Points that become due, and queues that get money: each has its transfer when its time comes.

Both are repeated by the processor in small transactions. Accounts are locked before their rows are
looked at again, so a correction that came in between is seen.
"""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.campaigns.pending import (
    Pending,
    due_points,
    mark_funded,
    queue_head,
    still_queued,
    take_due,
)
from backend.campaigns.queries import drain, give_back
from backend.crediting.payment import paid_points, write_debts
from backend.db import clock
from backend.events import POINTS_FUNDED, Event
from backend.ledger.domain import Purpose, points_expire_on
from backend.ledger.queries import ensure_lots, lock_accounts, lots_over, post
from backend.outbox import append
from backend.units import shanghai_day

# A transaction of some tens of milliseconds: nobody waits long for an account. Below what one event
# may name.
ROWS_MAX = 500


async def pay_due(conn: AsyncConnection, *, clock_shift_s: int = 0, limit: int = ROWS_MAX) -> int:
    """Book the transfers of points that are due; return how many rows were paid.

    A second call finds the rows gone. What repays a debt goes back to its fund.
    """
    seen = await due_points(conn, await clock(conn, clock_shift_s), limit=limit)
    if not seen:
        return 0
    locked = await lock_accounts(
        conn, [row.account_id for row in seen], clock_shift_s=clock_shift_s
    )
    taken = await take_due(conn, [row.credit_id for row in seen], locked.now)
    due = await _in_time(conn, taken, shanghai_day(locked.now))
    debts = dict(locked.points_debt)
    transfers = [move for row in due for move in paid_points(row, debts)]
    await post(conn, transfers, locked.now)
    await write_debts(conn, debts, locked)
    for move in transfers:
        if move.purpose == Purpose.REPAY:
            await give_back(conn, move.credit, move.amount)
    return len(due)


async def _in_time(conn: AsyncConnection, due: Sequence[Pending], today: date) -> Sequence[Pending]:
    """Who waited for money until the lot was over gets a lot as if it had been earned today."""
    over = await lots_over(conn, {row.lot_id for row in due}, today)
    if not over:
        return due
    expires_on = points_expire_on(today)
    late = {row.fund_id for row in due if row.lot_id in over}
    lots = await ensure_lots(conn, [(fund_id, expires_on) for fund_id in late])
    return [
        row._replace(lot_id=lots[row.fund_id, expires_on]) if row.lot_id in over else row
        for row in due
    ]


async def fund_queue(conn: AsyncConnection, fund_id: UUID, *, limit: int = ROWS_MAX) -> int:
    """Give what a fund has to the points that wait for it, in order; return how many got some.

    Nobody is passed over. One fund per transaction: accounts are locked before slices everywhere.
    Appends `PointsFunded`.
    """
    head = await queue_head(conn, fund_id, limit=limit)
    await lock_accounts(conn, [row.account_id for row in head])
    waiting = await still_queued(conn, [row.credit_id for row in head])
    left = await drain(conn, fund_id, sum(row.points for row in waiting))
    funded = []
    for row in waiting:
        if row.points > left:
            break
        left -= row.points
        funded.append(row.credit_id)
    await give_back(conn, fund_id, left)
    if funded:
        await mark_funded(conn, funded)
        await append(conn, [Event(POINTS_FUNDED, funded)])
    return len(funded)
