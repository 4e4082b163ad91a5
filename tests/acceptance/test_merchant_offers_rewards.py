import asyncio
from datetime import UTC, datetime, timedelta

from tests.acceptance.running_service import make_key, serving
from tests.acceptance.shop import COFFEE, give_points, open_shop, post, rich_member


async def listed(member, query=""):
    reply = await member.get(f"/v1/rewards{query}")
    assert reply.status == 200, reply.body
    return {item["id"]: item for item in reply.json()["items"]}


async def test_an_operator_makes_a_merchant_and_its_manager_the_rest(service):
    shop = await open_shop(service)
    own = (await shop.cashier.get("/v1/merchant")).json()
    assert (own["id"], own["name_zh"], own["points"]) == (str(shop.id), "青禾咖啡", 0)
    stores = (await shop.cashier.get("/v1/merchant/stores")).json()["items"]
    assert [store["id"] for store in stores] == [shop.store_id]
    people = (await shop.manager.get("/v1/merchant/staff")).json()["items"]
    assert [(each["subject"], each["role"]) for each in people] == [
        ("cafe-cashier", "cashier"),
        ("cafe-manager", "merchant_manager"),
    ]
    operator = await service.caller("op", "operator")
    merchants = (await operator.get("/v1/operator/merchants")).json()["items"]
    assert [merchant["id"] for merchant in merchants] == [str(shop.id)]


async def test_the_same_key_makes_one_merchant(service):
    operator = await service.caller("op", "operator")
    body = {"name_zh": "面馆", "name_en": "Noodles", "manager": "noodle"}
    key = make_key()
    first = await post(operator, "/v1/operator/merchants", body, key)
    again = await post(operator, "/v1/operator/merchants", body, key)
    assert (again.status, again.headers["Idempotency-Replayed"]) == (201, "true")
    assert again.json() == first.json()
    other = await post(operator, "/v1/operator/merchants", {**body, "name_zh": "粉馆"}, key)
    assert (other.status, other.problem) == (422, "idempotency-key-reused")
    assert await service.value("SELECT count(*) FROM merchant") == 1


async def test_one_person_works_for_one_merchant(service):
    cafe, bakery = await open_shop(service), await open_shop(service, "bakery")
    hired = {"subject": "cafe-cashier", "role": "cashier", "name": "小王"}
    reply = await bakery.manager.post("/v1/merchant/staff", hired)
    assert (reply.status, reply.problem) == (409, "staff-elsewhere")
    operator = await service.caller("op", "operator")
    body = {"name_zh": "书店", "name_en": "Books", "manager": "cafe-manager"}
    reply = await post(operator, "/v1/operator/merchants", body)
    assert (reply.status, reply.problem) == (409, "staff-elsewhere")
    assert await service.value("SELECT count(*) FROM merchant") == 2
    assert (await cafe.cashier.get("/v1/merchant")).json()["name_en"] == "cafe"


async def test_a_role_in_a_token_makes_nobody_staff(service):
    await open_shop(service)
    stranger = await service.caller("stranger", "merchant_manager", "cashier")
    for path in ("/v1/merchant", "/v1/merchant/stores", "/v1/merchant/rewards"):
        reply = await stranger.get(path)
        assert (reply.status, reply.problem) == (403, "not-staff"), path
    reply = await post(stranger, "/v1/merchant/rewards", COFFEE)
    assert (reply.status, reply.problem) == (403, "not-staff")


async def test_a_dismissed_cashier_does_nothing_more(service):
    shop = await open_shop(service)
    dismissed = {"subject": "cafe-cashier", "role": "cashier", "name": "小王", "is_active": False}
    assert (await shop.manager.post("/v1/merchant/staff", dismissed)).status == 200
    reply = await shop.cashier.get("/v1/merchant")
    assert (reply.status, reply.problem) == (403, "not-staff")


async def test_a_merchant_never_loses_its_last_manager(service):
    shop = await open_shop(service)
    gone = {"subject": "cafe-manager", "role": "merchant_manager", "name": "王", "is_active": False}
    for change in (gone, {**gone, "role": "cashier", "is_active": True}):
        reply = await shop.manager.post("/v1/merchant/staff", change)
        assert (reply.status, reply.problem) == (409, "manager-needed")
    assert (await shop.manager.get("/v1/merchant/staff")).status == 200
    second = {"subject": "cafe-second", "role": "merchant_manager", "name": "李"}
    assert (await shop.manager.post("/v1/merchant/staff", second)).status == 200
    assert (await shop.manager.post("/v1/merchant/staff", gone)).status == 200


