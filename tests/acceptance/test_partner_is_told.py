"""A partner and a merchant register a URL, and their systems hear what happened, signed."""

import asyncio
import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from backend.partners.queries import issue_key
from backend.rewards.ends import expire_vouchers
from backend.units import SHANGHAI
from backend.verify import check_invariants
from tests.acceptance.running_service import METRO, RECYCLER, Caller, make_key, serving, until
from tests.acceptance.shop import open_shop, post, rich_member, settle
from tests.receiver import is_signed, receiving

ENDPOINTS = "/v1/webhook-endpoints"
CREDITED = ["check_in.credited"]


@pytest.fixture
async def service(engine, tmp_path):
    async with serving(engine, tmp_path, demo=True, webhook_anywhere=True) as served:
        yield served


@asynccontextmanager
async def registered(caller, answers=(204,), types=CREDITED, **members):
    async with receiving(answers) as receiver:
        body = {"url": f"{receiver.base}/hook", "event_types": types, **members}
        reply = await caller.post(ENDPOINTS, body)
        assert reply.status == 201, reply.body
        yield receiver, reply.json()


async def keyed(service, partner_id, *scopes):
    async with service.engine.begin() as conn:
        key = await issue_key(conn, partner_id, kind="partner", scopes=scopes)
    return Caller(service.session, key)


async def metro(service):
    return await keyed(service, METRO, "trip.report", "webhook.manage")


def make_ride(hours_ago=3, **changes):
    started = datetime.now(UTC) - timedelta(hours=hours_ago)
    ended = started + timedelta(minutes=20)
    return {
        "kind": "trip",
        "mode": "metro",
        "started_at": started.isoformat(),
        "ended_at": ended.isoformat(),
        "distance_m": 12_000,
        "subject_token": "card-1",
        **changes,
    }


def make_ride_times():
    """Two rides of one Shanghai day that is over, so that both lie on the same side of midnight."""
    day = datetime.now(SHANGHAI).replace(hour=12, minute=0, second=0) - timedelta(days=1)
    return [
        {
            "started_at": (day + timedelta(hours=hour)).isoformat(),
            "ended_at": (day + timedelta(hours=hour, minutes=30)).isoformat(),
        }
        for hour in (0, 2)
    ]


async def ride(service, partner, **changes):
    await service.link_card("card-1", "li")
    reply = await partner.report(make_ride(**changes))
    assert reply.status == 201, reply.body
    return reply.json()


async def came(receiver, count=1):
    async def is_there():
        return len(receiver.came) >= count

    await until(is_there)
    return receiver.came


async def delivery_of(owner, endpoint, **wanted):
    """The newest delivery once it is as wanted."""
    path = f"{ENDPOINTS}/{endpoint['id']}/deliveries"
    found = {}

    async def is_so():
        items = (await owner.get(path)).json()["items"]
        found["newest"] = items[0] if items else {}
        return items and wanted.items() <= items[0].items()

    await until(is_so)
    return found["newest"]


async def test_a_partner_hears_of_what_its_ride_brought(service):
    partner = await metro(service)
    async with registered(partner) as (receiver, endpoint):
        assert endpoint["secret"].startswith("whsec_")
        assert (endpoint["owner_kind"], endpoint["owner_id"]) == ("partner", str(METRO))
        check_in = await ride(service, partner)
        [message] = await came(receiver)
        assert is_signed(message, endpoint["secret"])
        body = json.loads(message.body)
        assert body["type"] == "check_in.credited"
        assert body["data"] == {
            "check_in_id": check_in["id"],
            "credit_id": check_in["credit_id"],
            "booking": 1,
            "action": "metro",
            "reduction": {"amount": check_in["grams"], "unit": "gCO2e"},
        }
        assert datetime.fromisoformat(body["timestamp"]).utcoffset() == timedelta(0)
        member = await service.member("li")
        assert str(member.account_id).encode() not in message.body
        row = await delivery_of(partner, endpoint, status="delivered")
        assert (row["id"], row["attempts"], row["response_code"]) == (message.id, 1, 204)
        assert row["message"] == "已送达"
        path = f"{ENDPOINTS}/{endpoint['id']}/deliveries/{row['id']}"
        one = await partner.get(path, accept_language="en")
        assert one.json()["body"].encode() == message.body
        assert one.json()["message"] == "delivered"
    await service.drained()
    assert await check_invariants(service.engine) == []


