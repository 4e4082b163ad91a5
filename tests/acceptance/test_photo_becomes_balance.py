import asyncio
import io
from datetime import datetime

import pytest
from PIL import Image

from backend.checkins.reasons import REASONS
from backend.http.upload_slots import UPLOADS_OF_ONE_MAX
from scoring.photo import UPLOAD_BYTES_MAX
from tests.acceptance.running_service import make_photo, serving, until

PLATE_G, PLATE_POINTS = 125, 5
SHANGHAI_DAY_S = 86_400


def jpeg_of(image, **options):
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=90, **options)
    return buffer.getvalue()


async def test_a_clean_plate_is_credited_while_the_phone_waits(service):
    member = await service.member()
    reply = await member.photograph(make_photo(1))
    assert reply.status == 200, reply.body
    answer = reply.json()
    assert reply.headers["Location"] == f"/v1/check-ins/{answer['id']}"
    assert (
        answer
        | {
            "action": "clean_plate",
            "status": "credited",
            "status_text": "已入账",
            "reason": None,
            "tier": "documented",
            "reported_by": "member",
            "quantities": {"meals": 1},
            "grams": PLATE_G,
            "points": PLATE_POINTS,
        }
        == answer
    )
    assert await member.balance() == (PLATE_G, PLATE_POINTS)


async def test_without_waiting_the_outcome_is_asked_for_later(service):
    member = await service.member()
    sent = await member.send_photo(make_photo(1), await member.capture())
    assert sent.status == 202
    assert sent.json()["status"] in {"received", "scored"}
    assert sent.json()["expected_seconds"] >= 1
    outcome = await member.get(sent.headers["Location"] + "?wait=10")
    assert (outcome.status, outcome.json()["status"]) == (200, "credited")
    assert outcome.json()["grams"] == PLATE_G


async def test_a_rejected_photo_says_why_and_how_to_do_better(service):
    member = await service.member()
    photo = await service.script(make_photo(1), "rejected", "leftovers")
    answer = (await member.photograph(photo)).json()
    reason = REASONS["leftovers"]
    assert (
        answer
        | {
            "status": "rejected",
            "status_text": "本次未计入",
            "reason": "leftovers",
            "message": reason.text_zh,
            "hint": reason.hint_zh,
            "grams": 0,
            "points": 0,
        }
        == answer
    )
    english = await member.get(f"/v1/check-ins/{answer['id']}", accept_language="en")
    assert english.json() == answer | {
        "status_text": "not counted",
        "message": reason.text_en,
        "hint": reason.hint_en,
    }
    assert await member.balance() == (0, 0)


async def test_a_photo_saved_by_an_editing_program_waits_for_a_person(service):
    member = await service.member()
    exif = Image.Exif()
    exif[0x0131] = "Snapseed 2.0"
    with Image.open(io.BytesIO(make_photo(1))) as plate:
        edited = jpeg_of(plate, exif=exif)
    answer = (await member.photograph(edited)).json()
    assert (answer["status"], answer["reason"]) == ("in_review", "looks_edited")
    assert answer["message"] == REASONS["looks_edited"].text_zh
    assert (await service.value("SELECT neighbour FROM photo_risk")) == 0
    assert (await member.photograph(make_photo(2))).json()["status"] == "credited"


@pytest.mark.parametrize(
    ("upload", "code", "status"),
    [
        (jpeg_of(Image.new("RGB", (90, 400))), "too_small", 422),
        (make_photo(1)[:-900], "broken", 422),
        (b"\xff\xd8\xff" + bytes(UPLOAD_BYTES_MAX), "too_large", 422),
        (b"\xff\xd8\xff" + bytes(12_000_000), "too_large", 413),
    ],
    ids=["small", "cut off", "large", "larger than a form"],
)
async def test_a_photo_that_cannot_be_used_says_what_helps(service, upload, code, status):
    member, reason = await service.member(), REASONS[code]
    capture = await member.capture()
    reply = await member.send_photo(upload, capture)
    assert reply.status == status
    assert reply.json() | {"detail": reason.text_zh, "next": reason.hint_zh} == reply.json()
    reply = await member.send_photo(upload, capture, accept_language="en")
    assert reply.json() | {"detail": reason.text_en, "next": reason.hint_en} == reply.json()


async def test_a_doubtful_photo_waits_for_a_person(service):
    member = await service.member()
    photo = await service.script(make_photo(1), "in_review", "looks_like_screen")
    answer = (await member.photograph(photo)).json()
    assert (answer["status"], answer["grams"]) == ("in_review", 0)
    assert answer["message"] == "画面像屏幕或照片,已转人工复核"
    assert await member.balance() == (0, 0)


