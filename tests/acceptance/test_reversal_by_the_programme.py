"""A check-in is reversed by decision, a large one by two persons; the member reads why."""

import pytest

from backend.verify import check_invariants
from tests.acceptance.running_service import until
from tests.acceptance.test_trip_becomes_balance import make_ride, make_trip, yesterday_at

SMALL = {"reason": "counted_twice", "note": "与闸机记录是同一次乘车"}
UNKNOWN_ID = "019ff7a0-0000-7000-8000-000000000000"


async def documented_ride(service, key="card-1", **changes):
    await service.link_card(key, "li")
    reply = await service.by_key("metro").report(make_trip(subject_token=key, **changes))
    assert reply.status == 201, reply.body
    return reply.json()["id"]


async def large_bag(service):
    """20 kg of mixed recyclables at 0.203 kg/kg: more than one operator may take back."""
    member = await service.member("li")
    await member.bind("BAG00001")
    weighed = await service.by_key("scale").weigh("BAG00001", materials={"aluminium_cans": 9_000})
    assert weighed.json()["grams"] > 5_000
    return weighed.json()["id"]


async def reverse(service, check_in_id, operator="op", **body):
    caller = await service.caller(operator, "operator")
    return await caller.post(f"/v1/operator/check-ins/{check_in_id}/reversals", {**SMALL, **body})


async def decide(service, request_id, decision, operator="op2"):
    caller = await service.caller(operator, "operator")
    path = f"/v1/operator/reversals/{request_id}/decisions"
    return await caller.post(path, {"decision": decision})


async def assert_whole(service):
    await service.drained()
    assert await check_invariants(service.engine) == []


async def test_one_operator_reverses_a_small_one_and_the_member_reads_why(service):
    check_in_id = await documented_ride(service)
    member = await service.member("li")
    reply = await reverse(service, check_in_id)
    assert reply.status == 201, reply.body
    answer = reply.json()
    assert (answer["outcome"], answer["grams"], answer["corrected"]) == ("done", 560, [check_in_id])
    assert await member.balance() == (0, 0)
    own = (await member.get(f"/v1/check-ins/{check_in_id}")).json()
    assert (own["status"], own["status_text"], own["grams"]) == ("reversed", "已更正", 0)
    [change] = own["history"]
    assert (
        change
        | {
            "reason": "counted_twice",
            "message": "经核对,这次活动与另一条记录是同一次",
            "note": SMALL["note"],
            "caused_by": check_in_id,
            "grams_before": 560,
            "grams": 0,
            "points_before": 10,
            "points": 0,
        }
        == change
    )
    english = await member.get(f"/v1/check-ins/{check_in_id}", accept_language="en")
    assert english.json()["history"][0]["message"].startswith("It turned out to be the same")
    await assert_whole(service)


async def test_the_same_request_again_has_one_effect(service):
    check_in_id = await documented_ride(service)
    first, again = await reverse(service, check_in_id), await reverse(service, check_in_id)
    assert (again.status, again.headers["Idempotency-Replayed"]) == (201, "true")
    assert "Idempotency-Replayed" not in first.headers
    assert again.json()["id"] == first.json()["id"]
    other = await reverse(service, check_in_id, operator="op2")
    assert (other.status, other.problem) == (409, "reversal-asked")
    assert other.json()["reversal_id"] == first.json()["id"]
    assert await service.value("SELECT count(*) FROM restatement") == 1


async def test_a_large_one_waits_for_a_second_person(service):
    check_in_id = await large_bag(service)
    member = await service.member("li")
    before = await member.balance()
    reply = await reverse(service, check_in_id)
    assert (reply.status, reply.json()["outcome"]) == (202, "pending")
    assert await member.balance() == before
    request_id = reply.json()["id"]
    alone = await decide(service, request_id, "approve", operator="op")
    assert (alone.status, alone.problem) == (403, "second-person-needed")
    agreed = await decide(service, request_id, "approve")
    assert agreed.status == 200, agreed.body
    assert agreed.json()["outcome"] == "done"
    assert await member.balance() == (0, 0)
    again = await decide(service, request_id, "approve")
    assert (again.status, again.headers["Idempotency-Replayed"]) == (200, "true")
    late = await decide(service, request_id, "decline", operator="op3")
    assert (late.status, late.problem) == (409, "reversal-decided")
    [row] = await service.fetch("SELECT decided_by <> approved_by AS two FROM restatement")
    assert row.two
    await assert_whole(service)


async def test_a_declined_reversal_changes_nothing_and_can_be_asked_for_again(service):
    check_in_id = await large_bag(service)
    member = await service.member("li")
    before = await member.balance()
    first = (await reverse(service, check_in_id)).json()
    declined = await decide(service, first["id"], "decline")
    assert declined.json()["outcome"] == "declined"
    assert await member.balance() == before
    second = await reverse(service, check_in_id)
    assert (second.status, second.json()["outcome"]) == (202, "pending")
    assert second.json()["id"] != first["id"]
    await assert_whole(service)


