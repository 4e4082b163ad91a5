import asyncio
from datetime import datetime, timedelta
from functools import partial

import pytest

from backend.db import run
from tests.acceptance.running_service import make_photo, until
from tests.acceptance.test_trip_becomes_balance import make_trip

DISCLAIMER = "减碳量按公开方法学估算,不是核证减排量,不可交易。"
WAITING = (
    "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'total_correction'::regclass"
)


async def saved_day(service):
    """Two members' day: bags, trips, plates of which one is rejected and one in review."""
    scale = service.by_key("scale")
    for number, name in enumerate(("li", "wang")):
        member = await service.member(name)
        await member.bind(f"BAG{number:05d}")
        await scale.weigh(f"BAG{number:05d}", mass_g=2_500)
        await member.report(make_trip())
        await member.photograph(make_photo(number))
    doubtful, rejected = await service.member("zhao"), await service.member("qian")
    await doubtful.photograph(await service.script(make_photo(7), "in_review", "uncertain"))
    await rejected.photograph(await service.script(make_photo(8), "rejected", "no_plate"))
    await service.drained()


async def ledger(service):
    """Credits, grams and points as the ledger has them, by other means than the reports."""
    [row] = await service.fetch(
        "SELECT (SELECT count(*) FROM check_in WHERE status = 'credited') AS credits,"
        " (SELECT sum(amount) FROM transfer WHERE lot_id = 0 AND purpose = 'credit') AS grams,"
        " (SELECT sum(amount) FROM transfer WHERE lot_id <> 0 AND purpose = 'credit') AS points"
    )
    return int(row.credits), int(row.grams), int(row.points)


async def summary_of(service, query=""):
    operator = await service.caller("op", "operator")
    return await operator.get(f"/v1/operator/summary{query}")


async def test_totals_equal_the_ledger(service):
    await saved_day(service)
    reply = await summary_of(service)
    assert reply.status == 200, reply.body
    summary = reply.json()
    assert (summary["credited"], summary["grams"], summary["points"]) == await ledger(service)
    assert summary["credited"] == 6
    assert (summary["in_review"], summary["rejected"]) == (1, 1)
    for group in ("by_action", "by_district", "by_day"):
        assert sum(each["credits"] for each in summary[group]) == summary["credited"]
        assert sum(each["grams"] for each in summary[group]) == summary["grams"]
        assert sum(each["points"] for each in summary[group]) == summary["points"]
    actions = {each["name"]: each["grams"] for each in summary["by_action"]}
    assert actions == {"clean_plate": 250, "metro": 560, "mixed_recycling": 508}
    assert (summary["closed"], summary["note"]) == (False, DISCLAIMER)
    assert summary["active_members"] is None  # two people could be named


async def test_the_public_sees_the_whole_without_persons(service):
    await saved_day(service)
    reply = await service.nobody.get("/v1/public/totals")
    credits, grams, _ = await ledger(service)
    answer = reply.json()
    assert (answer["credited"], answer["grams"], answer["note"]) == (credits, grams, DISCLAIMER)
    assert answer["reduction_text"] == "1.31 千克"
    assert "public" in reply.headers["Cache-Control"]
    assert reply.headers["Vary"] == "Accept-Language", "a cache keeps both languages apart"


async def test_enough_active_members_are_counted(service):
    scale = service.by_key("scale")
    for number in range(10):
        member = await service.member(f"m{number}")
        await member.bind(f"BAG{number:05d}")
        await scale.weigh(f"BAG{number:05d}", mass_g=1_000)
    await service.drained()
    assert (await summary_of(service)).json()["active_members"] == 10


async def test_a_corrected_trip_counts_once(service):
    member = await service.member()
    await member.report(make_trip())
    day = datetime.fromisoformat(make_trip()["started_at"])
    earlier = make_trip(started_at=day - timedelta(minutes=10), distance_m=10_000)
    await member.report(earlier)
    await service.drained()
    summary = (await summary_of(service)).json()
    assert (summary["credited"], summary["grams"]) == (2, (await member.balance())[0])


