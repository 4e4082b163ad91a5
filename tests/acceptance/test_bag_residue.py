"""What sorting leaves over: residue and loss are named, fit the weight, and earn nothing."""

import asyncio
from datetime import UTC, datetime

import pytest

from backend.verify import check_invariants
from tests.acceptance.event_sender import BAGS_SOURCE, make_event, send_one

WEIGHED_G = 2_000
OF_TWO_KG = (203, 10)  # 2 kg x 101.6 g, the lowest factor, rounded down


async def weighed(service, code="BAG00001"):
    member, scale = await service.member(), service.by_key("scale")
    await member.bind(code)
    assert (await scale.weigh(code, mass_g=WEIGHED_G)).status == 201
    assert await member.balance() == OF_TWO_KG
    await service.drained()
    return member, scale


async def chain_of(caller, code="BAG00001"):
    return (await caller.get(f"/v1/bags/{code}", accept_language="en")).json()["custody"]


def shares(link):
    return {name: link[name] for name in ("mass_g", "materials", "residue_g", "loss_g")}


async def test_residue_and_loss_are_shares_of_the_weight_that_earn_nothing(service):
    member, scale = await weighed(service)
    sorting = {"materials": {"pet": 1_000}, "residue_g": 700, "loss_g": 300}
    sorted_ = await scale.weigh("BAG00001", **sorting)
    assert (sorted_.status, sorted_.json()["grams"]) == (201, 1_164)  # 1 kg x 1,164.0 g
    assert sorted_.json()["quantities"] == {"mass_g.pet": 1_000}
    assert await member.balance() == (1_164, 10)
    again = await scale.weigh("BAG00001", **sorting)
    assert (again.status, again.headers["Idempotency-Replayed"]) == (200, "true")
    other = await scale.weigh("BAG00001", **sorting | {"residue_g": 600, "loss_g": 400})
    assert (other.status, other.problem) == (409, "bag-already-sorted")
    expected = {"mass_g": 1_700, "materials": {"pet": 1_000}, "residue_g": 700, "loss_g": 300}
    assert shares((await chain_of(member))[-1]) == expected
    operator = await service.caller("op", "operator")
    assert shares((await chain_of(operator))[-1]) == expected
    await service.drained()
    assert await check_invariants(service.engine) == []


async def test_a_bag_of_nothing_but_residue_loses_what_its_weight_had_earned(service):
    member, scale = await weighed(service)
    sorted_ = await scale.weigh("BAG00001", residue_g=1_990)
    assert sorted_.status == 201, sorted_.body
    assert (sorted_.json()["grams"], sorted_.json()["points"]) == (0, 0)
    assert await member.balance() == (0, 0)
    assert (await scale.weigh("BAG00001", residue_g=1_990)).status == 200
    expected = {"mass_g": 1_990, "materials": {}, "residue_g": 1_990, "loss_g": None}
    assert shares((await chain_of(member))[-1]) == expected
    await service.drained()
    assert await check_invariants(service.engine) == []


async def test_a_bag_sorted_before_it_was_weighed_weighs_all_its_shares(service):
    member, scale = await service.member(), service.by_key("scale")
    await member.bind("BAG00001")
    await member.bind("BAG00002")
    await scale.weigh("BAG00001", materials={"pet": 500}, residue_g=400, loss_g=100)
    nothing = await scale.weigh("BAG00002", residue_g=900)
    assert (nothing.status, nothing.json()["status"]) == (201, "credited")
    assert (await member.balance())[0] == 582  # 0.5 kg x 1,164.0 g
    first, second = await chain_of(member), await chain_of(member, "BAG00002")
    assert [each["mass_g"] for each in first[1:]] == [1_000, 900]
    assert [each["mass_g"] for each in second[1:]] == [900, 900]
    await service.drained()
    assert await check_invariants(service.engine) == []


# Of a bag of 2,000 g: shares, and how far they may be off; a loss that is stated is the rest.
OFF = {
    "too_much": ({"materials": {"pet": 1_500}, "residue_g": 601}, 100),
    "too_little": ({"materials": {"pet": 1_500}, "residue_g": 399}, 100),
    "residue_alone": ({"residue_g": 1_899}, 100),
    "a_loss_that_leaves_a_gram": ({"materials": {"pet": 1_500}, "loss_g": 499}, 0),
    "a_loss_of_what_is_there": ({"materials": {"pet": 2_000}, "loss_g": 1}, 0),
}


@pytest.mark.parametrize("off", OFF)
async def test_shares_that_are_not_the_weight_change_nothing(service, off):
    sorting, tolerance_g = OFF[off]
    member, scale = await weighed(service)
    before = await service.row_counts()
    refused = await scale.weigh("BAG00001", **sorting)
    assert (refused.status, refused.problem) == (422, "sorting-not-fitting")
    said = refused.json()
    assert (said["weighed_g"], said["tolerance_g"]) == (WEIGHED_G, tolerance_g)
    assert (await service.row_counts(), await member.balance()) == (before, OF_TWO_KG)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"loss_g": 100},
        {"mass_g": 500, "residue_g": 100},
        {"mass_g": 500, "loss_g": 100},
        {"materials": {}},
        {"residue_g": 40_000, "loss_g": 10_001},
    ],
)
async def test_a_weighing_that_is_neither_a_weight_nor_a_sorting_is_refused(service, body):
    member, scale = await service.member(), service.by_key("scale")
    await member.bind("BAG00001")
    refused = await scale.weigh("BAG00001", **body)
    assert (refused.status, refused.problem) == (422, "weighing-not-clear")


async def test_an_event_names_residue_and_loss_as_the_station_does(service):
    member, scale = await weighed(service)

    def make_sorting(**shares):
        data = {"code": "BAG00001", "weighed_at": datetime.now(UTC).isoformat(), **shares}
        type_ = "tanhui.recycling.bag.weighed.v1"
        return make_event(type_, data, source=BAGS_SOURCE, subject=None)

    unclear = await send_one(scale, make_sorting(mass_g=2_000, residue_g=10))
    assert (unclear.status, unclear.problem) == (422, "validation")
    sorting = {"materials": {"pet": 1_000}, "residue_g": 700, "loss_g": 300}
    assert (await send_one(scale, make_sorting(**sorting))).status == 201
    assert await member.balance() == (1_164, 10)
    assert shares((await chain_of(member))[-1]) == {**sorting, "mass_g": 1_700}


async def test_a_doubted_sorting_keeps_its_residue_and_loss(service):
    member, scale = await service.member(), service.by_key("scale")
    operator = await service.caller("op", "operator")
    await member.bind("BAG00001")
    heavy = {"materials": {"pet": 1_000}, "residue_g": 19_000, "loss_g": 500}
    replies = await asyncio.gather(*(scale.weigh("BAG00001", **heavy) for _ in range(3)))
    assert {reply.status for reply in replies} == {202}
    other = await scale.weigh("BAG00001", **heavy | {"residue_g": 19_500, "loss_g": None})
    assert other.problem == "bag-already-weighed"
    [doubt] = (await operator.get("/v1/operator/bag-doubts")).json()["items"]
    assert (doubt["mass_g"], doubt["residue_g"], doubt["loss_g"]) == (20_500, 19_000, 500)
    path = f"/v1/operator/bag-doubts/{doubt['id']}/decisions"
    assert (await operator.post(path, {"decision": "credit"})).status == 200
    assert shares((await chain_of(member))[-1]) == {**heavy, "mass_g": 20_000}
    await service.drained()
    assert await check_invariants(service.engine) == []
