"""How many pickups a slot of an area takes: stated by operators, never exceeded by bookings."""

import asyncio

import pytest

from tests.acceptance.running_service import make_key
from tests.acceptance.test_pickup_at_the_door import ADDRESS, asked, days_ahead

HANGZHOU, YUHANG, NINGBO = "330100", "330110", "330200"
CAPACITIES = "/v1/operator/pickup-capacities"


async def stated(service, region, slot, places):
    operator = await service.caller("op", "operator")
    reply = await operator.send("PUT", f"{CAPACITIES}/{region}/{slot}", json={"places": places})
    assert reply.status == 200, reply.body
    return operator


async def book(service, subject, slot="morning", days=2, region=HANGZHOU):
    _, reply = await asked(service, subject, slot, days, region=region)
    return reply


async def free(member, region=HANGZHOU):
    listed = (await member.get(f"/v1/pickup-slots?region={region}")).json()
    return {(each["day"], each["slot"]): each["places_left"] for each in listed["items"]}


async def test_fifty_members_racing_for_ten_places_get_exactly_ten(service):
    await stated(service, HANGZHOU, "morning", 10)
    members = [await service.member(f"m-{n}") for n in range(50)]
    wanted = {"day": days_ahead(2), "slot": "morning", "address": ADDRESS, "region": HANGZHOU}
    replies = await asyncio.gather(
        *(each.post("/v1/pickups", wanted, idempotency_key=make_key()) for each in members)
    )
    problems = sorted(reply.problem or "" for reply in replies)
    assert problems == [""] * 10 + ["slot-full"] * 40
    assert await service.value("SELECT count(*) FROM pickup") == 10
    assert (days_ahead(2), "morning") not in await free(members[0])


async def test_a_full_slot_is_refused_with_the_next_free_ones(service):
    await stated(service, HANGZHOU, "morning", 1)
    await stated(service, HANGZHOU, "afternoon", 0)
    assert (await book(service, "li")).status == 201
    await service.member("wang")
    before = await service.row_counts()
    full = await book(service, "wang")
    assert (full.status, full.problem) == (409, "slot-full")
    named = [(each["day"], each["slot"], each["places_left"]) for each in full.json()["free"]]
    assert len(named) == 5
    assert (days_ahead(1), "morning", 1) in named
    assert (days_ahead(1), "evening", None) in named
    assert not {(day, slot) for day, slot, _ in named} & {
        (days_ahead(2), "morning"),
        (days_ahead(1), "afternoon"),
    }
    assert await service.row_counts() == before


async def test_a_place_is_free_again_when_a_pickup_is_cancelled_or_moved(service):
    await stated(service, HANGZHOU, "morning", 1)
    first = (await book(service, "li")).json()
    li, wang = await service.member("li"), await service.member("wang")
    assert (await book(service, "wang")).problem == "slot-full"
    moved = await li.post(
        f"/v1/pickups/{first['id']}/reschedule", {"day": days_ahead(3), "slot": "morning"}
    )
    assert moved.status == 200
    second = (await book(service, "wang")).json()
    back = await li.post(
        f"/v1/pickups/{first['id']}/reschedule", {"day": days_ahead(2), "slot": "morning"}
    )
    assert (back.status, back.problem) == (409, "slot-full")
    shown = (await li.get(f"/v1/pickups/{first['id']}")).json()
    assert (shown["day"], shown["slot"]) == (days_ahead(3), "morning")
    await wang.post(f"/v1/pickups/{second['id']}/cancel", None)
    assert (await free(li))[days_ahead(2), "morning"] == 1


async def test_what_an_area_takes_holds_for_all_that_lies_in_it(service):
    await stated(service, HANGZHOU, "morning", 2)
    await stated(service, YUHANG, "morning", 1)
    assert (await book(service, "li", region=YUHANG)).status == 201
    assert (await book(service, "wang", region=YUHANG)).problem == "slot-full"
    assert (await book(service, "wang", region="330106")).status == 201
    assert (await book(service, "zhao", region=HANGZHOU)).problem == "slot-full"
    assert (await book(service, "zhao", region=NINGBO)).status == 201


