"""A merchant's system hears that a settlement may be taken back, and what became of that."""

import json
from itertools import pairwise

import pytest

from backend.verify import check_invariants
from tests.acceptance.running_service import serving, until
from tests.acceptance.shop import decide, open_shop, propose, redeem, rich_member, settle
from tests.receiver import receiving

ASKED, DECIDED = "settlement.correction_asked", "settlement.correction_decided"
HOOKS = "/v1/webhook-endpoints"


@pytest.fixture
async def service(engine, tmp_path):
    async with serving(engine, tmp_path, demo=True, webhook_anywhere=True) as served:
        yield served


@pytest.fixture
async def shop(service):
    return await open_shop(service)


async def listen(manager, receiver, *types):
    reply = await manager.post(HOOKS, {"url": f"{receiver.base}/hook", "event_types": types})
    assert reply.status == 201, reply.body


async def told(receiver, count):
    """What has come by then, by type and correction."""

    async def all_came():
        return len(receiver.came) == count

    await until(all_came)
    return [json.loads(each.body) for each in receiver.came]


async def settled(service, shop):
    voucher = (await redeem(await rich_member(service), await shop.offer())).json()
    return (await settle(shop.cashier, voucher)).json()


async def corrected(service, settlement, decision):
    """A correction that was asked twice and decided twice, each of which counts once."""
    for _ in range(2):
        asked = (await propose(service, settlement, "商户来电")).json()
    for _ in range(2):
        decided = await decide(service, asked["id"], decision, "op-2")
        assert decided.status == 200, decided.body
    return decided.json()


async def test_a_merchant_is_told_once_that_a_correction_was_asked_and_decided(service, shop):
    other = await open_shop(service, "other")
    async with receiving() as receiver, receiving() as elsewhere:
        await listen(shop.manager, receiver, ASKED, DECIDED)
        await listen(other.manager, elsewhere, ASKED, DECIDED)
        settlement = await settled(service, shop)
        declined = await corrected(service, settlement, "decline")
        done = await corrected(service, settlement, "approve")
        came = await told(receiver, 4)
        assert elsewhere.came == []
    found = {(each["type"], each["data"]["correction_id"]): each for each in came}
    for correction in (declined, done):
        data = {
            "correction_id": correction["id"],
            "settlement_id": settlement["id"],
            "points": {"amount": 30, "unit": "points"},
        }
        assert found[ASKED, correction["id"]]["data"] == data
        decided = found[DECIDED, correction["id"]]
        assert decided["data"] == {**data, "outcome": correction["outcome"]}
        times = (correction["proposed_at"], correction["decided_at"])
        stamps = [found[kind, correction["id"]]["timestamp"] for kind in (ASKED, DECIDED)]
        assert tuple(stamps) == times
    assert (declined["outcome"], done["outcome"]) == ("declined", "done")
    assert await check_invariants(service.engine) == []


async def test_an_approved_correction_is_also_an_undone_voucher(service, shop):
    async with receiving() as receiver:
        await listen(shop.manager, receiver, DECIDED, "voucher.undone")
        settlement = await settled(service, shop)
        await corrected(service, settlement, "approve")
        came = await told(receiver, 2)
    assert {each["type"] for each in came} == {DECIDED, "voucher.undone"}
    assert all(one["data"]["points"] == two["data"]["points"] for one, two in pairwise(came))
    assert {each["data"]["settlement_id"] for each in came} == {settlement["id"]}


async def test_what_was_refused_tells_nobody(service, shop):
    async with receiving() as receiver:
        await listen(shop.manager, receiver, ASKED, DECIDED)
        settlement = await settled(service, shop)
        asked = (await propose(service, settlement, "商户来电")).json()
        assert (await decide(service, asked["id"], "approve", "op")).status == 403
        assert (await propose(service, settlement, "另一原因")).status == 409
        [message] = await told(receiver, 1)
    assert (message["type"], message["data"]["correction_id"]) == (ASKED, asked["id"])
    assert await service.value("SELECT count(*) FROM webhook_delivery") == 1
