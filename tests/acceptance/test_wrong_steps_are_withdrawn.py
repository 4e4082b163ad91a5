"""A step of marine plastic that was recorded wrongly: withdrawn, replaced, and still on record."""

import asyncio

from backend.verify import check_invariants
from tests.acceptance.harbour import carded, open_harbour

PLASTIC = "sorted_plastic"


async def withdraw(service, step_id, reason="mistyped"):
    operator = await service.caller("op", "operator")
    path = f"/v1/operator/marine/steps/{step_id}/withdrawal"
    return await operator.post(path, {"reason": reason})


async def left(harbour, stage):
    items = (await harbour.keys[stage].get("/v1/marine/lots?is_left=true")).json()["items"]
    return {each["code"]: each["left_g"] for each in items}


async def gathered(harbour):
    """A lot of five kilograms at the shore, with the step that made it."""
    hand_ins = [await harbour.weighed(mass_g) for mass_g in (3_000, 2_000)]
    reply = await harbour.gather(hand_ins)
    assert reply.status == 201, reply.body
    return hand_ins, reply.json()["made"][0], reply.json()["id"]


async def test_a_mistyped_step_is_withdrawn_and_another_one_stands_in_its_place(api_alone):
    harbour = await open_harbour(api_alone)
    _, lot, _ = await gathered(harbour)
    lost = (4_500, "drying")
    wrong = (await harbour.step("port", {lot: 5_000}, [(PLASTIC, 500)], lost)).json()
    withdrawn = await withdraw(api_alone, wrong["id"])
    assert withdrawn.status == 200, withdrawn.body
    assert withdrawn.json()["withdrawn_for"] == "mistyped"
    assert (await left(harbour, "shore"), await left(harbour, "port")) == ({lot: 5_000}, {})
    again = await withdraw(api_alone, wrong["id"], "another reason")
    assert again.json() == withdrawn.json()

    of_wrong = await harbour.step("sorter", {wrong["made"][0]: 500}, [(PLASTIC, 500)])
    assert (of_wrong.status, of_wrong.problem) == (409, "lot-withdrawn")
    right = await harbour.step("port", {lot: 5_000}, [(PLASTIC, 5_000)], replaces=wrong["id"])
    assert right.status == 201, right.body
    assert await left(harbour, "port") == {right.json()["made"][0]: 5_000}
    history = (await harbour.keys["port"].get("/v1/marine/steps")).json()["items"]
    assert [(each["id"], each["replaces"], each["replaced_by"]) for each in history] == [
        (right.json()["id"], wrong["id"], None),
        (wrong["id"], None, right.json()["id"]),
    ]
    assert (history[1]["made_g"], history[1]["withdrawn_for"]) == (500, "mistyped")
    assert await check_invariants(api_alone.engine) == []


async def test_a_chain_is_withdrawn_from_its_end(api_alone):
    harbour = await open_harbour(api_alone)
    hand_ins, lot, first = await gathered(harbour)
    moved = (await harbour.step("port", {lot: 5_000}, [(PLASTIC, 5_000)])).json()
    before = await api_alone.row_counts()
    refused = await withdraw(api_alone, first)
    assert (refused.status, refused.problem) == (409, "step-built-upon")
    assert refused.json()["lots"] == [lot]
    assert await api_alone.row_counts() == before
    for step_id in (moved["id"], first):
        assert (await withdraw(api_alone, step_id)).status == 200
    waiting = await harbour.keys["shore"].get(
        f"/v1/marine/sites/{harbour.sites['shore']}/hand-ins?waiting=true"
    )
    assert {each["id"] for each in waiting.json()["items"]} == set(hand_ins)
    anew = await harbour.gather(hand_ins[:1], replaces=first)
    assert (anew.status, anew.json()["made_g"], anew.json()["replaces"]) == (201, 3_000, first)
    assert await check_invariants(api_alone.engine) == []


async def test_only_a_withdrawn_step_of_the_same_site_is_replaced_and_once(api_alone):
    harbour = await open_harbour(api_alone)
    _, lot, first = await gathered(harbour)
    wrong = (await harbour.step("port", {lot: 1_000}, [(PLASTIC, 1_000)])).json()
    takes = {"taken": {lot: 1_000}, "made": [(PLASTIC, 1_000)]}
    stands = await harbour.step("port", **takes, replaces=wrong["id"])
    assert (stands.status, stands.problem) == (409, "step-not-withdrawn")
    assert (await withdraw(api_alone, wrong["id"])).status == 200
    elsewhere = await harbour.step("sorter", **takes, replaces=wrong["id"])
    assert (elsewhere.status, elsewhere.problem) == (409, "step-not-withdrawn")
    replies = await asyncio.gather(
        *(harbour.step("port", **takes, replaces=wrong["id"]) for _ in range(3))
    )
    assert sorted(reply.status for reply in replies) == [201, 409, 409]
    assert {reply.problem for reply in replies} == {None, "step-not-withdrawn"}
    unknown = await withdraw(api_alone, "019ff7a0-0000-7000-8000-000000000000")
    assert (unknown.status, unknown.problem) == (404, "not-found")
    assert (await withdraw(api_alone, first, "")).status == 422


async def test_a_step_is_withdrawn_or_built_upon_but_never_both(api_alone):
    harbour = await open_harbour(api_alone)
    for _ in range(4):
        _, lot, first = await gathered(harbour)
        moved, withdrawn = await asyncio.gather(
            harbour.step("port", {lot: 5_000}, [(PLASTIC, 5_000)]), withdraw(api_alone, first)
        )
        assert (moved.status, withdrawn.status) in {(201, 409), (409, 200), (422, 200)}
    assert await check_invariants(api_alone.engine) == []


async def test_the_trace_of_a_withdrawn_product_is_gone_and_members_keep_what_they_have(api_alone):
    harbour = await open_harbour(api_alone)
    member = await carded(api_alone, harbour, "li")
    hand_in = await harbour.weighed(5_000, subject_token="card-li")
    grams = await member.balance()
    lot = (await harbour.gather([hand_in])).json()["made"][0]
    product = await harbour.product(lot, 5_000)
    assert (await api_alone.nobody.get(f"/v1/public/trace/{product}")).status == 200
    steps = (await harbour.keys["recycler"].get("/v1/marine/steps")).json()["items"]
    assert (await withdraw(api_alone, steps[0]["id"])).status == 200
    assert (await api_alone.nobody.get(f"/v1/public/trace/{product}")).status == 404
    assert (await harbour.keys["recycler"].get(f"/v1/marine/lots/{product}")).json()["is_withdrawn"]
    assert await member.balance() == grams
