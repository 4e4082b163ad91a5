"""The other ends of a voucher: given back, not used in time, or its settlement taken back.

Each returns the points to the lots that they came from, and the piece to the stock.
"""

from collections import Counter as Tally
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backend.batches import run_batch
from backend.crediting.expiry import expire_points
from backend.crediting.repaying import CameBack, repay_from
from backend.errors import DomainError, NotFound
from backend.events import VOUCHER_EXPIRED, VOUCHER_UNDONE, Event
from backend.ids import uuid7
from backend.ledger.domain import Purpose, Transfer
from backend.ledger.holds import resolve_holds
from backend.ledger.queries import lock_accounts, post
from backend.outbox import append
from backend.rewards.domain import UNDO_WITHIN, VoucherStatus, not_usable
from backend.rewards.merchant_queries import Counter
from backend.rewards.pool import POOL
from backend.rewards.refusals import UndoElsewhere, UndoTooLate
from backend.rewards.reward_queries import return_stock
from backend.rewards.settlement_queries import (
    Settlement,
    Undo,
    insert_undos,
    settled_portions,
    settlements_by_id,
    undone_settlements,
)
from backend.rewards.voucher_queries import Voucher, due_vouchers, end_vouchers, vouchers_by_id
from backend.units import shanghai_day

EXPIRE_VOUCHERS_MAX = 500  # per transaction: some ten milliseconds of locks


class Voiding(NamedTuple):
    """A member gives a voucher back."""

    voucher_id: UUID
    account_id: UUID


class Undoing(NamedTuple):
    """A till takes its settlement back; two operators may do it at any time, for any merchant.

    Attributes:
        counter: Where the till stands; None for a correction, which then says who approved it.
    """

    settlement_id: UUID
    counter: Counter | None
    undone_by: str
    reason: str
    approved_by: str | None = None


class Ended(NamedTuple):
    """What was ended, by its id; a replay found it so."""

    id: UUID
    is_replay: bool = False


Answer = Ended | DomainError


async def write_voids(
    conn: AsyncConnection, voidings: Sequence[Voiding], clock_shift_s: int
) -> list[Answer]:
    """Give vouchers back; one that was given back before is the same answer."""
    accounts = [each.account_id for each in voidings]
    locked = await lock_accounts(conn, accounts, clock_shift_s=clock_shift_s)
    vouchers = await vouchers_by_id(conn, [each.voucher_id for each in voidings])
    ending: dict[UUID, Voucher] = {}
    answers: list[Answer] = []
    for each in voidings:
        answer = _void(each, vouchers.get(each.voucher_id), locked.now)
        if isinstance(answer, Ended) and not answer.is_replay:
            answer = Ended(each.voucher_id, is_replay=each.voucher_id in ending)
            ending[each.voucher_id] = vouchers[each.voucher_id]
        answers.append(answer)
    await give_back(conn, list(ending.values()), VoucherStatus.VOIDED, locked.now)
    return answers


def _void(each: Voiding, voucher: Voucher | None, now: datetime) -> Answer:
    if voucher is None or voucher.account_id != each.account_id:
        return NotFound()
    if voucher.status is VoucherStatus.VOIDED:
        return Ended(voucher.id, is_replay=True)
    refusal = not_usable(
        voucher.status, expires_at=voucher.expires_at, ended_at=voucher.ended_at, now=now
    )
    return refusal or Ended(voucher.id)


async def expire_vouchers(engine: AsyncEngine, clock_shift_s: int) -> int:
    """End vouchers that nobody used in time; return how many. A second call finds none.

    Appends `VoucherExpired` once for the transaction.
    """

    async def write(conn: AsyncConnection, ids: Sequence[UUID]) -> list[int]:
        found = await vouchers_by_id(conn, ids)
        accounts = [voucher.account_id for voucher in found.values()]
        locked = await lock_accounts(conn, accounts, clock_shift_s=clock_shift_s)
        due = [
            voucher
            for voucher in (await vouchers_by_id(conn, ids)).values()
            if voucher.status is VoucherStatus.ISSUED and voucher.expires_at <= locked.now
        ]
        await give_back(conn, due, VoucherStatus.EXPIRED, locked.now)
        await append(conn, [Event(VOUCHER_EXPIRED, [each.id for each in due])] if due else [])
        return [1 if each in {voucher.id for voucher in due} else 0 for each in ids]

    async with engine.connect() as conn:
        now = (await lock_accounts(conn, (), clock_shift_s=clock_shift_s)).now
        ids = await due_vouchers(conn, now, limit=EXPIRE_VOUCHERS_MAX)
    if not ids:
        return 0
    answers = await run_batch(engine, write, ids)
    return sum(answer for answer in answers if isinstance(answer, int))