async def test_the_weigher_of_a_bag_hears_of_it_and_the_metro_does_not(service):
    recycler = await keyed(service, RECYCLER, "bag.weigh", "webhook.manage")
    member = await service.member("li")
    async with (
        registered(await metro(service)) as (others, _),
        registered(recycler) as (receiver, _),
    ):
        await member.bind("BAG00001")
        weighed = (await recycler.weigh("BAG00001", mass_g=1_000)).json()
        [message] = await came(receiver)
        assert json.loads(message.body)["data"]["check_in_id"] == weighed["id"]
        await member.report(make_ride(subject_token=None))
        await service.drained()
        await asyncio.sleep(0.2)
        assert (len(receiver.came), others.came) == (1, [])


async def test_a_ride_that_another_one_changes_is_told_again_with_its_new_booking(service):
    partner = await metro(service)
    async with registered(partner) as (receiver, _):
        # Together they pass the cap of 60 km, and the earlier start counts first.
        first, second = make_ride_times()
        later = await ride(service, partner, distance_m=40_000, **second)
        await came(receiver, 1)
        await ride(service, partner, distance_m=40_000, **first)
        data = [json.loads(each.body)["data"] for each in await came(receiver, 3)]
        ours = [each for each in data if each["check_in_id"] == later["id"]]
        now = (await (await service.member("li")).get(f"/v1/check-ins/{later['id']}")).json()
        assert [each["booking"] for each in ours] == [1, 2]
        amounts = [each["reduction"]["amount"] for each in ours]
        assert amounts == [later["grams"], now["grams"]]
        assert amounts[0] == 2 * amounts[1]


async def test_the_secret_is_shown_once_and_the_same_registration_is_the_same_endpoint(service):
    partner = await metro(service)
    async with registered(partner) as (receiver, endpoint):
        body = {"url": f"{receiver.base}/hook", "event_types": CREDITED}
        again = await partner.post(ENDPOINTS, body)
        assert (again.status, again.json()["id"]) == (200, endpoint["id"])
        assert again.json()["secret"] is None
        one = (await partner.get(f"{ENDPOINTS}/{endpoint['id']}")).json()
        assert "secret" not in one
        assert [each["expires_at"] for each in one["secrets"]] == [None]
        other = {**body, "event_types": ["check_in.reversed"]}
        refused = await partner.post(ENDPOINTS, other)
        assert (refused.status, refused.problem) == (409, "webhook-endpoint-exists")
        assert refused.json()["endpoint_id"] == endpoint["id"]


async def test_an_eleventh_endpoint_is_refused(service):
    partner = await metro(service)
    statuses = [
        (await partner.post(ENDPOINTS, {"url": f"http://a.example/{n}", "event_types": CREDITED}))
        for n in range(11)
    ]
    assert [reply.status for reply in statuses] == [201] * 10 + [409]
    assert statuses[-1].problem == "webhook-endpoints-used-up"
    first = statuses[0].json()["id"]
    assert (await partner.send("DELETE", f"{ENDPOINTS}/{first}")).status == 204
    body = {"url": "http://a.example/0", "event_types": CREDITED}
    assert (await partner.post(ENDPOINTS, body)).status == 201


