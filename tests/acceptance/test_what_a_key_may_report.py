"""A key reports what it was granted, whichever address it reports to."""

import asyncio
from uuid import UUID

import pytest

from backend.partners.domain import KeyTerms
from backend.partners.queries import issue_bearer_key, issue_key
from tests.acceptance.event_sender import BAGS_SOURCE, make_event, make_ride, send_one
from tests.acceptance.harbour import moment, open_harbour
from tests.acceptance.running_service import METRO, RECYCLER, Caller, make_key
from tests.acceptance.test_trees import FOREST, forest, fulfil, pledge

SCOPES = ("trip.report", "event.send")
HANGZHOU, NINGBO = "330100", "330200"
LINE = "urn:metro:line-4"

# What the key was granted, and the problem of a ride in Hangzhou; None is credited.
GRANTED = {
    "all": ({}, None),
    "its_type": ({"event_types": ["tanhui.trip.v1"]}, None),
    "another_type": ({"event_types": ["tanhui.parcel.reused.v1"]}, "type-not-granted"),
    "its_city": ({"regions": [HANGZHOU]}, None),
    "its_province": ({"regions": ["330000"]}, None),
    "another_city": ({"regions": [NINGBO]}, "region-not-granted"),
    "the_whole_partner": ({"sources": ["urn:metro"]}, None),
    "one_line": ({"sources": [LINE]}, "source-not-granted"),
}


async def key_of(service, grants):
    async with service.engine.begin() as conn:
        text = await issue_bearer_key(conn, METRO, KeyTerms("partner", SCOPES, **grants))
    return Caller(service.session, text)


def outcome(reply):
    return None if reply.status == 201 else (reply.status, reply.problem)


@pytest.mark.parametrize("granted", GRANTED)
async def test_a_check_in_is_refused_to_a_key_as_the_same_event_is(api_alone, granted):
    grants, problem = GRANTED[granted]
    await api_alone.link_card("card-1", "li")
    before = await api_alone.row_counts()
    key, expected = await key_of(api_alone, grants), (403, problem) if problem else None
    ride = make_ride(region=HANGZHOU)
    event = await send_one(key, make_event(data=make_ride(minutes=10, region=HANGZHOU)))
    assert outcome(event) == expected
    if problem:
        trip = {**ride, "kind": "trip", "subject_token": "card-1"}
    else:
        await api_alone.link_card("card-2", "wang")
        trip = {**ride, "kind": "trip", "subject_token": "card-2"}
    trip.pop("record")
    report = await key.report(trip)
    assert outcome(report) == expected, report.body
    if problem:
        assert report.json()["granted"] == event.json()["granted"]
        after = await api_alone.row_counts()
        assert after == {**before, "partner_key": before["partner_key"] + 1}


async def test_a_key_of_one_city_reports_from_the_region_that_a_check_in_does_not_name(api_alone):
    await api_alone.link_card("card-1", "li")
    key = await key_of(api_alone, {"regions": ["540000"]})
    trip = {**make_ride(), "kind": "trip", "subject_token": "card-1"}
    trip.pop("record")
    assert outcome(await key.report(trip)) == (403, "region-not-granted")


# What a station does at its site in Taizhou, by its name in the harbour.
AT_A_SITE = ("weigh", "gather", "pay", "list", "step")


async def act(caller, harbour, what, hand_in):
    site = harbour.sites["shore"]
    weighing = {"material": "sorted_plastic", "mass_g": 1_000, "weighed_at": moment()}
    asked = {
        "weigh": ("/v1/marine/weighings", {"site_id": site, **weighing}),
        "gather": (
            "/v1/marine/lots",
            {"site_id": site, "hand_ins": [hand_in], "occurred_at": moment()},
        ),
        "pay": (
            f"/v1/marine/hand-ins/{hand_in}/payout",
            {"fen_per_kg": 100, "reference": "r-1", "paid_at": moment()},
        ),
        "step": (
            "/v1/marine/steps",
            {
                "site_id": site,
                "taken": [{"lot": "0" * 12, "mass_g": 1}],
                "made": [{"material": "sorted_plastic", "mass_g": 1}],
                "occurred_at": moment(),
            },
        ),
    }
    if what == "list":
        return await caller.get(f"/v1/marine/sites/{site}/hand-ins")
    path, body = asked[what]
    needed = {} if what == "pay" else {"idempotency_key": make_key()}
    return await caller.post(path, body, **needed)