async def test_a_used_photo_makes_no_check_in_for_anybody(service):
    first, other = await service.member("li"), await service.member("wang")
    await first.photograph(make_photo(1))
    await service.drained()
    capture = await other.capture()
    before = await service.row_counts()
    again = await other.send_photo(make_photo(1), capture)
    assert (again.status, again.problem) == (409, "evidence-already-used")
    assert again.json()["title"] == "这张照片或这次行为已用过"
    assert await service.row_counts() == before
    assert await other.balance() == (0, 0)


async def test_of_members_who_send_one_photo_at_once_one_is_credited(service):
    members = [await service.member(f"m{number}") for number in range(6)]
    replies = await asyncio.gather(*(member.photograph(make_photo(1)) for member in members))
    assert sorted(reply.status for reply in replies) == [200] + [409] * 5
    assert await service.value("SELECT count(*) FROM check_in") == 1
    assert await service.value("SELECT count(*) FROM credit") == 1


async def test_a_phone_that_lost_the_answer_sends_again(service):
    member = await service.member()
    capture = await member.capture()
    first = await member.send_photo(make_photo(1), capture, prefer="wait=10")
    again = await member.send_photo(make_photo(1), capture, prefer="wait=10")
    assert (again.status, again.headers["Idempotency-Replayed"]) == (200, "true")
    assert again.json() == first.json()
    assert await member.balance() == (PLATE_G, PLATE_POINTS)


async def test_one_capture_sent_many_times_at_once_is_one_check_in(service):
    member = await service.member()
    capture = await member.capture()
    replies = await asyncio.gather(
        *(
            member.send_photo(make_photo(1), capture, prefer="wait=10")
            for _ in range(UPLOADS_OF_ONE_MAX)
        )
    )
    assert {reply.status for reply in replies} == {200}, [reply.body for reply in replies]
    assert len({reply.json()["id"] for reply in replies}) == 1
    assert await member.balance() == (PLATE_G, PLATE_POINTS)


async def test_a_capture_is_for_one_photo(service):
    member = await service.member()
    capture = await member.capture()
    first = await member.send_photo(make_photo(1), capture)
    other = await member.send_photo(make_photo(2), capture)
    assert (other.status, other.problem) == (409, "capture-used")
    assert other.json()["check_in_id"] == first.json()["id"]


async def test_anothers_capture_is_as_absent_as_one_that_never_was(service):
    member, other = await service.member("li"), await service.member("wang")
    capture = await member.capture()
    replies = [
        await other.send_photo(make_photo(1), capture),
        await other.send_photo(make_photo(1), "019ff7a0-0000-7000-8000-000000000000"),
        *[
            await member.send_photo(make_photo(1), form)
            for form in (f"{{{capture}}}", f"urn:uuid:{capture}", capture.upper(), "x", "")
        ],
    ]
    assert [(reply.status, reply.problem) for reply in replies] == [(404, "not-found")] * 7
    assert await service.value("SELECT count(*) FROM check_in") == 0


async def test_one_plate_counts_per_meal(service):
    member = await service.member()
    await member.photograph(make_photo(1))
    second = await member.photograph(make_photo(2))
    assert second.status == 200
    answer = second.json()
    assert (answer["status"], answer["reason"]) == ("rejected", "meal_already_counted")
    assert await member.balance() == (PLATE_G, PLATE_POINTS)

    await service.open_meals("dinner")
    third = await member.photograph(make_photo(3))
    assert third.json()["status"] == "credited"
    assert await member.balance() == (2 * PLATE_G, 2 * PLATE_POINTS)


async def test_of_two_plates_of_one_meal_at_once_one_counts(service):
    member = await service.member()
    replies = await asyncio.gather(*(member.photograph(make_photo(n)) for n in (1, 2)))
    assert sorted(r.json()["status"] for r in replies) == ["credited", "rejected"]
    assert await member.balance() == (PLATE_G, PLATE_POINTS)


async def test_a_rejected_photo_leaves_the_meal_free(service):
    member = await service.member()
    await member.photograph(await service.script(make_photo(1), "rejected", "too_dark"))
    assert (await member.photograph(make_photo(2))).json()["status"] == "credited"
    assert await member.balance() == (PLATE_G, PLATE_POINTS)


async def test_three_retries_are_free_and_the_next_is_refused(service):
    member = await service.member()
    for seed in range(4):
        photo = await service.script(make_photo(seed), "rejected", "too_blurry")
        assert (await member.photograph(photo)).json()["status"] == "rejected"
    refused = await member.photograph(make_photo(5))
    assert (refused.status, refused.problem) == (422, "retries-used-up")
    assert refused.json()["retries"] == 3

    await service.open_meals("dinner")
    assert (await member.photograph(make_photo(6))).json()["status"] == "credited"