async def test_periods_select_by_the_day_of_the_activity(service):
    member = await service.member()
    trip = make_trip()
    await member.report(trip)
    await service.drained()
    day = trip["started_at"][:10]
    on_the_day = (await summary_of(service, f"?since={day}&until={day}")).json()
    assert (on_the_day["credited"], on_the_day["grams"]) == (1, 280)
    before = (await summary_of(service, "?since=2026-01-01&until=2026-01-31")).json()
    assert (before["credited"], before["grams"], before["by_day"]) == (0, 0, [])


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("?since=2026-11-02&until=2026-11-01", "period-not-valid"),
        ("?since=2025-11-20&until=2026-11-21", "period-not-valid"),
        ("?since=0001-01-01&until=9999-12-31", "period-not-valid"),
        ("?until=0001-01-02", "period-not-valid"),
        ("?since=9999-12-31", "period-not-valid"),
        ("?since=2026-02-30", "validation"),
        ("?since=2026-W10-1", "validation"),
        ("?since=yesterday", "validation"),
        ("?from=2026-01-01", "validation"),
    ],
)
async def test_periods_that_cannot_be_are_refused(service, query, problem):
    reply = await summary_of(service, query)
    assert (reply.status, reply.problem) == (422, problem)


async def test_the_last_days_that_there_are_have_no_totals(service):
    for day in ("9999-12-31", "0001-01-01"):
        reply = await summary_of(service, f"?since={day}&until={day}")
        assert (reply.status, reply.json()["grams"]) == (200, 0)


async def test_only_those_who_run_the_programme_see_its_numbers(service):
    for role, status in (
        ("operator", 200), ("auditor", 200), ("admin", 200), ("member", 403), ("cashier", 403),
    ):  # fmt: skip
        caller = await service.caller(f"a-{role}", role)
        assert (await caller.get("/v1/operator/summary")).status == status, role


async def test_both_bases_give_the_same_sums_by_action_district_and_day(service):
    await service.execute(
        "INSERT INTO daily_total VALUES"
        " ('2026-10-01', '330100', 'metro', 'documented', 2, 560, 20),"
        " ('2026-10-01', '330100', 'metro', 'self_declared', 1, 140, 0),"
        " ('2026-10-02', '330200', 'bus', 'documented', 1, 300, 10),"
        " ('2026-11-01', '330200', 'bus', 'documented', 9, 9000, 90)"
    )
    await service.execute(
        "INSERT INTO total_correction VALUES"
        " ('2026-11-01', '2026-10-01', '330200', 'metro', 'documented', -1, -280, -10),"
        " ('2026-11-01', '2026-10-03', '330100', 'bus', 'documented', 1, 5, 1)"
    )
    october = "?since=2026-10-01&until=2026-10-31"
    assert sums(await summary_of(service, october)) == {
        "by_action": [("bus", 1, 300, 10), ("metro", 3, 700, 20)],
        "by_district": [("330100", 3, 700, 20), ("330200", 1, 300, 10)],
        "by_day": [("2026-10-01", 3, 700, 20), ("2026-10-02", 1, 300, 10)],
    }
    assert sums(await summary_of(service, f"{october}&basis=known_now")) == {
        "by_action": [("bus", 2, 305, 11), ("metro", 2, 420, 10)],
        "by_district": [("330100", 4, 705, 21), ("330200", 0, 20, 0)],
        "by_day": [
            *(("2026-10-01", 2, 420, 10), ("2026-10-02", 1, 300, 10), ("2026-10-03", 1, 5, 1)),
        ],
    }


def sums(reply):
    names = ("name", "credits", "grams", "points")
    return {
        group: [tuple(each[name] for name in names) for each in reply.json()[group]]
        for group in ("by_action", "by_district", "by_day")
    }


async def test_however_many_ask_for_the_public_total_it_is_added_up_once(service):
    await saved_day(service)
    async with asyncio.TaskGroup() as group, service.engine.begin() as conn:
        await run(conn, "LOCK TABLE total_correction IN ACCESS EXCLUSIVE MODE")
        ask = partial(service.nobody.get, "/v1/public/totals")
        asking = [group.create_task(ask()) for _ in range(40)]
        await until(lambda: service.value(f"SELECT ({WAITING}) >= 1"))
    answers = [each.result().json() for each in asking]
    assert {each["grams"] for each in answers} == {(await ledger(service))[1]}
    assert len({each["as_of"] for each in answers}) == 1