async def test_a_request_that_is_repeated_keeps_its_place(service):
    await stated(service, HANGZHOU, "morning", 1)
    member, key = await service.member(), make_key()
    wanted = {"day": days_ahead(2), "slot": "morning", "address": ADDRESS, "region": HANGZHOU}
    first = await member.post("/v1/pickups", wanted, idempotency_key=key)
    again = await member.post("/v1/pickups", wanted, idempotency_key=key)
    assert (first.status, again.status) == (201, 201)
    assert again.json() == first.json()
    path = f"/v1/pickups/{first.json()['id']}/reschedule"
    same = await member.post(path, {"day": days_ahead(2), "slot": "morning"})
    assert same.status == 200


async def test_free_slots_are_listed_in_pages_up_to_two_weeks_ahead(service):
    member = await service.member()
    await stated(service, HANGZHOU, "evening", 7)
    first = (await member.get(f"/v1/pickup-slots?region={HANGZHOU}&limit=20")).json()
    items, cursor = first["items"], first["next_cursor"]
    while cursor:
        path = f"/v1/pickup-slots?region={HANGZHOU}&limit=20&cursor={cursor}"
        page = (await member.get(path)).json()
        items, cursor = items + page["items"], page["next_cursor"]
    shown = [(each["day"], each["slot_text"]) for each in items]
    assert shown == sorted(set(shown))
    tomorrow = [each for each in items if each["day"] == days_ahead(1)]
    assert [(each["slot"], each["places_left"]) for each in tomorrow] == [
        *(("morning", None), ("afternoon", None), ("evening", 7)),
    ]
    assert {each["day"] for each in items} >= {days_ahead(n) for n in range(1, 15)}
    assert max(each["day"] for each in items) == days_ahead(14)


async def test_capacities_are_listed_changed_and_lifted_by_operators(service):
    await stated(service, YUHANG, "morning", 3)
    await stated(service, HANGZHOU, "evening", 4)
    operator = await stated(service, HANGZHOU, "morning", 5)
    first = (await operator.get(f"{CAPACITIES}?limit=2")).json()
    rest = (await operator.get(f"{CAPACITIES}?limit=2&cursor={first['next_cursor']}")).json()
    listed = [(e["region"], e["slot"], e["places"]) for e in [*first["items"], *rest["items"]]]
    assert listed == [
        *((HANGZHOU, "morning", 5), (HANGZHOU, "evening", 4), (YUHANG, "morning", 3)),
    ]
    assert rest["next_cursor"] is None
    assert (await book(service, "li")).status == 201
    await stated(service, HANGZHOU, "morning", 0)  # what was booked before stays
    assert await service.value("SELECT count(*) FROM pickup WHERE closed_at IS NULL") == 1
    assert (await book(service, "wang")).problem == "slot-full"
    lifted = await operator.send("DELETE", f"{CAPACITIES}/{HANGZHOU}/morning")
    assert lifted.status == 204
    assert (await book(service, "wang")).status == 201
    gone = await operator.send("DELETE", f"{CAPACITIES}/{HANGZHOU}/morning")
    assert gone.status == 204


@pytest.mark.parametrize("places", [-1, 1_001, "10", None])
async def test_a_capacity_that_cannot_be_is_refused(service, places):
    operator = await service.caller("op", "operator")
    path = f"{CAPACITIES}/{HANGZHOU}/morning"
    reply = await operator.send("PUT", path, json={"places": places})
    assert (reply.status, reply.problem) == (422, "validation")
    night = await operator.send("PUT", f"{CAPACITIES}/{HANGZHOU}/night", json={"places": 1})
    assert night.status == 404