async def test_two_managers_who_dismiss_each_other_leave_one(service):
    shop = await open_shop(service)
    second = {"subject": "cafe-second", "role": "merchant_manager", "name": "李"}
    assert (await shop.manager.post("/v1/merchant/staff", second)).status == 200
    other = await service.caller("cafe-second", "merchant_manager")
    first = {**second, "subject": "cafe-manager", "is_active": False}
    replies = await asyncio.gather(
        shop.manager.post("/v1/merchant/staff", {**second, "is_active": False}),
        other.post("/v1/merchant/staff", first),
    )
    assert sorted(reply.status for reply in replies) in ([200, 403], [200, 409])
    active = "SELECT count(*) FROM merchant_staff WHERE is_active AND role = 'merchant_manager'"
    assert await service.value(active) == 1


async def test_a_cashier_is_no_manager_whatever_her_token_says(service):
    shop = await open_shop(service)
    token = await service.caller("cafe-cashier", "merchant_manager")
    reply = await post(token, "/v1/merchant/rewards", COFFEE)
    assert (reply.status, reply.problem) == (403, "not-staff")
    assert await service.value("SELECT count(*) FROM reward") == 0
    assert (await shop.cashier.get("/v1/merchant")).status == 200


async def test_a_till_is_enrolled_once_by_its_code(service):
    shop = await open_shop(service)
    body = {"store_id": shop.store_id, "name": "前台"}
    made = await post(shop.manager, "/v1/merchant/tills", body)
    code = made.json()["code"]
    typed = f"{code[:4]}-{code[4:]}".lower()
    replies = await asyncio.gather(
        *(shop.cashier.post("/v1/tills/enrolments", {"code": typed}) for _ in range(8))
    )
    assert sorted(reply.status for reply in replies) == [201] + [422] * 7
    assert {reply.problem for reply in replies if reply.status == 422} == {"till-code-not-valid"}
    [till] = (await shop.manager.get("/v1/merchant/tills")).json()["items"]
    assert till["enrolled_at"] is not None
    assert till["code"] is None


async def test_a_code_of_another_merchant_enrols_nothing(service):
    cafe, bakery = await open_shop(service), await open_shop(service, "bakery")
    body = {"store_id": cafe.store_id, "name": "1"}
    code = (await post(cafe.manager, "/v1/merchant/tills", body)).json()["code"]
    reply = await bakery.cashier.post("/v1/tills/enrolments", {"code": code})
    assert (reply.status, reply.problem) == (422, "till-code-not-valid")
    reply = await post(bakery.manager, "/v1/merchant/tills", body)
    assert (reply.status, reply.problem) == (404, "not-found")


async def test_a_member_sees_what_can_be_redeemed_here_and_now(service):
    shop = await open_shop(service)
    now = datetime.now(UTC)
    here = await shop.offer(name_en="here", regions=["330100"])
    anywhere = await shop.offer(name_en="anywhere")
    dear = await shop.offer(name_en="dear", points=500)
    elsewhere = await shop.offer(name_en="elsewhere", regions=["310000"])
    sold_out = await shop.offer(name_en="sold out", stock=0)
    later = await shop.offer(name_en="later", valid_from=(now + timedelta(days=1)).isoformat())
    member = await rich_member(service)

    found = await listed(member, "?region=330106")
    assert list(found) == [dear["id"], anywhere["id"], here["id"]]
    assert found[here["id"]]["can_redeem"] is True
    assert found[dear["id"]]["can_redeem"] is False
    assert found[dear["id"]]["why_not"] == "insufficient-points"

    everything = await listed(member, "?region=330106&all=true")
    assert {everything[each["id"]]["why_not"] for each in (elsewhere,)} == {"reward-elsewhere"}
    assert everything[sold_out["id"]]["why_not"] == "out-of-stock"
    assert everything[later["id"]]["why_not"] == "reward-not-offered"
    assert elsewhere["id"] in await listed(member, "?region=310115")


