import asyncio
import base64
from datetime import datetime

from backend.rewards.codes import member_pass
from backend.verify import check_invariants
from tests.acceptance.running_service import serving
from tests.acceptance.shop import open_shop, points_of, rich_member


async def code_of(member):
    reply = await member.get("/v1/member-code")
    assert reply.status == 200, reply.body
    return reply.json()


async def ask(caller, member, reward, code=None):
    code = code or (await code_of(member))["code"]
    body = {"member_code": code, "reward_id": reward["id"]}
    return await caller.post("/v1/settlement-requests", body)


async def answer(member, request, verb="confirm"):
    return await member.send("POST", f"/v1/settlement-requests/{request['id']}/{verb}")


async def test_the_member_confirms_what_the_cashier_asked_for(service):
    shop, member = await open_shop(service), await rich_member(service)
    reward = await shop.offer(stock=1)
    till = await shop.till()
    asked = await ask(till, member, reward)
    assert asked.status == 201, asked.body
    request = asked.json()
    assert (request["status"], request["status_text"]) == ("pending", "待会员确认")
    assert await points_of(member) == (100, 0), "nothing is held before the member says yes"
    [seen] = (await member.get("/v1/settlement-requests")).json()["items"]
    assert seen == request
    waiting = asyncio.ensure_future(
        till.get(f"/v1/settlement-requests/{request['id']}", prefer="wait=10")
    )
    replies = await asyncio.gather(*(answer(member, request) for _ in range(5)))
    assert {reply.status for reply in replies} == {200}
    outcome = (await waiting).json()
    assert outcome["status"] == "confirmed"
    settled = (await till.get(f"/v1/settlements/{outcome['settlement_id']}")).json()
    assert (settled["store_id"], settled["points"]) == (shop.store_id, 30)
    assert await points_of(member) == (70, 0)
    assert (await answer(member, request, "decline")).problem == "request-decided"
    assert await check_invariants(service.engine) == []


async def test_a_code_is_good_for_one_scan(service):
    shop, member = await open_shop(service), await rich_member(service)
    reward = await shop.offer()
    code = (await code_of(member))["code"]
    replies = await asyncio.gather(*(ask(shop.cashier, member, reward, code) for _ in range(8)))
    assert sorted(reply.status for reply in replies) == [201] + [422] * 7
    refused = {reply.problem for reply in replies if reply.status == 422}
    assert refused == {"member-code-not-valid"}


async def test_the_phone_makes_its_codes_by_itself_and_half_a_minute_is_forgiven(service):
    shop, member = await open_shop(service), await rich_member(service)
    reward = await shop.offer()
    material = await code_of(member)
    secret = base64.b64decode(material["secret"])
    step = int(datetime.fromisoformat(material["expires_at"]).timestamp()) // 30 - 1
    assert material["code"] == material["handle"] + member_pass(secret, step)
    for off, status in ((-2, 422), (-1, 201), (1, 201), (0, 422), (3, 422)):
        code = material["handle"] + member_pass(secret, step + off)
        reply = await ask(shop.cashier, member, reward, code)
        assert reply.status == status, off
    unknown = await ask(shop.cashier, member, reward, "0" * 18)
    assert unknown.problem == "member-code-not-valid"


async def test_a_declined_or_late_request_redeems_nothing(service, tmp_path):
    shop, member = await open_shop(service), await rich_member(service)
    reward = await shop.offer()
    request = (await ask(shop.cashier, member, reward)).json()
    first, again = (
        await answer(member, request, "decline"),
        await answer(member, request, "decline"),
    )
    assert (first.json()["status"], again.headers["Idempotency-Replayed"]) == ("declined", "true")
    assert (await answer(member, request)).problem == "request-decided"

    async with serving(service.engine, tmp_path, clock_shift_s=60) as later:
        late = await later.member()
        cashier = await later.caller("cafe-cashier", "cashier")
        request = (await ask(cashier, late, reward)).json()
    async with serving(service.engine, tmp_path / "b", clock_shift_s=60 + 121) as later:
        late = await later.member()
        reply = await answer(late, request)
        assert (reply.status, reply.problem) == (409, "request-expired")
        [shown] = [
            each
            for each in (await late.get("/v1/settlement-requests")).json()["items"]
            if each["id"] == request["id"]
        ]
        assert shown["status"] == "expired"
    assert await points_of(member) == (100, 0)


async def test_nobody_else_sees_or_answers_a_request(service):
    shop, member = await open_shop(service), await rich_member(service)
    bakery = await open_shop(service, "bakery")
    other = await rich_member(service, "wang")
    reward = await shop.offer()
    request = (await ask(shop.cashier, member, reward)).json()
    path = f"/v1/settlement-requests/{request['id']}"
    assert (await other.get(path)).status == 404
    assert (await bakery.cashier.get(path)).status == 404
    assert (await answer(other, request)).status == 404
    assert (await answer(other, request, "decline")).status == 404
    elsewhere = await ask(bakery.cashier, member, reward)
    assert (elsewhere.status, elsewhere.problem) == (404, "not-found")


async def test_a_confirmation_is_refused_as_a_redemption_would_be(service):
    shop, member = await open_shop(service), await rich_member(service, points=40)
    reward = await shop.offer()
    requests = [(await ask(shop.cashier, member, reward)).json()]
    assert (await answer(member, requests[0])).status == 200
    material = await code_of(member)
    secret = base64.b64decode(material["secret"])
    step = int(datetime.fromisoformat(material["expires_at"]).timestamp()) // 30
    code = material["handle"] + member_pass(secret, step)
    request = (await ask(shop.cashier, member, reward, code)).json()
    reply = await answer(member, request)
    assert (reply.status, reply.problem) == (422, "insufficient-points")
    assert await points_of(member) == (10, 0)
