import asyncio

from tests.acceptance.canteen import (
    Signer,
    add_device,
    device_seen,
    enrol,
    open_camera,
    open_canteen,
    operator_of,
)
from tests.acceptance.running_service import METRO, make_key, make_photo, serving


async def test_a_code_enrols_one_device_and_its_answer_can_be_asked_for_again(service):
    device = await add_device(service, await open_canteen(service))
    mine = Signer()
    replies = await asyncio.gather(
        *(enrol(service, device["code"], key) for key in (mine, Signer(), Signer()))
    )
    assert sorted(reply.status for reply in replies) == [201, 422, 422]
    assert {reply.problem for reply in replies if reply.status == 422} == {"device-code-not-valid"}
    seen = await device_seen(service, device["id"])
    assert (seen["status"], seen["partner_id"]) == ("active", str(METRO))
    assert seen["code"] is None


async def test_a_device_that_lost_the_answer_enrols_again_with_the_same_code_and_key(service):
    device = await add_device(service, await open_canteen(service))
    mine = Signer()
    first = await enrol(service, device["code"], mine)
    spoken = f" {device['code'][:4].lower()}-{device['code'][4:]} "
    again = await enrol(service, spoken, mine)
    assert (first.status, again.status) == (201, 201)
    assert first.json() == again.json()
    assert first.json()["canteen"]["region"] == "330106"


async def test_a_code_lives_for_ten_minutes(service, tmp_path):
    device = await add_device(service, await open_canteen(service))
    async with serving(service.engine, tmp_path / "b", clock_shift_s=601) as later:
        reply = await enrol(later, device["code"])
        assert (reply.status, reply.problem) == (422, "device-code-not-valid")


async def test_a_key_is_of_ed25519_and_of_one_device(service):
    canteen_id = await open_canteen(service)
    codes = [(await add_device(service, canteen_id))["code"] for _ in range(2)]
    mine = Signer()
    assert (await enrol(service, codes[0], mine)).status == 201
    taken = await enrol(service, codes[1], mine)
    assert (taken.status, taken.problem) == (409, "device-key-used")
    for bad in ("whpk_AAAA", "A" * 44, "whpk_!"):
        body = {"code": codes[1], "public_key": bad, "software_version": "1"}
        reply = await service.nobody.post("/v1/device/enrolments", body)
        assert (reply.status, reply.problem) == (422, "public-key-not-valid"), bad
    assert (await enrol(service, codes[1])).status == 201


async def test_what_another_key_signed_is_not_the_devices(service):
    camera, stranger = await open_camera(service), Signer()
    stranger.name = camera.signer.name
    camera.signer = stranger
    reply = await camera.beat()
    assert (reply.status, reply.problem) == (401, "signature-not-valid")


async def test_operators_see_when_a_device_was_heard_of_and_how_its_clock_goes(service):
    camera = await open_camera(service)
    assert (await device_seen(service, camera.id))["last_seen_at"] is None
    beat = await camera.beat(queue_length=41)
    assert beat.status == 200, beat.body
    assert [each["id"] for each in beat.json()["meal_windows"]]
    seen = await device_seen(service, camera.id)
    assert (seen["queue_length"], seen["software_version"]) == (41, "camera 1.4")
    assert abs(seen["clock_offset_ms"]) < 5_000
    assert seen["last_seen_at"] is not None


async def test_a_suspended_device_sends_nothing_until_it_is_resumed(service):
    camera, operator = await open_camera(service), await operator_of(service)
    path = f"/v1/operator/devices/{camera.id}/changes"
    for _ in range(2):
        reply = await operator.post(path, {"status": "suspended", "note": "lens is dirty"})
        assert (reply.status, reply.json()["status"]) == (200, "suspended")
    refused = await camera.send(make_photo(1), camera.meal(subject_token="card-li"))
    assert (refused.status, refused.problem) == (403, "device-suspended")
    assert (await camera.beat()).json()["status"] == "suspended"
    await operator.post(path, {"status": "active", "note": "cleaned"})
    assert (await camera.send(make_photo(1), camera.meal(subject_token="card-li"))).status == 202
    history = (await operator.get(path)).json()["items"]
    assert [each["what"] for each in history] == ["resumed", "suspended", "enrolled", "added"]
    assert history[1]["note"] == "lens is dirty"


async def test_a_replaced_device_goes_on_where_the_old_one_stopped(service):
    camera, operator = await open_camera(service), await operator_of(service)
    await camera.send(make_photo(1), camera.meal(subject_token="card-li"))
    made = await operator.send(
        "POST",
        f"/v1/operator/devices/{camera.id}/codes",
        headers={"Idempotency-Key": make_key()},
    )
    assert made.status == 201, made.body
    assert (await camera.beat()).status == 200, "the old key works until the code is used"
    fresh = Signer()
    enrolled = await enrol(service, made.json()["code"], fresh)
    assert enrolled.status == 201, enrolled.body
    late = await camera.beat()
    assert late.status in {401, 403}
    assert late.problem in {"signature-not-valid", "device-unknown"}
    camera.signer = fresh
    assert (await camera.beat()).json()["last_sequence"] == 0


async def test_a_device_that_was_never_enrolled_is_not_suspended(service):
    device = await add_device(service, await open_canteen(service))
    operator = await operator_of(service)
    body = {"status": "suspended", "note": "x"}
    reply = await operator.post(f"/v1/operator/devices/{device['id']}/changes", body)
    assert (reply.status, reply.problem) == (409, "device-not-enrolled")
    unknown = "019ff7a0-0000-7000-8000-000000000000"
    made = await operator.post(
        "/v1/operator/devices", {"canteen_id": unknown, "name": "x"}, idempotency_key=make_key()
    )
    assert (made.status, made.problem) == (404, "canteen-unknown")
