"""One hold at a time, by the statements that vouchers use; the account must be locked."""

from datetime import timedelta

from backend.ids import uuid7
from backend.ledger.domain import HoldResolved, Purpose, Transfer, take_earliest
from backend.ledger.holds import Placing, place_holds, resolve_holds
from backend.ledger.queries import point_lots, post


async def place_hold(conn, account_id, amount, now):
    lots = (await point_lots(conn, [account_id]))[account_id]
    portions = take_earliest(lots, amount)
    placing = Placing(uuid7(), account_id, portions, now + timedelta(days=30))
    await place_holds(conn, [placing], now)
    return placing.hold_id


async def release_hold(conn, hold_id):
    resolved = await resolve_holds(conn, [hold_id])
    if not resolved:
        raise HoldResolved
    return resolved[hold_id]


async def settle_hold(conn, hold_id, merchant_id, now):
    account_id, portions = await release_hold(conn, hold_id)
    cause_id = uuid7()
    transfers = [
        Transfer(
            account_id, cause_id, Purpose.SETTLE, portion.lot_id, account_id, merchant_id,
            portion.amount, now.date(),
        )
        for portion in portions
    ]  # fmt: skip
    await post(conn, transfers, now)
    return cause_id
