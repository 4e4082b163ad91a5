"""`GET /v1/actions` and the public methodologies, as a member and a stranger see them."""

import hashlib

import pytest

from scoring.methodology import load_catalogue
from tests.acceptance.running_service import CATALOGUE, make_photo
from tests.acceptance.test_trip_becomes_balance import make_trip


async def actions(member, query="", **headers):
    reply = await member.get(f"/v1/actions{query}", **headers)
    assert reply.status == 200, reply.body
    return {each["action"]: each for each in reply.json()["items"]}


async def test_an_action_says_its_rule_its_cap_and_its_points(service):
    member = await service.member()
    plate = (await actions(member, accept_language="en"))["clean_plate"]
    assert (plate["name"], plate["inlet"], plate["tier"]) == ("Clean plate", "photo", "documented")
    assert plate["caps"] == [
        {
            "quantity": "meals",
            "unit": "meal",
            "unit_name": "meal(s)",
            "most": 3,
            "left": 3,
            "period": "day",
            "text": "at most 3 meal(s) per person and day",
        }
    ]
    assert (plate["points_today"], plate["points_rule"]) == (5, "launch-2026")
    assert plate["budget"] == {"state": "open", "stops_on": None}
    assert plate["meal"]["window"] == "lunch"
    assert plate["rule"][0] == "meal(s) × (food_saved_per_meal × food_production)"
    zh = (await actions(member))["clean_plate"]
    assert (zh["name"], zh["caps"][0]["text"]) == ("光盘打卡", "每人每日最多 3 餐")


async def test_the_cap_left_falls_with_what_was_credited(service):
    member = await service.member()
    await member.photograph(make_photo(1))
    plate = (await actions(member))["clean_plate"]
    assert plate["caps"][0]["left"] == 2
    assert (plate["is_open"], plate["meal"]["is_counted"]) == (False, True)
    other = (await actions(await service.member("wang")))["clean_plate"]
    assert (other["caps"][0]["left"], other["is_open"]) == (3, True)


async def test_between_meals_the_next_window_is_told(service):
    await service.open_meals()
    meal = (await actions(await service.member()))["clean_plate"]["meal"]
    assert meal["window"] is None
    assert meal["opens_at"].endswith("T23:59:00+08:00")


async def test_a_ride_is_worth_what_its_evidence_is(service):
    member = await service.member("li")
    metro = (await actions(member))["metro"]
    assert (metro["tier"], metro["points_today"]) == ("self_declared", 0)
    await service.link_card("card-1", "li")
    metro = (await actions(member))["metro"]
    assert (metro["tier"], metro["points_today"]) == ("documented", 10)
    assert {cap["quantity"]: cap["unit_name"] for cap in metro["caps"]} == {
        "distance_m": "公里",
        "rides": "次",
    }


async def test_what_has_no_live_source_is_hidden(service):
    member = await service.member()
    assert "mixed_recycling" in await actions(member)
    await service.execute("UPDATE partner_key SET is_revoked = true")
    shown = await actions(member)
    assert "mixed_recycling" not in shown
    assert "old_clothes" not in shown  # of the catalogue, without an inlet
    assert "clean_plate" in shown


async def test_a_withdrawn_methodology_is_no_longer_offered(service):
    member = await service.member()
    li, wang = await service.caller("li", "operator"), await service.caller("wang", "operator")
    hash = CATALOGUE.versions_of("TPH-MOB-02")[-1].hash
    asked = await li.post(
        f"/v1/operator/methodology-versions/{hash}/proposals",
        {"to_status": "withdrawn", "reason": "a mistake in the factor"},
        idempotency_key="k" * 20,
    )
    decision = f"/v1/operator/methodology-proposals/{asked.json()['id']}/decision"
    assert (await wang.post(decision, {"decision": "approve"})).status == 200
    shown = await actions(member)
    assert "cycling" not in shown
    assert "clean_plate" in shown
    config = (await service.nobody.get("/v1/client-config")).json()["actions"]
    assert {each["action"]: each["is_enabled"] for each in config}["cycling"] is False
    trip = make_trip(mode="cycling", distance_m=3_000)
    refused = await member.report(trip)
    assert (refused.status, refused.problem) == (422, "activity-not-covered")


@pytest.mark.parametrize("query", ["?region=x", "?region=33010", "?where=here"])
async def test_a_region_that_cannot_be_is_refused(service, query):
    reply = await (await service.member()).get(f"/v1/actions{query}")
    assert (reply.status, reply.problem) == (422, "validation")


async def test_anybody_reads_every_published_methodology_page_by_page(service):
    found, query = [], "?limit=7"
    while query:
        page = (await service.nobody.get(f"/v1/methodologies{query}")).json()
        found += page["items"]
        query = page["next_cursor"] and f"?limit=7&cursor={page['next_cursor']}"
    assert [each["id"] for each in found] == sorted({each.methodology_id for each in CATALOGUE})
    assert {each["status"] for each in found} == {"published"}


async def test_a_methodology_shows_its_factors_and_their_sources(service):
    reply = await service.nobody.get("/v1/methodologies/TPH-FOOD-01", accept_language="en")
    answer = reply.json()
    [version] = answer["versions"]
    packaged = load_catalogue().version_of(version["hash"])
    content = hashlib.sha256(packaged.content.encode()).hexdigest()
    assert version["hash"] == content
    assert {each["id"] for each in version["factors"]} == set(packaged.factors)
    assert all(each["source"]["issuer"] for each in version["factors"])
    assert version["examples"][0]["grams"] == 125
    assert version["is_open"]
    assert (answer["title"], version["review_due"]) == ("Clean plate", "2030-12-31")


async def test_an_answer_that_is_known_is_not_sent_again(service):
    for path in ("/v1/methodologies", "/v1/methodologies/TPH-MOB-05"):
        first = await service.nobody.get(path)
        tag = first.headers["ETag"]
        assert "max-age" in first.headers["Cache-Control"]
        again = await service.nobody.get(path, if_none_match=tag)
        assert (again.status, again.body, again.headers["ETag"]) == (304, b"", tag)
        english = await service.nobody.get(path, if_none_match=tag, accept_language="en")
        assert english.status == 200


@pytest.mark.parametrize("name", ["TPH-FOOD-99", "tph-food-01", "TPH-FOOD-02", "x", "%00"])
async def test_what_is_not_public_is_not_found(service, name):
    reply = await service.nobody.get(f"/v1/methodologies/{name}")
    assert (reply.status, reply.problem) == (404, "not-found")
