import asyncio
from datetime import UTC, datetime, timedelta, timezone

import pytest

from tests.acceptance.running_service import make_key

SHANGHAI = timezone(timedelta(hours=8))
# 12 km by metro: floor(12 x 46.7) = 560, and half of 560.4 on a member's word.
METRO_12_KM_G, METRO_12_KM_SELF_DECLARED_G, METRO_POINTS = 560, 280, 10
LATE_WINDOW = timedelta(days=7)


def yesterday_at(hour, minute=0) -> datetime:
    day = datetime.now(SHANGHAI) - timedelta(days=1)
    return day.replace(hour=hour, minute=minute, second=0, microsecond=0)


def make_trip(**changes):
    trip = {
        "kind": "trip",
        "mode": "metro",
        "started_at": yesterday_at(8),
        "ended_at": yesterday_at(8, 40),
        "distance_m": 12_000,
        **changes,
    }
    times = {name: trip[name].isoformat() for name in ("started_at", "ended_at")}
    return {name: value for name, value in (trip | times).items() if value is not None}


def make_ride(start, minutes=20, **changes):
    """Another trip of the day; ten minutes apart are no overlap."""
    return make_trip(started_at=start, ended_at=start + timedelta(minutes=minutes), **changes)


async def test_a_members_own_word_counts_half_and_pays_no_points(service):
    member = await service.member()
    reply = await member.report(make_trip())
    assert reply.status == 201, reply.body
    answer = reply.json()
    assert (
        answer
        | {
            "action": "metro",
            "status": "credited",
            "tier": "self_declared",
            "reported_by": "member",
            "quantities": {"distance_m": 12_000},
            "grams": METRO_12_KM_SELF_DECLARED_G,
            "points": 0,
            "points_reason": "self_declared",
        }
        == answer
    )
    assert reply.headers["Location"] == f"/v1/check-ins/{answer['id']}"
    assert await member.balance() == (METRO_12_KM_SELF_DECLARED_G, 0)


async def test_a_partners_trip_of_a_linked_customer_is_documented(service):
    await service.link_card("card-1", "li")
    reply = await service.by_key("metro").report(make_trip(subject_token="card-1"))
    assert reply.status == 201, reply.body
    answer = reply.json()
    assert (
        answer
        | {
            "tier": "documented",
            "reported_by": "partner",
            "grams": METRO_12_KM_G,
            "points": METRO_POINTS,
        }
        == answer
    )
    member = await service.member("li")
    assert await member.balance() == (METRO_12_KM_G, METRO_POINTS)
    own = await member.get(f"/v1/check-ins/{answer['id']}")
    assert own.json() == answer


async def test_a_customer_who_is_not_linked_is_named(service):
    reply = await service.by_key("metro").report(make_trip(subject_token="card-unknown"))
    assert (reply.status, reply.problem) == (404, "subject-not-linked")
    assert await service.value("SELECT count(*) FROM check_in") == 0


async def test_partners_name_their_customer_and_members_do_not(service):
    member, metro = await service.member(), service.by_key("metro")
    for caller, trip in ((member, make_trip(subject_token="card-1")), (metro, make_trip())):
        reply = await caller.report(trip)
        assert (reply.status, reply.problem) == (422, "subject-token-misplaced")


async def test_a_trip_outside_every_province_is_refused(service):
    member = await service.member()
    reply = await member.report({**make_trip(), "region": "840100"})
    assert (reply.status, reply.json()["errors"][0]["pointer"]) == (422, "/region")
    assert await service.value("SELECT count(*) FROM check_in") == 0


async def test_a_trip_needs_an_idempotency_key(service):
    member = await service.member()
    reply = await member.post("/v1/check-ins", make_trip())
    assert (reply.status, reply.problem) == (400, "idempotency-key-missing")
    assert await member.balance() == (0, 0)


