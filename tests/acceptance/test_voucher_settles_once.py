import asyncio
from datetime import datetime

from backend.verify import check_invariants
from tests.acceptance.running_service import Caller, make_key, serving, until
from tests.acceptance.shop import (
    correct,
    left_of,
    open_shop,
    points_of,
    redeem,
    rich_member,
    settle,
)

DAYS_S = 24 * 3_600
REASON = {"reason": "顾客换了别的"}


async def saved_voucher(shop, member, **terms):
    reward = await shop.offer(**{"stock": 5, **terms})
    voucher = (await redeem(member, reward)).json()
    return reward, voucher


async def merchant_points(shop):
    return (await shop.cashier.get("/v1/merchant")).json()["points"]


async def undo(caller, settlement, **body):
    return await caller.post(f"/v1/settlements/{settlement['id']}/undo", {**REASON, **body})


async def void(member, voucher):
    return await member.send("POST", f"/v1/vouchers/{voucher['id']}/void")


async def test_a_cashier_settles_a_voucher_and_the_merchant_has_the_points(service):
    shop, member = await open_shop(service), await rich_member(service)
    reward, voucher = await saved_voucher(shop, member)
    settled = await settle(shop.cashier, voucher)
    assert settled.status == 201, settled.body
    assert (settled.json()["status"], settled.json()["reward"]) == ("settled", "咖啡")
    assert (settled.json()["points"], settled.json()["voucher_id"]) == (30, voucher["id"])
    assert await points_of(member) == (70, 0)
    assert await merchant_points(shop) == 30
    assert await left_of(shop, reward) == 4
    shown = (await member.get(f"/v1/vouchers/{voucher['id']}")).json()
    assert (shown["status"], shown["code"], shown["digits"]) == ("settled", None, None)
    assert (await member.get(f"/v1/vouchers/{voucher['id']}/qr.svg")).status == 404
    assert await check_invariants(service.engine) == []


async def test_two_hundred_settlements_at_once_are_one(service):
    shop, member = await open_shop(service), await rich_member(service)
    _, voucher = await saved_voucher(shop, member)
    replies = await asyncio.gather(*(settle(shop.cashier, voucher) for _ in range(200)))
    assert sorted(reply.status for reply in replies) == [201] + [409] * 199
    refused = [reply for reply in replies if reply.status == 409]
    assert {reply.problem for reply in refused} == {"voucher-already-settled"}
    assert {reply.json()["title"] for reply in refused} == {"已核销"}
    [winner] = [reply.json() for reply in replies if reply.status == 201]
    settled_at = datetime.fromisoformat(winner["settled_at"])
    assert {datetime.fromisoformat(each.json()["settled_at"]) for each in refused} == {settled_at}
    assert await points_of(member) == (70, 0)
    assert await merchant_points(shop) == 30
    assert await check_invariants(service.engine) == []


async def test_the_same_key_again_is_the_same_answer(service):
    shop, member = await open_shop(service), await rich_member(service)
    _, voucher = await saved_voucher(shop, member)
    key = make_key()
    replies = await asyncio.gather(
        *(settle(shop.cashier, voucher, idempotency_key=key) for _ in range(20))
    )
    assert {reply.status for reply in replies} == {201}
    assert len({reply.body for reply in replies}) == 1
    later = await settle(shop.cashier, voucher, idempotency_key=key)
    assert (later.status, later.headers["Idempotency-Replayed"]) == (201, "true")
    assert (await settle(shop.cashier, voucher)).problem == "voucher-already-settled"


async def test_twelve_digits_do_as_well_and_a_mistyped_one_is_told(service):
    shop, member = await open_shop(service), await rich_member(service)
    _, voucher = await saved_voucher(shop, member)
    digits = voucher["digits"]
    wrong = digits[:-1] + str((int(digits[-1]) + 1) % 10)
    reply = await settle(shop.cashier, {"code": wrong})
    assert (reply.status, reply.problem) == (422, "voucher-code-mistyped")
    assert (await settle(shop.cashier, {"code": digits})).status == 201
    again = await settle(shop.cashier, {"code": digits})
    assert again.problem == "voucher-already-settled"


async def test_another_merchants_voucher_is_as_absent_as_none(service):
    cafe, bakery = await open_shop(service), await open_shop(service, "bakery")
    member = await rich_member(service)
    _, voucher = await saved_voucher(cafe, member)
    for code in (voucher["code"], voucher["digits"], "A" * 26):
        reply = await settle(bakery.cashier, {"code": code})
        assert (reply.status, reply.problem) == (404, "not-found")
    settled = (await settle(cafe.cashier, voucher)).json()
    assert (await bakery.cashier.get(f"/v1/settlements/{settled['id']}")).status == 404
    assert (await undo(bakery.cashier, settled)).status == 404
    assert await points_of(member) == (70, 0)