async def test_a_paused_or_ended_reward_is_not_listed(service):
    shop, member = await open_shop(service), await rich_member(service)
    reward = await shop.offer()
    path = f"/v1/merchant/rewards/{reward['id']}/changes"
    paused = await post(shop.manager, path, {"is_offered": False})
    assert (paused.status, paused.json()["is_offered"]) == (201, False)
    assert await listed(member) == {}
    await post(shop.manager, path, {"is_offered": True})
    assert list(await listed(member)) == [reward["id"]]


async def test_pieces_are_added_once_for_each_key(service):
    shop = await open_shop(service)
    reward = await shop.offer(stock=5_000, low_stock_at=5_001)
    assert (reward["left"], reward["is_low"]) == (5_000, True)
    path, key = f"/v1/merchant/rewards/{reward['id']}/changes", make_key()
    for _ in range(2):
        changed = await post(shop.manager, path, {"add_stock": 7}, key)
        assert (changed.json()["stock"], changed.json()["left"]) == (5_007, 5_007)
    assert changed.json()["is_low"] is False
    other = await open_shop(service, "bakery")
    reply = await post(other.manager, path, {"add_stock": 7})
    assert (reply.status, reply.problem) == (404, "not-found")


async def test_a_reward_names_a_fund_that_there_is(service):
    shop, nowhere = await open_shop(service), "019ff7a0-0000-7000-8000-000000000000"
    reply = await post(shop.manager, "/v1/merchant/rewards", {**COFFEE, "fund_id": nowhere})
    assert (reply.status, reply.problem) == (422, "validation")
    assert reply.json()["errors"] == [{"pointer": "/fund_id", "code": "unknown_value"}]


async def test_terms_that_contradict_each_other_are_refused(service):
    shop = await open_shop(service)
    for terms in (
        {"limit_per_period": 1},
        {"period": "day"},
        {"low_stock_at": 5},
        {"valid_until": "2020-01-01T00:00:00Z"},
    ):
        reply = await post(shop.manager, "/v1/merchant/rewards", {**COFFEE, **terms})
        assert (reply.status, reply.problem) == (422, "reward-terms-not-clear"), terms
    reward = await shop.offer()
    path = f"/v1/merchant/rewards/{reward['id']}/changes"
    reply = await post(shop.manager, path, {"add_stock": 1})
    assert (reply.status, reply.problem) == (422, "reward-terms-not-clear")


async def test_rewards_are_paged(service):
    shop, member = await open_shop(service), await rich_member(service)
    made = [(await shop.offer(name_en=str(number)))["id"] for number in range(5)]
    seen, cursor = [], ""
    while cursor is not None:
        page = (await member.get(f"/v1/rewards?limit=2{cursor}")).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"] and f"&cursor={page['next_cursor']}"
    assert seen == made[::-1]


async def test_who_is_new_or_has_no_phone_is_told_so(engine, tmp_path):
    async with serving(
        engine, tmp_path, redemption_needs_phone=True, redemption_account_age_h=72
    ) as service:
        shop, member = await open_shop(service), await rich_member(service)
        reward = await shop.offer()
        assert (await listed(member))[reward["id"]]["why_not"] == "phone-not-bound"
        asked = {"subject": "li", "roles": ["member"], "phone_number_verified": True}
        token = (await service.nobody.post("/dev-issuer/token", asked)).json()["access_token"]
        member.bearer = token
        found = (await listed(member))[reward["id"]]
        assert (found["why_not"], found["why_not_text"]) == (
            "account-too-young",
            "新账户暂不能兑换",
        )
        await service.execute("UPDATE account SET opened_at = opened_at - interval '72 hours'")
        assert (await listed(member))[reward["id"]]["can_redeem"] is True


async def test_only_points_of_the_payers_fund_buy_what_it_pays_for(service):
    shop, member = await open_shop(service), await service.member()
    await give_points(service, member, 100)
    fund_id = "00000000-0000-7000-8000-0000000000f1"
    await service.execute(f"INSERT INTO account (id, kind) VALUES ('{fund_id}', 'fund')")
    await service.execute(
        f"INSERT INTO fund (id, name_zh, name_en, budget) VALUES ('{fund_id}', '企', 'Co', 0)"
    )
    reward = await shop.offer(fund_id=fund_id, payer="company")
    assert (await listed(member))[reward["id"]]["why_not"] == "insufficient-points"
