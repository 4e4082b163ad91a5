"""What members report on their own word: totals of a day that replace themselves."""

import random
from datetime import datetime, timedelta

import pytest

from backend.verify import check_invariants
from tests.acceptance.test_trip_becomes_balance import SHANGHAI, make_ride, yesterday_at

YESTERDAY = yesterday_at(0).date()
# floor(7,250 x 0.0164 / 2) = 59; the cap of 10,000 steps gives 82.
STEPS_7250_G, STEPS_CAP_G = 59, 82


def make_steps(steps, at=None, **changes):
    return {
        "kind": "steps",
        "day": YESTERDAY.isoformat(),
        "steps": steps,
        "source": "phone",
        "measured_at": (at or yesterday_at(12)).isoformat(),
        **changes,
    }


async def tell(member, body, **headers):
    return await member.post("/v1/check-ins", body, **headers)


async def assert_whole(service):
    await service.drained()
    assert await check_invariants(service.engine) == []


async def test_a_days_steps_count_half_without_points(service):
    member = await service.member()
    reply = await tell(member, make_steps(7_250))
    assert reply.status == 201, reply.body
    answer = reply.json()
    assert (
        answer
        | {
            "action": "walking",
            "status": "credited",
            "tier": "self_declared",
            "reported_by": "member",
            "quantities": {"steps": 7_250},
            "grams": STEPS_7250_G,
            "points": 0,
            "points_reason": "self_declared",
        }
        == answer
    )
    assert reply.headers["Location"] == f"/v1/check-ins/{answer['id']}"
    assert await member.balance() == (STEPS_7250_G, 0)
    await assert_whole(service)


async def test_a_later_total_replaces_the_earlier_one_higher_or_lower(service):
    member = await service.member()
    first = (await tell(member, make_steps(5_000))).json()
    for hour, steps, grams in ((14, 12_000, STEPS_CAP_G), (16, 7_250, STEPS_7250_G), (17, 0, 0)):
        reply = await tell(member, make_steps(steps, yesterday_at(hour)))
        answer = reply.json()
        assert (reply.status, answer["id"], answer["grams"]) == (201, first["id"], grams)
        assert "Idempotency-Replayed" not in reply.headers
        assert answer["history"][-1]["reason"] == "newer_total"
        assert await member.balance() == (grams, 0)
    assert await service.value("SELECT count(*) FROM check_in") == 1
    await assert_whole(service)


async def test_an_earlier_reading_that_arrives_late_changes_nothing(service):
    member = await service.member()
    await tell(member, make_steps(7_250, yesterday_at(20)))
    for reading in (make_steps(3_000, yesterday_at(9)), make_steps(7_250, yesterday_at(20))):
        reply = await tell(member, reading)
        assert (reply.status, reply.headers["Idempotency-Replayed"]) == (201, "true")
        assert reply.json()["grams"] == STEPS_7250_G
    assert await service.value("SELECT count(*) FROM credit") == 1


async def test_two_devices_count_the_same_steps_once(service):
    member = await service.member()
    await tell(member, make_steps(7_250))
    lower = await tell(member, make_steps(6_000, source="watch"))
    assert (lower.json()["grams"], lower.json()["quantities"]) == (STEPS_7250_G, {"steps": 7_250})
    await tell(member, make_steps(5_000, yesterday_at(15)))
    assert await member.balance() == (49, 0)  # the watch's 6,000: 98.4 / 2
    await assert_whole(service)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"steps": 100_001}, "amount-not-plausible"),
        ({"day": (YESTERDAY + timedelta(days=2)).isoformat()}, "time-not-plausible"),
        ({"measured_at": yesterday_at(0) - timedelta(seconds=1)}, "time-not-plausible"),
        ({"measured_at": datetime.now(SHANGHAI) + timedelta(hours=1)}, "time-not-plausible"),
        (
            {
                "day": (YESTERDAY - timedelta(days=8)).isoformat(),
                "measured_at": yesterday_at(9) - timedelta(days=8),
            },
            "evidence-too-late",
        ),
    ],
)
async def test_what_cannot_be_is_refused_and_writes_nothing(api_alone, changes, problem):
    member = await api_alone.member()
    before = await api_alone.row_counts()
    texts = {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in changes.items()
    }
    reply = await tell(member, make_steps(1_000) | texts)
    assert (reply.status, reply.problem) == (422, problem)
    assert await api_alone.row_counts() == before


