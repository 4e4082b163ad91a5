"""Redemptions that are settled per second with one busy merchant, against a lock on its balance.

64 tills each redeem a reward for a member and settle the voucher, which are two durable commits
that follow each other. Our side writes both in group commits and books the merchant by deltas. The
rival runs the very same statements in a transaction per redemption and per settlement, and locks
the merchant's account row while it settles, as a ledger with one balance row does.
"""

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import uvloop
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backend.batches import Batcher, run_batch
from backend.campaigns.domain import PROGRAMME_FUND
from backend.campaigns.queries import drain, top_up
from backend.db import copy_rows, fetch, make_engine, run
from backend.errors import DomainError
from backend.ids import uuid7
from backend.ledger.domain import Purpose, Transfer, points_expire_on
from backend.ledger.queries import ensure_lots, lock_accounts, open_account, post
from backend.rewards.domain import FirstRedemption
from backend.rewards.merchant_queries import Counter, insert_merchant
from backend.rewards.redeem import Redeemed, Redemption, write_redemptions
from backend.rewards.reward_queries import insert_reward
from backend.rewards.rules import RewardRules
from backend.rewards.settle import Settled, Settling, write_settlements
from backend.units import shanghai_day
from backend.verify import check_invariants
from benchmarks.credit import WrongEffect
from benchmarks.lab import Lab, alternate, compare, open_lab

PRICE = 3
STOCK = 10_000_000
RULES = RewardRules(FirstRedemption(needs_phone=False, account_age=timedelta(0)), "330100")

Redeem = Callable[[Redemption], Awaitable[Redeemed]]
Settle = Callable[[Settling], Awaitable[Settled]]