async def test_a_voucher_is_given_back_once_and_then_settles_no_more(service):
    shop, member = await open_shop(service), await rich_member(service)
    reward, voucher = await saved_voucher(shop, member)
    first, again = await void(member, voucher), await void(member, voucher)
    assert (first.status, again.status) == (200, 200)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (first.json()["status"], first.json()["code"]) == ("voided", None)
    assert await points_of(member) == (100, 0)
    assert await left_of(shop, reward) == 5
    assert (await settle(shop.cashier, voucher)).problem == "voucher-already-voided"
    other = await service.member("wang")
    assert (await void(other, voucher)).status == 404


async def test_a_till_undoes_its_settlement_and_everything_returns(service):
    shop, member = await open_shop(service), await rich_member(service)
    reward, voucher = await saved_voucher(shop, member)
    settled = (await settle(shop.cashier, voucher)).json()
    first, again = await undo(shop.cashier, settled), await undo(shop.cashier, settled)
    assert (first.status, first.json()["status"]) == (200, "undone")
    assert first.json()["undo_reason"] == REASON["reason"]
    assert (again.headers["Idempotency-Replayed"], again.json()) == ("true", first.json())
    assert await points_of(member) == (100, 0)
    assert await merchant_points(shop) == 0
    assert await left_of(shop, reward) == 5
    assert (await settle(shop.cashier, voucher)).problem == "voucher-already-undone"
    assert await check_invariants(service.engine) == []


async def test_only_the_same_till_undoes_and_only_for_ten_minutes(service, tmp_path):
    shop, member = await open_shop(service), await rich_member(service)
    first, second = await shop.till(), await shop.till("2")
    _, voucher = await saved_voucher(shop, member)
    body = {"code": voucher["code"], "till_key": first.bearer}
    settled = (await shop.cashier.post("/v1/settlements", body)).json()
    assert settled["store_id"] == shop.store_id
    for reply in (
        await undo(second, settled),
        await undo(shop.cashier, settled),
        await undo(shop.manager, settled, till_key=second.bearer),
    ):
        assert (reply.status, reply.problem) == (403, "undo-elsewhere")
    assert (await undo(shop.cashier, settled, till_key="thk_0_0")).problem == "till-unknown"
    # The shift changes: whoever stands at the same till undoes it.
    assert (await undo(shop.manager, settled, till_key=first.bearer)).status == 200

    _, voucher = await saved_voucher(shop, member)
    settled = (await settle(first, voucher)).json()
    late = 11 * 60
    async with serving(service.engine, tmp_path, clock_shift_s=late) as later:
        till = Caller(later.session, first.bearer)
        reply = await undo(till, settled)
        assert (reply.status, reply.problem) == (409, "undo-too-late")
        assert (await correct(later, settled, "商户来电")).json()["outcome"] == "done"
        shown = (await shop.manager.get(f"/v1/settlements/{settled['id']}")).json()
        assert (shown["status"], shown["undo_reason"]) == ("undone", "商户来电")


async def test_redeeming_and_returning_a_hundred_times_keeps_the_points(service):
    shop, member = await open_shop(service), await rich_member(service)
    reward = await shop.offer(stock=2)
    for number in range(100):
        voucher = (await redeem(member, reward)).json()
        if number % 2:
            assert (await void(member, voucher)).status == 200
        else:
            settled = (await settle(shop.cashier, voucher)).json()
            assert (await undo(shop.cashier, settled)).status == 200
    assert await points_of(member) == (100, 0)
    assert await merchant_points(shop) == 0
    assert await left_of(shop, reward) == 2
    lots = await service.value("SELECT count(DISTINCT lot_id) FROM transfer WHERE lot_id <> 0")
    assert lots == 1
    assert await check_invariants(service.engine) == []


async def test_what_nobody_used_in_thirty_days_returns(service, tmp_path):
    shop, member = await open_shop(service), await rich_member(service)
    reward, voucher = await saved_voucher(shop, member)
    _, settled = await saved_voucher(shop, member)
    await settle(shop.cashier, settled)
    service.stop.set()
    async with serving(service.engine, tmp_path, clock_shift_s=30 * DAYS_S) as later:
        member = await later.member()
        await until(lambda: _is(member, voucher, "expired"))
        assert await points_of(member) == (70, 0)
        shown = (await member.get(f"/v1/vouchers/{settled['id']}")).json()
        assert shown["status"] == "settled"
        manager = await later.caller("cafe-manager", "merchant_manager")
        offers = (await manager.get("/v1/merchant/rewards")).json()["items"]
        assert [each["left"] for each in offers if each["id"] == reward["id"]] == [5]
        reply = await settle(await later.caller("cafe-cashier", "cashier"), voucher)
        assert (reply.status, reply.problem) == (409, "voucher-already-expired")
        assert await check_invariants(later.engine) == []


