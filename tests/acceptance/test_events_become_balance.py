"""Rides as CloudEvents: every event counts once, whatever comes late, twice, early or wrong."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from itertools import permutations

from tests.acceptance.event_sender import (
    BATCH,
    make_correction,
    make_event,
    make_ride,
    make_tap_in,
    make_tap_out,
    make_withdrawal,
    send,
    send_one,
    send_raw,
    yesterday_at,
)
from tests.acceptance.running_service import METRO, until

# floor(12 x 46.7) = 560; 10 km: 467; one ride: 46; 10 points a ride.
METRO_12_KM_G, METRO_10_KM_G, METRO_RIDE_G, METRO_POINTS = 560, 467, 46, 10


async def standings(service):
    rows = await service.fetch("SELECT event_id, outcome FROM partner_event")
    return {row.event_id: row.outcome for row in rows}


async def parked(service):
    return await service.value("SELECT count(*) FROM parked_event")


async def test_a_ride_is_credited_in_the_request_and_shown_as_a_partners_report(service):
    await service.link_card("card-1", "li")
    event = make_event()
    reply = await send_one(service.by_key("metro"), event)
    [result] = reply.json()["results"]
    assert reply.status == 201
    assert result == {
        "status": "credited",
        "code": 201,
        "id": event["id"],
        "source": "urn:metro",
        "check_in_id": result["check_in_id"],
        "action": "metro",
        "grams_gco2e": METRO_12_KM_G,
        "points": METRO_POINTS,
    }
    member = await service.member("li")
    assert await member.balance() == (METRO_12_KM_G, METRO_POINTS)
    shown = (await member.get(f"/v1/check-ins/{result['check_in_id']}")).json()
    assert (shown["status"], shown["grams"], shown["tier"]) == ("credited", 560, "documented")
    [row] = await service.fetch("SELECT reported_by FROM check_in")
    assert row.reported_by == "partner"


async def test_the_same_event_again_is_a_duplicate_and_another_body_a_conflict(service):
    await service.link_card("card-1", "li")
    metro, event = service.by_key("metro"), make_event()
    [first] = await send(metro, event)
    again, other, traced = await send(
        metro,
        event,
        {**event, "data": make_ride(distance_m=13_000)},
        {**event, "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
    )
    assert again == {**first, "status": "duplicate", "code": 200}
    assert traced == again
    assert (other["status"], other["code"]) == ("refused", 409)
    assert other["problem"]["type"] == "/problems/event-id-reused"
    single = await send_one(metro, {**event, "data": make_ride(distance_m=13_000)})
    assert (single.status, single.problem) == (409, "event-id-reused")
    assert await (await service.member("li")).balance() == (METRO_12_KM_G, METRO_POINTS)


async def test_a_reused_id_is_counted_for_who_looks_after_the_partner(service):
    metro, event = service.by_key("metro"), make_event()
    await send(metro, event)
    label = f'tanhui_event_conflicts_total{{partner="{METRO}"}}'

    async def counted():
        lines = (await service.nobody.get("/metrics")).body.decode().splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(label))

    before = await counted()
    await send(metro, event)
    assert await counted() == before
    other = {**event, "data": make_ride(distance_m=13_000)}
    await send(metro, other, make_event(), other)
    await send_one(metro, other)
    assert await counted() == before + 3


async def test_twice_in_one_batch_counts_once_and_at_once_too(service):
    await service.link_card("card-1", "li")
    metro, event = service.by_key("metro"), make_event()
    results = await send(metro, event, event, {**event, "subject": "card-2"})
    assert [each["code"] for each in results] == [201, 200, 409]
    others = [make_event(data=make_ride(yesterday_at(10 + n))) for n in range(3)]
    await asyncio.gather(*(send(metro, *others) for _ in range(8)))
    assert await service.value("SELECT count(*) FROM credit") == 4
    assert await service.value("SELECT count(*) FROM partner_event") == 4


async def test_a_batch_that_is_no_array_says_so(service):
    reply = await send_raw(service.by_key("metro"), json.dumps(make_event()), BATCH)
    assert (reply.status, reply.problem) == (422, "validation")
    [fault] = reply.json()["errors"]
    assert fault == {"pointer": "", "code": "unexpected", "detail": "应为数组"}


async def test_one_bad_event_fails_alone_and_leaves_nothing(service):
    await service.link_card("card-1", "li")
    good, bad = make_event(), make_event(data=make_ride(yesterday_at(12), distance_m=299_000))
    results = await send(service.by_key("metro"), bad, good)
    assert [each["status"] for each in results] == ["refused", "credited"]
    assert results[0]["problem"]["type"] == "/problems/distance-not-plausible"
    assert await standings(service) == {good["id"]: "credited"}
    mended = {**bad, "data": make_ride(yesterday_at(12))}
    [result] = await send(service.by_key("metro"), mended)
    assert result["status"] == "credited"


async def test_an_unknown_customer_is_parked_and_credited_when_the_link_comes(service):
    metro = service.by_key("metro")
    event = make_event()
    reply = await send_one(metro, event)
    [result] = reply.json()["results"]
    assert (reply.status, result["status"], result["waits_for"]) == (202, "parked", "link")
    until_at = datetime.fromisoformat(result["waits_until"])
    assert until_at == yesterday_at(8) + timedelta(days=7)
    assert (await send(metro, event))[0]["status"] == "duplicate"

    await service.link_card("card-1", "li")
    member = await service.member("li")
    await until(lambda: _has(member, METRO_12_KM_G))
    assert await parked(service) == 0
    assert await standings(service) == {event["id"]: "credited"}


async def _has(member, grams):
    return (await member.balance())[0] == grams


async def test_of_two_corrections_the_later_counts_in_every_order(service):
    metro, now = service.by_key("metro"), datetime.now(UTC)
    for number, order in enumerate(permutations(range(3))):
        card, name = f"card-{number}", f"rider-{number}"
        await service.link_card(card, name)
        event = make_event(subject=card)
        earlier = make_correction(event, time=now - timedelta(hours=1), distance_m=20_000)
        later = make_correction(event, time=now, distance_m=10_000)
        for each in order:
            await send(metro, (event, earlier, later)[each])
        member = await service.member(name)
        assert await member.balance() == (METRO_10_KM_G, METRO_POINTS), order
        outcomes = await standings(service)
        assert outcomes[event["id"]] == "credited"
        assert outcomes[later["id"]] == "corrected"
        assert outcomes[earlier["id"]] in {"corrected", "superseded"}
    assert await parked(service) == 0


async def test_what_is_withdrawn_counts_no_more_in_every_order(service):
    metro = service.by_key("metro")
    for number, order in enumerate(permutations(range(3))):
        card, name = f"card-{number}", f"rider-{number}"
        await service.link_card(card, name)
        event = make_event(subject=card)
        told = [event, make_correction(event, distance_m=10_000), make_withdrawal(event)]
        for each in order:
            await send(metro, told[each])
        assert await (await service.member(name)).balance() == (0, 0), order
        outcomes = await standings(service)
        assert outcomes[event["id"]] == outcomes[told[2]["id"]] == "withdrawn"
    rows = await service.fetch("SELECT DISTINCT status, reason FROM check_in")
    assert [tuple(row) for row in rows] == [("reversed", "partner_withdrew")]
    [again] = await send(metro, make_event(data=event["data"], subject=card))
    assert again["problem"]["type"] == "/problems/evidence-already-used"


async def test_a_tap_in_and_a_tap_out_make_one_ride_in_either_order(service):
    metro, now = service.by_key("metro"), datetime.now(UTC)
    for name, awaited in (("li", "tap_out"), ("wang", "event")):
        await service.link_card(name, name)
        entered = make_event(data=make_tap_in(now - timedelta(hours=1)), subject=name)
        out = make_tap_out(entered["id"], now - timedelta(minutes=20), distance_m=12_000)
        told = [entered, make_event(data=out, subject=name)]
        first, second = told if awaited == "tap_out" else reversed(told)
        [waiting] = await send(metro, first)
        assert (waiting["status"], waiting["waits_for"]) == ("parked", awaited)
        [result] = await send(metro, second)
        assert (result["status"], result["grams_gco2e"]) == ("credited", METRO_12_KM_G)
        member = await service.member(name)
        assert await member.balance() == (METRO_12_KM_G, METRO_POINTS)
    assert await service.value("SELECT count(*) FROM credit") == 2
    assert set((await standings(service)).values()) == {"credited"}


async def test_a_missing_tap_out_gets_the_value_of_a_ride_until_it_comes(service):
    await service.link_card("card-1", "li")
    metro, member = service.by_key("metro"), await service.member("li")
    entered = make_event(data=make_tap_in(datetime.now(UTC) - timedelta(hours=23)))
    [waiting] = await send(metro, entered)
    assert waiting["status"] == "parked"
    # A day later: the processor's clock is the database's, so its row is made older instead.
    await service.execute(
        "UPDATE parked_event SET until = now(), body = replace(body, :was, :is)",
        **_a_day_earlier(entered),
    )
    await until(lambda: _has(member, METRO_RIDE_G))
    out = make_tap_out(entered["id"], datetime.now(UTC) - timedelta(hours=24), distance_m=10_000)
    [result] = await send(metro, make_event(data=out))
    assert (result["status"], result["grams_gco2e"]) == ("credited", METRO_10_KM_G)
    assert await member.balance() == (METRO_10_KM_G, METRO_POINTS)


def _a_day_earlier(event):
    told = datetime.fromisoformat(event["data"]["tapped_at"])
    return {"was": event["data"]["tapped_at"], "is": (told - timedelta(hours=2)).isoformat()}


async def test_what_changes_itself_is_refused_and_the_others_count(service):
    await service.link_card("card-1", "li")
    metro, ride = service.by_key("metro"), make_event(id="ride-1")
    corrected = make_correction(ride) | {"id": ride["id"]}
    withdrawn = make_withdrawal(ride) | {"id": ride["id"]}
    tapped_out = make_event(data=make_tap_out("tap-1", yesterday_at(12)), id="tap-1")
    results = await send(metro, corrected, withdrawn, tapped_out, ride)
    faults = [each["problem"]["errors"][0] for each in results[:3]]
    assert [each["pointer"] for each in faults] == ["/data/corrects", "/data/withdraws", "/data"]
    assert {each["code"] for each in faults} == {"names_itself"}
    assert results[3]["status"] == "credited"
    assert await parked(service) == 0


async def test_a_correction_may_not_move_the_start_or_the_mode(service):
    await service.link_card("card-1", "li")
    metro, event = service.by_key("metro"), make_event()
    await send(metro, event)
    moved = make_correction(event, started_at=yesterday_at(7, 30).isoformat())
    results = await send(metro, moved, make_correction(event, mode="bus"))
    assert {each["problem"]["type"] for each in results} == {"/problems/correction-too-wide"}
    assert await (await service.member("li")).balance() == (METRO_12_KM_G, METRO_POINTS)


async def test_a_late_ride_and_a_correction_restate_the_day(service):
    await service.link_card("card-1", "li")
    metro = service.by_key("metro")
    first = make_event(data=make_ride(yesterday_at(8)))
    during = make_event(data=make_ride(yesterday_at(8, 30), distance_m=10_000))
    results = await send(metro, first, during)
    assert [each["grams_gco2e"] for each in results] == [METRO_12_KM_G, 0]
    assert results[1]["reason"] == "excluded"
    # The first ride turns out to have ended before the second one began.
    shorter = make_correction(first, ended_at=yesterday_at(8, 25).isoformat(), distance_m=10_000)
    await send(metro, shorter)
    assert (await (await service.member("li")).balance())[0] == 2 * METRO_10_KM_G


async def test_an_e_bike_needs_a_distance_and_keeps_within_its_speed(service):
    await service.link_card("card-1", "li")
    ride = make_ride(mode="e_bike", distance_m=5_000)
    results = await send(
        service.by_key("metro"),
        make_event(data=ride),
        make_event(data=make_ride(yesterday_at(10), mode="e_bike", distance_m=None)),
        make_event(data=make_ride(yesterday_at(11), mode="e_bike", distance_m=40_000)),
    )
    # 5 km: floor(5 x (46.7 - 17.0...)) = 148, the methodology's own example.
    assert results[0]["grams_gco2e"] == 148
    assert [each["problem"]["type"] for each in results[1:]] == [
        "/problems/distance-needed", "/problems/distance-not-plausible",
    ]  # fmt: skip
