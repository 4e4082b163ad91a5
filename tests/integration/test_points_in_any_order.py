"""Property: whatever happens to points, in any order, every one of them is explained.

Earn, hold, settle, release, refund, correct, pay, fund and expire are drawn by Hypothesis, with the
clock before and after the last day of the lots. After each step balances are the sums of their
transfers, nobody owes less than nothing, the fund is never overdrawn, and what it gave is where it
should be; in the end `tanhui verify` finds nothing.
"""

from datetime import timedelta

from hypothesis import HealthCheck, given, settings, strategies as st

from backend.batches import run_batch
from backend.campaigns.domain import PROGRAMME_FUND
from backend.campaigns.queries import top_up
from backend.crediting.expiry import expire_next, expire_points
from backend.crediting.steps import Rulebook, credit_batch
from backend.crediting.vesting import fund_queue, pay_due
from backend.db import fetch, fetch_one, run
from backend.errors import DomainError
from backend.ids import uuid7
from backend.ledger.domain import Purpose, Transfer
from backend.ledger.queries import lock_accounts, post
from scoring.methodology import load_catalogue
from tests.builders import NOON, SECRET, make_order, saved_account
from tests.busy_database import saved_merchant
from tests.holds import place_hold, release_hold, settle_hold
from tests.integration.test_points_life import LOT_END, breaches, shift_to

RULES = Rulebook(load_catalogue(), SECRET)
PLATES = st.tuples(
    st.just("earn"),
    st.lists(
        st.tuples(st.integers(0, 1), st.integers(0, 90), st.sampled_from([0, 24])),
        min_size=1,
        max_size=3,
    ),
)
STEPS = st.one_of(
    PLATES,
    PLATES,
    st.tuples(st.just("hold"), st.integers(0, 1), st.integers(1, 15)),
    st.tuples(st.sampled_from(["release", "settle", "refund"]), st.integers(0, 5)),
    st.tuples(st.just("top_up"), st.integers(1, 30)),
    st.tuples(st.sampled_from(["fund", "pay", "expire", "wait", "outlive"])),
)


