"""Pickup at the door: asked for, assigned, reported late and twice, and the address forgotten."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from backend.api import DEV_ISSUER
from backend.units import shanghai_day
from backend.upkeep import Upkeep
from backend.verify import check_invariants
from tests.acceptance.running_service import make_key

ADDRESS = "余杭区文一西路 969 号 3 单元 502"


def days_ahead(days):
    return (shanghai_day(datetime.now(UTC)) + timedelta(days=days)).isoformat()


async def asked(service, subject="li", slot="morning", days=2, **body):
    member = await service.member(subject)
    wanted = {"day": days_ahead(days), "slot": slot, "address": ADDRESS, **body}
    reply = await member.post("/v1/pickups", wanted, idempotency_key=make_key())
    return member, reply


async def assigned(service, pickup, name="chen"):
    operator = await service.caller("op", "operator")
    collector = await service.caller(name, "collector")
    path = f"/v1/operator/pickups/{pickup['id']}/collector"
    reply = await operator.send("PUT", path, json={"collector": f"{DEV_ISSUER}|{name}"})
    assert reply.status == 200, reply.body
    return operator, collector


def make_report(pickup, kind, minutes_ago=0, **parts):
    at = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    return {
        "id": str(uuid4()),
        "pickup_id": pickup["id"],
        "kind": kind,
        "occurred_at": at.isoformat(),
        **parts,
    }


async def send(collector, *reports):
    reply = await collector.post("/v1/collector/reports", {"reports": list(reports)})
    assert reply.status == 200, reply.body
    return reply.json()["results"]


async def test_the_address_is_the_assigned_collectors_alone_and_goes_with_the_job(service):
    member, reply = await asked(service)
    pickup = reply.json()
    assert (reply.status, pickup["status"], pickup["address"]) == (201, "open", ADDRESS)
    sealed = await service.value("SELECT sealed_address FROM pickup")
    assert ADDRESS.encode() not in bytes(sealed)
    again = await member.post(
        "/v1/pickups",
        {"day": days_ahead(3), "slot": "evening", "address": ADDRESS},
        idempotency_key=make_key(),
    )
    assert (again.status, again.problem) == (409, "pickup-open")
    assert again.json()["pickup_id"] == pickup["id"]

    chen, zhou = (
        await service.caller("chen", "collector"),
        await service.caller("zhou", "collector"),
    )
    assert (await chen.get("/v1/collector/pickups")).json()["items"] == []
    operator, _ = await assigned(service, pickup)
    [job] = (await chen.get("/v1/collector/pickups")).json()["items"]
    assert (job["address"], job["slot_text"]) == (ADDRESS, "09:00–12:00")
    assert (await zhou.get("/v1/collector/pickups")).json()["items"] == []
    dispatch = await operator.get("/v1/operator/pickups")
    assert ADDRESS not in dispatch.body.decode()

    [done] = await send(chen, make_report(pickup, "done"))
    assert done["outcome"] == "recorded"
    assert (await chen.get("/v1/collector/pickups")).json()["items"] == []
    assert (await member.get(f"/v1/pickups/{pickup['id']}")).json()["address"] is None
    assert await service.value("SELECT count(*) FROM pickup WHERE sealed_address IS NOT NULL") == 0
    assert (await (await service.member("wang")).get(f"/v1/pickups/{pickup['id']}")).status == 404
    gone = await member.post(f"/v1/pickups/{pickup['id']}/cancel", None)
    assert (gone.status, gone.problem) == (409, "pickup-closed")


async def test_reports_of_a_day_offline_count_once_each_and_credit_what_was_weighed(service):
    member, reply = await asked(service)
    pickup = reply.json()
    _, chen = await assigned(service, pickup)
    for code in ("BAG00001", "BAG00002"):
        await member.bind(code)
    reports = [
        make_report(pickup, "done", 1),
        make_report(pickup, "arrived", 30),
        make_report(pickup, "picked_up", 29, code="BAG00001", mass_g=2_500),
        make_report(pickup, "picked_up", 28, code="BAG00002"),
        make_report(pickup, "picked_up", 27, code="BAG00077"),
        make_report(pickup, "picked_up", 26, code="BAG00001", mass_g=2_600),
        make_report(pickup, "rescheduled", 25),
    ]
    first = await send(chen, *reports)
    assert [each["outcome"] for each in first] == ["recorded"] * 4 + ["refused"] * 3
    assert [each["problem"]["type"].rpartition("/")[2] for each in first[4:]] == [
        *("bag-not-bound", "bag-already-weighed", "report-not-clear"),
    ]
    assert await member.balance() == (254, 10)  # 2.5 kg x 101.6 g
    second = await send(chen, *reversed(reports[:4]), reports[0] | {"kind": "arrived"})
    assert [each["outcome"] for each in second] == ["duplicate"] * 4 + ["refused"]
    assert second[4]["problem"]["type"] == "/problems/report-id-reused"
    assert await member.balance() == (254, 10)
    chain = (await member.get("/v1/bags/BAG00001", accept_language="en")).json()["custody"]
    assert [(each["step"], each["by"]) for each in chain] == [
        *(("bound", "the member"), ("picked_up", "collector"), ("weighed", "collector")),
    ]
    assert await service.value("SELECT count(*) FROM pickup_report") == 4
    assert await check_invariants(service.engine) == []


async def test_what_is_weighed_at_a_door_is_credited_to_whose_door_it_is(service):
    _, reply = await asked(service)
    _, chen = await assigned(service, reply.json())
    wang, chen_at_home = await service.member("wang"), await service.member("chen")
    await wang.bind("BAG00001")
    await chen_at_home.bind("BAG00002")
    taken = [
        make_report(reply.json(), "picked_up", code=code, mass_g=2_500)
        for code in ("BAG00001", "BAG00002")
    ]
    assert [each["outcome"] for each in await send(chen, *taken)] == ["recorded"] * 2
    assert (await wang.balance(), await chen_at_home.balance()) == ((0, 0), (0, 0))
    assert (await service.by_key("scale").weigh("BAG00001", mass_g=2_400)).status == 201
    assert await wang.balance() == (243, 10)  # 2.4 kg x 101.6 g
    assert await check_invariants(service.engine) == []


async def test_a_collector_does_not_weigh_own_bags_at_an_own_door(service):
    member, reply = await asked(service, "chen")
    _, chen = await assigned(service, reply.json())
    await member.bind("BAG00001")
    [taken] = await send(chen, make_report(reply.json(), "picked_up", code="BAG00001", mass_g=900))
    assert taken["outcome"] == "recorded"
    assert await member.balance() == (0, 0)


async def test_nothing_is_picked_up_at_a_door_after_the_job_is_over(service):
    member, reply = await asked(service)
    _, chen = await assigned(service, reply.json())
    await member.bind("BAG00001")
    assert (await send(chen, make_report(reply.json(), "done")))[0]["outcome"] == "recorded"
    await service.execute("UPDATE pickup SET closed_at = closed_at - interval '1 hour'")
    late = make_report(reply.json(), "picked_up", 61, code="BAG00001", mass_g=2_500)
    after = make_report(reply.json(), "picked_up", code="BAG00001", mass_g=2_500)
    [refused] = await send(chen, after)
    assert refused["problem"]["type"] == "/problems/pickup-closed"
    assert await member.balance() == (0, 0)
    assert (await send(chen, late))[0]["outcome"] == "recorded"
    assert await member.balance() == (254, 10)


async def test_nobody_at_home_is_told_and_moved_by_the_member(service):
    member, reply = await asked(service)
    pickup = reply.json()
    _, chen = await assigned(service, pickup)
    stranger = await service.caller("zhou", "collector")
    [refused] = await send(stranger, make_report(pickup, "not_home"))
    assert (refused["code"], refused["outcome"]) == (404, "refused")
    await service.execute("UPDATE pickup SET status_at = status_at - interval '1 hour'")
    missed = make_report(pickup, "not_home", 2)
    await send(chen, missed)
    await send(chen, make_report(pickup, "arrived", 5), missed)
    shown = (await member.get(f"/v1/pickups/{pickup['id']}")).json()
    assert (shown["status"], shown["address"]) == ("not_home", ADDRESS)
    await service.drained()
    notices = (await member.get("/v1/notices")).json()["items"]
    assert [each["kind"] for each in notices] == ["pickup_missed"]
    path = f"/v1/pickups/{pickup['id']}/reschedule"
    moved = await member.post(path, {"day": days_ahead(5), "slot": "evening"})
    assert (moved.json()["status"], moved.json()["slot_text"]) == ("open", "18:00–21:00")
    late = await member.post(path, {"day": days_ahead(16), "slot": "evening"})
    assert (late.status, late.problem) == (422, "slot-not-bookable")


async def test_a_round_is_in_the_order_of_the_slots_and_what_nobody_came_to_is_forgotten(service):
    for subject, slot, days in (
        ("li", "evening", 1),
        ("wang", "morning", 2),
        ("zhao", "morning", 1),
    ):
        _, reply = await asked(service, subject, slot, days)
        _, chen = await assigned(service, reply.json())
    first = (await chen.get("/v1/collector/pickups?limit=2")).json()
    rest = (await chen.get(f"/v1/collector/pickups?limit=2&cursor={first['next_cursor']}")).json()
    found = [(each["day"], each["slot"]) for each in [*first["items"], *rest["items"]]]
    assert found == [
        *((days_ahead(1), "morning"), (days_ahead(1), "evening"), (days_ahead(2), "morning")),
    ]
    one_day = await chen.get(f"/v1/collector/pickups?day={days_ahead(2)}")
    assert len(one_day.json()["items"]) == 1
    assert (await chen.get("/v1/collector/pickups?day=2026-13-01")).status == 422
    await service.execute("UPDATE pickup SET slot_on = slot_on - 10")
    upkeep = Upkeep(service.engine)
    assert await upkeep.expire_pickups_once() == 3
    assert await upkeep.expire_pickups_once() == 0
    assert (await chen.get("/v1/collector/pickups")).json()["items"] == []
    assert await service.value("SELECT count(sealed_address) FROM pickup") == 0