async def test_the_same_request_again_is_the_same_answer(service):
    member, key = await service.member(), make_key()
    first, again = await member.report(make_trip(), key), await member.report(make_trip(), key)
    assert (again.status, again.headers["Idempotency-Replayed"]) == (201, "true")
    assert "Idempotency-Replayed" not in first.headers
    assert again.json() == first.json()


async def test_a_key_is_for_one_request(service):
    member, key = await service.member(), make_key()
    await member.report(make_trip(), key)
    other = await member.report(make_trip(distance_m=11_000), key)
    assert (other.status, other.problem) == (422, "idempotency-key-reused")
    elsewhere = await member.post("/v1/captures", {}, idempotency_key=key)
    assert (elsewhere.status, elsewhere.problem) == (422, "idempotency-key-reused")
    assert await service.value("SELECT count(*) FROM credit") == 1


async def test_a_refusal_leaves_no_key(service):
    member, key = await service.member(), make_key()
    refused = await member.report(make_trip(distance_m=299_000), key)
    assert refused.problem == "distance-not-plausible"
    assert (await member.report(make_trip(), key)).status == 201


async def test_members_may_choose_the_same_key(service):
    key = make_key()
    for name in ("li", "wang"):
        reply = await (await service.member(name)).report(make_trip(), key)
        assert reply.json()["grams"] == METRO_12_KM_SELF_DECLARED_G


async def test_one_request_fifty_times_at_once_has_one_effect(service):
    member, key = await service.member(), make_key()
    replies = await asyncio.gather(*(member.report(make_trip(), key) for _ in range(50)))
    assert [reply.status for reply in replies] == [201] * 50
    [answer] = {reply.body for reply in replies}
    assert b'"credited"' in answer
    assert await service.value("SELECT count(*) FROM credit") == 1
    assert await service.value("SELECT count(*) FROM check_in") == 1
    assert await service.value("SELECT count(*) FROM idempotency_key") == 1
    assert await member.balance() == (METRO_12_KM_SELF_DECLARED_G, 0)


async def test_a_key_used_for_many_customers_at_once_names_one_trip(service):
    cards = [f"card-{number}" for number in range(20)]
    for card in cards:
        await service.link_card(card, f"customer {card}")
    metro, key = service.by_key("metro"), make_key()
    replies = await asyncio.gather(
        *(metro.report(make_trip(subject_token=card), key) for card in cards)
    )
    assert sorted(reply.status for reply in replies) == [201] + [422] * 19
    refused = {reply.problem for reply in replies if reply.status == 422}
    assert refused == {"idempotency-key-reused"}
    assert await service.value("SELECT count(*) FROM credit") == 1


async def test_one_trip_counts_once_whoever_reports_it_and_however_its_time_is_written(service):
    await service.link_card("card-1", "li")
    member, metro = await service.member("li"), service.by_key("metro")
    await metro.report(make_trip(subject_token="card-1"))
    start, end = yesterday_at(8), yesterday_at(8, 40)
    for zone in (SHANGHAI, UTC, timezone(timedelta(hours=-5))):
        trip = make_trip(started_at=start.astimezone(zone), ended_at=end.astimezone(zone))
        again = await member.report(trip)
        assert (again.status, again.problem) == (409, "evidence-already-used"), zone
    assert await member.balance() == (METRO_12_KM_G, METRO_POINTS)


async def test_of_overlapping_trips_the_earlier_start_counts(service):
    member = await service.member()
    first = await member.report(make_trip())
    during = await member.report(make_ride(yesterday_at(8, 30)))
    assert (during.status, during.json()["grams"]) == (201, 0)
    assert during.json()["reason"] == "excluded"

    # An earlier start that arrives later takes its place, and the difference is booked.
    before = await member.report(make_ride(yesterday_at(7, 50), distance_m=10_000))
    assert before.json()["grams"] == 233  # half of 467.0
    corrected = await member.get(f"/v1/check-ins/{first.json()['id']}")
    assert (corrected.json()["grams"], corrected.json()["reason"]) == (0, "excluded")
    # The trip of 08:30 begins after the one of 07:50 has ended, so it counts after all.
    again = await member.get(f"/v1/check-ins/{during.json()['id']}")
    assert again.json()["grams"] == METRO_12_KM_SELF_DECLARED_G
    assert await member.balance() == (233 + METRO_12_KM_SELF_DECLARED_G, 0)


