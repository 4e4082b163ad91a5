"""What members are told of their bags and pickups: what lapses soon, has lapsed or was missed."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import clock
from backend.notices.domain import BAG_LAPSED, BAG_LAPSING, PICKUP_MISSED, Notice
from backend.notices.queries import insert_notices
from backend.recycling.domain import LATE_WINDOW, REMIND_BEFORE, Bag
from backend.recycling.pickup_queries import not_home_of
from backend.recycling.queries import lapsed_by_check_in, remind_bags
from backend.units import shanghai_day

BAGS_MAX = 1_000  # notices per transaction, some 100 kB


async def remind_of_bags(
    conn: AsyncConnection, *, clock_shift_s: int = 0, limit: int = BAGS_MAX
) -> int:
    """Remind of the next bags that lapse within three days, once each; return how many."""
    now = await clock(conn, clock_shift_s)
    since = now - (LATE_WINDOW - REMIND_BEFORE)
    bags = await remind_bags(conn, since, now, limit=limit)
    # A duty that was away for days tells nobody of a bag whose time is over already.
    soon = [each for each in bags if not each.is_late(now)]
    await insert_notices(conn, [_notice(BAG_LAPSING, each) for each in soon], now)
    return len(bags)


async def lapsed_bag_notices(conn: AsyncConnection, ids: Sequence[UUID]) -> list[Notice]:
    """The notices of bags that have lapsed, by their check-ins."""
    return [_notice(BAG_LAPSED, each) for each in await lapsed_by_check_in(conn, ids)]


async def missed_pickup_notices(conn: AsyncConnection, ids: Sequence[UUID]) -> list[Notice]:
    """The notices of pickups at which nobody was at home; one for each time somebody came."""
    return [
        Notice(
            each.account_id,
            PICKUP_MISSED,
            f"{each.id} {each.status_at.isoformat()}",
            {"pickup_id": each.id, "slot_on": each.slot_on},
        )
        for each in await not_home_of(conn, ids)
    ]


def _notice(kind: str, bag: Bag) -> Notice:
    assert bag.account_id is not None, "only bound bags lapse"
    assert bag.waiting_since is not None, "only bound bags lapse"
    lapses_on = shanghai_day(bag.waiting_since + LATE_WINDOW)
    arguments = {"code": bag.code, "check_in_id": bag.check_in_id, "lapses_on": lapses_on}
    return Notice(bag.account_id, kind, str(bag.check_in_id), arguments)