async def test_a_rotated_secret_signs_beside_the_old_one_until_the_overlap_ends(service):
    partner = await metro(service)
    async with registered(partner) as (receiver, endpoint):
        path, key = f"{ENDPOINTS}/{endpoint['id']}/secrets", make_key()
        made = await partner.post(path, {"overlap_s": 3_600}, idempotency_key=key)
        assert made.status == 201
        again = await partner.post(path, {"overlap_s": 3_600}, idempotency_key=key)
        assert (again.status, again.json()["secret"]) == (200, None)
        assert again.headers["Idempotency-Replayed"] == "true"
        assert again.json()["id"] == made.json()["id"]
        await partner.post(f"{ENDPOINTS}/{endpoint['id']}/pings", None)
        [both] = await came(receiver)
        assert is_signed(both, endpoint["secret"])
        assert is_signed(both, made.json()["secret"])
        newest = await partner.post(path, {"overlap_s": 0}, idempotency_key=make_key())
        assert len(newest.json()["secrets"]) == 1
        await partner.post(f"{ENDPOINTS}/{endpoint['id']}/pings", None)
        _, last = await came(receiver, 2)
        assert is_signed(last, newest.json()["secret"])
        assert not is_signed(last, endpoint["secret"])
        assert not is_signed(last, made.json()["secret"])
        for _ in range(3):
            await partner.post(path, {}, idempotency_key=make_key())
        refused = await partner.post(path, {}, idempotency_key=make_key())
        assert (refused.status, refused.problem) == (409, "webhook-secrets-used-up")
        missing = await partner.post(path, {})
        assert (missing.status, missing.problem) == (400, "idempotency-key-missing")


async def test_pings_are_few_and_go_to_enabled_endpoints_only(service):
    partner = await metro(service)
    async with registered(partner) as (receiver, endpoint):
        path = f"{ENDPOINTS}/{endpoint['id']}"
        first = await partner.post(f"{path}/pings", None)
        assert first.status == 202
        [message] = await came(receiver)
        assert (message.id, json.loads(message.body)["type"]) == (
            first.json()["id"],
            "webhook.ping",
        )
        replies = [await partner.post(f"{path}/pings", None) for _ in range(5)]
        assert [reply.status for reply in replies] == [202] * 4 + [429]
        assert replies[-1].problem == "webhook-pings-used-up"
        await partner.send("PATCH", path, json={"status": "disabled"})
        for route, body in (("pings", None), ("replays", {"since": "2026-01-01T00:00:00Z"})):
            refused = await partner.post(f"{path}/{route}", body)
            assert (refused.status, refused.problem) == (409, "webhook-endpoint-disabled")
            assert refused.json()["disabled_reason"] == "owner"


async def test_what_was_missed_is_sent_again_under_its_id(service):
    partner = await metro(service)
    async with registered(partner, answers=[410, 204]) as (receiver, endpoint):
        path = f"{ENDPOINTS}/{endpoint['id']}"
        await ride(service, partner)
        failed = await delivery_of(partner, endpoint, status="failed")
        assert failed["error"] == "gone"
        one = (await partner.get(path)).json()
        assert (one["status"], one["disabled_reason"]) == ("disabled", "gone")
        assert one["message"] == "接收方回答 410,已停用"
        enabled = await partner.send("PATCH", path, json={"status": "enabled"})
        assert enabled.json()["disabled_reason"] is None
        replayed = await partner.post(f"{path}/replays", {"delivery_id": failed["id"]})
        assert (replayed.status, replayed.json()) == (202, {"deliveries": 1, "after": None})
        await delivery_of(partner, endpoint, status="delivered", attempts=2)
        since = {"since": (datetime.now(UTC) - timedelta(hours=1)).isoformat()}
        assert (await partner.post(f"{path}/replays", since)).json()["deliveries"] == 1
        await came(receiver, 3)
        assert set(receiver.ids()) == {failed["id"]}
        for body in ({}, {**since, "delivery_id": failed["id"]}):
            assert (await partner.post(f"{path}/replays", body)).status == 422
        unknown = {"delivery_id": endpoint["id"]}
        assert (await partner.post(f"{path}/replays", unknown)).status == 404


async def test_the_log_is_paged_and_filtered(service):
    partner = await metro(service)
    async with registered(partner) as (_, endpoint):
        path = f"{ENDPOINTS}/{endpoint['id']}"
        made = [(await partner.post(f"{path}/pings", None)).json()["id"] for _ in range(3)]
        await delivery_of(partner, endpoint, status="delivered", id=made[-1])
        first = (await partner.get(f"{path}/deliveries?limit=2")).json()
        rest = (
            await partner.get(f"{path}/deliveries?limit=2&cursor={first['next_cursor']}")
        ).json()
        assert [row["id"] for row in first["items"] + rest["items"]] == made[::-1]
        assert rest["next_cursor"] is None
        none = await partner.get(f"{path}/deliveries?event_type=check_in.credited")
        assert none.json()["items"] == []
        assert (await partner.get(f"{path}/deliveries?status=lost")).status == 422


