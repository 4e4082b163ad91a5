"""The whole life of points and vouchers as a state machine: any order of steps, on the database.

Points are earned, vest, are clawed back and expire; vouchers are redeemed, settled, given back,
undone, expire, or are what a partner says. Hypothesis chooses the steps in a thread of its own;
each runs in the loop of the service, through HTTP where a person would do it. What the processor
does is a step like the others. A model in plain Python says what each member, the merchant and the
stock must have, and after every step all invariants of `tanhui verify` hold.
"""

import asyncio
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, Phase, settings, strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from backend.crediting.expiry import expire_next
from backend.crediting.vesting import pay_due
from backend.db import make_engine, run
from backend.rewards.call_domain import Outcome, Said
from backend.rewards.call_queries import lease_calls
from backend.rewards.call_steps import Finished, write_outcomes
from backend.rewards.ends import expire_vouchers
from backend.verify import check_invariants
from tests.acceptance.shop import (
    give_points,
    left_of,
    open_shop,
    post,
    redeem,
    settle,
)
from tests.builders import NOON
from tests.busy_database import credit, make_claimed_order

EXAMPLES, STEPS = 4, 25
PRICE, STOCK = 30, 5
LOT_STEPS_MIN = 10  # an end of the lot takes all points, and nothing happens to who has none
REFUSED = {
    "settled": "voucher-already-settled",
    "voided": "voucher-already-voided",
    "expired": "voucher-already-expired",
    "undone": "voucher-already-undone",
    "fulfilling": "voucher-being-fulfilled",
    "undecided": "voucher-being-fulfilled",
    "returned": "voucher-already-voided",
}
SAID = {
    "fulfilled": Outcome(Said.FULFILLED, 200, reference="R-1"),
    "refused": Outcome(Said.REFUSED, 200, reason="no"),
    "unknown": Outcome(Said.UNKNOWN, 500, error="status_refused"),
}
DAY_S, PHOTO_POINTS = 86_400, 5
# Only the owner may: lots end on a day that no other lot of their fund has.
AGE_LOTS = (
    "UPDATE lot SET expires_on = current_date - 1000 - id::integer WHERE expires_on >= current_date"
)
ASK_NO_MORE = "UPDATE partner_call SET ask_until = now() WHERE voucher_id = '{}'"
AGE = (
    "UPDATE voucher SET issued_at = issued_at - interval '31 days',"
    " expires_at = expires_at - interval '31 days' WHERE id = '{}'"
)


