"""A reward that another system hands over: done, refused, or not known until somebody finds out."""

import asyncio
import json

import pytest

from backend.rewards.call_sending import Asker
from backend.rewards.ends import expire_vouchers
from backend.verify import check_invariants
from tests.acceptance.running_service import make_key, serving, until
from tests.acceptance.shop import (
    COFFEE,
    left_of,
    open_shop,
    points_of,
    post,
    redeem,
    rich_member,
)
from tests.partner import fulfilling
from tests.receiver import is_signed, receiving

PHONE = "13800138000"
CALLS = "/v1/partner-calls"
ENDPOINT = "/v1/merchant/call-endpoint"
# What real time would do: the next ask is due, or asking is over.
DUE = "UPDATE partner_call SET due_at = now() WHERE status = 'calling' AND leased_until IS NULL"
BAD_ADDRESS = "UPDATE call_endpoint SET url = 'http://127.0.0.1:9/bad'"
OVER = "UPDATE partner_call SET ask_until = now(), due_at = now() WHERE voucher_id = :id"


@pytest.fixture
async def service(engine, tmp_path):
    async with serving(engine, tmp_path, demo=True, webhook_anywhere=True) as served:
        yield served


async def offered(service, partner, name="cafe", **terms):
    """A shop whose system is called, its secret, and its reward of 30 points and 5 pieces."""
    shop = await open_shop(service, name)
    made = await post(shop.manager, ENDPOINT, {"url": f"{partner.base}/fulfil"})
    assert made.status == 201, made.body
    wanted = {"fulfilment": "partner_call", "recipient": "phone", "stock": 5, **terms}
    return shop, made.json()["secret"], await shop.offer(**wanted)


async def bought(member, reward, **changes):
    reply = await redeem(member, reward, **{"recipient": PHONE, **changes})
    assert reply.status == 201, reply.body
    return reply.json()


async def status_of(member, voucher):
    return (await member.get(f"/v1/vouchers/{voucher['id']}")).json()["status"]


async def becomes(member, voucher, status):
    async def is_so():
        return await status_of(member, voucher) == status

    await until(is_so)


async def asked(service, voucher, error):
    """Until an attempt has ended so."""

    async def is_so():
        [row] = await service.fetch(
            "SELECT leased_until, error FROM partner_call WHERE voucher_id = :id", id=voucher["id"]
        )
        return (row.leased_until, row.error) == (None, error)

    await until(is_so)


async def undecided(service, member, voucher):
    """Let the day of asking be over."""
    await service.execute(OVER, id=voucher["id"])

    async def is_so():
        return await service.value(
            "SELECT status = 'undecided' FROM partner_call WHERE voucher_id = :id", id=voucher["id"]
        )

    await until(is_so)
    assert await status_of(member, voucher) == "fulfilling"


async def told(service, member):
    await service.drained()
    return [each["kind"] for each in (await member.get("/v1/notices")).json()["items"]]


async def decide(caller, voucher, **body):
    return await caller.post(f"{CALLS}/{voucher['id']}/decisions", body)


async def test_a_partner_that_fulfils_is_paid_once_and_its_reference_is_kept(service):
    async with fulfilling() as partner:
        shop, secret, reward = await offered(service, partner)
        member = await rich_member(service)
        voucher = await bought(member, reward)
        assert (voucher["status"], voucher["code"], voucher["qr_svg"]) == ("fulfilling", None, None)
        await becomes(member, voucher, "settled")
    [call] = partner.came
    assert is_signed(call, secret)
    assert call.headers["idempotency-key"] == call.id == voucher["id"]
    assert json.loads(call.body)["data"] == {
        "voucher_id": voucher["id"],
        "reward_id": reward["id"],
        "points": {"amount": 30, "unit": "points"},
        "recipient": PHONE,
    }
    shown = (await member.get(f"/v1/vouchers/{voucher['id']}")).json()
    assert shown["partner_reference"] == "R-1"
    assert await points_of(member) == (70, 0)
    assert (await shop.cashier.get("/v1/merchant")).json()["points"] == 30
    assert await left_of(shop, reward) == 4
    assert await told(service, member) == ["voucher_fulfilled"]
    assert await service.value("SELECT recipient IS NULL FROM partner_call"), "it is forgotten"
    assert await check_invariants(service.engine) == []


