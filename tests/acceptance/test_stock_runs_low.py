"""A merchant hears once, at each crossing, that pieces or codes have run low."""

import json

import pytest

from backend.rewards.stock_alerts import watch_stock
from backend.verify import check_invariants
from tests.acceptance.running_service import serving, until
from tests.acceptance.shop import open_shop, post, redeem, rich_member
from tests.receiver import receiving

ALERTS = "/v1/merchant/stock-alerts"


@pytest.fixture
async def service(engine, tmp_path):
    async with serving(engine, tmp_path, demo=True, webhook_anywhere=True) as served:
        yield served


async def watch(service):
    """What the processor does every minute."""
    async with service.engine.begin() as conn:
        [row] = (await conn.exec_driver_sql("SELECT now() AS now")).all()
        return await watch_stock(conn, row.now)


async def sell_out_twice(service, shop, reward):
    """Down to the mark, below it, filled up, and down again; the processor looks too."""
    member = await rich_member(service)
    for _ in range(2):
        await redeem(member, reward)
        await watch(service)
    path = f"/v1/merchant/rewards/{reward['id']}/changes"
    await post(shop.manager, path, {"add_stock": 5})
    await watch(service)
    for _ in range(5):
        await redeem(member, reward)
    await watch(service)


async def alerts(caller):
    items = (await caller.get(f"{ALERTS}?limit=2")).json()
    rest = (await caller.get(f"{ALERTS}?limit=2&cursor={items['next_cursor']}")).json()
    return [*items["items"], *rest["items"]]


async def test_stock_that_runs_low_is_told_once_per_crossing(service):
    shop = await open_shop(service)
    async with receiving() as receiver:
        body = {"url": f"{receiver.base}/hook", "event_types": ["reward.stock_low"]}
        assert (await shop.manager.post("/v1/webhook-endpoints", body)).status == 201
        reward = await shop.offer(points=1, stock=3, low_stock_at=2)
        await shop.offer(points=1, stock=0)  # nobody asked to be told
        await sell_out_twice(service, shop, reward)
        pool = await shop.offer(points=1, fulfilment="pool", low_stock_at=0)
        await watch(service)

        async def all_came():
            return len(receiver.came) == 3

        await until(all_came)
    found, told = await alerts(shop.cashier), [json.loads(each.body) for each in receiver.came]
    assert [(each["reward_id"], each["left"]) for each in found] == [
        (pool["id"], 0),
        (reward["id"], 1),
        (reward["id"], 2),
    ]
    assert [each["recovered_at"] is not None for each in found] == [False, False, True]
    assert {each["data"]["alert_id"] for each in told} == {each["id"] for each in found}
    assert told[0]["data"].keys() == {"alert_id", "reward_id", "left", "low_stock_at"}
    stranger = await open_shop(service, "other")
    assert (await stranger.manager.get(ALERTS)).json()["items"] == []
    assert await check_invariants(service.engine) == []
