import asyncio

from backend.verify import check_invariants
from tests.acceptance.shop import left_of, open_shop, points_of, redeem, rich_member

FILE = "\ufeffcode\nA1-B2\n\nC3-D4\nA1-B2\nE5,F6\nG7-H8\n"


async def load(caller, reward, text):
    return await caller.post(f"/v1/merchant/rewards/{reward['id']}/pool-codes", {"csv": text})


async def test_good_lines_are_imported_and_the_others_are_named(service):
    shop = await open_shop(service)
    reward = await shop.offer(fulfilment="pool", low_stock_at=2)
    assert (reward["stock"], reward["is_low"]) == (0, True)
    first = await load(shop.manager, reward, FILE)
    assert first.status == 200, first.body
    assert first.json() == {
        "imported": 3,
        "error_count": 3,
        "errors": [
            {"line": 3, "code": "empty"},
            {"line": 5, "code": "repeated"},
            {"line": 6, "code": "too_many_columns"},
        ],
    }
    assert await left_of(shop, reward) == 3
    again = (await load(shop.manager, reward, FILE)).json()
    assert (again["imported"], again["error_count"]) == (0, 6)
    assert await left_of(shop, reward) == 3
    rests = await service.value(
        "SELECT string_agg(encode(ciphertext, 'escape'), '') FROM pool_code"
    )
    assert "A1-B2" not in rests


async def test_members_who_race_for_codes_get_one_each_and_none_twice(service):
    shop = await open_shop(service)
    reward = await shop.offer(fulfilment="pool")
    codes = [f"CODE-{number:03d}" for number in range(6)]
    await load(shop.manager, reward, "\n".join(codes))
    members = [await rich_member(service, f"m{number}") for number in range(9)]
    replies = await asyncio.gather(*(redeem(member, reward) for member in members))
    assert sorted(reply.status for reply in replies) == [201] * 6 + [409] * 3
    given = [reply.json() for reply in replies if reply.status == 201]
    assert sorted(each["pool_code"] for each in given) == codes
    assert {each["status"] for each in given} == {"settled"}
    winner = next(m for m, r in zip(members, replies, strict=True) if r.status == 201)
    assert await points_of(winner) == (70, 0)
    [kept] = (await winner.get("/v1/vouchers")).json()["items"]
    assert kept["pool_code"] in codes
    assert (await shop.manager.get("/v1/merchant")).json()["points"] == 180
    operator = await service.caller("op", "operator")
    [settled, *_] = (await shop.manager.get("/v1/settlements")).json()["items"]
    path = f"/v1/operator/settlements/{settled['id']}/corrections"
    assert (await operator.post(path, {"reason": "错误"})).problem == "undo-elsewhere"
    assert await check_invariants(service.engine) == []


async def test_only_rewards_of_the_own_merchant_that_are_pools_take_codes(service):
    shop, other = await open_shop(service), await open_shop(service, "bakery")
    pool, plain = await shop.offer(fulfilment="pool"), await shop.offer()
    assert (await load(other.manager, pool, "A1")).status == 404
    assert (await load(shop.manager, plain, "A1")).problem == "reward-terms-not-clear"


async def test_a_code_of_one_reward_is_known_to_the_others_of_its_merchant(service):
    shop, other = await open_shop(service), await open_shop(service, "bakery")
    dear, cheap = await shop.offer(fulfilment="pool"), await shop.offer(fulfilment="pool", points=9)
    await load(shop.manager, dear, "A1\nA2")
    again = (await load(shop.manager, cheap, "A1\nB1")).json()
    assert (again["imported"], again["errors"]) == (1, [{"line": 1, "code": "known"}])
    assert await left_of(shop, cheap) == 1
    # Whoever prints A1 for somebody else means another thing.
    elsewhere = await load(other.manager, await other.offer(fulfilment="pool"), "A1")
    assert elsewhere.json()["imported"] == 1


async def test_a_file_for_two_rewards_at_once_is_imported_into_one_of_them(service):
    shop = await open_shop(service)
    rewards = [await shop.offer(fulfilment="pool") for _ in range(4)]
    replies = await asyncio.gather(*(load(shop.manager, each, "A1\nA2") for each in rewards))
    assert sorted(reply.json()["imported"] for reply in replies) == [0, 0, 0, 2]