class VoucherLife(RuleBasedStateMachine):
    vouchers = Bundle("vouchers")
    bags = Bundle("bags")
    service = owner = loop = None
    number = days = 0

    def act(self, awaitable):
        return asyncio.run_coroutine_threadsafe(awaitable, self.loop).result(60)

    @initialize()
    def open(self):
        type(self).number += 1
        self.shop = self.act(open_shop(self.service, f"shop{self.number}"))
        self.reward = self.act(self.shop.offer(points=PRICE, stock=STOCK))
        url = {"url": "https://partner.example.org/fulfil"}
        assert self.act(post(self.shop.manager, "/v1/merchant/call-endpoint", url)).status == 201
        self.called = self.act(self.shop.offer(points=PRICE, fulfilment="partner_call"))
        names = [f"{name}{self.number}" for name in ("li", "wang")]
        self.members = [self.act(self.service.member(name)) for name in names]
        self.operator = self.act(self.service.caller("op", "operator"))
        terms = {"name_zh": "树", "name_en": "Trees"}
        made = self.act(post(self.operator, "/v1/operator/charity-projects", terms))
        self.project = made.json()["id"]
        self.begin()

    def begin(self):
        self.points = [0, 0]
        self.held = [0, 0]
        self.pending = [0, 0]
        self.debt = [0, 0]
        self.steps_in_lot = 0
        self.lot = 0  # which one is good; those before it are over
        self.merchant = 0
        self.donated = 0
        self.left = STOCK
        for who in range(2):
            self.earn(who=who, points=4 * PRICE)
        # Ends that need several steps, so that few walks see them: each walk begins after them.
        self.undo(self.redeem(who=0))
        self.settle(self.redeem(who=1))
        self.answer(self.order(who=0), "refused")
        self.wait_for_a_month(self.redeem(who=1))
        self.void(self.redeem(who=1))
        self.claw_back(self.weigh(who=0))

    @rule(who=st.integers(0, 1), points=st.integers(PRICE - 1, 150))
    def earn(self, who, points):
        self.act(give_points(self.service, self.members[who], points))
        self.points[who] += points

    @rule(who=st.integers(0, 1))
    def photograph(self, who):
        type(self).days += 1
        at = NOON - timedelta(days=self.days)
        order = make_claimed_order(self.members[who].account_id, occurred_at=at)
        self.act(credit(self.service.engine, order._replace(vesting_h=24)))
        self.pending[who] += PHOTO_POINTS

    @rule()
    def wait_for_a_day(self):
        self.act(self.repeated(pay_due, 2 * DAY_S))
        for who in range(2):
            self.paid(who, self.pending[who])
            self.pending[who] = 0

    @rule(target=bags, who=st.integers(0, 1))
    def weigh(self, who):
        type(self).days += 1
        reply = self.act(self.hand_in(who, f"BAG{self.days % 100:05d}"))
        assert reply.status == 201, reply.body
        self.paid(who, reply.json()["points"])
        return {"who": who, **reply.json()}

    @rule(bag=consumes(bags))
    def claw_back(self, bag):
        path = f"/v1/operator/check-ins/{bag['id']}/reversals"
        why = {"reason": "counted_twice", "note": "同一袋称了两次"}
        reply = self.act(self.operator.post(path, why))
        assert reply.status == 201, reply.body
        taken = min(self.points[bag["who"]], bag["points"])
        self.points[bag["who"]] -= taken
        self.debt[bag["who"]] += bag["points"] - taken

    @precondition(lambda self: self.steps_in_lot >= LOT_STEPS_MIN)
    @rule()
    def wait_for_the_end_of_the_lot(self):
        self.act(self.age_lots())
        self.act(self.repeated(expire_next, 0))
        self.lot += 1
        self.steps_in_lot = 0
        self.points = [0, 0]  # what is held expires when it is released

    @rule(target=vouchers, who=st.integers(0, 1))
    def order(self, who):
        reply = self.act(redeem(self.members[who], self.called))
        if self.points[who] < PRICE:
            assert reply.problem == "insufficient-points"
            return multiple()
        assert reply.status == 201
        self.points[who] -= PRICE
        self.held[who] += PRICE
        made, sql = reply.json(), "SELECT code FROM voucher WHERE id = :id"
        code = self.act(self.service.value(sql, id=made["id"]))
        return self.voucher(made, who, state="fulfilling", code=code)

    @rule(voucher=vouchers, said=st.sampled_from(list(SAID)))
    def answer(self, voucher, said):
        if voucher["state"] == "fulfilling":
            [call] = self.act(self.leased(voucher))
            assert self.act(self.wrote(call, said)) == [True]
            self.said(voucher, said)

    @rule(voucher=vouchers)
    def answer_late_to_a_process_that_lost_its_lease(self, voucher):
        async def at_once():
            [first], [second] = await self.leased(voucher), await self.leased(voucher)
            wrote = (self.wrote(first, "refused"), self.wrote(second, "fulfilled"))
            return await asyncio.gather(*wrote)

        if voucher["state"] == "fulfilling":
            assert self.act(at_once()) == [[False], [True]]
            self.said(voucher, "fulfilled")

    @rule(voucher=vouchers, outcome=st.sampled_from(["fulfilled", "refused", "ask_again"]))
    def answer_nothing_and_let_somebody_decide(self, voucher, outcome):
        if voucher["state"] == "fulfilling":
            self.act(self.service.execute(ASK_NO_MORE.format(voucher["id"])))
            self.answer(voucher, "unknown")
            voucher["state"] = "undecided"
        if voucher["state"] != "undecided":
            return
        words = {"fulfilled": {"reference": "R"}, "refused": {"reason": "no"}, "ask_again": {}}
        body = {"outcome": outcome, **words[outcome]}
        path = f"/v1/partner-calls/{voucher['id']}/decisions"
        assert self.act(self.operator.post(path, body)).status == 200
        self.said(voucher, outcome)

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
        return self.voucher(reply.json(), who)

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
        self.steps_in_lot += 1
        accounts = [self.act(member.account()) for member in self.members]
        for name in ("points", "points_held", "points_pending", "points_debt"):
            model = getattr(self, name.removeprefix("points_"))
            assert [account[name] for account in accounts] == model, name
        merchant = self.act(self.shop.cashier.get("/v1/merchant")).json()
        assert merchant["points"] == self.merchant
        assert self.act(left_of(self.shop, self.reward)) == self.left
        projects = self.act(self.service.nobody.get("/v1/charity-projects?limit=1")).json()["items"]
        assert projects[0]["total_points"] == self.donated
        assert self.act(check_invariants(self.service.engine)) == []

    def voucher(self, made, who, *, state="issued", **more):
        return {
            **made,
            "who": who,
            "state": state,
            "settlement": None,
            "lot": self.lot,
            "is_stocked": made["fulfilment"] == "voucher",
            **more,
        }

    def paid(self, who, points):
        repaid = min(self.debt[who], points)
        self.debt[who] -= repaid
        self.points[who] += points - repaid

    def settled(self, voucher, reply):
        assert reply.status == 201
        voucher.update(state="settled", settlement=reply.json()["id"])
        self.held[voucher["who"]] -= PRICE
        self.merchant += PRICE

    def said(self, voucher, said):
        if said == "refused":
            self.returned(voucher, "returned")
        elif said == "fulfilled":
            voucher["state"] = "settled"
            self.held[voucher["who"]] -= PRICE
            self.merchant += PRICE
        else:
            voucher["state"] = "fulfilling"

    def returned(self, voucher, state):
        voucher["state"] = state
        if voucher["lot"] == self.lot:
            self.paid(voucher["who"], PRICE)
        self.held[voucher["who"]] -= PRICE
        self.left += voucher["is_stocked"]

    async def hand_in(self, who, code):
        await self.members[who].bind(code)
        return await self.service.by_key("scale").weigh(code, mass_g=200)

    async def repeated(self, portion, shift_s):
        """A duty of the processor, under a moved clock, until there is nothing left to do."""
        done = True
        while done:
            async with self.service.engine.begin() as conn:
                done = await portion(conn, clock_shift_s=shift_s)

    async def age_lots(self):
        async with self.owner.begin() as conn:
            await run(conn, AGE_LOTS)

    async def leased(self, voucher):
        """A lease of this call that is over at once, as if its process had died."""
        async with self.service.engine.begin() as conn:
            await run(conn, "UPDATE partner_call SET due_at = now() WHERE status = 'calling'")
            calls = await lease_calls(conn, at_once=99, limit=99, lease_s=0)
        return [call for call in calls if str(call.voucher_id) == voucher["id"]]

    async def wrote(self, call, said):
        async with self.service.engine.begin() as conn:
            return await write_outcomes(conn, [Finished(call, SAID[said])], 0)

    async def void_once(self, voucher):
        path = f"/v1/vouchers/{voucher['id']}/void"
        return await self.members[voucher["who"]].send("POST", path)

    async def undo_once(self, voucher):
        path = f"/v1/settlements/{voucher['settlement']}/undo"
        return await self.shop.cashier.post(path, {"reason": "换货"})


@pytest.mark.timeout(600)
async def test_any_life_of_points_and_vouchers_keeps_every_invariant(api_alone, server):
    service, loop = api_alone, asyncio.get_running_loop()
    owner = make_engine(server.url(service.engine.url.database))
    given = {"service": service, "owner": owner, "loop": loop}
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
    try:
        await asyncio.to_thread(run_state_machine_as_test, machine, settings=chosen)
    finally:
        await owner.dispose()
    states = await service.fetch("SELECT DISTINCT status FROM voucher")
    everywhere = {*REFUSED} - {"fulfilling", "undecided"}
    assert {row.status for row in states} >= everywhere, "the walk went everywhere"
