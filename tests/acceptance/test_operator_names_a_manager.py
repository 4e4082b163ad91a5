import asyncio

import pytest

from tests.acceptance.shop import open_shop, post

STAFF = "/v1/merchant/staff"
LI = {"subject": "li-manager", "name": "李店长"}
NOBODYS = "019ff7a0-0000-7000-8000-000000000000"


@pytest.fixture
async def shop(service):
    return await open_shop(service)


@pytest.fixture
async def operator(service):
    return await service.caller("op", "operator")


def managers(merchant_id):
    return f"/v1/operator/merchants/{merchant_id}/managers"


async def changes(operator, merchant_id, query=""):
    path = f"/v1/operator/merchants/{merchant_id}/staff-changes{query}"
    return (await operator.get(path)).json()


async def test_an_operator_names_a_manager_who_takes_the_merchant_over(service, shop, operator):
    named = await operator.post(managers(shop.id), LI)
    assert named.status == 200, named.body
    li = await service.caller("li-manager", "merchant_manager")
    before = {
        "subject": "cafe-manager",
        "role": "merchant_manager",
        "name": "王",
        "is_active": False,
    }
    assert (await li.post(STAFF, before)).status == 200
    assert (await shop.manager.get(STAFF)).problem == "not-staff"
    people = (await li.get(STAFF)).json()["items"]
    assert {each["subject"]: each["is_active"] for each in people} == {
        "cafe-cashier": True,
        "cafe-manager": False,
        "li-manager": True,
    }
    assert named.json() in people


async def test_naming_her_again_changes_nothing_and_is_recorded_once(shop, operator):
    replies = await asyncio.gather(*(operator.post(managers(shop.id), LI) for _ in range(4)))
    again = await operator.post(managers(shop.id), LI)
    assert [reply.status for reply in replies] == [200] * 4
    assert {reply.body for reply in replies} == {again.body}
    newest, hired, first = (await changes(operator, shop.id))["items"]
    assert (newest["subject"], newest["role"]) == ("li-manager", "merchant_manager")
    assert newest["changed_by"].endswith("|op")
    assert (hired["subject"], hired["changed_by"].partition("|")[2]) == (
        "cafe-cashier",
        "cafe-manager",
    )
    assert first["subject"] == "cafe-manager"
    page = await changes(operator, shop.id, "?limit=1")
    rest = await changes(operator, shop.id, f"?limit=5&cursor={page['next_cursor']}")
    assert [each["id"] for each in rest["items"]] == [hired["id"], first["id"]]


async def test_a_cashier_and_one_who_was_dismissed_become_managers(service, shop, operator):
    gone = {"subject": "cafe-cashier", "role": "cashier", "name": "小王", "is_active": False}
    added = (await shop.manager.post(STAFF, {**gone, "is_active": True})).json()["created_at"]
    assert (await shop.manager.post(STAFF, gone)).json()["created_at"] == added
    named = await operator.post(managers(shop.id), {"subject": "cafe-cashier", "name": "小王"})
    assert named.json() == {
        **gone,
        "role": "merchant_manager",
        "is_active": True,
        "created_at": added,
    }
    token = await service.caller("cafe-cashier", "merchant_manager")
    assert (await token.get(STAFF)).status == 200


async def test_who_works_elsewhere_is_dismissed_there_before_she_manages_here(
    service, shop, operator
):
    bakery = await open_shop(service, "bakery")
    wanted = {"subject": "bakery-cashier", "name": "小刘"}
    refused = await operator.post(managers(shop.id), wanted)
    assert (refused.status, refused.problem) == (409, "staff-elsewhere")
    dismissed = {**wanted, "role": "cashier", "is_active": False}
    assert (await bakery.manager.post(STAFF, dismissed)).status == 200
    hired = await shop.manager.post(STAFF, {**dismissed, "is_active": True})
    assert (hired.status, hired.problem) == (409, "staff-elsewhere")
    assert (await operator.post(managers(shop.id), wanted)).status == 200
    token = await service.caller("bakery-cashier", "merchant_manager")
    assert (await token.get("/v1/merchant")).json()["id"] == str(shop.id)
    back = await bakery.manager.post(STAFF, {**dismissed, "is_active": True})
    assert (back.status, back.problem) == (409, "staff-elsewhere")


async def test_a_merchant_that_is_not_there_gets_no_manager(service, operator):
    reply = await operator.post(managers(NOBODYS), LI)
    assert (reply.status, reply.problem) == (404, "not-found")
    path = f"/v1/operator/merchants/{NOBODYS}/staff-changes"
    assert (await operator.get(path)).status == 404
    assert await service.value("SELECT count(*) FROM merchant_staff") == 0


async def test_a_person_of_a_merchant_has_the_time_of_her_hiring(shop):
    hired = {"subject": "cafe-new", "role": "cashier", "name": "小赵"}
    reply = (await shop.manager.post(STAFF, hired)).json()
    people = (await shop.manager.get(STAFF)).json()["items"]
    [listed] = [each for each in people if each["subject"] == "cafe-new"]
    assert reply == listed
    assert reply["created_at"] is not None


async def test_who_was_dismissed_can_be_the_first_manager_of_a_new_merchant(
    service, shop, operator
):
    gone = {"subject": "cafe-cashier", "role": "cashier", "name": "小王", "is_active": False}
    assert (await shop.manager.post(STAFF, gone)).status == 200
    body = {"name_zh": "书店", "name_en": "Books", "manager": "cafe-cashier"}
    made = await post(operator, "/v1/operator/merchants", body)
    assert made.status == 201, made.body
    token = await service.caller("cafe-cashier", "merchant_manager")
    assert (await token.get("/v1/merchant")).json()["id"] == made.json()["id"]
