import asyncio
import random
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import msgspec

from backend.canteens.bodies import MealBody
from backend.verify import check_invariants
from tests.acceptance.canteen import Camera, new_code, open_camera
from tests.acceptance.running_service import METRO, make_photo, serving, until
from tests.fakes import make_score

PLATE_G, PLATE_POINTS = 125, 5


async def guest(service, card="card-li", subject="li"):
    """A member whose campus card is linked."""
    await service.link_card(card, subject)
    return await service.member(subject)


async def test_a_clean_tray_is_credited_while_the_screen_waits(service):
    member, camera = await guest(service), await open_camera(service)
    reply = await camera.see(make_photo(1), "card-li")
    assert reply.status == 200, reply.body
    answer = reply.json()
    assert (answer["status"], answer["outcome"], answer["message"]) == (
        "joined",
        "credited",
        "已入账",
    )
    assert await member.balance() == (PLATE_G, PLATE_POINTS)
    [check_in] = (await member.get("/v1/check-ins")).json()["items"]
    shown = {name: check_in[name] for name in ("tier", "reported_by", "region", "natural_key")}
    assert shown == {
        "tier": "documented",
        "reported_by": "device",
        "region": "330106",
        "natural_key": f"tray:{camera.id}:0",
    }
    assert await service.value("SELECT partner_id FROM partner_report") == METRO
    assert await check_invariants(service.engine) == []


async def test_the_score_is_ours_whatever_the_camera_sends(service):
    member, camera = await guest(service), await open_camera(service)
    leftovers = await service.script(make_photo(1), "rejected", "leftovers")
    answer = (await camera.see(leftovers, "card-li")).json()
    assert (answer["outcome"], answer["message"]) == ("rejected", "餐盘里还有剩余")
    assert await member.balance() == (0, 0)


async def test_one_meal_counts_once_by_phone_and_by_tray(service):
    member, camera = await guest(service), await open_camera(service)
    assert (await member.photograph(make_photo(1))).json()["status"] == "credited"
    assert (await camera.see(make_photo(2), "card-li")).json()["outcome"] == "rejected"
    [latest, _] = (await member.get("/v1/check-ins")).json()["items"]
    assert latest["reason"] == "meal_already_counted"
    assert await member.balance() == (PLATE_G, PLATE_POINTS)


async def test_trays_that_look_alike_are_no_copies_but_the_same_pixels_are(service):
    camera = await open_camera(service)
    for name in ("li", "wang", "zhao"):
        await guest(service, f"card-{name}", name)
    bowl = b"\x0f" * 32
    for seed in (1, 2):
        jpeg = (await service.scorer.sanitise(make_photo(seed))).jpeg
        service.scorer.answers[jpeg] = make_score(jpeg, fingerprint=bowl)
    outcomes = [
        (await camera.see(make_photo(seed), f"card-{name}")).json()["outcome"]
        for seed, name in ((1, "li"), (2, "wang"))
    ]
    assert outcomes == ["credited", "credited"]
    assert await service.value("SELECT count(*) FROM near_match") == 0
    again = await camera.see(make_photo(1), "card-zhao")
    assert (again.status, again.problem) == (409, "evidence-already-used")


async def test_eight_hours_offline_come_late_twice_and_shuffled_and_count_once(service):
    camera = await open_camera(service)
    members = [await guest(service, f"card-{n}", f"m{n}") for n in range(6)]
    queue = [
        (
            make_photo(n),
            camera.meal(timedelta(hours=8) - n * timedelta(seconds=7), subject_token=f"card-{n}"),
        )
        for n in range(6)
    ] * 2
    random.Random(7).shuffle(queue)
    replies = await asyncio.gather(*(camera.send(*each) for each in queue))
    assert {reply.status for reply in replies} <= {200, 202}, [r.body for r in replies]
    await service.drained()
    assert [await each.balance() for each in members] == [(PLATE_G, PLATE_POINTS)] * 6
    assert await service.value("SELECT count(*) FROM tray") == 6
    assert await service.value("SELECT count(*) FROM check_in") == 6
    assert (await camera.beat()).json()["last_sequence"] == 5


