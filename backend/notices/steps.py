"""React to what happened to a member's points and credits, and remind before points expire."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.crediting.restated_queries import restated
from backend.db import clock
from backend.events import STOP_ANNOUNCED, Event
from backend.ledger.passes import Pass, advance, finish, next_holders, take_reminder_pass
from backend.notices.bag_notices import lapsed_bag_notices, missed_pickup_notices
from backend.notices.domain import (
    CREDIT_RESTATED,
    POINTS_EXPIRED,
    POINTS_EXPIRING,
    POINTS_FUNDED,
    POINTS_STOP,
    VOUCHER_FULFILLED,
    VOUCHER_RETURNED,
    VOUCHER_UNDECIDED,
    Notice,
)
from backend.notices.queries import (
    calls_by_id,
    credits_by_id,
    expired_by_id,
    insert_notices,
    members_after,
    stops_by_id,
)
from backend.outbox import Work, append
from backend.units import shanghai_day

_CALL_KINDS = {
    "fulfilled": VOUCHER_FULFILLED,
    "refused": VOUCHER_RETURNED,
    "undecided": VOUCHER_UNDECIDED,
}
ACCOUNTS_MAX = 1_000  # notices per transaction, some 100 kB


async def notify_step(
    conn: AsyncConnection, works: Sequence[Work], *, clock_shift_s: int = 0
) -> None:
    """Write the notices of corrections, expiries, late payments, vouchers, lapsed bags and stops.

    What an id names is found by looking: reversals, expiries, credits, vouchers, check-ins and
    funds share no id. A
    notice that is there already is not written again.
    """
    ids = [each for work in works for each in work.ids]
    notices = [
        *await _restatements(conn, ids),
        *await _expiries(conn, ids),
        *await _late_payments(conn, ids),
        *await _calls(conn, ids),
        *await lapsed_bag_notices(conn, ids),
        *await missed_pickup_notices(conn, ids),
    ]
    await insert_notices(conn, notices, await clock(conn, clock_shift_s))
    for work in works:
        await _announce_stop(conn, work, clock_shift_s)


async def _restatements(conn: AsyncConnection, ids: Sequence[UUID]) -> list[Notice]:
    return [
        Notice(
            each.account_id,
            CREDIT_RESTATED,
            str(each.id),
            {
                "check_in_id": each.check_in_id,
                "action": each.action,
                "occurred_on": each.occurred_on,
                "reason": each.reason,
                "grams_before": each.grams_before,
                "grams": each.grams,
                "points_before": each.points_before,
                "points": each.points,
            },
        )
        for each in await restated(conn, ids)
    ]


async def _expiries(conn: AsyncConnection, ids: Sequence[UUID]) -> list[Notice]:
    return [
        Notice(
            row.account_id,
            POINTS_EXPIRED,
            str(row.id),
            {"points": row.points, "expires_on": row.expires_on},
        )
        for row in await expired_by_id(conn, ids)
    ]


async def _late_payments(conn: AsyncConnection, ids: Sequence[UUID]) -> list[Notice]:
    return [
        Notice(
            row.account_id,
            POINTS_FUNDED,
            str(row.id),
            {"points": row.points, "action": row.action, "occurred_on": row.occurred_on},
        )
        for row in await credits_by_id(conn, ids)
    ]


async def _calls(conn: AsyncConnection, ids: Sequence[UUID]) -> list[Notice]:
    """What became of vouchers that partners fulfil; a later outcome than the event's is told."""
    return [
        Notice(
            row.account_id,
            _CALL_KINDS[row.status],
            str(row.id),
            {
                "voucher_id": row.id,
                "points": row.points,
                "reference": row.reference,
                "reward_zh": row.name_zh,
                "reward_en": row.name_en,
            },
        )
        for row in await calls_by_id(conn, ids)
    ]


async def _announce_stop(conn: AsyncConnection, work: Work, clock_shift_s: int) -> None:
    """Tell the next members of an announced stop, and leave work for those behind them.

    The ids are the fund and, from the second portion on, the last account that was told.
    """
    found = await stops_by_id(conn, work.ids[:1])
    if not found:
        return
    fund, after = found[0], work.ids[1] if len(work.ids) > 1 else UUID(int=0)
    members = await members_after(conn, after, limit=ACCOUNTS_MAX)
    arguments = {
        "fund_zh": fund.name_zh,
        "fund_en": fund.name_en,
        "stops_on": fund.stops_on,
    }
    subject = f"{fund.id} {fund.stops_on}"
    notices = [Notice(member, POINTS_STOP, subject, arguments) for member in members]
    await insert_notices(conn, notices, await clock(conn, clock_shift_s))
    if len(members) == ACCOUNTS_MAX:
        await append(conn, [Event(STOP_ANNOUNCED, [fund.id, members[-1]])])


async def remind_next(
    conn: AsyncConnection, *, clock_shift_s: int = 0, limit: int = ACCOUNTS_MAX
) -> int:
    """Remind the next holders of points that expire in 60, 15 or 3 days; return how many."""
    now = await clock(conn, clock_shift_s)
    today = shanghai_day(now)
    walk = await take_reminder_pass(conn, now, today)
    if walk is None:
        return 0
    holders = await next_holders(conn, walk, limit=limit)
    notices = [
        _reminder(walk, each.account_id, each.posted - each.held, (walk.expires_on - today).days)
        for each in holders
        if each.posted > each.held
    ]
    await insert_notices(conn, notices, now)
    if holders:
        await advance(conn, walk, holders, points=sum(each.posted for each in holders))
    if len(holders) < limit:
        await finish(conn, walk, now)
    return len(holders)


def _reminder(walk: Pass, account_id: UUID, points: int, days: int) -> Notice:
    arguments = {"points": points, "expires_on": walk.expires_on, "days": days}
    return Notice(account_id, POINTS_EXPIRING, f"{walk.lot_id} {walk.task}", arguments)