@pytest.mark.parametrize("what", AT_A_SITE)
async def test_a_key_of_another_region_does_nothing_at_a_site(api_alone, what):
    harbour = await open_harbour(api_alone)
    hand_in = await harbour.weighed(1_000)
    partner: UUID = harbour.partners["shore"]
    granted = {"kind": "partner", "scopes": ["marine.keep"]}
    async with api_alone.engine.begin() as conn:
        elsewhere = await issue_key(conn, partner, **granted, regions=[HANGZHOU])
        around = await issue_key(conn, partner, **granted, regions=["331000"])
    before = await api_alone.row_counts()
    refused = await act(Caller(api_alone.session, elsewhere), harbour, what, hand_in)
    assert (refused.status, refused.problem) == (403, "region-not-granted")
    assert refused.json()["granted"] == [HANGZHOU]
    assert await api_alone.row_counts() == before
    done = await act(Caller(api_alone.session, around), harbour, what, hand_in)
    assert done.problem != "region-not-granted"
    assert done.status in {200, 201} or (what, done.problem) == ("step", "lot-unknown"), done.body


@pytest.mark.parametrize("what", ["plant", "die"])
async def test_a_key_of_another_region_records_no_trees(api_alone, what):
    whole, project = await forest(api_alone)
    pledged = await pledge(await api_alone.member(), project)
    pledge_id = pledged.json()["id"]
    planted = await fulfil(whole, pledge_id, trees=1)
    scopes = {"kind": "partner", "scopes": ["tree.record"]}
    async with api_alone.engine.begin() as conn:
        elsewhere = await issue_key(conn, FOREST, **scopes, regions=[NINGBO])
        around = await issue_key(conn, FOREST, **scopes, regions=["330000"])

    async def record(key):
        caller = Caller(api_alone.session, key)
        if what == "plant":
            return await fulfil(caller, pledge_id, planting="T-2", trees=1)
        path = f"/v1/trees/plantings/{planted.json()['id']}/deaths"
        return await caller.post(path, {"trees": 1, "seen_on": "2025-09-01"})

    before = await api_alone.row_counts()
    refused = await record(elsewhere)
    assert (refused.status, refused.problem) == (403, "region-not-granted")
    assert refused.json()["granted"] == [NINGBO]
    assert await api_alone.row_counts() == before
    assert (await record(around)).status in {200, 201}


# What a station does with a bag, each at its own address.
WITH_A_BAG = ("hand_in", "weigh", "sort", "event")


async def handle(caller, what, code):
    if what == "event":
        weighed = {"code": code, "weighed_at": moment(), "mass_g": 2_000}
        type_ = "tanhui.recycling.bag.weighed.v1"
        return await send_one(caller, make_event(type_, weighed, source=BAGS_SOURCE, subject=None))
    if what == "hand_in":
        return await caller.post(f"/v1/bags/{code}/hand-ins", {"mass_g": 2_000})
    weights = {"weigh": {"mass_g": 2_000}, "sort": {"materials": {"pet": 2_000}}}
    return await caller.weigh(code, **weights[what])


async def scales_of(service):
    granted = {"kind": "device", "scopes": ["bag.weigh", "event.send"]}
    async with service.engine.begin() as conn:
        keys = [
            await issue_key(conn, RECYCLER, **granted, regions=[region])
            for region in (NINGBO, "330000")
        ]
    return [Caller(service.session, key) for key in keys]


@pytest.mark.parametrize("what", WITH_A_BAG)
async def test_a_key_of_another_region_does_nothing_with_a_bag(api_alone, what):
    member = await api_alone.member()
    await member.post("/v1/check-ins", {"kind": "bag", "code": "BAG00001", "region": HANGZHOU})
    elsewhere, around = await scales_of(api_alone)
    if what == "sort":
        assert (await around.weigh("BAG00001", mass_g=2_000)).status == 201
    before, balance = await api_alone.row_counts(), await member.balance()
    refused = await handle(elsewhere, what, "BAG00001")
    assert outcome(refused) == (403, "region-not-granted")
    assert refused.json()["granted"] == [NINGBO]
    assert (await api_alone.row_counts(), await member.balance()) == (before, balance)
    done = await handle(around, what, "BAG00001")
    assert done.status == 201, done.body


async def test_a_key_of_another_region_is_not_answered_what_a_bag_weighed(api_alone):
    member = await api_alone.member()
    await member.post("/v1/check-ins", {"kind": "bag", "code": "BAG00001", "region": HANGZHOU})
    elsewhere, around = await scales_of(api_alone)
    at_once = (key.weigh("BAG00001", mass_g=2_000) for key in (elsewhere, around))
    assert [reply.status for reply in await asyncio.gather(*at_once)] == [403, 201]
    late = await elsewhere.weigh("BAG00001", mass_g=2_000)
    assert outcome(late) == (403, "region-not-granted")


async def test_an_event_about_a_bag_waits_for_its_binding_only_if_its_key_reaches_everywhere(
    api_alone,
):
    _, around = await scales_of(api_alone)
    early = await handle(around, "event", "BAG00001")
    assert outcome(early) == (409, "bag-not-bound")
    waits = await handle(api_alone.by_key("scale"), "event", "BAG00002")
    assert (waits.status, waits.json()["results"][0]["waits_for"]) == (202, "bag")