async def test_a_sequence_names_one_tray_for_ever(service):
    await guest(service)
    camera = await open_camera(service)
    meal = camera.meal(subject_token="card-li")
    first = await camera.send(make_photo(1), meal, prefer="wait=10")
    again = await camera.send(make_photo(1), meal, prefer="wait=10")
    assert (again.status, again.headers["Idempotency-Replayed"]) == (200, "true")
    assert again.json() == first.json()
    await service.drained()
    before = await service.row_counts()
    for photo, other in (
        (make_photo(2), meal),
        (make_photo(1), {**meal, "subject_token": "card-wang"}),
        (make_photo(1), {**meal, "taken_at": camera.clock().isoformat()}),
    ):
        reply = await camera.send(photo, other)
        assert (reply.status, reply.problem) == (409, "tray-sequence-used")
    assert await service.row_counts() == before


async def test_a_wrong_clock_is_measured_and_corrected(service):
    await guest(service)
    camera = await open_camera(service, offset=timedelta(hours=-3))
    beat = (await camera.beat(queue_length=2)).json()
    assert abs(beat["clock_offset_ms"] - 3 * 3_600_000) < 5_000
    answer = (await camera.see(make_photo(1), "card-li")).json()
    taken_at = datetime.fromisoformat(answer["taken_at"])
    assert abs(taken_at - Camera.clock(camera) - timedelta(hours=3)) < timedelta(seconds=30)


async def test_times_that_cannot_be_are_refused(service):
    await guest(service)
    camera = await open_camera(service)
    before = await service.row_counts()
    for ago, problem in (
        (timedelta(minutes=-3), "time-not-plausible"),
        (timedelta(hours=25), "evidence-too-late"),
        (timedelta(days=20_000), "evidence-too-late"),
    ):
        reply = await camera.send(make_photo(1), camera.meal(ago, subject_token="card-li"))
        assert (reply.status, reply.problem) == (422, problem)
    await service.open_meals()
    reply = await camera.send(make_photo(1), camera.meal(subject_token="card-li"))
    assert (reply.status, reply.problem) == (422, "outside-meal-window")
    assert datetime.fromisoformat(reply.json()["opens_at"]) > datetime.now(UTC)
    assert await service.row_counts() == before


async def test_a_card_that_nobody_has_linked_waits_and_is_credited_when_somebody_does(service):
    camera = await open_camera(service)
    reply = await camera.see(make_photo(1), "card-new")
    assert (reply.status, reply.json()["status"]) == (202, "waiting")
    assert reply.json()["waits_until"] is not None
    assert await service.value("SELECT count(*) FROM claim") == 0
    member = await guest(service, "card-new")

    async def credited():
        return await member.balance() == (PLATE_G, PLATE_POINTS)

    await until(credited)
    assert await service.value("SELECT subject_token IS NULL FROM tray")
    assert await check_invariants(service.engine) == []


async def test_a_tray_that_nobody_claims_in_a_day_lapses_and_forgets_the_card(service, tmp_path):
    camera = await open_camera(service)
    said = camera.meal(subject_token="card-new")
    assert (await camera.send(make_photo(1), said)).status == 202
    async with serving(service.engine, tmp_path / "b", clock_shift_s=86_400 + 60) as later:
        await until(lambda: later.value("SELECT status = 'lapsed' FROM tray"))
    assert await service.value("SELECT subject_token IS NULL FROM tray")
    # All but the card is known from the row, and card numbers are few: no hash may tell it.
    photo = await service.value("SELECT evidence_sha256 FROM tray")
    guess = msgspec.json.Encoder(order="deterministic").encode(
        [msgspec.convert(said, MealBody), photo]
    )
    assert await service.value("SELECT content_sha256 FROM tray") != sha256(guess).digest()