async def test_a_queue_longer_than_the_wait_says_how_long_it_is(api_alone):
    for seed in range(12):
        waiting = await api_alone.member(f"waiting {seed}")
        await waiting.send_photo(make_photo(seed), await waiting.capture())
    member = await api_alone.member()
    reply = await member.photograph(make_photo(12), prefer="wait=3")
    assert reply.status == 202
    assert (reply.json()["status"], reply.json()["expected_seconds"]) == ("received", 4)


async def test_a_photo_sent_late_is_taken_on_the_members_word(service):
    member = await service.member()
    capture = await member.capture()
    # The application role may not rewrite captures, so this one is made as of eleven minutes ago.
    late = await service.value(
        "SELECT clock_timestamp() - interval '10 minutes 5 seconds' FROM capture"
    )
    capture = await _capture_at(service, member, late)
    answer = (await member.send_photo(make_photo(1), capture, prefer="wait=10")).json()
    # Half of 125.4 g, rounded down; nothing is paid on a member's word alone.
    assert (answer["tier"], answer["grams"], answer["points"]) == ("self_declared", 62, 0)
    assert answer["points_reason"] == "self_declared"


async def test_a_capture_lives_for_a_day(service):
    member = await service.member()
    old = await service.value("SELECT clock_timestamp() - interval '24 hours 1 second'")
    reply = await member.send_photo(make_photo(1), await _capture_at(service, member, old))
    assert (reply.status, reply.problem) == (422, "capture-expired")


async def _capture_at(service, member, created_at: datetime) -> str:
    await service.execute(
        "INSERT INTO capture (id, account_id, action, created_at, region, meal_window)"
        " VALUES (uuidv7(), :account, 'clean_plate', :at, '330100', '2026-11-20/lunch')",
        account=member.account_id,
        at=created_at,
    )
    return str(await service.value("SELECT id FROM capture WHERE created_at = :at", at=created_at))


async def test_between_meals_the_next_opening_is_named(service):
    member = await service.member()
    await service.execute("UPDATE meal_window SET opens_minute = 0, closes_minute = 1")
    # The one open minute of the day, should the test run in it, is moved out of the way.
    now = await service.value(
        "SELECT extract(hour FROM clock_timestamp() AT TIME ZONE 'Asia/Shanghai')"
    )
    if now == 0:
        await service.execute("UPDATE meal_window SET closes_minute = 721, opens_minute = 720")
    reply = await member.post("/v1/captures", {})
    assert (reply.status, reply.problem) == (422, "outside-meal-window")
    opens_at = datetime.fromisoformat(reply.json()["opens_at"])
    assert (opens_at.utcoffset().total_seconds(), opens_at.minute) == (8 * 3600, 0)
    left = await service.value(
        "SELECT extract(epoch FROM CAST(:at AS timestamptz) - clock_timestamp())", at=opens_at
    )
    assert 0 < left <= SHANGHAI_DAY_S


async def test_the_same_capture_key_gives_the_same_capture(service):
    member = await service.member()
    first = await member.post("/v1/captures", {}, idempotency_key="one-meal-one-capture")
    again = await member.post("/v1/captures", {}, idempotency_key="one-meal-one-capture")
    assert again.json() == first.json()
    other = await member.post(
        "/v1/captures", {"region": "330102"}, idempotency_key="one-meal-one-capture"
    )
    assert (other.status, other.problem) == (422, "idempotency-key-reused")


async def test_a_photo_that_nobody_scored_is_scored_when_a_processor_comes(engine, tmp_path):
    async with serving(engine, tmp_path, parts="api") as api:
        member = await api.member()
        sent = await member.send_photo(make_photo(1), await member.capture())
        assert sent.json()["status"] == "received"
    async with serving(engine, tmp_path) as service:
        member = await service.member()

        async def credited():
            return await member.balance() == (PLATE_G, PLATE_POINTS)

        await until(credited)


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_clients_are_told_what_to_send(service, language):
    reply = await service.nobody.get("/v1/client-config", accept_language=language)
    config = reply.json()
    assert config["upload"] == {
        "content_types": ["image/jpeg", "image/png", "image/webp"],
        "long_side_px_max": 1_600,
        "jpeg_quality": 80,
        "bytes_target": 600_000,
        "bytes_max": 10_000_000,
        "retries_per_meal": 3,
    }
    assert {each["action"] for each in config["actions"] if each["is_enabled"]} == {
        *("clean_plate", "mixed_recycling", "sorted_recycling", "metro", "bus", "cycling"),
        *("walking", "no_drive_day", "paper_avoided"),
    }
    switched_off = [each for each in config["actions"] if not each["is_enabled"]]
    assert switched_off
    assert all(each["reason"] == each[f"reason_{language}"] for each in switched_off)
