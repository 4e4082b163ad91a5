"""Points that come back repay what their member owes, before she can spend them again."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.campaigns.queries import give_back
from backend.ledger.domain import Purpose, Transfer, take_available, without
from backend.ledger.queries import lot_funds, point_lots, points_debts, post, set_points_debt
from backend.units import shanghai_day


class CameBack(NamedTuple):
    """Points that are available to a member again.

    Attributes:
        cause_id: The voucher that held them, or the undo that refunded them.
    """

    cause_id: UUID
    account_id: UUID
    points: int


async def repay_from(conn: AsyncConnection, came_back: Sequence[CameBack], now: datetime) -> int:
    """Repay debts out of points that came back; return the points.

    The accounts must be locked, and what has expired is gone. A debt was made when nothing was
    available, so what pays it back is what was held or spent then. A second call with the same
    causes moves nothing, because nothing comes back twice.
    """
    owing = await points_debts(conn, {each.account_id for each in came_back})
    if not owing:
        return 0
    transfers = await _transfers(conn, came_back, owing, now)
    await post(conn, transfers, now)
    repaid, returned = Counter[UUID](), Counter[UUID]()
    for move in transfers:
        repaid[move.account_id] += move.amount
        returned[move.credit] += move.amount
    await set_points_debt(conn, {id: debt - repaid[id] for id, debt in owing.items()})
    for fund_id, amount in sorted(returned.items()):
        await give_back(conn, fund_id, amount)
    return returned.total()


async def _transfers(
    conn: AsyncConnection, came_back: Sequence[CameBack], owing: Mapping[UUID, int], now: datetime
) -> list[Transfer]:
    """What each cause repays, from the lots that expire first, seeing what the others did."""
    lots, left = dict(await point_lots(conn, list(owing))), dict(owing)
    funds = await lot_funds(conn, {lot.lot_id for there in lots.values() for lot in there})
    day, transfers = shanghai_day(now), list[Transfer]()
    for cause_id, account_id, points in came_back:
        if account_id not in left:
            continue
        portions, _ = take_available(lots[account_id], min(points, left[account_id]))
        lots[account_id] = without(lots[account_id], portions)
        for lot_id, amount in portions:
            left[account_id] -= amount
            sides = (account_id, funds[lot_id])
            transfers.append(
                Transfer(account_id, cause_id, Purpose.REPAY, lot_id, *sides, amount, day)
            )
    return transfers
