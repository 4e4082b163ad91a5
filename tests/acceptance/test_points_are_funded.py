"""Campaigns and funds over HTTP: who pays for which points, and what everybody is told."""

import asyncio
import json
from datetime import date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy.exc import DBAPIError

from backend.campaigns.domain import PROGRAMME_FUND
from backend.maintenance import top_up_fund
from backend.settings import Settings
from backend.verify import check_invariants
from tests.acceptance.running_service import make_key, make_photo, serving, until
from tests.acceptance.test_trip_becomes_balance import make_trip

FUND = f"/v1/operator/funds/{PROGRAMME_FUND}/changes"


async def officials(service):
    return await service.caller("op-a", "operator"), await service.caller("op-b", "operator")


async def today(service) -> date:
    return await service.value("SELECT CAST(now() AT TIME ZONE 'Asia/Shanghai' AS date)")


async def make_campaign(service, **changes):
    first = await today(service) + timedelta(days=1)
    campaign = {
        "name": "metro-week",
        "title_zh": "地铁周",
        "title_en": "Metro week",
        "sponsor_zh": "青禾银行",
        "sponsor_en": "Qinghe Bank",
        "region": "3301",
        "valid_from": str(first),
        "valid_until": str(first + timedelta(days=6)),
        "budget": 5_000,
        "actions": {"metro": {"multiplier_percent": 200}},
    }
    return {**campaign, **changes}


async def propose(caller, campaign, key=None):
    return await caller.post("/v1/operator/campaigns", campaign, idempotency_key=key or make_key())


async def approve(caller, campaign_id):
    return await caller.send("POST", f"/v1/operator/campaigns/{campaign_id}/approve")


async def approved(service, **changes):
    one, other = await officials(service)
    proposed = await propose(one, await make_campaign(service, **changes))
    assert proposed.status == 201, proposed.body
    reply = await approve(other, proposed.json()["id"])
    assert reply.status == 200, reply.body
    return reply.json()


async def begin_now(service, campaign):
    """As if it had been approved yesterday."""
    await service.execute(
        "UPDATE campaign SET valid_from = valid_from - 10 WHERE id = CAST(:id AS uuid)",
        id=campaign["id"],
    )


async def ride(service, subject="li"):
    card = f"card-{subject}"
    await service.link_card(card, subject)
    reply = await service.by_key("metro").report(make_trip(subject_token=card))
    assert reply.status == 201, reply.body
    return reply.json()


async def test_a_campaign_of_no_region_is_refused(service):
    one, _ = await officials(service)
    for region in ("84", "8401", "840100", "999999"):
        reply = await propose(one, await make_campaign(service, region=region))
        assert (reply.status, reply.problem) == (422, "validation")
        assert reply.json()["errors"][0]["pointer"] == "/region"


async def test_a_campaign_counts_once_a_second_person_has_approved_it(service):
    one, other = await officials(service)
    key = make_key()
    proposed = await propose(one, await make_campaign(service), key)
    again = await propose(one, await make_campaign(service), key)
    assert (again.json()["id"], again.headers["Idempotency-Replayed"]) == (
        proposed.json()["id"],
        "true",
    )
    campaign_id = proposed.json()["id"]
    alone = await approve(one, campaign_id)
    assert (alone.status, alone.problem) == (403, "second-person-needed")
    reply = await approve(other, campaign_id)
    assert (reply.status, reply.json()["status"]) == (200, "scheduled")
    assert (await approve(other, campaign_id)).status == 200
    third = await service.caller("op-c", "operator")
    assert (await approve(third, campaign_id)).problem == "campaign-decided"
    funds = (await one.get("/v1/operator/funds")).json()["items"]
    assert [(each["budget"], each["sponsor"]) for each in funds] == [
        (1_000_000, ""),
        (5_000, "青禾银行"),
    ]


async def test_the_narrowest_rule_pays_from_its_own_fund_and_is_named_on_the_line(service):
    await begin_now(service, await approved(service))
    answer = await ride(service)
    assert (answer["points"], answer["points_reason"]) == (20, None)
    member = await service.member("li")
    lines = (await member.get("/v1/account/transfers")).json()["items"]
    assert {line["rule"].rpartition(" / ")[2] for line in lines} == {"metro-week"}
    operator = await service.caller("op-a", "operator")
    sheet = (await operator.get("/v1/operator/liability")).json()
    owed = {fund["sponsor"]: (fund["owed"], fund["campaigns"]) for fund in sheet["funds"]}
    assert owed == {"": (0, ["launch-2026"]), "青禾银行": (20, ["metro-week"])}
    assert sheet["expiring"] == [{"month": f"{(await today(service)).year + 1}-12", "points": 20}]
    assert sheet["total"]["budget"] == sheet["total"]["available"] + 20


