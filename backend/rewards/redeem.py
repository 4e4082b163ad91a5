"""The batch that redeems: points and stock are set aside, and a voucher is issued."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.batches import BatchRaced
from backend.errors import DomainError, NotFound
from backend.events import VOUCHER_ISSUED, Event
from backend.idempotency import Follows, Intention, Replay, find_effects, record_effects, stand
from backend.ids import uuid7
from backend.ledger.domain import Portion, take_earliest
from backend.ledger.holds import Placing, SpendableLot, place_holds, spendable_lots
from backend.ledger.queries import Locked, lock_accounts
from backend.outbox import append
from backend.rewards.call_domain import PARTNER_CALL, Recipient, refuse_recipient
from backend.rewards.call_steps import request_calls
from backend.rewards.codes import make_code, make_digits
from backend.rewards.domain import Reward, Standing, Taken, VoucherStatus, out_of_stock, why_not
from backend.rewards.pool import deliver_pool_codes
from backend.rewards.reward_queries import (
    Known,
    StockSlice,
    known_accounts,
    lock_stock,
    rewards_by_id,
    take_stock,
    taken_by,
)
from backend.rewards.rules import RewardRules
from backend.rewards.voucher_queries import Voucher, insert_vouchers
from backend.units import shanghai_day


class Redemption(NamedTuple):
    """A member wants a reward."""

    account_id: UUID
    reward_id: UUID
    region: str
    is_phone_verified: bool
    intention: Intention | None
    recipient: Recipient | None = None


class Redeemed(NamedTuple):
    """A voucher by its id; a replay names the earlier one."""

    voucher_id: UUID
    is_replay: bool = False


Answer = Redeemed | DomainError


async def write_redemptions(
    conn: AsyncConnection, redemptions: Sequence[Redemption], rules: RewardRules
) -> list[Answer]:
    """Issue vouchers; the same key again answers with the first one.

    Appends `VoucherIssued` once for the batch.
    """
    locked = await lock_accounts(
        conn, [each.account_id for each in redemptions], clock_shift_s=rules.clock_shift_s
    )
    intentions = [each.intention for each in redemptions]
    effects = await find_effects(conn, [each for each in intentions if each])
    standing = stand(intentions, effects)
    fresh = [index for index, stands in enumerate(standing) if stands is None]
    issued = await issue_vouchers(conn, [redemptions[index] for index in fresh], locked, rules)
    vouchers = [each for each in issued if isinstance(each, Voucher)]
    await deliver_pool_codes(conn, vouchers, locked.now)
    await request_calls(
        conn,
        [
            (voucher, each.recipient.sealed if each.recipient else None)
            for voucher, each in zip(issued, (redemptions[index] for index in fresh), strict=True)
            if isinstance(voucher, Voucher)
        ],
    )
    made = dict(zip(fresh, issued, strict=True))
    written = [
        (intention, voucher.id)
        for index, voucher in made.items()
        if isinstance(voucher, Voucher) and (intention := intentions[index])
    ]
    if not await record_effects(conn, written, locked.now):
        raise BatchRaced
    return [_answer(stands, index, made) for index, stands in enumerate(standing)]


def _answer(
    stands: Replay | Follows | DomainError | None,
    index: int,
    made: Mapping[int, Voucher | DomainError],
) -> Answer:
    if isinstance(stands, Replay):
        return Redeemed(stands.resource_id, is_replay=True)
    if isinstance(stands, DomainError):
        return stands
    voucher = made[stands.leader if stands else index]
    if isinstance(voucher, DomainError):
        return voucher
    return Redeemed(voucher.id, is_replay=stands is not None)


async def issue_vouchers(
    conn: AsyncConnection, wanted: Sequence[Redemption], locked: Locked, rules: RewardRules
) -> list[Voucher | DomainError]:
    """Hold points, take stock and write vouchers, in locked accounts; one answer per item.

    Stock is locked for every item before anything is decided, so that the decision knows what is
    there; it is the last lock of the transaction.
    """
    if not wanted:
        return []
    admission, slices = await _load(conn, wanted, locked.now, rules)
    answers: list[Voucher | DomainError] = []
    placings: list[Placing] = []
    for each in wanted:
        try:
            reward, portions = admission.admit(each)
        except DomainError as refusal:
            answers.append(refusal)
            continue
        voucher = _voucher(each, reward, locked.now)
        placings.append(Placing(voucher.id, each.account_id, portions, voucher.expires_at))
        answers.append(voucher)
    issued = [answer for answer in answers if isinstance(answer, Voucher)]
    if not await insert_vouchers(conn, issued):
        raise BatchRaced  # a live voucher has the same twelve digits: draw others
    await place_holds(conn, placings, locked.now)
    await take_stock(conn, _cut(slices, issued))
    await append(conn, [Event(VOUCHER_ISSUED, [each.id for each in issued])] if issued else [])
    return answers


async def _load(
    conn: AsyncConnection, wanted: Sequence[Redemption], now: datetime, rules: RewardRules
) -> tuple["Admission", Sequence[StockSlice]]:
    accounts = sorted({each.account_id for each in wanted})
    rewards = await rewards_by_id(conn, [each.reward_id for each in wanted])
    pairs = [(each.account_id, each.reward_id) for each in wanted]
    known = await known_accounts(conn, accounts)
    lots = await spendable_lots(conn, accounts, shanghai_day(now))
    taken = await taken_by(conn, pairs, now)
    stocked: dict[UUID, int] = {}
    for each in wanted:
        if each.reward_id in rewards and rewards[each.reward_id].is_stocked:
            stocked[each.reward_id] = stocked.get(each.reward_id, 0) + 1
    slices = await lock_stock(conn, stocked) if stocked else []
    pieces: dict[UUID, int] = {}
    for part in slices:
        pieces[part.reward_id] = pieces.get(part.reward_id, 0) + part.available
    return Admission(rewards, dict(known), dict(lots), dict(taken), pieces, rules, now), slices


@dataclass(frozen=True, slots=True)
class Admission:
    """What the redemptions of a batch may still use; each sees what the earlier ones took."""

    rewards: Mapping[UUID, Reward]
    known: dict[UUID, Known]
    lots: dict[UUID, list[SpendableLot]]
    taken: dict[tuple[UUID, UUID], Taken]
    pieces: dict[UUID, int]
    rules: RewardRules
    now: datetime

    def admit(self, each: Redemption) -> tuple[Reward, Sequence[Portion]]:
        """The reward, and the points that pay for it, earliest expiry first.

        Raises:
            DomainError: Why this redemption is refused; nothing is taken then.
        """
        reward, known = self.rewards.get(each.reward_id), self.known.get(each.account_id)
        if reward is None or known is None:
            raise NotFound
        pair = (each.account_id, each.reward_id)
        refuse_recipient(reward.recipient, each.recipient)
        taken = self.taken.get(pair, Taken())
        standing = Standing(
            known.opened_at, known.has_redeemed, each.is_phone_verified, self._points(each)
        )
        refusal = why_not(
            reward, standing, taken, first=self.rules.first, region=each.region, now=self.now
        ) or out_of_stock(reward, self.pieces.get(reward.id, 0))
        if refusal is not None:
            raise refusal
        self.taken[pair] = taken.plus_one()
        self.known[each.account_id] = known._replace(has_redeemed=True)
        self.pieces[reward.id] = self.pieces.get(reward.id, 0) - 1
        return reward, self._take(each.account_id, reward)

    def _points(self, each: Redemption) -> Mapping[UUID, int]:
        points: dict[UUID, int] = {}
        for lot in self.lots[each.account_id]:
            points[lot.fund_id] = points.get(lot.fund_id, 0) + lot.balance.available
        return points

    def _take(self, account_id: UUID, reward: Reward) -> Sequence[Portion]:
        lots = self.lots[account_id]
        good = [lot.balance for lot in lots if reward.fund_id in {None, lot.fund_id}]
        portions = take_earliest(good, reward.points)
        held = {portion.lot_id: portion.amount for portion in portions}
        self.lots[account_id] = [
            lot._replace(
                balance=lot.balance._replace(
                    held=lot.balance.held + held.get(lot.balance.lot_id, 0)
                )
            )
            for lot in lots
        ]
        return portions


def _voucher(each: Redemption, reward: Reward, now: datetime) -> Voucher:
    return Voucher(
        uuid7(),
        each.account_id,
        reward.id,
        reward.merchant_id,
        reward.points,
        VoucherStatus.FULFILLING if reward.fulfilment == PARTNER_CALL else VoucherStatus.ISSUED,
        make_code(),
        make_digits(),
        now,
        now + timedelta(days=reward.voucher_days),
        None,
    )


def _cut(slices: Sequence[StockSlice], issued: Sequence[Voucher]) -> list[StockSlice]:
    """How many pieces each locked slice gives."""
    missing: dict[UUID, int] = {}
    for voucher in issued:
        missing[voucher.reward_id] = missing.get(voucher.reward_id, 0) + 1
    taken = []
    for part in slices:
        pieces = min(part.available, missing.get(part.reward_id, 0))
        if pieces:
            missing[part.reward_id] -= pieces
            taken.append(part._replace(available=pieces))
    return taken
