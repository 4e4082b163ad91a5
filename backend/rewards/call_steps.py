"""What a partner's answer or a person's decision makes of a voucher: load, decide, write.

The lock of the member's account decides, as between settling and giving back; behind it stand the
unique voucher of a settlement and the hold that resolves once.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from prometheus_client import Counter as Metric
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.batches import BatchRaced
from backend.errors import DomainError, NotFound
from backend.events import VOUCHER_FULFILLED, VOUCHER_RETURNED, VOUCHER_UNDECIDED, Event
from backend.ledger.queries import lock_accounts
from backend.outbox import append
from backend.rewards.call_domain import (
    PARTNER_CALL,
    Call,
    CallStatus,
    Outcome,
    Said,
    ask_again_at,
)
from backend.rewards.call_queries import (
    CallRow,
    Closing,
    close_calls,
    insert_calls,
    lock_calls,
    reopen_call,
)
from backend.rewards.domain import VoucherStatus
from backend.rewards.ends import give_back
from backend.rewards.merchant_queries import Counter
from backend.rewards.refusals import PartnerCallDecided, PartnerCallGoesOn
from backend.rewards.settle import settle_vouchers, settlement_of
from backend.rewards.voucher_queries import Voucher, vouchers_by_id

ASK_AGAIN = "ask_again"
_ENDS = {Said.FULFILLED: CallStatus.FULFILLED, Said.REFUSED: CallStatus.REFUSED}

_attempts = Metric("tanhui_partner_calls", "Attempts to have a voucher fulfilled", ["said"])
_undecided = Metric("tanhui_partner_calls_undecided", "Calls that a person has to decide")


class Finished(NamedTuple):
    """An attempt and what came of it."""

    call: Call
    outcome: Outcome


class Deciding(NamedTuple):
    """A person says what happened on the other side.

    Attributes:
        merchant_id: Whose calls the person may decide; None for an operator.
        outcome: `fulfilled`, `refused` or `ask_again`.
        words: The partner's reference, or the reason why it did not happen.
    """

    voucher_id: UUID
    merchant_id: UUID | None
    outcome: str
    words: str | None
    decided_by: str


class Decided(NamedTuple):
    """A call by its voucher; a replay was decided so before."""

    voucher_id: UUID
    is_replay: bool = False


async def request_calls(
    conn: AsyncConnection, issued: Sequence[tuple[Voucher, bytes | None]]
) -> None:
    """Have partners called for vouchers that they fulfil; each with its sealed recipient.

    Raises:
        BatchRaced: A merchant has no endpoint, which offering the reward has made sure of.
    """
    wanted = [
        (voucher.id, voucher.merchant_id, recipient)
        for voucher, recipient in issued
        if voucher.status is VoucherStatus.FULFILLING
    ]
    if wanted and await insert_calls(conn, wanted) < len(wanted):
        raise BatchRaced


async def write_outcomes(
    conn: AsyncConnection, finished: Sequence[Finished], clock_shift_s: int
) -> list[bool]:
    """Write what partners answered; False where the lease was lost, and nothing is written then.

    A second call finds no lease and changes nothing. Appends `VoucherSettled` and
    `VoucherFulfilled`, `VoucherReturned`, or `VoucherUndecided`.
    """
    locked = await lock_accounts(
        conn, [each.call.account_id for each in finished], clock_shift_s=clock_shift_s
    )
    rows = await lock_calls(conn, [each.call.voucher_id for each in finished])
    ours = [each for each in finished if _is_ours(each.call, rows[each.call.voucher_id])]
    # Pauses are real time, whatever the clock of the programme says.
    real_now = locked.now - timedelta(seconds=clock_shift_s)
    closings = {each.call.voucher_id: _closing(each, real_now) for each in ours}
    await _write(conn, closings, locked.now)
    for each in ours:
        _attempts.labels(each.outcome.said).inc()
    return [each in ours for each in finished]


def _is_ours(call: Call, row: CallRow) -> bool:
    return row.status is CallStatus.CALLING and row.attempts == call.attempts


def _closing(finished: Finished, now: datetime) -> Closing:
    call, outcome = finished
    if outcome.said in _ENDS:
        return Closing(
            call.voucher_id,
            _ENDS[outcome.said],
            response_code=outcome.response_code,
            reference=outcome.reference,
            reason=outcome.reason,
        )
    due_at = ask_again_at(call, now)
    status = CallStatus.CALLING if due_at else CallStatus.UNDECIDED
    return Closing(call.voucher_id, status, due_at, outcome.error, outcome.response_code)


async def write_decision(
    conn: AsyncConnection, deciding: Deciding, clock_shift_s: int
) -> Decided | DomainError:
    """Decide a call that nobody answered for; the same decision again is the same answer."""
    id = deciding.voucher_id
    accounts = [voucher.account_id for voucher in (await vouchers_by_id(conn, [id])).values()]
    locked = await lock_accounts(conn, accounts, clock_shift_s=clock_shift_s)
    answer = _decide(deciding, (await lock_calls(conn, [id])).get(id))
    if isinstance(answer, DomainError) or answer.is_replay:
        return answer
    if deciding.outcome == ASK_AGAIN:
        await reopen_call(conn, id)
    else:
        await _write(conn, {id: _decided(deciding)}, locked.now)
    return answer


def _decide(each: Deciding, row: CallRow | None) -> Decided | DomainError:
    if row is None or each.merchant_id not in {None, row.merchant_id}:
        return NotFound()
    if row.status is CallStatus.UNDECIDED:
        return Decided(each.voucher_id)
    if row.status is CallStatus.CALLING:
        is_replay = each.outcome == ASK_AGAIN
        return Decided(each.voucher_id, is_replay=True) if is_replay else PartnerCallGoesOn()
    if (row.status, row.words) == (each.outcome, each.words):
        return Decided(each.voucher_id, is_replay=True)
    return PartnerCallDecided(status=row.status)


def _decided(each: Deciding) -> Closing:
    is_fulfilled = each.outcome == CallStatus.FULFILLED
    return Closing(
        each.voucher_id,
        CallStatus(each.outcome),
        reference=each.words if is_fulfilled else None,
        reason=None if is_fulfilled else each.words,
        decided_by=each.decided_by,
    )


async def _write(conn: AsyncConnection, closings: Mapping[UUID, Closing], now: datetime) -> None:
    """Close calls and end their vouchers, in locked accounts."""
    vouchers = await vouchers_by_id(conn, closings)
    of: dict[CallStatus, list[Voucher]] = {status: [] for status in CallStatus}
    for closing in closings.values():
        of[closing.status].append(vouchers[closing.voucher_id])
    await close_calls(conn, list(closings.values()), now)
    await settle_vouchers(
        conn,
        {
            each.id: (
                settlement_of(each, Counter(PARTNER_CALL, each.merchant_id, None, None), None, now),
                each,
            )
            for each in of[CallStatus.FULFILLED]
        },
        now,
    )
    await give_back(conn, of[CallStatus.REFUSED], VoucherStatus.RETURNED, now)
    _undecided.inc(len(of[CallStatus.UNDECIDED]))
    await append(
        conn,
        [
            Event(name, [each.id for each in of[status]])
            for status, name in (
                (CallStatus.FULFILLED, VOUCHER_FULFILLED),
                (CallStatus.REFUSED, VOUCHER_RETURNED),
                (CallStatus.UNDECIDED, VOUCHER_UNDECIDED),
            )
            if of[status]
        ],
    )