async def test_campaigns_as_narrow_as_each_other_may_not_overlap(service):
    await approved(service)
    one, other = await officials(service)
    rival = await propose(one, await make_campaign(service, name="metro-month"))
    refused = await approve(other, rival.json()["id"])
    assert (refused.status, refused.problem) == (409, "campaign-overlaps")
    assert refused.json()["campaign"] == "metro-week"
    narrower = await propose(
        one, await make_campaign(service, name="metro-district", region="330106")
    )
    assert (await approve(other, narrower.json()["id"])).status == 200


async def test_a_version_that_a_later_one_has_overtaken_is_not_approved_any_more(service):
    one, other = await officials(service)
    second = await today(service) + timedelta(days=2)
    early = await propose(one, await make_campaign(service, valid_from=str(second)))
    late = await propose(one, await make_campaign(service))
    assert (await approve(other, late.json()["id"])).status == 200
    refused = await approve(other, early.json()["id"])
    assert (refused.status, refused.problem) == (409, "campaign-overlaps")
    assert refused.json()["campaign"] == "metro-week"
    assert await check_invariants(service.engine) == []


async def test_a_version_that_begins_before_the_scheduled_one_takes_its_place(service):
    one, other = await officials(service)
    later = {"valid_from": str(await today(service) + timedelta(days=4)), "valid_until": None}
    await approved(service, **later)
    sooner = await propose(one, await make_campaign(service))
    assert (await approve(other, sooner.json()["id"])).status == 200
    assert await check_invariants(service.engine) == []


async def test_a_campaign_that_was_ended_before_it_began_is_in_nobodys_way(service):
    one, other = await officials(service)
    later = {"valid_from": str(await today(service) + timedelta(days=4)), "valid_until": None}
    never = await approved(service, **later)
    ended = await one.post(f"/v1/operator/campaigns/{never['id']}/end", {})
    assert ended.status == 200, ended.body
    rival = await propose(one, await make_campaign(service, name="metro-month"))
    assert (await approve(other, rival.json()["id"])).status == 200
    assert await check_invariants(service.engine) == []


async def test_a_proposal_that_is_over_is_not_approved_and_gets_no_money(service):
    one, other = await officials(service)
    proposed = (await propose(one, await make_campaign(service, valid_until=None))).json()
    ended = await one.post(f"/v1/operator/campaigns/{proposed['id']}/end", {})
    assert (ended.status, ended.json()["status"]) == (200, "ended")
    last_year = (await propose(one, await make_campaign(service, name="bus-week"))).json()
    await service.execute(
        "UPDATE campaign SET valid_from = '2025-12-01', valid_until = '2025-12-07'"
        " WHERE name = 'bus-week'"
    )
    for each in (proposed, last_year):
        refused = await approve(other, each["id"])
        assert (refused.status, refused.problem) == (409, "campaign-over")
    assert await service.value("SELECT count(*) FROM fund WHERE budget = 5000") == 0


async def test_rules_never_change_for_days_that_have_begun(service):
    one, other = await officials(service)
    late = await propose(
        one, await make_campaign(service, valid_from=str(await today(service)), valid_until=None)
    )
    refused = await approve(other, late.json()["id"])
    assert (refused.status, refused.problem) == (409, "campaign-too-early")
    running = await approved(service, name="bus-week", actions={"bus": {"points": 30}})
    path = f"/v1/operator/campaigns/{running['id']}/end"
    yesterday = await today(service) - timedelta(days=1)
    assert (await one.post(path, {"last_day": str(yesterday)})).problem == "campaign-too-early"
    ended = await one.post(path, {})
    assert (ended.status, ended.json()["ended_by"]) == (200, one_id(ended))


