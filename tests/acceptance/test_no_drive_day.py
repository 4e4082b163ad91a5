"""Two odometer photos become a no-drive day once a person has compared them."""

from datetime import timedelta

import aiohttp
import pytest

from backend.crediting.domain import claim_key
from backend.ids import uuid7
from backend.verify import check_invariants
from tests.acceptance.running_service import make_photo
from tests.acceptance.test_trip_becomes_balance import make_ride, yesterday_at
from tests.builders import SECRET

YESTERDAY = yesterday_at(0).date().isoformat()
NO_DRIVE_G = 1_728


async def capture(service, member, part, *, day=YESTERDAY, age=timedelta(0), action="no_drive_day"):
    """A capture of that part of the day: the test may run at noon."""
    capture_id = uuid7()
    await service.execute(
        "INSERT INTO capture VALUES"
        " (:id, :account, :action, now() - CAST(:age AS interval), '330100', :part)",
        id=capture_id,
        account=member.account_id,
        action=action,
        age=age,
        part=f"{day}/{part}",
    )
    return str(capture_id)


async def send(member, capture_id, photo):
    form = aiohttp.FormData()
    form.add_field("photo", photo, filename="o.jpg", content_type="image/jpeg")
    return await member.send("POST", f"/v1/captures/{capture_id}/evidence", data=form)


async def photographed(service, member, part, seed, **changes):
    capture_id = await capture(service, member, part, **changes)
    reply = await send(member, capture_id, make_photo(seed))
    assert reply.status == 201, reply.body
    return capture_id


async def pair(service, member, seed=0, **changes):
    return {
        "kind": "no_drive_day",
        "morning_capture": await photographed(service, member, "morning", seed, **changes),
        "evening_capture": await photographed(service, member, "evening", seed + 1, **changes),
        "plate": "浙A·12345",
    }


async def tell(member, body):
    return await member.post("/v1/check-ins", body)


async def decide(service, check_in_id, decision, label):
    reviewer = await service.caller("rev", "reviewer")
    path = f"/v1/review/check-ins/{check_in_id}"
    await reviewer.send("PUT", f"{path}/lease")
    reply = await reviewer.post(f"{path}/decisions", {"outcome": decision, "label": label})
    assert reply.status == 201, reply.body


async def assert_whole(service):
    await service.drained()
    assert await check_invariants(service.engine) == []


async def test_a_pair_waits_for_a_person_and_is_then_credited(service):
    member = await service.member()
    reply = await tell(member, await pair(service, member))
    assert reply.status == 201, reply.body
    answer = reply.json()
    assert (answer["status"], answer["reason"], answer["tier"], answer["grams"]) == (
        "in_review", "odometers_to_compare", "documented", 0,
    )  # fmt: skip
    await assert_whole(service)
    await decide(service, answer["id"], "accept", "shown")
    await service.drained()
    own = (await member.get(f"/v1/check-ins/{answer['id']}")).json()
    assert (own["status"], own["grams"], own["quantities"]) == ("credited", NO_DRIVE_G, {"days": 1})
    assert await member.balance() == (NO_DRIVE_G, 0)
    await assert_whole(service)


async def test_a_reviewer_sees_both_odometers(service):
    member = await service.member()
    check_in_id = (await tell(member, await pair(service, member))).json()["id"]
    reviewer = await service.caller("rev", "reviewer")
    path = f"/v1/review/check-ins/{check_in_id}/evidence"
    asked = ("", "?part=evening", "?part=morning")
    shown = [await reviewer.get(path + query) for query in asked]
    assert [each.status for each in shown] == [200, 200, 200]
    assert shown[0].body == shown[1].body != shown[2].body
    plate = await member.photograph(await service.script(make_photo(9), "in_review", "uncertain"))
    other = f"/v1/review/check-ins/{plate.json()['id']}/evidence"
    assert (await reviewer.get(f"{other}?part=morning")).status == 404


async def test_trips_of_that_day_come_before_it_whenever_they_arrive(service):
    member = await service.member()
    check_in_id = (await tell(member, await pair(service, member))).json()["id"]
    await decide(service, check_in_id, "accept", "shown")
    await service.drained()
    await member.report(make_ride(yesterday_at(8)))
    own = (await member.get(f"/v1/check-ins/{check_in_id}")).json()
    assert (own["grams"], own["reason"]) == (0, "excluded")
    assert own["history"][0]["reason"] == "late_activity"
    await assert_whole(service)


async def test_a_rejected_pair_brings_nothing(service):
    member = await service.member()
    check_in_id = (await tell(member, await pair(service, member))).json()["id"]
    await decide(service, check_in_id, "reject", "not_shown")
    await service.drained()
    assert await member.balance() == (0, 0)
    await assert_whole(service)


