"""The batch that settles: of all that name one voucher, one takes it.

The lock of the member's account decides between settling, voiding and expiring; the unique voucher
of a settlement is the second guard. The merchant's balance gets one delta per batch, so no row of a
busy merchant is waited for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.batches import BatchRaced
from backend.errors import DomainError, NotFound
from backend.events import VOUCHER_SETTLED, Event
from backend.idempotency import (
    Follows,
    IdempotencyKeyReused,
    Intention,
    Replay,
    find_effects,
    record_effects,
    stand,
)
from backend.ids import uuid7
from backend.ledger.domain import HoldResolved, Purpose, Transfer
from backend.ledger.holds import resolve_holds
from backend.ledger.queries import lock_accounts, post
from backend.outbox import append
from backend.rewards.domain import VoucherStatus, not_usable
from backend.rewards.merchant_queries import Counter
from backend.rewards.refusals import TicketAlreadyUsed, VoucherAlreadySettled
from backend.rewards.rules import RewardRules
from backend.rewards.settlement_queries import (
    Settlement,
    insert_settlements,
    settlements_by_ticket,
)
from backend.rewards.voucher_queries import (
    Voucher,
    end_vouchers,
    vouchers_by_code,
    vouchers_by_id,
)
from backend.units import shanghai_day

Standing = Replay | Follows | IdempotencyKeyReused | None


class Settling(NamedTuple):
    """A cashier or a point of sale was given a code.

    Attributes:
        code: As `plain_code` leaves it: 26 characters, or twelve digits.
        ticket: The store's number of the sale; it settles one voucher.
    """

    code: str
    counter: Counter
    ticket: str | None
    intention: Intention | None


class Settled(NamedTuple):
    """A settlement by its id; a replay names the earlier one."""

    settlement_id: UUID
    is_replay: bool = False


Answer = Settled | DomainError


async def write_settlements(
    conn: AsyncConnection, settlings: Sequence[Settling], rules: RewardRules
) -> list[Answer]:
    """Settle vouchers; the same key or ticket again answers with the first settlement.

    Appends `VoucherSettled` once for the batch.
    """
    named = await vouchers_by_code(conn, [each.code for each in settlings])
    accounts = [voucher.account_id for voucher in named.values()]
    locked = await lock_accounts(conn, accounts, clock_shift_s=rules.clock_shift_s)
    current = await vouchers_by_id(conn, [voucher.id for voucher in named.values()])
    effects = await find_effects(conn, [each.intention for each in settlings if each.intention])
    tickets = dict(await settlements_by_ticket(conn, filter(None, map(_ticket_of, settlings))))
    counter = _Batch(
        {code: current[voucher.id] for code, voucher in named.items()}, tickets, locked.now
    )
    standing = stand([each.intention for each in settlings], effects)
    answers: list[Answer] = []
    for each, stands in zip(settlings, standing, strict=True):
        answers.append(_answer(each, stands, answers, counter))
    await settle_vouchers(conn, counter.settled, locked.now)
    written = [
        (each.intention, answer.settlement_id)
        for each, stands, answer in zip(settlings, standing, answers, strict=True)
        if each.intention and stands is None and isinstance(answer, Settled)
    ]
    if not await record_effects(conn, written, locked.now):
        raise BatchRaced
    return answers


def _answer(each: Settling, stands: Standing, earlier: Sequence[Answer], batch: "_Batch") -> Answer:
    if isinstance(stands, Replay):
        return Settled(stands.resource_id, is_replay=True)
    if isinstance(stands, Follows):
        leader = earlier[stands.leader]
        return leader._replace(is_replay=True) if isinstance(leader, Settled) else leader
    if stands is not None:
        return stands
    try:
        return batch.settle(each)
    except DomainError as refusal:
        return refusal


def _ticket_of(each: Settling) -> tuple[UUID, str] | None:
    store_id = each.counter.store_id
    return (store_id, each.ticket) if store_id is not None and each.ticket is not None else None


@dataclass(slots=True)
class _Batch:
    """The vouchers that are named, and what the earlier items have made of them."""

    vouchers: Mapping[str, Voucher]
    tickets: dict[tuple[UUID, str], tuple[UUID, UUID]]
    now: datetime
    settled: dict[UUID, tuple[Settlement, Voucher]] = field(default_factory=dict)

    def settle(self, each: Settling) -> Settled:
        """Take the voucher, or name the settlement that the ticket has made before.

        Raises:
            DomainError: Why it cannot be taken. Another merchant's voucher is as absent as none.
        """
        voucher, ticket = self.vouchers.get(each.code), _ticket_of(each)
        if voucher is None or voucher.merchant_id != each.counter.merchant_id:
            raise NotFound
        if ticket in self.tickets:
            settlement_id, voucher_id = self.tickets[ticket]
            if voucher_id != voucher.id:
                raise TicketAlreadyUsed
            return Settled(settlement_id, is_replay=True)
        if voucher.id in self.settled:
            raise VoucherAlreadySettled(settled_at=self.now.isoformat())
        refusal = not_usable(
            voucher.status, expires_at=voucher.expires_at, ended_at=voucher.ended_at, now=self.now
        )
        if refusal is not None:
            raise refusal
        settlement = settlement_of(voucher, each.counter, each.ticket, self.now)
        self.settled[voucher.id] = (settlement, voucher)
        if ticket is not None:
            self.tickets[ticket] = (settlement.id, voucher.id)
        return Settled(settlement.id)


def settlement_of(
    voucher: Voucher, counter: Counter, ticket: str | None, now: datetime
) -> Settlement:
    """The settlement of a voucher at a counter."""
    return Settlement(
        uuid7(),
        voucher.id,
        voucher.merchant_id,
        voucher.reward_id,
        voucher.points,
        counter.store_id,
        counter.till_id,
        counter.settled_by,
        ticket,
        now,
    )


async def settle_vouchers(
    conn: AsyncConnection, settled: Mapping[UUID, tuple[Settlement, Voucher]], now: datetime
) -> None:
    """Write settlements of issued vouchers, in locked accounts: holds become transfers.

    Raises:
        BatchRaced: A ticket settled something in another transaction in between.
    """
    if not settled:
        return
    if not await insert_settlements(conn, [settlement for settlement, _ in settled.values()]):
        raise BatchRaced
    resolved = await resolve_holds(conn, list(settled))
    if len(resolved) < len(settled):
        raise HoldResolved  # an issued voucher has its hold, or the database is broken
    day = shanghai_day(now)
    transfers = [
        Transfer(
            voucher.account_id,
            settlement.id,
            Purpose.SETTLE,
            portion.lot_id,
            voucher.account_id,
            voucher.merchant_id,
            portion.amount,
            day,
        )
        for settlement, voucher in settled.values()
        for portion in resolved[voucher.id].portions
    ]
    await post(conn, transfers, now)
    await end_vouchers(conn, [(voucher_id, VoucherStatus.SETTLED) for voucher_id in settled], now)
    await append(conn, [Event(VOUCHER_SETTLED, list(settled))])