async def test_trips_of_a_day_count_up_to_the_cap(service):
    member = await service.member()
    start, answers = yesterday_at(6), []
    for number in range(5):
        ride = make_ride(start + timedelta(minutes=60 * number), minutes=50, distance_m=40_000)
        answers.append((await member.report(ride)).json())
    *_, last = answers
    assert (last["status"], last["grams"], last["reason"]) == ("credited", 0, "cap_reached")
    assert sum(answer["grams"] for answer in answers) == (await member.balance())[0]
    transfers = (await member.get("/v1/account/transfers")).json()["items"]
    assert last["id"] not in {transfer["check_in_id"] for transfer in transfers}


async def test_racing_trips_do_not_pass_the_cap(service):
    member = await service.member()
    rides = [
        make_ride(yesterday_at(6) + timedelta(hours=number), minutes=50, distance_m=40_000)
        for number in range(12)
    ]
    replies = await asyncio.gather(*(member.report(ride) for ride in rides))
    assert {reply.status for reply in replies} == {201}
    one_by_one = await service.member("wang")
    for ride in rides:
        await one_by_one.report(ride)
    assert await member.balance() == await one_by_one.balance()


async def test_a_trip_without_a_distance_counts_as_a_ride_but_not_by_bicycle(service):
    member = await service.member()
    ride = await member.report(make_trip(mode="bus", distance_m=None))
    assert ride.json()["quantities"] == {"rides": 1}
    assert ride.json()["grams"] > 0
    refused = await member.report(make_ride(yesterday_at(18), mode="cycling", distance_m=None))
    assert (refused.status, refused.problem) == (422, "distance-needed")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"ended_at": yesterday_at(8)}, "time-not-plausible"),
        ({"ended_at": yesterday_at(7, 59)}, "time-not-plausible"),
        ({"ended_at": yesterday_at(20, 1)}, "time-not-plausible"),
        ({"distance_m": 107_000}, "distance-not-plausible"),  # 160.5 km/h
        ({"mode": "bus", "distance_m": 67_000}, "distance-not-plausible"),
        ({"mode": "cycling", "distance_m": 31_000}, "distance-not-plausible"),
    ],
)
async def test_what_cannot_be_is_refused(service, changes, problem):
    member = await service.member()
    before = await service.row_counts()
    reply = await member.report(make_trip(**changes))
    assert (reply.status, reply.problem) == (422, problem)
    assert await service.row_counts() == before


async def test_trips_are_taken_for_seven_days_and_not_before_they_end(service):
    member = await service.member()
    now = datetime.now(UTC)
    minute = timedelta(minutes=1)
    late = await member.report(make_ride(now - LATE_WINDOW - minute))
    assert (late.status, late.problem) == (422, "evidence-too-late")
    assert late.json()["days"] == 7
    assert (await member.report(make_ride(now - LATE_WINDOW + 10 * minute))).status == 201
    future = await member.report(make_ride(now - 14 * minute))
    assert (future.status, future.problem) == (422, "time-not-plausible")
    # Clocks of phones and gates run a little ahead.
    assert (await member.report(make_ride(now - 17 * minute))).status == 201


async def test_a_short_fund_holds_back_points_and_never_grams(service):
    await service.link_card("card-1", "li")
    await service.execute("UPDATE fund_slice SET available = 0")
    reply = await service.by_key("metro").report(make_trip(subject_token="card-1"))
    answer = reply.json()
    assert (answer["grams"], answer["points_reason"]) == (METRO_12_KM_G, "points_queued")
    assert (await (await service.member("li")).balance()) == (METRO_12_KM_G, 0)