async def test_a_member_can_wait_for_the_partner(service):
    async with fulfilling("hang") as partner:
        _, _, reward = await offered(service, partner)
        member = await rich_member(service)
        voucher = await bought(member, reward)
        path = f"/v1/vouchers/{voucher['id']}"

        async def is_asked():
            return partner.at_once == 1

        await until(is_asked)
        assert (await member.get(path)).json()["status"] == "fulfilling"
        waiting = asyncio.create_task(member.get(f"{path}?wait=10"))
        partner.gate.set()
        assert (await waiting).json()["status"] == "settled"


async def test_what_the_partner_refuses_returns_points_and_piece(service):
    async with fulfilling("refuse") as partner:
        shop, _, reward = await offered(service, partner)
        body = {"url": f"{partner.base}/hook", "event_types": ["voucher.returned"]}
        hook = (await shop.manager.post("/v1/webhook-endpoints", body)).json()
        member = await rich_member(service)
        voucher = await bought(member, reward)
        await becomes(member, voucher, "returned")
        assert await points_of(member) == (100, 0)
        assert await left_of(shop, reward) == 5
        assert await told(service, member) == ["voucher_returned"]
        path = f"/v1/webhook-endpoints/{hook['id']}/deliveries"
        [delivery] = (await shop.manager.get(path)).json()["items"]
        assert delivery["event_type"] == "voucher.returned"
        [call] = (await shop.manager.get(f"{CALLS}?status=refused")).json()["items"]
        assert (call["id"], call["reason"], call["attempts"]) == (voucher["id"], "号码已停机", 1)
    assert await check_invariants(service.engine) == []


async def test_an_answer_that_was_lost_is_asked_for_and_nothing_is_done_twice(service):
    async with fulfilling("lose") as partner:
        _, secret, reward = await offered(service, partner)
        member = await rich_member(service)
        voucher = await bought(member, reward)
        await asked(service, voucher, "status_refused")
        assert await points_of(member) == (70, 30), "nothing returns while it is not known"
        await service.execute(DUE)
        await becomes(member, voucher, "settled")
    assert partner.asked == ["POST", "GET"]
    assert partner.came[1].path == f"/fulfil/{voucher['id']}"
    assert is_signed(partner.came[1], secret)
    assert await points_of(member) == (70, 0)


async def test_a_call_that_fails_as_nobody_expected_stops_no_other_one(service, monkeypatch):
    ask = Asker.ask

    async def ask_or_fail(asker, call):
        if call.url.endswith("/bad"):
            raise ArithmeticError
        return await ask(asker, call)

    monkeypatch.setattr(Asker, "ask", ask_or_fail)
    async with fulfilling() as partner:
        _, _, bad_reward = await offered(service, partner, "bad-cafe")
        await service.execute(BAD_ADDRESS)
        _, _, reward = await offered(service, partner)
        member = await rich_member(service)
        lost = await bought(member, bad_reward)
        await asked(service, lost, "not_understood")
        await becomes(member, await bought(member, reward), "settled")
    assert await status_of(member, lost) == "fulfilling"


async def test_a_partner_that_never_heard_of_it_is_told_again_in_the_same_words(service):
    async with fulfilling("break", b"fulfilled", "pending", "fulfil") as partner:
        _, _, reward = await offered(service, partner)
        member = await rich_member(service)
        voucher = await bought(member, reward)
        for error in ("status_refused", "not_understood", "pending"):
            await asked(service, voucher, error)
            await service.execute(DUE)
        await becomes(member, voucher, "settled")
    assert partner.asked == ["POST", *["GET", "POST"] * 3]
    assert len({each.body for each in partner.came if each.method == "POST"}) == 1
    assert await points_of(member) == (70, 0)


async def unanswered(service, partner, pieces):
    """Vouchers for which the partner never answered; with the shop and the member."""
    shop, _, reward = await offered(service, partner)
    member = await rich_member(service)
    vouchers = [await bought(member, reward) for _ in range(pieces)]
    for voucher in vouchers:
        await asked(service, voucher, "status_refused")
    return shop, member, vouchers