async def test_a_member_scans_the_code_beside_her_tray(service):
    member, camera, code = await service.member(), await open_camera(service), new_code()
    sent = await camera.send(make_photo(1), camera.meal(tray_code=code))
    assert (sent.status, sent.json()["status"]) == (202, "waiting")
    claimed = await member.post("/v1/tray-claims", {"tray_code": code})
    assert claimed.status == 200, claimed.body
    outcome = await member.get(claimed.headers["Location"] + "?wait=10")
    assert (outcome.json()["status"], outcome.json()["grams"]) == ("credited", PLATE_G)
    again = await member.post("/v1/tray-claims", {"tray_code": code})
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json() == claimed.json()
    other = await service.member("wang")
    late = await other.post("/v1/tray-claims", {"tray_code": code})
    assert (late.status, late.problem) == (409, "tray-already-claimed")


async def test_a_scan_may_come_hours_before_the_photo_of_a_camera_without_a_network(service):
    member, camera, code = await service.member(), await open_camera(service), new_code()
    claimed = await member.post("/v1/tray-claims", {"tray_code": code})
    assert (claimed.status, claimed.json()["check_in_id"]) == (202, None)
    sent = await camera.send(
        make_photo(1), camera.meal(timedelta(seconds=4), tray_code=code), prefer="wait=10"
    )
    assert sent.json()["outcome"] == "credited"
    assert await member.balance() == (PLATE_G, PLATE_POINTS)


async def test_of_many_who_scan_one_code_at_once_one_has_the_tray(service):
    camera, code = await open_camera(service), new_code()
    await camera.send(make_photo(1), camera.meal(tray_code=code))
    members = [await service.member(f"m{n}") for n in range(6)]
    replies = await asyncio.gather(
        *(each.post("/v1/tray-claims", {"tray_code": code}) for each in members)
    )
    assert sorted(reply.status for reply in replies) == [200] + [409] * 5
    assert await service.value("SELECT count(*) FROM check_in") == 1


async def test_a_scan_after_twenty_seconds_is_too_late(service):
    member, camera, code = await service.member(), await open_camera(service), new_code()
    await camera.send(make_photo(1), camera.meal(timedelta(seconds=40), tray_code=code))
    before = await service.row_counts()
    reply = await member.post("/v1/tray-claims", {"tray_code": code})
    assert (reply.status, reply.problem) == (409, "tray-claim-too-late")
    assert await service.row_counts() == before
    # The other way round: the scan was there first, the photo is of another moment.
    early = new_code()
    await member.post("/v1/tray-claims", {"tray_code": early})
    sent = await camera.send(
        make_photo(2), camera.meal(timedelta(minutes=5), tray_code=early), prefer="wait=1"
    )
    assert sent.json()["status"] == "waiting"


async def test_a_tray_has_one_code_or_one_card_and_a_code_stands_beside_one_tray(service):
    camera, code = await open_camera(service), new_code()
    for said in ({}, {"tray_code": code, "subject_token": "card-li"}):
        reply = await camera.send(make_photo(1), camera.meal(**said))
        assert (reply.status, reply.problem) == (422, "tray-subject-not-clear")
    assert (await camera.send(make_photo(1), camera.meal(tray_code=code))).status == 202
    reply = await camera.send(make_photo(2), camera.meal(tray_code=code))
    assert (reply.status, reply.problem) == (409, "tray-code-used")


async def test_one_card_is_good_for_a_plate_and_three_retries(service):
    await guest(service)
    camera = await open_camera(service)
    for seed in range(4):
        photo = await service.script(make_photo(seed), "rejected", "leftovers")
        assert (await camera.see(photo, "card-li")).json()["outcome"] == "rejected"
    reply = await camera.see(make_photo(9), "card-li")
    assert (reply.status, reply.problem) == (422, "retries-used-up")