async def test_nobody_manages_or_sees_what_is_somebody_elses(service):
    partner = await metro(service)
    other = await keyed(service, RECYCLER, "webhook.manage")
    async with registered(partner) as (_, endpoint):
        path = f"{ENDPOINTS}/{endpoint['id']}"
        for method, route, body in (
            ("GET", path, None),
            ("PATCH", path, {"status": "disabled"}),
            ("DELETE", path, None),
            ("GET", f"{path}/deliveries", None),
            ("POST", f"{path}/pings", None),
            ("POST", f"{path}/replays", {"since": "2026-01-01T00:00:00Z"}),
        ):
            content = {"json": body} if body is not None else {}
            reply = await other.send(method, route, **content)
            assert (reply.status, reply.problem) == (404, "not-found"), (method, route)
        rotated = await other.post(f"{path}/secrets", {}, idempotency_key=make_key())
        assert rotated.status == 404
        assert (await other.get(ENDPOINTS)).json()["items"] == []
        by_owner = await other.get(f"{ENDPOINTS}?owner_id={METRO}")
        assert by_owner.json()["items"] == []
        manager = await service.caller("nobodys", "merchant_manager")
        assert (await manager.get(ENDPOINTS)).status == 403
        for caller in (service.by_key("metro"), await service.member("li")):
            assert (await caller.get(path)).status == 403


async def test_an_operator_registers_for_a_partner_and_sees_who_is_told_nothing(service):
    operator = await service.caller("op", "operator")
    auditor = await service.caller("au", "auditor")
    owner = {"kind": "partner", "id": str(METRO)}
    async with registered(operator, owner=owner) as (_, endpoint):
        path = f"{ENDPOINTS}/{endpoint['id']}"
        assert endpoint["owner_id"] == str(METRO)
        await operator.send("PATCH", path, json={"status": "disabled"})
        found = (await auditor.get(f"{ENDPOINTS}?status=disabled&owner_id={METRO}")).json()["items"]
        assert [(row["id"], row["disabled_reason"]) for row in found] == [
            (endpoint["id"], "operator")
        ]
        assert (await auditor.send("DELETE", path)).status == 403
        own = await (await metro(service)).get(path)
        assert own.json()["message"] == "已由运营人员停用"
        overruled = await (await metro(service)).send("PATCH", path, json={"status": "enabled"})
        assert (overruled.status, overruled.problem) == (409, "webhook-endpoint-disabled")
        assert (await operator.send("PATCH", path, json={"status": "enabled"})).status == 200
    for named in (None, {"kind": "merchant", "id": str(METRO)}):
        body = {"url": "http://a.example/", "event_types": CREDITED, "owner": named}
        refused = await operator.post(ENDPOINTS, body)
        assert (refused.status, refused.problem) == (422, "webhook-owner-missing")
    body = {"url": "http://a.example/", "event_types": CREDITED, "owner": owner}
    assert (await (await metro(service)).post(ENDPOINTS, body)).problem == "validation"


async def test_an_owner_hears_only_of_its_own_kind_of_events(service):
    partner = await metro(service)
    body = {"url": "http://a.example/", "event_types": ["voucher.settled", "check_in.credited"]}
    refused = await partner.post(ENDPOINTS, body)
    assert (refused.status, refused.problem) == (422, "webhook-type-foreign")
    assert refused.json()["event_types"] == ["voucher.settled"]
    assert refused.json()["allowed"] == ["check_in.credited", "check_in.reversed"]
    async with registered(partner) as (_, endpoint):
        path = f"{ENDPOINTS}/{endpoint['id']}"
        changed = await partner.send("PATCH", path, json={"event_types": ["voucher.settled"]})
        assert changed.problem == "webhook-type-foreign"
        changed = await partner.send("PATCH", path, json={"event_types": ["check_in.reversed"]})
        assert changed.json()["event_types"] == ["check_in.reversed"]
    for types in ([], ["member.joined"], ["webhook.ping"]):
        reply = await partner.post(ENDPOINTS, {"url": "http://a.example/", "event_types": types})
        assert (reply.status, reply.problem) == (422, "validation")


