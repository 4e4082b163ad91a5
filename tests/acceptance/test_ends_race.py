"""Settling, giving back, undoing and expiring at once: one wins, and everybody hears which.

Each racer has its own clock: the job that expires vouchers lives a month ahead of the tills.
"""

import asyncio

import pytest

from backend.ledger.queries import lock_accounts
from backend.rewards.ends import expire_vouchers
from backend.verify import check_invariants
from tests.acceptance.running_service import make_key, until
from tests.acceptance.shop import (
    decide,
    left_of,
    open_shop,
    points_of,
    propose,
    redeem,
    rich_member,
    settle,
)

ROUNDS, PRICE, STOCK = 16, 30, 20
MONTH_AHEAD_S = 40 * 86_400
REFUSED = {
    "settled": {"voucher-already-settled"},
    "voided": {"voucher-already-voided"},
    "expired": {"voucher-already-expired"},
    # Whoever came between the settlement and its undo has met a settled voucher.
    "undone": {"voucher-already-undone", "voucher-already-settled"},
}


class Racers:
    """What people do with one voucher, each as often as they like."""

    def __init__(self, service, shop, member):
        self.service, self.shop, self.member = service, shop, member

    async def settle(self, voucher, key=None):
        named = {"idempotency_key": key} if key else {}
        return "settle", await settle(self.shop.cashier, voucher, **named)

    async def void(self, voucher):
        path = f"/v1/vouchers/{voucher['id']}/void"
        return "void", await self.member.send("POST", path)

    async def expire(self, _):
        return "expire", await expire_vouchers(self.service.engine, MONTH_AHEAD_S)

    async def undo(self, settlement_id):
        path = f"/v1/settlements/{settlement_id}/undo"
        return "undo", await self.shop.cashier.post(path, {"reason": "换货"})

    async def approve(self, correction_id, by):
        return "correct", await decide(self.service, correction_id, "approve", by)

    async def settle_and_undo(self, voucher):
        """A cashier who takes the wrong voucher and sees it at once."""
        _, taken = await self.settle(voucher)
        if taken.status != 201:
            return "settle", taken
        _, undone = await self.undo(taken.json()["id"])
        assert undone.status == 200, undone.body
        return "settle", taken


@pytest.fixture
async def racers(api_alone):
    shop = await open_shop(api_alone)
    member = await rich_member(api_alone, points=ROUNDS * PRICE)
    return Racers(api_alone, shop, member)


async def status_of(racers, voucher):
    reply = await racers.member.get(f"/v1/vouchers/{voucher['id']}")
    return reply.json()["status"]


def assert_one_won(replies, status):
    """Exactly one racer ended the voucher; every other one heard what had become of it."""
    settled = [reply for kind, reply in replies if kind == "settle" and reply.status == 201]
    voided = [reply for kind, reply in replies if kind == "void" and reply.status == 200]
    expired = sum(reply for kind, reply in replies if kind == "expire")
    is_settled = status in {"settled", "undone"}
    assert (len(settled), expired) == (int(is_settled), int(status == "expired"))
    # Giving back what was given back is the same answer.
    assert len(voided) == (2 if status == "voided" else 0)
    fresh = [reply for reply in voided if "Idempotency-Replayed" not in reply.headers]
    assert len(fresh) == int(status == "voided")
    told = {reply.problem for kind, reply in replies if kind in {"settle", "void"}} - {None}
    assert told <= REFUSED[status]


async def waiting(service, count):
    """Until so many transactions stand before a lock."""

    async def are_there():
        sql = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND wait_event_type = 'Lock'"
        )
        return await service.value(sql) >= count

    await until(are_there)


async def race(racers, voucher, head, key):
    """All at the lock of the member's account at once, `head` in front of the others."""
    engine, account_id = racers.service.engine, racers.member.account_id
    async with asyncio.TaskGroup() as group, engine.begin() as gate:
        await lock_accounts(gate, [account_id])
        tasks = [group.create_task(getattr(racers, head)(voucher))]
        await waiting(racers.service, 1)
        acts = ["settle", "void", "expire", "settle_and_undo"] * 2
        acts.remove(head)
        tasks += [group.create_task(getattr(racers, act)(voucher)) for act in acts]
        tasks += [group.create_task(racers.settle(voucher, key))]
        await waiting(racers.service, 4)
    return [task.result() for task in tasks]


async def test_of_all_ends_of_a_voucher_one_wins_and_the_others_hear_which(racers):
    reward = await racers.shop.offer(points=PRICE, stock=STOCK)
    won = []
    for head in ("settle", "void", "expire", "settle_and_undo") * (ROUNDS // 4):
        voucher, key = (await redeem(racers.member, reward)).json(), make_key()
        replies = await race(racers, voucher, head, key)
        won.append(await status_of(racers, voucher))
        assert_one_won(replies, won[-1])
        first, (_, again) = replies[-1][1], await racers.settle(voucher, key)
        if first.status == 201:
            assert (again.json()["id"], again.status) == (first.json()["id"], 201)
        else:
            assert again.problem in REFUSED[won[-1]]
    # PostgreSQL mostly keeps the order of the heads and does not promise it.
    assert {"voided", "expired"} <= set(won)
    assert {"settled", "undone"} & set(won)
    lost = won.count("settled")
    assert await points_of(racers.member) == ((ROUNDS - lost) * PRICE, 0)
    assert await left_of(racers.shop, reward) == STOCK - lost
    assert (await racers.shop.cashier.get("/v1/merchant")).json()["points"] == lost * PRICE
    assert await check_invariants(racers.service.engine) == []


async def test_of_many_undos_one_moves_the_points(racers):
    reward = await racers.shop.offer(points=PRICE, stock=STOCK)
    voucher = (await redeem(racers.member, reward)).json()
    _, settled = await racers.settle(voucher)
    id = settled.json()["id"]
    asked = (await propose(racers.service, settled.json(), "商户来电")).json()["id"]
    undos = [racers.undo(id), racers.approve(asked, "op-2")]
    others = [racers.settle(voucher), racers.void(voucher), racers.expire(voucher)]
    more = [racers.undo(id), racers.approve(asked, "op-3"), racers.undo(id)]
    replies = await asyncio.gather(*undos, *others, *more)
    undone = [reply for kind, reply in replies if kind == "undo"]
    assert [reply.status for reply in undone] == [200] * 3
    corrected = [reply for kind, reply in replies if kind == "correct"]
    won = [reply for reply in corrected if reply.status == 200]
    fresh = [reply for reply in undone if "Idempotency-Replayed" not in reply.headers]
    assert len(fresh) + len(won) == 1
    late = {reply.problem for reply in corrected if reply.status == 409}
    assert late <= ({"correction-decided"} if won else {"settlement-undone"})
    assert len({reply.json()["undone_at"] for reply in undone}) == 1
    assert {reply for kind, reply in replies if kind == "expire"} == {0}
    told = {reply.problem for kind, reply in replies if kind in {"settle", "void"}}
    assert told <= REFUSED["undone"]
    assert await points_of(racers.member) == (ROUNDS * PRICE, 0)
    assert await check_invariants(racers.service.engine) == []
