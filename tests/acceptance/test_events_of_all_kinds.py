"""Every kind of event over HTTP, and the answers to what is wrong with a request as a whole."""

import json
from datetime import UTC, datetime, timedelta

from tests.acceptance.event_sender import (
    BAGS_SOURCE,
    BATCH,
    STRUCTURED,
    make_correction,
    make_event,
    make_ride,
    saved_average,
    send,
    send_one,
    send_raw,
    yesterday_at,
)
from tests.acceptance.running_service import until

HOUR = timedelta(hours=1)
PROBLEM = "/problems/"


def named(result):
    return result["problem"]["type"].removeprefix(PROBLEM)


def make_reading(medium="electricity", days=30, ended_days_ago=1, **changes):
    unit = "wh" if medium == "electricity" else "l"
    first = yesterday_at(12).date() - timedelta(days=days + ended_days_ago - 1)
    reading = {
        "medium": medium,
        "meter": "m-1",
        "first_day": first.isoformat(),
        "days": days,
        "persons": 3,
        f"used_{unit}": 168_000,
        "region": "330100",
        **changes,
    }
    return make_event("tanhui.meter.reading.v1", reading)


def make_bag(code, **changes):
    weighed = {"code": code, "weighed_at": datetime.now(UTC).isoformat(), "mass_g": 2_500}
    return make_event(
        "tanhui.recycling.bag.weighed.v1",
        {**weighed, **changes},
        source=BAGS_SOURCE,
        subject=None,
    )


async def test_each_kind_brings_the_grams_of_its_methodology(service):
    await service.link_card("card-1", "li")
    await saved_average(service)
    at = yesterday_at(12)
    results = await send(
        service.by_key("metro"),
        make_reading(),
        make_event("tanhui.order.no_tableware.v1", {"order": "O-1", "ordered_at": at.isoformat()}),
        make_event(
            "tanhui.parcel.reused.v1",
            {"parcel": "P-1", "handed_back_at": at.isoformat(), "boxes": 3},
        ),
        make_event(
            "tanhui.tree.verified.v1",
            {
                "planting": "T-1",
                "planted_on": (at - timedelta(days=500)).date().isoformat(),
                "trees": 3,
                "verified_at": at.isoformat(),
            },
        ),
        make_event(
            "tanhui.marine.handed_in.v1",
            {"receipt": "M-1", "handed_in_at": at.isoformat(), "sorted_plastic_g": 5_000},
        ),
    )
    assert [each["status"] for each in results] == ["credited"] * 5
    # 12 kWh x 497.4 = 5,968.8; one order: 23; three cartons: 111; three trees; 5 kg x 1,298.7.
    assert [each["grams_gco2e"] for each in results] == [5_968, 23, 111, 5_370, 6_493]


async def test_one_thing_counts_once_under_whatever_event(service):
    await service.link_card("card-1", "li")
    await saved_average(service)
    metro, at = service.by_key("metro"), yesterday_at(12).isoformat()
    order = {"order": "O-1", "ordered_at": at}
    overlapping = [make_reading(ended_days_ago=20), make_reading(), make_reading(days=1)]
    results = await send(
        metro,
        make_event("tanhui.order.no_tableware.v1", order),
        make_event("tanhui.order.no_tableware.v1", order),
        *overlapping,
    )
    assert [each["code"] for each in results] == [201, 409, 201, 409, 201]
    later = await send(metro, make_reading(days=10), make_reading(meter="m-2"))
    assert [each["code"] for each in later] == [409, 201]


async def test_a_draft_methodology_credits_nothing_and_says_so(service):
    await service.link_card("card-1", "li")
    [result] = await send(service.by_key("metro"), make_reading("gas"))
    assert named(result) == "activity-not-covered"
    assert result["problem"]["code"] == "not_creditable"
    assert await service.value("SELECT used_wh_or_l FROM meter_reading") == 168_000


async def test_a_weighed_bag_is_credited_to_who_bound_it_before_or_after(service):
    member, scale = await service.member(), service.by_key("scale")
    await member.bind("BAG00001")
    weighed, waiting = make_bag("BAG00001"), make_bag("BAG00002")
    results = await send(scale, weighed, waiting, make_bag("BAG99999"))
    assert [each["status"] for each in results] == ["credited", "parked", "refused"]
    assert (results[0]["grams_gco2e"], results[1]["waits_for"]) == (254, "bag")
    assert named(results[2]) == "bag-unknown"

    await member.bind("BAG00002")

    async def both_are_credited():
        return (await member.balance())[0] == 2 * 254

    await until(both_are_credited)
    assert await service.value("SELECT count(*) FROM parked_event") == 0
    [again] = await send(scale, waiting)
    assert (again["status"], again["grams_gco2e"]) == ("duplicate", 254)