async def _is(member, voucher, status):
    return (await member.get(f"/v1/vouchers/{voucher['id']}")).json()["status"] == status


async def test_a_voucher_is_refused_from_its_last_moment_on_job_or_no_job(api_alone, tmp_path):
    shop, member = await open_shop(api_alone), await rich_member(api_alone)
    _, voucher = await saved_voucher(shop, member)
    api_alone.stop.set()
    shift = 30 * DAYS_S
    async with serving(api_alone.engine, tmp_path, parts="api", clock_shift_s=shift) as later:
        cashier, member = await later.caller("cafe-cashier", "cashier"), await later.member()
        for reply in (await settle(cashier, voucher), await void(member, voucher)):
            assert (reply.status, reply.problem) == (409, "voucher-already-expired")
        assert await _is(member, voucher, "issued")


async def test_of_settling_and_voiding_at_once_one_wins_and_repeats_agree(service):
    shop, member = await open_shop(service), await rich_member(service, points=300)
    for _ in range(5):
        reward, voucher = await saved_voucher(shop, member)
        before = await points_of(member), await merchant_points(shop)
        replies = await asyncio.gather(
            *(settle(shop.cashier, voucher) for _ in range(4)),
            *(void(member, voucher) for _ in range(4)),
        )
        settled, voided = replies[:4], replies[4:]
        won = {reply.status for reply in settled if reply.status == 201}
        kept = {reply.status for reply in voided if reply.status == 200}
        assert bool(won) != bool(kept)
        (available, held), points = before
        if won:
            assert {reply.problem for reply in voided} == {"voucher-already-settled"}
            assert await points_of(member) == (available, held - 30)
            assert await merchant_points(shop) == points + 30
        else:
            assert {reply.problem for reply in settled} == {"voucher-already-voided"}
            assert await points_of(member) == (available + 30, held - 30)
            assert await left_of(shop, reward) == 5
    assert await check_invariants(service.engine) == []


async def test_a_point_of_sale_settles_by_ticket_and_asks_after_a_timeout(service):
    shop, member = await open_shop(service), await rich_member(service)
    till = await shop.till()
    _, voucher = await saved_voucher(shop, member)
    _, other = await saved_voucher(shop, member)
    path, ticket = "/v1/pos/settlements", "20261121-0001"
    assert (await till.get(f"{path}/{ticket}")).status == 404
    sale = {"code": voucher["code"], "ticket": ticket}
    replies = await asyncio.gather(*(till.post(path, sale) for _ in range(10)))
    assert sorted(reply.status for reply in replies) == [200] * 9 + [201]
    assert len({reply.body for reply in replies}) == 1
    assert (await till.get(f"{path}/{ticket}")).json() == replies[0].json()
    second = await till.post(path, {"code": other["code"], "ticket": ticket})
    assert (second.status, second.problem) == (409, "ticket-already-used")
    again = await till.post(path, {"code": voucher["code"], "ticket": "20261121-0002"})
    assert (again.status, again.problem) == (409, "voucher-already-settled")
    assert await merchant_points(shop) == 30


async def test_of_two_vouchers_for_one_ticket_at_once_one_is_settled(service):
    shop = await open_shop(service)
    till = await shop.till()
    reward = await shop.offer()
    members = [await rich_member(service, f"m{number}") for number in range(6)]
    vouchers = [(await redeem(member, reward)).json() for member in members]
    sales = [{"code": voucher["code"], "ticket": "7"} for voucher in vouchers]
    replies = await asyncio.gather(*(till.post("/v1/pos/settlements", sale) for sale in sales))
    assert sorted(reply.status for reply in replies) == [201] + [409] * 5
    assert {reply.problem for reply in replies if reply.status == 409} == {"ticket-already-used"}
    assert await merchant_points(shop) == 30


async def test_a_manager_lists_all_settlements_and_a_cashier_her_own(service):
    shop, member = await open_shop(service), await rich_member(service)
    till = await shop.till()
    made = []
    for caller in (shop.cashier, shop.manager, till):
        _, voucher = await saved_voucher(shop, member)
        made.append((await settle(caller, voucher)).json()["id"])
    listed = (await shop.manager.get("/v1/settlements")).json()["items"]
    assert [item["id"] for item in listed] == made[::-1]
    own = (await shop.cashier.get("/v1/settlements?limit=1")).json()
    assert [item["id"] for item in own["items"]] == made[:1]
    assert own["next_cursor"] is None