def one_id(reply):
    return reply.json()["proposed_by"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"actions": {"flying": {"points": 5}}}, "unknown_action"),
        ({"actions": {"metro": {}}}, "points_or_multiplier"),
        ({"actions": {"metro": {"points": 1, "multiplier_percent": 5}}}, "points_or_multiplier"),
        ({"valid_until": "2026-01-01"}, "before_valid_from"),
    ],
)
async def test_campaigns_that_make_no_sense_are_refused(service, changes, code):
    one, _ = await officials(service)
    reply = await propose(one, await make_campaign(service, **changes))
    assert (reply.status, reply.json()["errors"][0]["code"]) == (422, code)


async def empty_the_fund(service):
    await service.execute("UPDATE fund_slice SET available = 0")
    await service.execute("UPDATE fund SET budget = 0")


async def top_up_by_two(service, points):
    one, other = await officials(service)
    change = await one.post(
        FUND,
        {"kind": "top_up", "points": points, "reason": "second half of the year"},
        idempotency_key=make_key(),
    )
    path = f"/v1/operator/fund-changes/{change.json()['id']}/approve"
    assert (await one.send("POST", path)).problem == "second-person-needed"
    assert (await other.send("POST", path)).status == 200


async def release_by_two(service, points):
    one, other = await officials(service)
    body = {"kind": "release", "points": points, "reason": "moved to the buses"}
    change = await one.post(FUND, body, idempotency_key=make_key())
    assert change.status == 201, change.body
    path = f"/v1/operator/fund-changes/{change.json()['id']}/approve"
    assert (await one.send("POST", path)).problem == "second-person-needed"
    return await other.send("POST", path)


async def test_a_budget_is_lowered_by_two_and_never_below_what_is_owed(service):
    await empty_the_fund(service)
    await top_up_by_two(service, 100)
    await ride(service)
    before = await service.row_counts()
    refused = await release_by_two(service, 91)
    assert (refused.status, refused.problem) == (409, "budget-in-use")
    assert refused.json()["available"] == 90
    assert (await service.row_counts())["fund_change"] == before["fund_change"] + 1
    [change] = [each for each in await changes(service) if each["kind"] == "release"]
    assert (change["points"], change["approved_by"]) == (91, None)
    assert (await release_by_two(service, 90)).status == 200
    [fund] = await service.fetch("SELECT budget, (SELECT sum(available) FROM fund_slice) FROM fund")
    assert tuple(fund) == (10, 0)
    assert [each["kind"] for each in await changes(service)][:2] == ["release"] * 2
    await ride(service, "wang")
    waiting = await release_by_two(service, 1)
    assert waiting.problem == "budget-in-use", "somebody waits for what is there"
    assert await check_invariants(service.engine) == []


async def top_up_at_the_command_line(service, fund=PROGRAMME_FUND, **words):
    url = service.engine.url.render_as_string(hide_password=False)
    settings = Settings(data_dir=Path("unused"), database_url=url)
    return await asyncio.to_thread(top_up_fund, settings, fund, 500, **words)


async def test_a_top_up_at_the_command_line_is_on_record_and_nobody_approves_it_again(
    service, capsys
):
    await empty_the_fund(service)
    why = "second half of 2026"
    assert await top_up_at_the_command_line(service, reason=why, by="li") == 0
    [shown] = [line for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    assert json.loads(shown)["available"] == 500
    [change] = await changes(service)
    assert (change["kind"], change["points"], change["reason"]) == ("top_up_alone", 500, why)
    assert (change["proposed_by"], change["approved_by"]) == ("command-line|li", None)
    one, _ = await officials(service)
    refused = await one.send("POST", f"/v1/operator/fund-changes/{change['id']}/approve")
    assert (refused.status, refused.problem) == (409, "campaign-decided")
    assert await service.value("SELECT budget FROM fund") == 500
    with pytest.raises(DBAPIError, match="permission denied"):
        await service.execute("UPDATE fund_change SET points = 5")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"reason": "x", "by": "li"}, "reason: "),
        ({"reason": "half 2", "by": "l" * 101}, "by: "),
        ({"reason": "half 2", "by": "li", "fund": UUID(int=9)}, "There is no fund"),
    ],
)
async def test_a_top_up_without_a_reason_or_a_fund_puts_nothing_in(service, given, said):
    before = await service.value("SELECT budget FROM fund")
    with pytest.raises(SystemExit, match=said):
        await top_up_at_the_command_line(service, **given)
    assert await service.value("SELECT budget FROM fund") == before
    assert await changes(service) == []


async def changes(service):
    one, _ = await officials(service)
    return (await one.get("/v1/operator/fund-changes")).json()["items"]


