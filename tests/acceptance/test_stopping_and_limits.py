import asyncio

from backend.serving import NOTICE_S
from tests.acceptance.running_service import make_photo, serving
from tests.acceptance.test_trip_becomes_balance import make_trip


async def test_a_service_that_is_told_to_stop_answers_what_it_holds(engine, tmp_path):
    async with serving(engine, tmp_path, notice_s=NOTICE_S) as service:
        members = [await service.member(f"m{number}") for number in range(20)]
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(member.report(make_trip())) for member in members]
            await asyncio.sleep(0)
            service.stop.set()
    replies = [task.result() for task in asked]
    assert [reply.status for reply in replies] == [201] * 20
    async with serving(engine, tmp_path) as again:
        assert await again.value("SELECT count(*) FROM credit") == 20


async def test_a_stopped_processor_leaves_no_photo_behind(engine, tmp_path):
    async with serving(engine, tmp_path) as service:
        for number in range(8):
            member = await service.member(f"m{number}")
            await member.send_photo(make_photo(number), await member.capture())
    async with serving(engine, tmp_path) as again:
        await again.drained()
        assert await again.value("SELECT count(*) FROM credit") == 8


async def test_photos_in_the_model_at_a_stop_are_not_kept_waiting_for_their_lease(engine, tmp_path):
    async with serving(engine, tmp_path) as service:
        service.scorer.gate.clear()
        member = await service.member()
        await member.send_photo(make_photo(1), await member.capture())
        await service.scorer.busy.wait()
    [row] = await service.fetch("SELECT attempts, run_at <= now() AS is_due FROM work")
    assert row.is_due
    async with serving(engine, tmp_path) as again:
        await again.drained()
        assert await again.value("SELECT count(*) FROM credit") == 1


async def test_limits_are_per_principal_and_say_when_to_come_back(engine, tmp_path):
    async with serving(engine, tmp_path, rate_limits=True) as service:
        member, other = await service.member("li"), await service.member("wang")
        replies = [await member.bind(f"BAG{number:05d}") for number in range(25)]
        # A day's worth may come at once; the bucket regains one token in six seconds.
        assert [reply.status for reply in replies[:20]] == [201] * 20
        limited = [reply for reply in replies if reply.status == 429]
        assert limited
        for reply in limited:
            assert reply.problem == "rate-limited"
            assert int(reply.headers["Retry-After"]) >= 1
            assert reply.headers["RateLimit"].startswith('"check_in";r=0')
        assert (await member.get("/v1/account")).status == 200
        assert (await other.bind("BAG00099")).status == 201


async def test_photos_are_limited_by_their_captures_and_partners_hardly(engine, tmp_path):
    async with serving(engine, tmp_path, rate_limits=True) as service:
        member, metro = await service.member("li"), service.by_key("metro")
        captures = [await member.post("/v1/captures", {}) for _ in range(12)]
        assert [reply.status for reply in captures[:10]] == [201] * 10
        assert 429 in [reply.status for reply in captures]
        for number in range(40):
            await service.link_card(f"card-{number}", f"customer {number}")
            reply = await metro.report(make_trip(subject_token=f"card-{number}"))
            assert reply.status == 201
            assert reply.headers["RateLimit"].startswith('"partner"')