async def test_after_the_last_try_a_person_decides_and_only_once(service):
    refused = {"outcome": "refused", "reason": "查无此单"}
    fulfilled = {"outcome": "fulfilled", "reference": "R-9"}
    operator = await service.caller("op", "operator")
    async with fulfilling("break") as partner:
        shop, member, (first, second) = await unanswered(service, partner, 2)
        early = await decide(operator, first, **refused)
        assert (early.status, early.problem) == (409, "partner-call-goes-on")
        await undecided(service, member, first)
        await undecided(service, member, second)
        await service.drained()  # whom a person decides for at once is told of the decision alone
        assert await points_of(member) == (40, 60)
        done = await decide(operator, first, **refused)
        assert (done.status, done.json()["status"]) == (200, "refused")
        assert done.json()["decided_by"].endswith("|op")
        again = await decide(operator, first, **refused)
        assert again.headers["Idempotency-Replayed"] == "true"
        other = await decide(shop.manager, first, **fulfilled)
        assert (other.status, other.problem) == (409, "partner-call-decided")
        assert (await decide(shop.manager, second, **fulfilled)).status == 200
    assert await points_of(member) == (70, 0)
    assert [await status_of(member, each) for each in (first, second)] == ["returned", "settled"]
    kinds = ["voucher_fulfilled", "voucher_returned", *["voucher_undecided"] * 2]
    assert sorted(await told(service, member)) == kinds
    assert await check_invariants(service.engine) == []


async def test_what_waits_for_a_person_is_listed_page_by_page_to_those_whom_it_concerns(service):
    operator = await service.caller("op", "operator")
    stranger = (await open_shop(service, "other")).manager
    async with fulfilling("break") as partner:
        shop, member, vouchers = await unanswered(service, partner, 3)
        for voucher in vouchers[:2]:
            await undecided(service, member, voucher)
        page = (await shop.manager.get(f"{CALLS}?status=undecided&limit=1")).json()
        path = f"{CALLS}?status=undecided&limit=1&cursor={page['next_cursor']}"
        rest = (await shop.manager.get(path)).json()
        found = [*page["items"], *rest["items"]]
        assert (await operator.get(f"{CALLS}?status=undecided")).json()["items"] == found
        assert [each["id"] for each in found] == [vouchers[1]["id"], vouchers[0]["id"]]
        assert rest["next_cursor"] is None
        assert (await stranger.get(CALLS)).json()["items"] == []
        lost = await decide(stranger, vouchers[0], outcome="refused", reason="不是我的")
        assert lost.problem == "not-found"


async def test_a_person_can_have_the_partner_asked_again(service):
    async with fulfilling("break", "fulfil") as partner:
        shop, member, [voucher] = await unanswered(service, partner, 1)
        partner.script = ["break"]
        await undecided(service, member, voucher)
        partner.script = ["fulfil"]
        assert (await decide(shop.manager, voucher, outcome="ask_again")).status == 200
        await becomes(member, voucher, "settled")
    assert await check_invariants(service.engine) == []


async def test_each_day_of_asking_without_an_answer_is_told_to_the_merchant_once(service):
    async with fulfilling("break") as partner, receiving() as hook:
        shop, member, [voucher] = await unanswered(service, partner, 1)
        body = {"url": f"{hook.base}/hook", "event_types": ["voucher.undecided"]}
        assert (await shop.manager.post("/v1/webhook-endpoints", body)).status == 201
        for day in (1, 2):
            await undecided(service, member, voucher)

            async def is_told(times=day):
                return len(hook.came) == times

            await until(is_told)
            assert await check_invariants(service.engine) == []
            again = await decide(shop.manager, voucher, outcome="ask_again")
            assert again.status == 200
            await asked(service, voucher, "status_refused")
    told_of = [json.loads(each.body)["data"]["voucher_id"] for each in hook.came]
    assert told_of == [voucher["id"]] * 2
    assert len(set(hook.ids())) == 2