@dataclass(slots=True)
class Side:
    """One way to write, on a database of its own.

    Attributes:
        is_grouped: Group commits without a hot row, or a transaction each with a lock.
    """

    lab: Lab
    name: str
    is_grouped: bool
    options: argparse.Namespace
    url: str = ""
    merchant_id: UUID = field(default_factory=uuid7)
    reward_id: UUID = field(default_factory=uuid7)
    members: Sequence[UUID] = ()
    done: int = 0

    def measure(self, _: int) -> float:
        """Redemptions settled per second of one round."""
        self.lab.administer(self.name, "VACUUM ANALYZE")
        self.lab.settle(self.name)
        return uvloop.run(self._round())

    async def prepare(self, pairs: int) -> None:
        """A merchant with one reward, and members with points for all rounds."""
        engine = make_engine(self.url)
        self.members = [uuid7() for _ in range(self.options.members)]
        each = PRICE * (pairs // len(self.members) + 1)
        async with engine.begin() as conn:
            rows = [(account_id, "member") for account_id in self.members]
            await copy_rows(conn, "account", ("id", "kind"), rows)
            await _open_merchant(conn, self.merchant_id, self.reward_id)
            await _give_points(conn, self.members, each)
        await engine.dispose()

    async def _round(self) -> float:
        # A connection for each till, so that the rival waits for its lock and not for a connection.
        engine = make_engine(self.url, pool_size=self.options.tills)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(engine.dispose)
            redeem, settle = await self._writers(stack, engine)
            turns = iter(range(self.done, self.done + self.options.pairs))
            began = time.perf_counter()
            async with asyncio.TaskGroup() as tills:
                for _ in range(self.options.tills):
                    tills.create_task(self._till(turns, redeem, settle, engine))
            seconds = time.perf_counter() - began
        self.done += self.options.pairs
        return float(self.options.pairs / seconds)

    async def _writers(self, stack: AsyncExitStack, engine: AsyncEngine) -> tuple[Redeem, Settle]:
        if not self.is_grouped:
            return partial(_redeem_alone, engine), partial(_settle_alone, engine)
        group = await stack.enter_async_context(asyncio.TaskGroup())
        redemptions = Batcher(engine, partial(write_redemptions, rules=RULES))
        settlements = Batcher(engine, partial(write_settlements, rules=RULES))
        for each in (redemptions, settlements):
            task = group.create_task(each.serve())
            stack.callback(task.cancel)
        return redemptions.submit, settlements.submit

    async def _till(
        self, turns: Iterator[int], redeem: Redeem, settle: Settle, engine: AsyncEngine
    ) -> None:
        counter = Counter("till", self.merchant_id, None, None)
        for turn in turns:
            account_id = self.members[turn % len(self.members)]
            redemption = Redemption(
                account_id, self.reward_id, RULES.region, is_phone_verified=True, intention=None
            )
            voucher_id = (await redeem(redemption)).voucher_id
            async with engine.connect() as conn:
                [row] = await fetch(conn, "SELECT code FROM voucher WHERE id = :id", id=voucher_id)
            await settle(Settling(row.code, counter, None, None))

    async def check(self) -> None:
        """Every pair is there once, and the books are whole.

        Raises:
            WrongEffect: Otherwise.
        """
        engine = make_engine(self.url)
        breaches = [each.name for each in await check_invariants(engine)]
        async with engine.connect() as conn:
            [row] = await fetch(conn, _PAID, id=self.merchant_id)
        await engine.dispose()
        if breaches or (row.settled, row.points) != (self.done, self.done * PRICE):
            raise WrongEffect(f"{row} instead of {self.done} settled; breaches {breaches}")


_PAID = """
SELECT (SELECT count(*) FROM voucher WHERE status = 'settled') AS settled,
       (SELECT sum(amount) FROM account_delta WHERE account_id = :id)::bigint AS points
"""


_LOCK = "SELECT id FROM account WHERE id = :id FOR UPDATE"


async def _redeem_alone(engine: AsyncEngine, item: Redemption) -> Redeemed:
    return _granted(await run_batch(engine, partial(write_redemptions, rules=RULES), [item]))


async def _settle_alone(engine: AsyncEngine, item: Settling) -> Settled:
    async def write_locked(
        conn: AsyncConnection, items: Sequence[Settling]
    ) -> list[Settled | DomainError]:
        # Before the member's lock, and nobody takes the merchant's after it: no deadlock.
        await run(conn, _LOCK, id=item.counter.merchant_id)
        return await write_settlements(conn, items, RULES)

    return _granted(await run_batch(engine, write_locked, [item]))


def _granted(answers: Sequence[Any]) -> Any:
    [answer] = answers
    if isinstance(answer, DomainError):
        raise answer
    return answer


async def _open_merchant(conn: AsyncConnection, merchant_id: UUID, reward_id: UUID) -> None:
    await open_account(conn, merchant_id, "merchant")
    await insert_merchant(conn, merchant_id, name_zh="商户", name_en="Merchant")
    now = (await lock_accounts(conn, ())).now
    values = {"id": reward_id, "merchant_id": merchant_id, "valid_from": now, "stock": STOCK}
    names = {"name_zh": "券", "name_en": "Voucher", "points": PRICE, "payer": "government"}
    await insert_reward(conn, values | names)


async def _give_points(conn: AsyncConnection, members: Sequence[UUID], each: int) -> None:
    now = (await lock_accounts(conn, ())).now
    day = shanghai_day(now)
    lot = (PROGRAMME_FUND, points_expire_on(day))
    lot_id = (await ensure_lots(conn, [lot]))[lot]
    await top_up(conn, PROGRAMME_FUND, each * len(members))
    await drain(conn, PROGRAMME_FUND, each * len(members))
    cause_id = uuid7()
    given = [
        Transfer(id, cause_id, Purpose.ADJUST, lot_id, PROGRAMME_FUND, id, each, day)
        for id in members
    ]
    await post(conn, given, now)


def main(argv: Sequence[str]) -> int:
    options = _parser().parse_args(argv)
    with open_lab() as lab:
        sides = [Side(lab, name, name == "ours", options) for name in ("ours", "rival")]
        for side in sides:
            side.url = lab.make_database(side.name)
            uvloop.run(side.prepare(options.pairs * options.rounds))
        found = alternate(sides[0].measure, sides[1].measure, options.rounds)
        for side in sides:
            uvloop.run(side.check())
    compare("redeem", *found, unit="redemptions settled/s", ran=_ran(options))
    return 0


def _ran(options: argparse.Namespace) -> dict[str, Any]:
    return {
        "rounds": options.rounds,
        "pairs_per_round": options.pairs,
        "tills": options.tills,
        "members": options.members,
        "rival": "a transaction each, with a row lock on the merchant's balance",
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tanhui bench redeem", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--pairs", type=int, default=5_000, help="per side and round")
    parser.add_argument("--tills", type=int, default=64, help="that redeem and settle at once")
    parser.add_argument("--members", type=int, default=2_000)
    parser.add_argument("--json", action="store_true", help="accepted; the last line always is")
    return parser