async def test_outside_the_demo_a_url_that_leads_inside_is_refused(engine, tmp_path):
    async with serving(engine, tmp_path, parts="api") as guarded:
        partner = await metro(guarded)
        for url in ("http://127.0.0.1:9/", "https://10.0.0.1/", "https://a.local/", "zzz.y"):
            reply = await partner.post(ENDPOINTS, {"url": url, "event_types": CREDITED})
            assert (reply.status, reply.problem) == (422, "url-forbidden"), url
            assert url not in reply.body.decode()
        body = {"url": "https://hooks.example.com/", "event_types": CREDITED}
        assert (await partner.post(ENDPOINTS, body)).status == 201


async def test_a_merchant_hears_of_its_vouchers_and_never_of_their_codes(service):
    shop, other = await open_shop(service), await open_shop(service, "bakery")
    types = ["voucher.issued", "voucher.settled", "voucher.undone"]
    async with (
        registered(shop.manager, types=types) as (receiver, endpoint),
        registered(other.manager, types=types) as (others, _),
    ):
        assert (endpoint["owner_kind"], endpoint["owner_id"]) == ("merchant", str(shop.id))
        member, reward = await rich_member(service), await shop.offer()
        voucher = (await post(member, "/v1/redemptions", {"reward_id": reward["id"]})).json()
        [issued] = await came(receiver)
        assert is_signed(issued, endpoint["secret"])
        assert json.loads(issued.body)["data"] == {
            "voucher_id": voucher["id"],
            "reward_id": reward["id"],
            "points": {"amount": 30, "unit": "points"},
        }
        assert voucher["digits"].replace(" ", "").encode() not in issued.body
        settlement = (await settle(shop.cashier, voucher)).json()
        undone = await shop.cashier.post(
            f"/v1/settlements/{settlement['id']}/undo", {"reason": "选错了"}
        )
        assert undone.status == 200, undone.body
        bodies = [json.loads(each.body) for each in await came(receiver, 3)]
        assert sorted(body["type"] for body in bodies) == sorted(types)
        for body in bodies:
            assert body["data"]["voucher_id"] == voucher["id"]
            if body["type"] != "voucher.issued":
                assert body["data"]["settlement_id"] == settlement["id"]
        for each in receiver.came:
            assert voucher["code"].encode() not in each.body
            assert str(member.account_id).encode() not in each.body
        await service.drained()
        assert others.came == []
    assert await check_invariants(service.engine) == []


async def test_a_merchant_hears_of_a_voucher_that_nobody_used(service):
    shop = await open_shop(service)
    async with registered(shop.manager, types=["voucher.expired"]) as (receiver, _):
        member, reward = await rich_member(service), await shop.offer()
        voucher = (await post(member, "/v1/redemptions", {"reward_id": reward["id"]})).json()
        await service.execute("UPDATE voucher SET expires_at = now()")
        await expire_vouchers(service.engine, 0)
        [message] = await came(receiver)
        body = json.loads(message.body)
        assert (body["type"], body["data"]["voucher_id"]) == ("voucher.expired", voucher["id"])


async def test_a_partner_hears_that_a_ride_counts_no_longer(service):
    partner = await metro(service)
    types = ["check_in.credited", "check_in.reversed"]
    async with registered(partner, types=types) as (receiver, _):
        check_in = await ride(service, partner)
        await came(receiver)
        operator = await service.caller("op", "operator")
        reason = {"reason": "counted_twice", "note": "同一次乘车"}
        path = f"/v1/operator/check-ins/{check_in['id']}/reversals"
        assert (await operator.post(path, reason)).status == 201
        _, message = await came(receiver, 2)
        body = json.loads(message.body)
        assert body["type"] == "check_in.reversed"
        assert body["data"] == {
            "check_in_id": check_in["id"],
            "credit_id": check_in["credit_id"],
            "booking": 1,
            "action": "metro",
            "reversed": {"amount": check_in["grams"], "unit": "gCO2e"},
        }
    await service.drained()
    assert await check_invariants(service.engine) == []