class Life:
    """Two members, a merchant and a clock on one database."""

    def __init__(self, engine, accounts, merchant):
        self.engine, self.accounts, self.merchant = engine, accounts, merchant
        self.shift_s, self.holds, self.settled = 0, [], []

    async def step(self, name, *given_):
        await getattr(self, name)(*given_)

    async def earn(self, plates):
        """Plates at any minute of one noon: those after the third of a day lose what they had."""

        async def write(conn, orders):
            ids = [order.account_id for order in orders]
            locked = await lock_accounts(conn, ids, clock_shift_s=self.shift_s)
            return await credit_batch(conn, orders, locked, RULES)

        orders = [
            make_order(
                self.accounts[who],
                occurred_at=NOON + timedelta(minutes=minute),
                vesting_h=vesting_h,
            )
            for who, minute, vesting_h in plates
        ]
        await run_batch(self.engine, write, orders)

    async def hold(self, who, amount):
        account_id = self.accounts[who]
        try:
            async with self.engine.begin() as conn:
                locked = await lock_accounts(conn, [account_id], clock_shift_s=self.shift_s)
                hold_id = await place_hold(conn, account_id, amount, locked.now)
        except DomainError:
            return
        self.holds.append((account_id, hold_id))

    async def release(self, number):
        if not self.holds:
            return
        account_id, hold_id = self.holds.pop(number % len(self.holds))
        async with self.engine.begin() as conn:
            locked = await lock_accounts(conn, [account_id], clock_shift_s=self.shift_s)
            await release_hold(conn, hold_id)
            await expire_points(conn, [account_id], locked.now)

    async def settle(self, number):
        if not self.holds:
            return
        account_id, hold_id = self.holds.pop(number % len(self.holds))
        async with self.engine.begin() as conn:
            locked = await lock_accounts(conn, [account_id], clock_shift_s=self.shift_s)
            cause_id = await settle_hold(conn, hold_id, self.merchant, locked.now)
        self.settled.append((account_id, cause_id))

    async def refund(self, number):
        """What was settled returns to the same lots, and from those that are over to the fund."""
        if not self.settled:
            return
        account_id, cause_id = self.settled.pop(number % len(self.settled))
        async with self.engine.begin() as conn:
            locked = await lock_accounts(conn, [account_id], clock_shift_s=self.shift_s)
            rows = await fetch(
                conn,
                "SELECT lot_id, amount, occurred_on FROM transfer"
                " WHERE account_id = :account AND cause_id = :cause",
                account=account_id,
                cause=cause_id,
            )
            back = uuid7()
            transfers = [
                Transfer(
                    account_id, back, Purpose.REFUND, row.lot_id, self.merchant, account_id,
                    row.amount, row.occurred_on,
                )
                for row in rows
            ]  # fmt: skip
            await post(conn, transfers, locked.now)
            await expire_points(conn, [account_id], locked.now)

    async def top_up(self, points):
        async with self.engine.begin() as conn:
            await top_up(conn, PROGRAMME_FUND, points)

    async def fund(self):
        async with self.engine.begin() as conn:
            await fund_queue(conn, PROGRAMME_FUND)

    async def pay(self):
        async with self.engine.begin() as conn:
            await pay_due(conn, clock_shift_s=self.shift_s)

    async def expire(self):
        async with self.engine.begin() as conn:
            await expire_next(conn, clock_shift_s=self.shift_s)

    async def wait(self):
        """A day goes by."""
        self.shift_s += 86_401

    async def outlive(self):
        """The last day of the lots goes by."""
        self.shift_s = max(self.shift_s, await shift_to(self.engine, LOT_END + timedelta(days=1)))

    async def assert_explained(self):
        async with self.engine.connect() as conn:
            lots = await fetch(
                conn,
                "SELECT account_id, lot_id, coalesce(posted, 0) AS posted, held,"
                " coalesce(net, 0)::bigint AS net FROM account_lot FULL JOIN (SELECT account_id,"
                " lot_id, sum(CASE WHEN credit = account_id THEN amount ELSE -amount END) AS net"
                " FROM transfer GROUP BY 1, 2) AS moves USING (account_id, lot_id)"
                " WHERE account_id = ANY(CAST(:ids AS uuid[]))",
                ids=self.accounts,
            )
            fund = await fetch_one(
                conn,
                "SELECT budget, (SELECT min(available) FROM fund_slice) AS lowest,"
                " (SELECT sum(available) FROM fund_slice)::bigint AS available,"
                " (SELECT coalesce(sum(points), 0) FROM pending_points WHERE is_funded)::bigint"
                " AS pending, (SELECT coalesce(sum(posted), 0) FROM account_lot"
                " WHERE lot_id <> 0)::bigint AS posted, (SELECT coalesce(sum(amount), 0)"
                " FROM account_delta WHERE lot_id <> 0)::bigint AS merchants,"
                " (SELECT min(points_debt) FROM account) AS lowest_debt FROM fund WHERE id = :id",
                id=PROGRAMME_FUND,
            )
        assert [row for row in lots if row.posted != row.net or row.posted < row.held] == []
        assert min(fund.lowest, fund.lowest_debt) >= 0
        assert fund.budget == fund.available + fund.pending + fund.posted + fund.merchants


async def turn_the_clock_back(engine):
    """All examples share a database; the next one begins before the lots were over."""
    async with engine.begin() as conn:
        await run(conn, "UPDATE lot_pass SET finished_at = NULL, due_at = '2026-01-01T00:00Z'")


@settings(
    max_examples=12,
    stateful_step_count=20,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(STEPS, min_size=5, max_size=25))
async def test_whatever_happens_to_points_every_one_is_explained(engine, steps):
    await turn_the_clock_back(engine)
    accounts = [await saved_account(engine, points=0) for _ in range(2)]
    life = Life(engine, accounts, await saved_merchant(engine))
    for step in [("top_up", 20), *steps]:
        await life.step(*step)
        await life.assert_explained()
    assert await breaches(engine) == []