async def told(member, kind):
    """The first notice of a kind, in English, once it has come."""

    async def has_come():
        items = (await member.get("/v1/notices")).json()["items"]
        return kind in [item["kind"] for item in items]

    await until(has_come)
    items = (await member.get("/v1/notices", accept_language="en")).json()["items"]
    return next(item for item in items if item["kind"] == kind)


async def test_points_wait_for_money_and_are_paid_when_it_comes(service):
    await empty_the_fund(service)
    answer = await ride(service)
    assert (answer["points"], answer["points_pending"]) == (10, 10)
    member = await service.member("li")
    account = await member.account()
    assert (account["points"], account["points_pending"]) == (0, 10)
    assert account["budget"] == {"state": "short", "stops_on": None}
    operator = await service.caller("op-a", "operator")
    sheet = (await operator.get("/v1/operator/liability")).json()
    assert (sheet["total"]["owed"], sheet["total"]["queued"], sheet["expiring"]) == (0, 10, [])
    await top_up_by_two(service, 100)

    async def is_paid():
        return (await member.account())["points"] == 10

    await until(is_paid)
    assert (await member.account())["points_pending"] == 0
    assert "10 points of" in (await told(member, "points_funded"))["text"]


async def test_points_of_a_photo_wait_for_a_day_and_its_grams_do_not(engine, tmp_path):
    async with serving(engine, tmp_path, vesting_h=24) as service:
        member = await service.member("li")
        answer = (await member.photograph(make_photo(1))).json()
        assert (answer["grams"], answer["points"], answer["points_pending"]) == (125, 5, 5)
        waits = datetime.fromisoformat(answer["points_due_at"]) - datetime.fromisoformat(
            answer["decided_at"]
        )
        assert waits == timedelta(hours=24)
        account = await member.account()
        assert (account["grams"], account["points"], account["points_pending"]) == (125, 0, 5)
        await service.execute("UPDATE pending_points SET due_at = now()")

        async def is_paid():
            return (await member.account())["points"] == 5

        await until(is_paid)
        listed = (await member.get("/v1/check-ins")).json()["items"][0]
        assert (listed["points"], listed["points_pending"], listed["points_due_at"]) == (5, 0, None)


async def test_a_notice_is_read_once(service):
    await empty_the_fund(service)
    await ride(service)
    await top_up_by_two(service, 100)
    member = await service.member("li")
    notice = await told(member, "points_funded")
    path = f"/v1/notices/{notice['id']}/read"
    first, second = await member.send("POST", path), await member.send("POST", path)
    assert first.json()["read_at"] == second.json()["read_at"] is not None
    unread = (await member.get("/v1/notices?unread=true")).json()
    assert (unread["items"], unread["unread"]) == ([], 0)
    other = await service.member("wang")
    assert (await other.send("POST", path)).status == 404


async def test_a_stop_is_announced_a_week_ahead_and_told_to_everybody(service):
    member = await service.member("li")
    one, other = await officials(service)
    day = await today(service)
    soon = {"kind": "stop", "stops_on": str(day + timedelta(days=6)), "reason": "budget used up"}
    refused = await one.post(FUND, soon, idempotency_key=make_key())
    assert (refused.status, refused.problem) == (409, "stop-too-soon")
    assert refused.json()["earliest"] == str(day + timedelta(days=7))
    stop = {**soon, "stops_on": str(day + timedelta(days=7))}
    change = await one.post(FUND, stop, idempotency_key=make_key())
    path = f"/v1/operator/fund-changes/{change.json()['id']}/approve"
    assert (await other.send("POST", path)).status == 200
    budget = (await member.account())["budget"]
    assert budget == {"state": "open", "stops_on": stop["stops_on"]}
    assert (await ride(service))["points"] == 10

    assert stop["stops_on"] in (await told(member, "points_stop"))["text"]


async def test_a_corrected_credit_is_told_with_its_reason(service):
    member = await service.member("li")
    trip = make_trip()
    await member.report(trip)
    begins = datetime.fromisoformat(trip["started_at"]) - timedelta(minutes=10)
    await member.report(make_trip(started_at=begins, distance_m=10_000))
    notice = await told(member, "credit_restated")
    assert "from 280 g CO2e to 0 g CO2e" in notice["text"]
    assert notice["arguments"]["grams_before"] == 280