async def test_a_voucher_that_is_being_fulfilled_has_no_other_end(service):
    async with fulfilling("hang") as partner:
        shop, _, reward = await offered(service, partner)
        member = await rich_member(service)
        voucher = await bought(member, reward)
        reply = await member.send("POST", f"/v1/vouchers/{voucher['id']}/void")
        assert (reply.status, reply.problem) == (409, "voucher-being-fulfilled")
        code = await service.value("SELECT code FROM voucher")
        taken = await shop.cashier.post("/v1/settlements", {"code": code})
        assert (taken.status, taken.problem) == (409, "voucher-being-fulfilled")
        assert await expire_vouchers(service.engine, 40 * 86_400) == 0
        partner.gate.set()
        await becomes(member, voucher, "settled")


async def test_who_reads_all_calls_as_an_auditor_decides_those_of_her_merchant_only(service):
    async with fulfilling() as partner:
        _, _, reward = await offered(service, partner)
        voucher = await bought(await rich_member(service), reward)
        await open_shop(service, "bakery")
        manager = await service.caller("bakery-manager", "merchant_manager", "auditor")
        listed = (await manager.get(CALLS)).json()["items"]
        assert [each["id"] for each in listed] == [voucher["id"]]
        decided = await decide(manager, voucher, outcome="refused", reason="no")
        assert (decided.status, decided.problem) == (404, "not-found")


async def test_a_slow_partner_gets_four_calls_at_once_and_holds_up_nobody(service):
    async with fulfilling("hang") as slow, fulfilling() as quick:
        _, _, reward = await offered(service, slow, stock=None)
        _, _, other = await offered(service, quick, "other")
        member = await rich_member(service, points=1_000)
        vouchers = [await bought(member, reward) for _ in range(6)]
        await becomes(member, await bought(member, other), "settled")
        assert slow.at_once_max == 4
        slow.gate.set()
        for voucher in vouchers:
            await becomes(member, voucher, "settled")
    assert slow.asked == ["POST"] * 6


async def test_an_endpoint_comes_first_and_its_secret_is_shown_once(service):
    shop = await open_shop(service)
    terms = {**COFFEE, "fulfilment": "partner_call"}
    reply = await post(shop.manager, "/v1/merchant/rewards", terms)
    assert (reply.status, reply.problem) == (409, "call-endpoint-missing")
    assert (await shop.manager.get(ENDPOINT)).status == 404
    key, url = make_key(), {"url": "http://127.0.0.1:9/x"}
    made = (await post(shop.manager, ENDPOINT, url, key)).json()
    assert made["secret"].startswith("whsec_")
    assert (await post(shop.manager, ENDPOINT, url, key)).json()["secret"] is None
    moved = (await post(shop.manager, ENDPOINT, {"url": "http://127.0.0.1:9/y"})).json()
    assert (moved["secret"], moved["previous_secret_until"]) == (None, None)
    rotated = (await post(shop.manager, ENDPOINT, {**url, "new_secret": True})).json()
    assert rotated["secret"] not in {None, made["secret"]}
    shown = (await shop.manager.get(ENDPOINT)).json()
    assert (shown["secret"], shown["url"]) == (None, url["url"])
    assert shown["previous_secret_until"] == rotated["previous_secret_until"] is not None


async def test_a_recipient_is_named_exactly_where_the_reward_asks_for_one(service):
    async with fulfilling() as partner:
        shop, _, reward = await offered(service, partner)
        plain = await post(shop.manager, "/v1/merchant/rewards", {**COFFEE, "recipient": "phone"})
        assert (plain.status, plain.problem) == (422, "reward-terms-not-clear")
        voucher_only, member = await shop.offer(), await rich_member(service)
        await service.drained()
        before = await service.row_counts()
        for recipient in ({}, {"recipient": "li@example.org"}, {"recipient": "12800138000"}):
            reply = await redeem(member, reward, **recipient)
            assert (reply.status, reply.problem) == (422, "recipient-not-clear"), recipient
        reply = await redeem(member, voucher_only, recipient=PHONE)
        assert reply.problem == "recipient-not-clear"
        assert await service.row_counts() == before
    assert await points_of(member) == (100, 0)


async def test_only_public_addresses_are_taken_outside_the_demo(engine, tmp_path):
    async with serving(engine, tmp_path, parts="api") as service:
        shop = await open_shop(service)
        for url in ("http://example.org/x", "https://127.0.0.1/x", "https://a.internal/x"):
            reply = await post(shop.manager, ENDPOINT, {"url": url})
            assert (reply.status, reply.problem) == (422, "url-forbidden"), url