async def test_the_same_pair_again_is_the_same_check_in(service):
    member = await service.member()
    body = await pair(service, member)
    first, again = await tell(member, body), await tell(member, body)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json()["id"] == first.json()["id"]
    other = await tell(member, await pair(service, member, seed=10))
    assert (other.status, other.problem) == (409, "evidence-already-used")


async def test_one_car_stands_still_once_a_day_whoever_reports_it(service):
    li, wang = await service.member("li"), await service.member("wang")
    assert (await tell(li, await pair(service, li))).status == 201
    reply = await tell(wang, await pair(service, wang, seed=5) | {"plate": "浙a 12345"})
    assert (reply.status, reply.problem) == (409, "evidence-already-used")
    key = claim_key(SECRET, "plate", "浙A12345", YESTERDAY)
    assert await service.value("SELECT count(*) FROM claim WHERE key = :key", key=key) == 1
    for table in ("check_in", "odometer_photo", "claim", "check_in_evidence"):
        rows = await service.fetch(f"SELECT to_jsonb({table})::text AS row FROM {table}")
        assert not any("12345" in row.row for row in rows), "the plate itself is kept nowhere"


async def test_a_photo_counts_once_in_the_whole_population(service):
    li, wang = await service.member("li"), await service.member("wang")
    body = await pair(service, li)
    assert (await tell(li, body)).status == 201
    capture_id = await capture(service, wang, "morning")
    reply = await send(wang, capture_id, make_photo(0))
    assert (reply.status, reply.problem) == (409, "evidence-already-used")
    twice = await capture(service, wang, "evening")
    other = await capture(service, wang, "morning")
    for capture_id in (twice, other):
        assert (await send(wang, capture_id, make_photo(7))).status == 201
    body = {"kind": "no_drive_day", "morning_capture": other, "evening_capture": twice}
    reply = await tell(wang, body | {"plate": "浙B12345"})
    assert (reply.status, reply.problem) == (409, "evidence-already-used")


async def test_a_photo_that_comes_late_is_the_members_own_word(service):
    member = await service.member()
    body = await pair(service, member, age=timedelta(minutes=30))
    answer = (await tell(member, body)).json()
    assert answer["tier"] == "self_declared"
    await decide(service, answer["id"], "accept", "shown")
    await service.drained()
    assert await member.balance() == (NO_DRIVE_G // 2, 0)


async def test_the_same_photo_again_is_stored_once_and_another_is_refused(service):
    member = await service.member()
    capture_id = await capture(service, member, "morning")
    for _ in range(2):
        assert (await send(member, capture_id, make_photo(1))).status == 201
    other = await send(member, capture_id, make_photo(2))
    assert (other.status, other.problem) == (409, "capture-used")
    old = await capture(service, member, "morning", age=timedelta(hours=25))
    expired = await send(member, old, make_photo(3))
    assert (expired.status, expired.problem) == (422, "capture-expired")


async def test_what_does_not_fit_says_what_to_do(service):
    member, other = await service.member(), await service.member("wang")
    body = await pair(service, member)
    lone = await capture(service, member, "evening")
    early = await photographed(service, member, "morning", 20, day="2026-01-05")
    swapped = {
        "morning_capture": body["evening_capture"], "evening_capture": body["morning_capture"],
    }  # fmt: skip
    for change, expected in (
        (swapped, (422, "odometers-not-of-one-day")),
        ({"morning_capture": early}, (422, "odometers-not-of-one-day")),
        ({"evening_capture": lone}, (422, "odometer-photo-missing")),
        ({"plate": "A1234567"}, (422, "plate-not-clear")),
        ({"plate": "浙AD12345"}, (422, "plate-not-eligible")),
        ({"morning_capture": str(uuid7())}, (404, "not-found")),
    ):
        reply = await tell(member, body | change)
        assert (reply.status, reply.problem) == expected, change
    assert (await tell(other, body)).problem == "not-found"
    assert await service.value("SELECT count(*) FROM claim") == 0


async def test_plates_and_odometers_have_their_own_ways_in(service):
    member = await service.member()
    odometer = await capture(service, member, "morning")
    apart = await member.send_photo(make_photo(1), odometer)
    assert (apart.status, apart.problem) == (422, "odometer-photo-apart")
    plate = await member.capture()
    assert (await send(member, plate, make_photo(2))).status == 404
    assert (await send(await service.member("wang"), odometer, make_photo(3))).status == 404


@pytest.mark.parametrize(("hour", "part"), [(8, "morning"), (12, None), (20, "evening")])
def test_odometers_are_photographed_in_the_morning_and_in_the_evening(hour, part):
    from backend.intake.no_drive import window_of

    assert window_of(yesterday_at(hour)) == (f"{YESTERDAY}/{part}" if part else None)