async def test_a_bag_was_weighed_when_the_event_says_and_by_who_sent_it(service):
    scale, member = service.by_key("scale"), await service.member("li")
    await member.bind("BAG00003")
    day_before = "SET bound_at = bound_at - interval '1 day', waiting_since = waiting_since"
    await service.execute(f"UPDATE bag {day_before} - interval '1 day' WHERE code = 'BAG00003'")
    at = datetime.now(UTC) - timedelta(hours=3)
    [weighed] = await send(scale, make_bag("BAG00003", weighed_at=at.isoformat()))
    assert weighed["status"] == "credited"
    assert await service.value("SELECT weighed_at FROM bag WHERE code = 'BAG00003'") == at
    custody = await service.fetch(
        "SELECT occurred_at, actor FROM bag_custody WHERE code = 'BAG00003' AND step = 'weighed'"
    )
    assert [tuple(each) for each in custody] == [(at, "device")]


async def test_a_foreign_source_a_wrong_clock_and_an_unknown_type_are_refused_one_by_one(service):
    await service.link_card("card-1", "li")
    await service.drained()  # of the link
    before = await service.row_counts()
    year = [make_ride(datetime(y, 1, 1, tzinfo=UTC)) for y in (1970, 2099)]
    results = await send(
        service.by_key("metro"),
        make_event(source="urn:metropolis"),
        make_event(time="1970-01-01T00:00:00Z"),
        make_event(time="2099-01-01T00:00:00Z"),
        make_event(data=year[0]),
        make_event(data=year[1]),
        make_event("tanhui.flight.v1"),
        {"specversion": "0.3"},
        "no event",
        make_correction(make_event(), time=datetime.now(UTC) + HOUR),
    )
    assert [(each["code"], named(each)) for each in results] == [
        (403, "source-not-granted"),
        (422, "time-not-plausible"),
        (422, "time-not-plausible"),
        (422, "evidence-too-late"),
        (422, "time-not-plausible"),
        (422, "event-type-unknown"),
        (422, "validation"),
        (422, "validation"),
        (422, "time-not-plausible"),
    ]
    assert await service.row_counts() == before
    in_english = await send(service.by_key("metro"), {}, accept_language="en")
    assert in_english[0]["problem"]["title"] == "Validation failed"


async def test_a_source_below_the_partners_own_is_its_own(service):
    await service.link_card("card-1", "li")
    results = await send(service.by_key("metro"), make_event(source="urn:metro:line-4"))
    assert results[0]["status"] == "credited"


async def test_the_forms_of_a_request(service):
    await service.link_card("card-1", "li")
    metro = service.by_key("metro")
    event = make_event()
    fields = {f"ce-{name}": str(value) for name, value in event.items() if name != "data"}
    body = json.dumps(event["data"])

    async def status_of(body, content_type, **headers):
        reply = await send_raw(metro, body, content_type, **headers)
        return reply.status, reply.problem

    assert await status_of(json.dumps(event), STRUCTURED, ce_id="x") == (400, "malformed-request")
    assert await status_of(body, "application/json") == (415, "unsupported-media-type")
    assert await status_of(json.dumps(event), "text/plain") == (415, "unsupported-media-type")
    for traps in ({"ce-subject": "%zz"}, {"ce-subject": "%00"}):
        reply = await metro.send(
            "POST",
            "/v1/events",
            data=body,
            headers={"Content-Type": "application/json", **fields, **traps},
        )
        assert (reply.status, reply.problem) == (400, "malformed-request")
    binary = await metro.send(
        "POST", "/v1/events", data=body, headers={"Content-Type": "application/json", **fields}
    )
    assert (binary.status, binary.json()["results"][0]["status"]) == (201, "credited")
    assert (await send_one(metro, event)).json()["results"][0]["status"] == "duplicate"


async def test_a_body_a_batch_and_an_event_have_their_largest_size(service):
    metro = service.by_key("metro")
    before = await service.row_counts()
    many = await send_raw(metro, json.dumps([{}] * 101), BATCH)
    assert (many.status, many.problem) == (413, "payload-too-large")
    large = await send_raw(metro, " " * (1024 * 1024 + 1), BATCH)
    assert (large.status, large.problem) == (413, "payload-too-large")
    for body, status in (("[", 400), ('{"a": 1}', 422), ("[NaN]", 400)):
        assert (await send_raw(metro, body, BATCH)).status == status
    assert (await send_raw(metro, "[]", BATCH)).json() == {"results": []}
    events = [make_event(data=make_ride(note="x" * 70_000)), make_event(id="a\0b"), make_event()]
    assert [each["code"] for each in await send(metro, *events)] == [413, 422, 202]
    after = await service.row_counts()
    assert {name for name in after if after[name] != before[name]} == {
        "partner_event", "parked_event",
    }  # fmt: skip


async def test_the_types_are_published_with_their_schemas(service):
    reply = await service.nobody.get("/v1/event-types?limit=200", accept_language="en")
    items = {each["type"]: each for each in reply.json()["items"]}
    assert len(items) == 24
    trip = items["tanhui.trip.v1"]
    assert (trip["title"], trip["role"], trip["subject"]) == ("Trip", "reported", True)
    assert set(trip["data_schema"]["$defs"]) == {"Ride", "TapIn", "TapOut"}
    first = (await service.nobody.get("/v1/event-types?limit=20")).json()
    rest = await service.nobody.get(f"/v1/event-types?limit=20&cursor={first['next_cursor']}")
    assert [each["type"] for each in [*first["items"], *rest.json()["items"]]] == list(items)
