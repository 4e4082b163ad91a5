"""A key reports what it was granted, whichever address it reports to."""

from uuid import UUID

import pytest

from backend.partners.domain import KeyTerms
from backend.partners.queries import issue_bearer_key, issue_key
from tests.acceptance.event_sender import make_event, make_ride, send_one
from tests.acceptance.harbour import moment, open_harbour
from tests.acceptance.service import METRO, Caller, make_key

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