@pytest.mark.parametrize(
    "changes",
    [
        *(
            {"steps": -1},
            {"steps": 1.5},
            {"steps": "7250"},
            {"steps": None},
            {"source": "My Phone"},
        ),
        *({"day": "20261120"}, {"measured_at": "2026-11-20T12:00:00"}, {"tier": "documented"}),
    ],
)
async def test_what_is_no_total_is_a_validation_problem(api_alone, changes):
    member = await api_alone.member()
    reply = await tell(member, make_steps(1_000) | changes)
    assert (reply.status, reply.problem) == (422, "validation")


async def test_saved_sheets_of_a_day_replace_themselves(service):
    member = await service.member()
    body = {"kind": "sheets", "day": YESTERDAY.isoformat(), "sheets": 2}
    first = (await tell(member, body)).json()
    # 2 x 5.872484772 / 2 = 5.87; five sheets are the cap of a day: 29.36 / 2 = 14.68
    assert (first["action"], first["grams"]) == ("paper_avoided", 5)
    second = (await tell(member, body | {"sheets": 40})).json()
    assert (second["id"], second["grams"]) == (first["id"], 14)
    assert second["reason"] == "cap_reached"
    too_many = await tell(member, body | {"sheets": 501})
    assert (too_many.problem, too_many.json()["amount_max"]) == ("amount-not-plausible", 500)
    await assert_whole(service)


async def test_an_own_cup_waits_for_its_methodology(service):
    member = await service.member()
    reply = await tell(member, {"kind": "own_cup", "day": YESTERDAY.isoformat(), "items": 1})
    assert (reply.status, reply.problem) == (422, "activity-not-covered")
    assert await service.value("SELECT count(*) FROM tally") == 0


async def test_a_reversed_day_is_not_reported_again(service):
    member = await service.member()
    check_in_id = (await tell(member, make_steps(7_250))).json()["id"]
    operator = await service.caller("op", "operator")
    body = {"reason": "evidence_does_not_show", "note": "计步器放在摇摆器上"}
    path = f"/v1/operator/check-ins/{check_in_id}/reversals"
    assert (await operator.post(path, body)).status == 201
    reply = await tell(member, make_steps(9_000, yesterday_at(20)))
    assert (reply.status, reply.problem) == (409, "day-reversed")
    assert await member.balance() == (0, 0)
    await assert_whole(service)


async def test_partners_do_not_tell_what_members_count(service):
    reply = await tell(service.by_key("metro"), make_steps(1_000))
    assert reply.status in {403, 404}


async def test_the_app_is_told_which_reports_there_are(service):
    config = (await service.nobody.get("/v1/client-config")).json()
    inlets = {each["action"]: each["inlet"] for each in config["actions"]}
    assert (inlets["walking"], inlets["paper_avoided"]) == ("steps", "sheets")
    assert inlets["no_drive_day"] == "no_drive_day"
    assert "own_cup" not in inlets  # a draft


@pytest.mark.parametrize("seed", range(3))
async def test_any_order_of_reports_rides_and_withdrawals_gives_the_same_day(service, seed):
    """Two members report the same day, one in order and one shuffled, over HTTP."""
    dice = random.Random(seed)
    metro = service.by_key("metro")
    reports = [
        make_steps(
            dice.randint(0, 15_000), yesterday_at(hour), source=dice.choice(["phone", "watch"])
        )
        for hour in range(8, 14)
    ]
    reports += [
        make_ride(yesterday_at(hour), dice.randint(10, 50), distance_m=dice.randint(500, 13_000))
        for hour in range(8, 13)
    ]
    reports.append({"kind": "sheets", "day": YESTERDAY.isoformat(), "sheets": 3})
    dice.shuffle(reports)
    gone = dice.sample([each for each in reports if each["kind"] == "trip"], 2)
    balances = set()
    for name in ("li", "wang"):
        await service.link_card(name, name)
        member, operator = await service.member(name), await service.caller("op", "operator")
        for body in reports:
            if body["kind"] == "trip":
                reply = await metro.report(body | {"subject_token": name})
            else:
                reply = await tell(member, body)
            assert reply.status == 201, reply.body
            if body in gone:
                path = f"/v1/operator/check-ins/{reply.json()['id']}/reversals"
                asked = {"reason": "recorded_wrongly", "note": "测试"}
                assert (await operator.post(path, asked)).status == 201
        balances.add(await member.balance())
        dice.shuffle(reports)
    assert len(balances) == 1, balances
    await assert_whole(service)
