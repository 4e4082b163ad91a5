"""A bag from the printer to the sorting table, as members, stations and operators meet it."""

import asyncio
import re
from datetime import UTC, datetime, timedelta

from backend.intake.handing_over import lapse_next
from backend.notices.bag_notices import remind_of_bags
from backend.recycling.codes import make_codes
from backend.verify import check_invariants
from tests.acceptance.running_service import make_key


async def printed(service, count=3, **body):
    operator = await service.caller("op", "operator")
    reply = await operator.post(
        "/v1/operator/bag-batches", {"codes": count, **body}, idempotency_key=make_key()
    )
    assert reply.status == 201, reply.body
    return operator, reply.json()


async def codes_of(operator, batch):
    listed = await operator.get(f"/v1/operator/bags?batch={batch['id']}")
    return [each["code"] for each in listed.json()["items"]]


async def lapse(service):
    async with service.engine.begin() as conn:
        return await lapse_next(conn)


async def make_older(service, code, days):
    await service.execute(
        "UPDATE bag SET bound_at = bound_at - make_interval(days => :days),"
        " waiting_since = waiting_since - make_interval(days => :days) WHERE code = :code",
        code=code,
        days=days,
    )


async def test_a_batch_is_printed_once_listed_with_its_bags_and_drawn(service):
    operator = await service.caller("op", "operator")
    key, body = make_key(), {"codes": 121, "note": "余杭第一批"}
    made = await operator.post("/v1/operator/bag-batches", body, idempotency_key=key)
    again = await operator.post("/v1/operator/bag-batches", body, idempotency_key=key)
    assert (made.status, again.status) == (201, 201)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json() == made.json()
    assert made.json()["sheets"] == 2
    other = await operator.post(
        "/v1/operator/bag-batches", {"codes": 1}, idempotency_key=make_key()
    )
    codes = await codes_of(operator, other.json())
    member, scale = await service.member(), service.by_key("scale")
    await member.bind(codes[0])
    await scale.weigh(codes[0], mass_g=2_500)

    first = (await operator.get("/v1/operator/bag-batches?limit=1")).json()
    rest = (
        await operator.get(f"/v1/operator/bag-batches?limit=1&cursor={first['next_cursor']}")
    ).json()
    zero = dict.fromkeys(("printed", "waiting", "weighed", "sorted", "lapsed", "lost"), 0)
    assert first["items"][0]["bags"] == zero | {"weighed": 1}
    assert rest["items"][0]["bags"] == zero | {"printed": 121}
    assert rest["items"][0]["note"] == "余杭第一批"
    assert rest["next_cursor"] is None

    path = f"/v1/operator/bag-batches/{made.json()['id']}/sheet"
    last = await operator.get(f"{path}?number=2")
    assert (last.status, last.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert last.body.decode().count("<svg") == 1
    assert (await operator.get(f"{path}?number=3")).status == 404


async def test_the_link_of_the_qr_code_binds_as_the_printed_code_does(service):
    operator, batch = await printed(service)
    code, *_ = await codes_of(operator, batch)
    member = await service.member()
    bound = await member.bind(f"HTTPS://TANHUI.INVALID/8004/9520000{code}")
    assert (bound.status, bound.json()["natural_key"]) == (201, code)
    typed = await member.bind(re.sub("(....)", r"\1 ", code).lower())
    assert typed.json()["id"] == bound.json()["id"]


async def test_each_kind_of_wrong_code_has_its_own_answer(service):
    operator, batch = await printed(service)
    codes = await codes_of(operator, batch)
    member, other, scale = (
        await service.member("li"),
        await service.member("wang"),
        service.by_key("scale"),
    )
    foreign = make_codes(b"\x01" * 32, 1, 1)[0]
    mistyped = codes[0][:-1] + ("0" if codes[0][-1] != "0" else "1")
    before = await service.row_counts()
    for code, status, problem in (
        (foreign, 404, "bag-foreign"),
        (mistyped, 422, "bag-code-mistyped"),
        ("https://pay.example.cn/123", 404, "bag-foreign"),
        ("NEVERPRINTED", 404, "bag-unknown"),
        ("???????", 404, "bag-unknown"),
    ):
        reply = await member.bind(code)
        assert (reply.status, reply.problem) == (status, problem), code
    assert (await scale.weigh(foreign, mass_g=900)).problem == "bag-foreign"
    assert (await member.get(f"/v1/bags/{mistyped}")).problem == "bag-code-mistyped"
    assert await service.row_counts() == before

    bound = await member.bind(codes[0])
    assert (await other.bind(codes[0])).problem == "bag-already-bound"
    await scale.weigh(codes[0], mass_g=900)
    again = await member.bind(codes[0])
    assert (again.status, again.headers["Idempotency-Replayed"]) == (201, "true")
    assert (again.json()["id"], again.json()["status"]) == (bound.json()["id"], "credited")
    used = await other.bind(codes[0])
    assert (used.status, used.problem) == (409, "bag-used")


async def test_a_lost_bag_earns_nothing_and_is_recognised_when_it_turns_up(service):
    member, other, scale = (
        await service.member("li"),
        await service.member("wang"),
        service.by_key("scale"),
    )
    bound = (await member.bind("BAG00001")).json()
    assert (await other.post("/v1/bags/BAG00001/loss", None)).status == 404
    lost = await member.post("/v1/bags/BAG00001/loss", None)
    assert (lost.status, lost.json()["stage"]) == (200, "lost")
    again = await member.post("/v1/bags/BAG00001/loss", None)
    assert again.headers["Idempotency-Replayed"] == "true"
    check_in = (await member.get(f"/v1/check-ins/{bound['id']}")).json()
    assert (check_in["status"], check_in["reason"]) == ("lapsed", "bag_reported_lost")
    assert (await scale.weigh("BAG00001", mass_g=900)).problem == "bag-lost"
    assert (await member.bind("BAG00001")).problem == "bag-lost"

    await member.bind("BAG00002")
    await scale.post("/v1/bags/BAG00002/hand-ins", {})
    handed = await member.post("/v1/bags/BAG00002/loss", None)
    assert (handed.status, handed.problem) == (409, "bag-handed-over")
    assert await check_invariants(service.engine) == []


async def test_a_weight_out_of_range_waits_for_an_operator(service):
    member, scale = await service.member(), service.by_key("scale")
    operator = await service.caller("op", "operator")
    ids = {}
    for code, mass_g in (("BAG00001", 20_001), ("BAG00002", 49), ("BAG00003", 21_000)):
        await member.bind(code)
        doubted = await scale.weigh(code, mass_g=mass_g)
        assert (doubted.status, doubted.json()["reason"]) == (202, "bag_weight_in_doubt")
        assert (await scale.weigh(code, mass_g=mass_g)).status == 202
        assert (await scale.weigh(code, mass_g=1_000)).problem == "bag-already-weighed"
    assert await member.balance() == (0, 0)
    page = (await operator.get("/v1/operator/bag-doubts?limit=2")).json()
    assert [each["kind"] for each in page["items"]] == ["too_heavy", "empty"]
    more = await operator.get(f"/v1/operator/bag-doubts?cursor={page['next_cursor']}&limit=2")
    ids = {each["code"]: each["id"] for each in [*page["items"], *more.json()["items"]]}

    async def decide(code, **body):
        return await operator.post(f"/v1/operator/bag-doubts/{ids[code]}/decisions", body)

    corrected = await decide("BAG00001", decision="credit", mass_g=2_000)
    assert (corrected.status, corrected.json()["outcome"]) == (200, "credited")
    assert (await member.balance()) == (203, 10)  # 2 kg x 101.6 g
    again = await decide("BAG00001", decision="credit", mass_g=2_000)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (await decide("BAG00001", decision="dismiss")).problem == "bag-doubt-decided"
    assert (await decide("BAG00002", decision="dismiss")).json()["outcome"] == "dismissed"
    assert (await scale.weigh("BAG00002", mass_g=1_000)).status == 201
    assert (await decide("BAG00003", decision="dismiss", mass_g=1)).problem == "weighing-not-clear"
    assert await check_invariants(service.engine) == []


async def test_a_bag_that_nobody_weighs_is_announced_and_lapses_by_itself(service):
    member, scale = await service.member(), service.by_key("scale")
    bound = {code: (await member.bind(code)).json() for code in ("BAG00001", "BAG00002")}
    await scale.post("/v1/bags/BAG00002/hand-ins", {"place": "东站"})
    await make_older(service, "BAG00001", 12)
    async with service.engine.begin() as conn:
        assert await remind_of_bags(conn) == 1
        assert await remind_of_bags(conn) == 0
    assert await lapse(service) == 0
    await make_older(service, "BAG00001", 2)
    assert await lapse(service) == 1
    assert await lapse(service) == 0
    await service.drained()
    check_in = (await member.get(f"/v1/check-ins/{bound['BAG00001']['id']}")).json()
    assert (check_in["status"], check_in["reason"]) == ("lapsed", "bag_not_weighed")
    notices = (await member.get("/v1/notices", accept_language="en")).json()["items"]
    assert [each["kind"] for each in notices] == ["bag_lapsed", "bag_lapsing"]
    assert "BAG00001" in notices[0]["text"]
    assert (await scale.weigh("BAG00001", mass_g=900)).problem == "bag-lapsed"
    assert (await member.bind("BAG00001")).problem == "bag-lapsed"
    assert (await scale.weigh("BAG00002", mass_g=900)).status == 201


async def test_sorted_materials_replace_the_lowest_factor(service):
    member, scale = await service.member(), service.by_key("scale")
    bound = (await member.bind("BAG00001")).json()
    assert (await scale.weigh("BAG00001", mass_g=2_000)).json()["grams"] == 203
    far = await scale.weigh("BAG00001", materials={"pet": 1_899})
    assert (far.status, far.problem) == (422, "sorting-not-fitting")
    assert (far.json()["weighed_g"], far.json()["tolerance_g"]) == (2_000, 100)
    sorting = {"materials": {"pet": 1_500}, "residue_g": 420}
    sorted_ = await scale.weigh("BAG00001", **sorting)
    assert sorted_.status == 201, sorted_.body
    answer = sorted_.json()
    assert (answer["id"], answer["action"]) == (bound["id"], "sorted_recycling")
    assert (answer["grams"], answer["points"]) == (1_746, 10)  # 1.5 kg x 1,164.0 g
    assert answer["history"][0]["reason"] == "bag_sorted"
    assert await member.balance() == (1_746, 10)
    again = await scale.weigh("BAG00001", **sorting)
    assert (again.status, again.headers["Idempotency-Replayed"]) == (200, "true")
    other = await scale.weigh("BAG00001", materials={"pet": 1_600}, residue_g=320)
    assert (other.status, other.problem) == (409, "bag-already-sorted")
    assert (await scale.weigh("BAG00001", mass_g=2_000)).status == 200
    assert await member.balance() == (1_746, 10)
    await service.drained()
    assert await check_invariants(service.engine) == []


async def test_a_bags_chain_is_shown_to_its_owner_and_to_operators(service):
    member, scale = await service.member(), service.by_key("scale")
    operator = await service.caller("op", "operator")
    await member.bind("BAG00001")
    earlier = (datetime.now(UTC) - timedelta(days=400)).isoformat()
    told = {"place": "东站", "handed_in_at": earlier}
    first = await scale.post("/v1/bags/BAG00001/hand-ins", told)
    second = await scale.post("/v1/bags/BAG00001/hand-ins", {"place": "西站"})
    assert (first.status, second.status) == (201, 200)
    await scale.weigh("BAG00001", mass_g=2_000, place="分拣中心")
    await scale.weigh("BAG00001", materials={"pet": 1_500}, residue_g=500)
    mine = (await member.get("/v1/bags/BAG00001", accept_language="en")).json()
    assert mine["stage"] == "sorted"
    chain = [(each["step"], each["by"], each["place"], each["mass_g"]) for each in mine["custody"]]
    assert chain == [
        ("bound", "the member", None, None),
        ("handed_in", "Recycler", "东站", None),
        ("weighed", "Recycler", "分拣中心", 2_000),
        ("sorted", "Recycler", None, 2_000),
    ]
    assert (mine["custody"][3]["materials"], mine["custody"][3]["residue_g"]) == (
        {"pet": 1_500},
        500,
    )
    times = [each["occurred_at"] for each in mine["custody"]]
    assert times == sorted(times)
    page = (await operator.get("/v1/operator/bags?stage=sorted", accept_language="en")).json()
    assert page["items"] == [mine]
    assert page["next_cursor"] is None
    assert (await (await service.member("wang")).get("/v1/bags/BAG00001")).status == 404


async def test_two_reports_of_a_bag_in_one_batch_see_each_other(service):
    member, scale = await service.member(), service.by_key("scale")
    await member.bind("BAG00001")
    await scale.weigh("BAG00001", mass_g=2_000)
    replies = await asyncio.gather(
        *(scale.weigh("BAG00001", materials={"pet": 1_900 + n}) for n in range(12)),
        *(scale.weigh("BAG00001", materials={"pet": 1_900}) for _ in range(12)),
    )
    statuses = sorted(reply.status for reply in replies)
    assert statuses.count(201) == 1
    assert {reply.problem for reply in replies} <= {None, "bag-already-sorted"}
    assert await service.value("SELECT count(*) FROM reversal") == 1
    assert await check_invariants(service.engine) == []
