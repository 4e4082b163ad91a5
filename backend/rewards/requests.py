"""The other way round: the cashier scans the member's code, and the member confirms.

A confirmation redeems and settles in one transaction, so no voucher is left lying between the two.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.errors import DomainError, NotFound
from backend.ids import uuid7
from backend.ledger.queries import lock_accounts
from backend.rewards.codes import HANDLE_DIGITS, make_handle, step_of
from backend.rewards.merchant_queries import Counter
from backend.rewards.redeem import Redemption, issue_vouchers
from backend.rewards.refusals import (
    MemberCodeNotValid,
    RequestDecided,
    RequestExpired,
    RewardNotOffered,
)
from backend.rewards.request_queries import (
    MemberCode,
    Request,
    confirm_requests,
    decline_request,
    insert_request,
    lock_member_code,
    renew_member_code,
    requests_by_id,
    use_step,
)
from backend.rewards.reward_queries import rewards_by_id
from backend.rewards.rules import RewardRules
from backend.rewards.settle import settle_vouchers, settlement_of
from backend.rewards.voucher_queries import Voucher

VOUCHER = "voucher"
SECRET_BYTES = 32  # as long as the hash, RFC 4226, section 4
CODE_LIFE = timedelta(hours=24)  # then another handle: visits cannot be linked for longer
CONFIRM_WITHIN = timedelta(minutes=2)  # the member stands at the till with the phone in hand


class Confirmation(NamedTuple):
    """A member says yes."""

    request_id: UUID
    account_id: UUID
    is_phone_verified: bool


class Confirmed(NamedTuple):
    """A request by its id; a replay was confirmed before."""

    id: UUID
    is_replay: bool = False


Answer = Confirmed | DomainError


async def member_code(conn: AsyncConnection, account_id: UUID, now: datetime) -> MemberCode:
    """The account's code material, made when there is none or it is a day old."""
    fresh = MemberCode(account_id, make_handle(), secrets.token_bytes(SECRET_BYTES), now, 0)
    return await renew_member_code(conn, fresh, older_than=now - CODE_LIFE)


async def request_by_code(
    conn: AsyncConnection, shown: str, *, counter: Counter, reward_id: UUID, now: datetime
) -> UUID:
    """Ask the member whose code was scanned; a code is good for one scan.

    Raises:
        MemberCodeNotValid: Used, too old, or of nobody.
        NotFound, RewardNotOffered: This counter cannot hand it over.
    """
    await check_offered(conn, counter, reward_id)
    account_id = await account_of_code(conn, shown, now)
    return await ask_member(conn, account_id, counter=counter, reward_id=reward_id, now=now)


async def account_of_code(conn: AsyncConnection, shown: str, now: datetime) -> UUID:
    """The member who shows a code, which is used up with the transaction.

    Raises:
        MemberCodeNotValid: Used, too old, or of nobody.
    """
    code = await lock_member_code(conn, shown[:HANDLE_DIGITS])
    if code is None:
        raise MemberCodeNotValid
    step = step_of(code.secret, shown[HANDLE_DIGITS:], now_s=now.timestamp())
    if step is None or step <= code.used_step:
        raise MemberCodeNotValid
    await use_step(conn, code.account_id, step)
    return code.account_id


async def check_offered(conn: AsyncConnection, counter: Counter, reward_id: UUID) -> None:
    """Refuse what this counter cannot hand over.

    Raises:
        NotFound: The reward is not this merchant's.
        RewardNotOffered: It is not handed over at a till.
    """
    reward = (await rewards_by_id(conn, [reward_id])).get(reward_id)
    if reward is None or reward.merchant_id != counter.merchant_id:
        raise NotFound
    if reward.fulfilment != VOUCHER:
        raise RewardNotOffered  # there is nothing that a till could hand over


async def ask_member(
    conn: AsyncConnection, account_id: UUID, *, counter: Counter, reward_id: UUID, now: datetime
) -> UUID:
    """Write a request that waits for the member's yes."""
    request = Request(
        uuid7(),
        account_id,
        counter.merchant_id,
        reward_id,
        counter.store_id,
        counter.till_id,
        counter.settled_by,
        "pending",
        now + CONFIRM_WITHIN,
        None,
        None,
    )
    await insert_request(conn, request, now)
    return request.id


async def write_confirmations(
    conn: AsyncConnection, confirmations: Sequence[Confirmation], rules: RewardRules
) -> list[Answer]:
    """Redeem and settle what members confirm; a second yes is the same answer."""
    accounts = [each.account_id for each in confirmations]
    locked = await lock_accounts(conn, accounts, clock_shift_s=rules.clock_shift_s)
    requests = await requests_by_id(conn, [each.request_id for each in confirmations])
    decided = [_decide(each, requests.get(each.request_id), locked.now) for each in confirmations]
    fresh: dict[UUID, Redemption] = {}
    for each, answer in zip(confirmations, decided, strict=True):
        if answer is None:
            request = requests[each.request_id]
            fresh[request.id] = Redemption(
                each.account_id,
                request.reward_id,
                request.region or rules.region,
                each.is_phone_verified,
                None,
            )
    issued = dict(
        zip(fresh, await issue_vouchers(conn, list(fresh.values()), locked, rules), strict=True)
    )
    vouchers = {id: voucher for id, voucher in issued.items() if isinstance(voucher, Voucher)}
    await _settle(conn, {id: (requests[id], vouchers[id]) for id in vouchers}, locked.now)
    return [
        answer or _answer(each.request_id, issued[each.request_id])
        for each, answer in zip(confirmations, decided, strict=True)
    ]


def _decide(each: Confirmation, request: Request | None, now: datetime) -> Answer | None:
    """The answer that needs no write, or None for a request that waits for this yes."""
    if request is None or request.account_id != each.account_id:
        return NotFound()
    if request.status == "confirmed":
        return Confirmed(request.id, is_replay=True)
    if request.status == "declined":
        return RequestDecided()
    return RequestExpired() if now >= request.expires_at else None


def _answer(request_id: UUID, voucher: Voucher | DomainError) -> Answer:
    return Confirmed(request_id) if isinstance(voucher, Voucher) else voucher


async def _settle(
    conn: AsyncConnection, pairs: dict[UUID, tuple[Request, Voucher]], now: datetime
) -> None:
    settled = {}
    for request, voucher in pairs.values():
        counter = Counter(
            request.requested_by, request.merchant_id, request.store_id, request.till_id
        )
        settled[voucher.id] = (settlement_of(voucher, counter, None, now), voucher)
    await settle_vouchers(conn, settled, now)
    await confirm_requests(conn, {id: voucher.id for id, (_, voucher) in pairs.items()}, now)


async def write_decline(
    conn: AsyncConnection, request_id: UUID, account_id: UUID, clock_shift_s: int
) -> Confirmed:
    """Decline a request; a second no is the same answer.

    Raises:
        NotFound: Not this member's.
        RequestDecided: It was confirmed.
    """
    locked = await lock_accounts(conn, [account_id], clock_shift_s=clock_shift_s)
    request = (await requests_by_id(conn, [request_id])).get(request_id)
    if request is None or request.account_id != account_id:
        raise NotFound
    if request.status == "confirmed":
        raise RequestDecided
    if request.status == "pending":
        await decline_request(conn, request_id, locked.now)
    return Confirmed(request_id, is_replay=request.status == "declined")