async def give_back(
    conn: AsyncConnection, vouchers: Sequence[Voucher], status: VoucherStatus, now: datetime
) -> None:
    """End issued vouchers, free their points and return their pieces, in locked accounts.

    Points whose day is over expire, and the others first repay what their member owes.
    """
    if not vouchers:
        return
    await resolve_holds(conn, [each.id for each in vouchers])
    await expire_points(conn, [each.account_id for each in vouchers], now)
    freed = [CameBack(each.id, each.account_id, each.points) for each in vouchers]
    await repay_from(conn, freed, now)
    await end_vouchers(conn, [(each.id, status) for each in vouchers], now)
    await return_stock(conn, Tally(each.reward_id for each in vouchers))


async def write_undos(
    conn: AsyncConnection, undoings: Sequence[Undoing], clock_shift_s: int
) -> list[Answer]:
    """Take settlements back: points return to the same lots, and the voucher has ended.

    Appends `VoucherUndone` once for the batch. One that was undone before is the same answer.
    """
    settlements = await settlements_by_id(conn, [each.settlement_id for each in undoings])
    vouchers = await vouchers_by_id(conn, [each.voucher_id for each in settlements.values()])
    accounts = [voucher.account_id for voucher in vouchers.values()]
    locked = await lock_accounts(conn, accounts, clock_shift_s=clock_shift_s)
    undone = await undone_settlements(conn, settlements)
    written: dict[UUID, Undo] = {}
    answers: list[Answer] = []
    for each in undoings:
        settlement = settlements.get(each.settlement_id)
        refusal = _undo_refusal(each, settlement)
        is_replay = each.settlement_id in undone or each.settlement_id in written
        if refusal is None and settlement is not None and not is_replay:
            refusal = _undo_late(each, settlement, locked.now)
            if refusal is None:
                written[settlement.id] = _undo(each, settlement, locked.now)
        answers.append(refusal or Ended(each.settlement_id, is_replay=is_replay))
    owners = {id: vouchers[settlements[id].voucher_id] for id in written}
    await _refund(conn, written, owners, locked.now)
    return answers


def _undo_refusal(each: Undoing, settlement: Settlement | None) -> DomainError | None:
    if settlement is None:
        return NotFound()
    if settlement.settled_by == POOL:
        return UndoElsewhere()  # the code was shown: it cannot be given to anybody else
    counter = each.counter
    if counter is None:
        return None
    if settlement.merchant_id != counter.merchant_id:
        return NotFound()
    is_same_till = settlement.till_id == counter.till_id
    is_same_person = settlement.settled_by == counter.settled_by
    # A till is shared by its shift; without one, the person is the till.
    if not is_same_till or (counter.till_id is None and not is_same_person):
        return UndoElsewhere()
    return None


def _undo_late(each: Undoing, settlement: Settlement, now: datetime) -> DomainError | None:
    undo_until = settlement.settled_at + UNDO_WITHIN
    if each.counter is not None and now > undo_until:
        return UndoTooLate(undo_until=undo_until.isoformat())
    return None


def _undo(each: Undoing, settlement: Settlement, now: datetime) -> Undo:
    return Undo(
        settlement.id,
        uuid7(),
        settlement.merchant_id,
        settlement.points,
        each.reason,
        each.undone_by,
        now,
        each.approved_by,
    )


async def _refund(
    conn: AsyncConnection,
    undos: Mapping[UUID, Undo],
    vouchers: Mapping[UUID, Voucher],
    now: datetime,
) -> None:
    if not undos:
        return
    portions = await settled_portions(conn, [(vouchers[id].account_id, id) for id in undos])
    await insert_undos(conn, list(undos.values()))
    day = shanghai_day(now)
    transfers = [
        Transfer(
            vouchers[id].account_id,
            undo.id,
            Purpose.REFUND,
            portion.lot_id,
            undo.merchant_id,
            vouchers[id].account_id,
            portion.amount,
            day,
        )
        for id, undo in undos.items()
        for portion in portions[id]
    ]
    await post(conn, transfers, now)
    ended = [vouchers[id] for id in undos]
    await expire_points(conn, [each.account_id for each in ended], now)
    refunded = [
        CameBack(undo.id, vouchers[id].account_id, undo.points) for id, undo in undos.items()
    ]
    await repay_from(conn, refunded, now)
    await end_vouchers(conn, [(each.id, VoucherStatus.UNDONE) for each in ended], now)
    await append(conn, [Event(VOUCHER_UNDONE, [each.id for each in ended])])
    await return_stock(conn, Tally(each.reward_id for each in ended))
