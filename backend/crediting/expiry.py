"""Points whose last day is over go back to the fund that gave them.

What is held for a voucher stays with the voucher; when it is released it expires in the same
transaction, by a call of `expire_points`.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.campaigns.queries import give_back
from backend.db import clock
from backend.events import IDS_PER_EVENT_MAX, POINTS_EXPIRED, Event
from backend.ids import uuid7
from backend.ledger.domain import Purpose, Transfer
from backend.ledger.passes import (
    advance,
    expired_points,
    finish,
    insert_expiries,
    next_holders,
    take_expiry_pass,
)
from backend.ledger.queries import lock_accounts, post
from backend.outbox import append
from backend.units import shanghai_day

# A batch that began on the last day may still book into its lots; transactions end within twenty
# seconds, and a walk that has passed an account never sees what it gets later.
WALK_AFTER = timedelta(minutes=1)
ACCOUNTS_MAX = 500  # per transaction: a member who pays at this moment waits some tens of ms


async def expire_points(conn: AsyncConnection, account_ids: Sequence[UUID], now: datetime) -> int:
    """Expire what these accounts have available in lots that are over; return the points.

    The accounts must be locked. Called after points came back to their lots (a released hold, a
    refund) and by the walk through a lot. A second call finds nothing. Appends `PointsExpired`.
    """
    today = shanghai_day(now)
    gone = [(uuid7(), each) for each in await expired_points(conn, account_ids, today)]
    if not gone:
        return 0
    transfers = [
        Transfer(
            each.account_id,
            cause_id,
            Purpose.EXPIRE,
            each.lot_id,
            each.account_id,
            each.fund_id,
            each.points,
            each.expires_on,
        )
        for cause_id, each in gone
    ]
    await post(conn, transfers, now)
    await insert_expiries(conn, gone, now)
    returned: Counter[UUID] = Counter()
    for _, each in gone:
        returned[each.fund_id] += each.points
    for fund_id, amount in sorted(returned.items()):
        await give_back(conn, fund_id, amount)
    ids = [cause_id for cause_id, _ in gone]
    starts = range(0, len(ids), IDS_PER_EVENT_MAX)
    await append(conn, [Event(POINTS_EXPIRED, ids[at : at + IDS_PER_EVENT_MAX]) for at in starts])
    return returned.total()


async def expire_next(
    conn: AsyncConnection, *, clock_shift_s: int = 0, limit: int = ACCOUNTS_MAX
) -> int:
    """Expire the next portion of the lots that are over; return how many accounts were seen.

    A lot is finished once a whole walk has met no held points; until then it is walked again. The
    first walk begins a minute after midnight.
    """
    now = await clock(conn, clock_shift_s)
    walk = await take_expiry_pass(conn, now, shanghai_day(now - WALK_AFTER))
    if walk is None:
        return 0
    holders = await next_holders(conn, walk, limit=limit)
    if holders:
        account_ids = [each.account_id for each in holders]
        locked = await lock_accounts(conn, account_ids, clock_shift_s=clock_shift_s)
        points = await expire_points(conn, account_ids, locked.now)
        await advance(conn, walk, holders, points=points)
    if len(holders) < limit:
        await finish(conn, walk, now)
    return len(holders)
