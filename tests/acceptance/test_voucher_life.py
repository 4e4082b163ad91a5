"""The whole life of vouchers as a state machine: any order of steps, through HTTP, on the database.

Hypothesis chooses the steps in a thread of its own; each runs in the loop of the service. A model
in plain Python says what each member, the merchant and the stock must have, and after every step
all invariants of `tanhui verify` hold.
"""

import asyncio

import pytest
from hypothesis import HealthCheck, Phase, settings, strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from backend.rewards.ends import expire_vouchers
from backend.verify import check_invariants
from tests.acceptance.shop import (
    give_points,
    left_of,
    open_shop,
    points_of,
    post,
    redeem,
    settle,
)

EXAMPLES, STEPS = 5, 20
PRICE, STOCK = 30, 3
REFUSED = {
    "settled": "voucher-already-settled",
    "voided": "voucher-already-voided",
    "expired": "voucher-already-expired",
    "undone": "voucher-already-undone",
}
AGE = (
    "UPDATE voucher SET issued_at = issued_at - interval '31 days',"
    " expires_at = expires_at - interval '31 days' WHERE id = '{}'"
)


class VoucherLife(RuleBasedStateMachine):
    vouchers = Bundle("vouchers")
    service = loop = None
    number = 0

    def act(self, awaitable):
        return asyncio.run_coroutine_threadsafe(awaitable, self.loop).result(60)

    @initialize()
    def open(self):
        type(self).number += 1
        self.shop = self.act(open_shop(self.service, f"shop{self.number}"))
        self.reward = self.act(self.shop.offer(points=PRICE, stock=STOCK))
        names = [f"{name}{self.number}" for name in ("li", "wang")]
        self.members = [self.act(self.service.member(name)) for name in names]
        operator = self.act(self.service.caller("op", "operator"))
        terms = {"name_zh": "树", "name_en": "Trees"}
        made = self.act(post(operator, "/v1/operator/charity-projects", terms))
        self.project = made.json()["id"]
        self.begin()

    def begin(self):
        self.points = [0, 0]
        self.held = [0, 0]
        self.merchant = 0
        self.donated = 0
        self.left = STOCK
        for who in range(2):
            self.earn(who=who, points=2 * PRICE)
        # Ends that need several steps, so that few walks see them: each walk begins after them.
        self.undo(self.redeem(who=0))
        self.settle(self.redeem(who=1))

    @rule(who=st.integers(0, 1), points=st.integers(PRICE - 1, 90))
    def earn(self, who, points):
        self.act(give_points(self.service, self.members[who], points))
        self.points[who] += points

    @rule(target=vouchers, who=st.integers(0, 1))
    def redeem(self, who):
        reply = self.act(redeem(self.members[who], self.reward))
        if self.points[who] < PRICE:
            assert reply.problem == "insufficient-points"
            return multiple()
        if not self.left:
            assert reply.problem == "out-of-stock"
            return multiple()
        assert reply.status == 201
        self.points[who] -= PRICE
        self.held[who] += PRICE
        self.left -= 1
        return {**reply.json(), "who": who, "state": "issued", "settlement": None}

    @rule(voucher=vouchers)
    def settle(self, voucher):
        reply = self.act(settle(self.shop.cashier, voucher))
        if voucher["state"] != "issued":
            assert reply.problem == REFUSED[voucher["state"]]
            return
        self.settled(voucher, reply)

    @rule(voucher=vouchers)
    def void(self, voucher):
        reply = self.act(self.void_once(voucher))
        if voucher["state"] == "issued":
            assert reply.status == 200
            self.returned(voucher, "voided")
        elif voucher["state"] == "voided":
            assert reply.headers["Idempotency-Replayed"] == "true"
        else:
            assert reply.problem == REFUSED[voucher["state"]]

    @rule(voucher=vouchers)
    def undo(self, voucher):
        if voucher["state"] == "issued":
            self.settle(voucher)
        if voucher["settlement"] is None:
            return
        reply = self.act(self.undo_once(voucher))
        assert reply.status == 200
        if voucher["state"] == "undone":
            assert reply.headers["Idempotency-Replayed"] == "true"
            return
        self.merchant -= PRICE
        self.held[voucher["who"]] += PRICE  # and `returned` frees it
        self.returned(voucher, "undone")

    @rule(voucher=consumes(vouchers))
    def wait_for_a_month(self, voucher):
        self.act(self.service.execute(AGE.format(voucher["id"])))
        self.act(expire_vouchers(self.service.engine, 0))
        if voucher["state"] == "issued":
            self.returned(voucher, "expired")
            assert self.act(settle(self.shop.cashier, voucher)).problem == REFUSED["expired"]

    @rule(voucher=vouchers)
    def race(self, voucher):
        async def at_once():
            return await asyncio.gather(
                settle(self.shop.cashier, voucher),
                self.void_once(voucher),
                settle(self.shop.cashier, voucher),
                self.void_once(voucher),
            )

        before = voucher["state"]
        replies = self.act(at_once())
        settled = [reply for reply in replies[::2] if reply.status == 201]
        voided = [reply for reply in replies[1::2] if reply.status == 200]
        if before != "issued":
            assert settled == []
            assert len(voided) == (2 if before == "voided" else 0)
        elif settled:
            assert (len(settled), voided) == (1, [])
            self.settled(voucher, settled[0])
        else:
            assert len(voided) == 2
            self.returned(voucher, "voided")

    @rule(who=st.integers(0, 1), points=st.integers(1, 20))
    def donate(self, who, points):
        body = {"project_id": self.project, "points": points}
        reply = self.act(post(self.members[who], "/v1/donations", body))
        if points > self.points[who]:
            assert reply.problem == "insufficient-points"
            return
        assert reply.status == 201
        self.points[who] -= points
        self.donated += points

    @invariant()
    def the_books_are_the_models(self):
        found = [self.act(points_of(member)) for member in self.members]
        assert found == list(zip(self.points, self.held, strict=True))
        merchant = self.act(self.shop.cashier.get("/v1/merchant")).json()
        assert merchant["points"] == self.merchant
        assert self.act(left_of(self.shop, self.reward)) == self.left
        projects = self.act(self.service.nobody.get("/v1/charity-projects?limit=1")).json()["items"]
        assert projects[0]["total_points"] == self.donated
        assert self.act(check_invariants(self.service.engine)) == []

    def settled(self, voucher, reply):
        assert reply.status == 201
        voucher.update(state="settled", settlement=reply.json()["id"])
        self.held[voucher["who"]] -= PRICE
        self.merchant += PRICE

    def returned(self, voucher, state):
        voucher["state"] = state
        self.points[voucher["who"]] += PRICE
        self.held[voucher["who"]] -= PRICE
        self.left += 1

    async def void_once(self, voucher):
        path = f"/v1/vouchers/{voucher['id']}/void"
        return await self.members[voucher["who"]].send("POST", path)

    async def undo_once(self, voucher):
        path = f"/v1/settlements/{voucher['settlement']}/undo"
        return await self.shop.cashier.post(path, {"reason": "换货"})


@pytest.mark.timeout(600)
async def test_any_life_of_vouchers_keeps_every_invariant(service):
    given = {"service": service, "loop": asyncio.get_running_loop()}
    machine = type("VoucherLifeHere", (VoucherLife,), given)
    chosen = settings(
        max_examples=EXAMPLES,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    await asyncio.to_thread(run_state_machine_as_test, machine, settings=chosen)
    states = await service.fetch("SELECT DISTINCT status FROM voucher")
    assert {row.status for row in states} >= {"issued", *REFUSED}, "the walk went everywhere"