async def test_requests_are_listed_by_outcome_page_by_page(service):
    operator = await service.caller("op", "operator")
    ids = [
        await documented_ride(service, started_at=yesterday_at(8 + n), ended_at=yesterday_at(9 + n))
        for n in range(3)
    ]
    for check_in_id in ids:
        await reverse(service, check_in_id)
    listed, cursor = [], ""
    while cursor is not None:
        path = f"/v1/operator/reversals?outcome=done&limit=2{cursor and '&cursor=' + cursor}"
        page = (await operator.get(path)).json()
        listed += [each["check_in_id"] for each in page["items"]]
        cursor = page["next_cursor"]
    assert sorted(listed) == sorted(ids)
    assert listed == sorted(ids, reverse=True)
    assert (await operator.get("/v1/operator/reversals")).json()["items"] == []
    auditor = await service.caller("aud", "auditor")
    assert (await auditor.get("/v1/operator/reversals")).status == 200
    assert (await auditor.post(f"/v1/operator/check-ins/{ids[0]}/reversals", SMALL)).status == 403


async def test_what_is_not_credited_cannot_be_reversed(service):
    member = await service.member("li")
    bound = (await member.bind("BAG00002")).json()["id"]
    for check_in_id, expected in ((bound, (409, "not-credited")), (UNKNOWN_ID, (404, "not-found"))):
        reply = await reverse(service, check_in_id)
        assert (reply.status, reply.problem) == expected
    for body in ({"reason": "because"}, {"note": ""}, {"note": "x" * 501}):
        reply = await reverse(service, bound, **body)
        assert (reply.status, reply.problem) == (422, "validation")


async def test_what_else_the_day_holds_rises_into_the_cap(service):
    """Two rides of 40 and 30 km: the cap of 60 km leaves 20 to the second, until the first goes."""
    first = await documented_ride(
        service, distance_m=40_000, started_at=yesterday_at(8), ended_at=yesterday_at(9)
    )
    second = await documented_ride(
        service, distance_m=30_000, started_at=yesterday_at(10), ended_at=yesterday_at(11)
    )
    member = await service.member("li")
    assert await member.balance() == (1_868 + 934, 20)
    reply = await reverse(service, first)
    assert set(reply.json()["corrected"]) == {first, second}
    assert await member.balance() == (1_401, 10)
    [change] = (await member.get(f"/v1/check-ins/{second}")).json()["history"]
    assert (change["reason"], change["caused_by"], change["note"]) == ("day_restated", first, None)
    assert (change["grams_before"], change["grams"]) == (934, 1_401)
    await assert_whole(service)


async def test_points_that_were_spent_are_a_debt_until_the_next_points(service):
    check_in_id = await documented_ride(service)
    member = await service.member("li")
    await service.execute("UPDATE account_lot SET held = 8 WHERE lot_id <> 0")
    await reverse(service, check_in_id)
    account = await member.account()
    assert (account["grams"], account["points"], account["points_debt"]) == (0, 0, 8)
    await service.by_key("metro").report(make_ride(yesterday_at(14), subject_token="card-1"))
    account = await member.account()
    assert (account["points"], account["points_debt"]) == (2, 0)


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_the_calculation_says_what_limited_it_in_three_sentences(service, language):
    first = await documented_ride(
        service, distance_m=50_000, started_at=yesterday_at(8), ended_at=yesterday_at(9)
    )
    second = await documented_ride(
        service, distance_m=30_000, started_at=yesterday_at(10), ended_at=yesterday_at(11)
    )
    path = f"/v1/check-ins/{second}/calculation"
    member = await service.member("li")
    answer = (await member.get(path, accept_language=language)).json()
    assert len(answer["sentences"]) == 3
    assert any("一" <= letter <= "鿿" for letter in "".join(answer["sentences"])) == (
        language == "zh"
    )
    assert (answer["calculation"]["unrounded"], answer["calculation"]["grams"]) == ("467", 467)
    assert answer["calculation"]["inputs"] == {"distance_km": "30"}
    assert answer["calculation"]["factors"][0]["source"]
    [limit] = answer["limited_by"]
    assert (limit["check_in_id"], limit["allowed"]) == (first, {"distance_m": 50_000})
    caps = {cap["quantity"]: cap["most"] for cap in answer["caps"]}
    assert caps["distance_m"] == 60_000
    assert answer["evidence"]["state"] == "none"
    auditor = await service.caller("aud", "auditor")
    assert (await auditor.get(path, accept_language=language)).json() == answer
    assert (await (await service.member("wang")).get(path)).status == 404


async def test_an_excluded_trip_names_the_one_that_counts(service):
    first = await documented_ride(service, started_at=yesterday_at(8), ended_at=yesterday_at(9))
    member = await service.member("li")
    own = await member.report(make_ride(yesterday_at(8, 30), mode="bus", distance_m=5_000))
    answer = (await member.get(f"/v1/check-ins/{own.json()['id']}/calculation")).json()
    assert answer["calculation"]["reason"] == "excluded"
    assert [each["check_in_id"] for each in answer["limited_by"]] == [first]


async def test_erased_evidence_is_said_so(service, tmp_path):
    from tests.acceptance.running_service import make_photo

    member = await service.member("li")
    photo = (await member.photograph(make_photo(1))).json()
    await until(lambda: service.value("SELECT count(*) = 1 FROM credit"))
    path = f"/v1/check-ins/{photo['id']}/calculation"
    assert (await member.get(path)).json()["evidence"]["state"] == "kept"
    for stored in (tmp_path / "evidence").rglob("*"):
        if stored.is_file():
            stored.unlink()
    evidence = (await member.get(path)).json()["evidence"]
    assert (evidence["state"], "照片已删除" in evidence["message"]) == ("erased", True)
