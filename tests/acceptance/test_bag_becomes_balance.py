import asyncio

# 2.5 kg of mixed recyclables at 101.6 gCO2e per kg, rounded down.
BAG_2_5_KG_G = 254


async def test_a_bound_and_weighed_bag_is_credited(service):
    member, scale = await service.member(), service.by_key("scale")
    bound = await member.bind("BAG00001")
    assert bound.status == 201
    assert bound.headers["Location"] == f"/v1/check-ins/{bound.json()['id']}"
    assert (
        bound.json()
        | {
            "action": "mixed_recycling",
            "status": "bound",
            "status_text": "待称重",
            "grams": 0,
            "points": 0,
            "quantities": {},
        }
        == bound.json()
    )
    assert await member.balance() == (0, 0)

    weighed = await scale.weigh("BAG00001", mass_g=2_500)
    assert weighed.status == 201
    assert (
        weighed.json()
        | {
            "id": bound.json()["id"],
            "status": "credited",
            "tier": "documented",
            "quantities": {"mass_g": 2_500},
            "grams": BAG_2_5_KG_G,
            "points": 10,
        }
        == weighed.json()
    )
    assert await member.balance() == (BAG_2_5_KG_G, 10)


async def test_sorted_materials_are_an_action_of_their_own(service):
    member, scale = await service.member(), service.by_key("scale")
    await member.bind("BAG00001")
    weighed = await scale.weigh("BAG00001", materials={"pet": 400, "aluminium_cans": 100})
    assert weighed.status == 201, weighed.body
    answer = weighed.json()
    assert (answer["action"], answer["points"]) == ("sorted_recycling", 10)
    assert answer["quantities"] == {"mass_g.pet": 400, "mass_g.aluminium_cans": 100}
    assert answer["grams"] > 0
    assert await member.balance() == (answer["grams"], 10)


async def test_the_same_weight_again_is_the_same_answer(service):
    member, scale = await service.member(), service.by_key("scale")
    await member.bind("BAG00001")
    first = await scale.weigh("BAG00001", mass_g=2_500)
    again = await scale.weigh("BAG00001", mass_g=2_500)
    assert (again.status, again.headers["Idempotency-Replayed"]) == (200, "true")
    assert again.json() == first.json()
    assert await member.balance() == (BAG_2_5_KG_G, 10)


async def test_another_weight_of_a_weighed_bag_is_refused(service):
    member, scale = await service.member(), service.by_key("scale")
    await member.bind("BAG00001")
    await scale.weigh("BAG00001", mass_g=2_500)
    again = await scale.weigh("BAG00001", mass_g=2_600)
    assert (again.status, again.problem) == (409, "bag-already-weighed")
    assert again.json()["mass_g"] == 2_500
    assert await member.balance() == (BAG_2_5_KG_G, 10)


async def test_a_bag_weighed_many_times_at_once_is_credited_once(service):
    member, scale = await service.member(), service.by_key("scale")
    bound = await member.bind("BAG00001")
    replies = await asyncio.gather(*(scale.weigh("BAG00001", mass_g=2_500) for _ in range(20)))
    assert {reply.status for reply in replies} <= {200, 201}, [r.body for r in replies]
    assert {reply.json()["id"] for reply in replies} == {bound.json()["id"]}
    assert {reply.json()["status"] for reply in replies} == {"credited"}
    assert await member.balance() == (BAG_2_5_KG_G, 10)
    assert await service.value("SELECT count(*) FROM credit") == 1


async def test_different_weights_at_once_credit_one_of_them(service):
    member, scale = await service.member(), service.by_key("scale")
    await member.bind("BAG00001")
    masses = [1_000, 2_000, 3_000, 4_000]
    replies = await asyncio.gather(*(scale.weigh("BAG00001", mass_g=mass) for mass in masses))
    [winner] = [reply for reply in replies if reply.status == 201]
    assert {reply.problem for reply in replies if reply is not winner} == {"bag-already-weighed"}
    assert await member.balance() == (winner.json()["grams"], 10)


async def test_unknown_and_unbound_bags_are_refused(service):
    member, scale = await service.member(), service.by_key("scale")
    unknown = await member.bind("NEVERPRINTED")
    assert (unknown.status, unknown.problem) == (404, "bag-unknown")
    unknown = await scale.weigh("NEVERPRINTED", mass_g=1_000)
    assert (unknown.status, unknown.problem) == (404, "bag-unknown")
    unbound = await scale.weigh("BAG00001", mass_g=1_000)
    assert (unbound.status, unbound.problem) == (409, "bag-not-bound")
    assert await service.value("SELECT count(*) FROM check_in") == 0


async def test_scanning_an_own_bag_again_shows_the_same_check_in(service):
    member = await service.member()
    first, again = await member.bind("BAG00001"), await member.bind("BAG00001")
    assert (again.status, again.headers["Idempotency-Replayed"]) == (201, "true")
    assert again.json() == first.json()


async def test_another_members_bag_is_taken(service):
    await (await service.member("li")).bind("BAG00001")
    other = await (await service.member("wang")).bind("BAG00001")
    assert (other.status, other.problem) == (409, "bag-already-bound")


async def test_of_members_who_scan_one_bag_at_once_one_has_it(service):
    members = [await service.member(f"m{number}") for number in range(8)]
    replies = await asyncio.gather(*(member.bind("BAG00001") for member in members))
    statuses = sorted(reply.status for reply in replies)
    assert statuses == [201] + [409] * 7
    assert await service.value("SELECT count(*) FROM check_in") == 1


async def test_only_keys_with_the_scope_weigh(service):
    member = await service.member()
    await member.bind("BAG00001")
    for caller, status in ((member, 403), (service.by_key("metro"), 403), (service.nobody, 401)):
        assert (await caller.weigh("BAG00001", mass_g=2_500)).status == status
    assert await member.balance() == (0, 0)


async def test_a_bag_lapses_after_fourteen_days(service):
    member, scale = await service.member(), service.by_key("scale")
    await member.bind("BAG00001")
    await service.execute("UPDATE bag SET waiting_since = bound_at - interval '14 days 1 second'")
    lapsed = await scale.weigh("BAG00001", mass_g=2_500)
    assert (lapsed.status, lapsed.problem) == (409, "bag-lapsed")
    assert await member.balance() == (0, 0)


async def test_a_weighing_says_one_thing_within_what_a_person_carries(service):
    member, scale = await service.member(), service.by_key("scale")
    await member.bind("BAG00001")
    before = await service.row_counts()
    for weights in (
        {},
        {"materials": {}},
        {"mass_g": 1_000, "materials": {"pet": 1_000}},
        {"materials": {"pet": 30_000, "glass": 20_001}},
    ):
        reply = await scale.weigh("BAG00001", **weights)
        assert (reply.status, reply.problem) == (422, "weighing-not-clear"), weights
    assert await service.row_counts() == before
