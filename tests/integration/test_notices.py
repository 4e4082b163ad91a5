"""What members are told and operators are warned of, under a moved clock."""

from datetime import date, timedelta

from backend.campaigns.budgets import alerts, raise_alerts
from backend.campaigns.campaign_queries import insert_fund
from backend.campaigns.domain import PROGRAMME_FUND
from backend.crediting.expiry import expire_next
from backend.db import fetch, run
from backend.events import NOTIFY, STOP_ANNOUNCED, Event
from backend.ids import uuid7
from backend.notices.domain import KINDS, Stored, words_of
from backend.notices.steps import notify_step, remind_next
from backend.outbox import append, take
from tests.builders import NOON, saved_account
from tests.busy_database import credit, hold, make_claimed_order
from tests.integration.test_points_life import LOT_END, shift_to


async def remind(engine, day, limit=1_000):
    shift_s = await shift_to(engine, day)
    async with engine.begin() as conn:
        return await remind_next(conn, clock_shift_s=shift_s, limit=limit)


async def notify(engine):
    async with engine.begin() as conn:
        works = await take(conn, NOTIFY, limit=20)
        await notify_step(conn, works)


async def told(engine, account_id):
    async with engine.connect() as conn:
        rows = await fetch(
            conn,
            "SELECT kind, arguments FROM notice WHERE account_id = :id ORDER BY id",
            id=account_id,
        )
        return [(row.kind, row.arguments) for row in rows]


def days_before(days):
    return LOT_END - timedelta(days=days)


async def test_holders_are_reminded_60_15_and_3_days_before_and_once_each(engine):
    account = await saved_account(engine, points=80)
    await credit(engine, make_claimed_order(account))
    for days in (61, 60, 59, 16, 15, 15, 4, 3, 0):
        while await remind(engine, days_before(days)):
            pass
    assert [arguments["days"] for _, arguments in await told(engine, account)] == [60, 15, 3]
    assert {arguments["points"] for _, arguments in await told(engine, account)} == {5}


async def test_after_an_outage_only_the_reminder_that_is_due_is_given(engine):
    account = await saved_account(engine, points=80)
    await credit(engine, make_claimed_order(account))
    await remind(engine, days_before(10))
    assert [arguments["days"] for _, arguments in await told(engine, account)] == [10]


async def test_what_is_held_for_a_voucher_is_not_about_to_expire(engine):
    account = await saved_account(engine, points=80)
    await credit(engine, make_claimed_order(account))
    await hold(engine, account, 5)
    await remind(engine, days_before(60))
    assert await told(engine, account) == []


async def test_reminders_go_on_where_they_stopped(engine):
    accounts = [await saved_account(engine, points=80) for _ in range(5)]
    await credit(engine, *(make_claimed_order(account) for account in accounts))
    # One shift for all: it is whole seconds, so a second one may be a moment before the first.
    shift_s = await shift_to(engine, days_before(60))
    portions = []
    for _ in range(4):
        async with engine.begin() as conn:
            portions.append(await remind_next(conn, clock_shift_s=shift_s, limit=2))
    assert portions == [2, 2, 1, 0]
    assert [len(await told(engine, account)) for account in accounts] == [1] * 5


async def test_expired_points_are_told_once(engine):
    account = await saved_account(engine, points=80)
    await credit(engine, make_claimed_order(account))
    shift_s = await shift_to(engine, LOT_END + timedelta(days=1))
    async with engine.begin() as conn:
        await expire_next(conn, clock_shift_s=shift_s)
    await notify(engine)
    await notify(engine)
    assert await told(engine, account) == [
        ("points_expired", {"points": 5, "expires_on": str(LOT_END)})
    ]


async def test_a_stop_is_told_to_all_members_in_portions_and_once(engine):
    accounts = [await saved_account(engine, points=0) for _ in range(3)]
    async with engine.begin() as conn:
        await run(
            conn,
            "UPDATE fund SET stops_on = :day, stop_announced_at = :now",
            day=(NOON + timedelta(days=30)).date(),
            now=NOON,
        )
    for _ in range(2):
        async with engine.begin() as conn:
            await append(conn, [Event(STOP_ANNOUNCED, [PROGRAMME_FUND])])
        await notify(engine)
    assert [len(await told(engine, account)) for account in accounts] == [1, 1, 1]


async def look(engine, now):
    async with engine.begin() as conn:
        return [(each.percent, each.runs_out_on) for each in await raise_alerts(conn, now)]


async def use(engine, points):
    async with engine.begin() as conn:
        await run(conn, "UPDATE fund_slice SET available = 1000 - :points / 8", points=points)


async def test_each_mark_of_a_budget_is_told_once_with_the_day_it_runs_out(engine):
    async with engine.begin() as conn:
        await run(conn, "UPDATE fund SET budget = 8000")
    await use(engine, 0)
    assert await look(engine, NOON) == []
    await use(engine, 5_600)  # 70 % in seven days: 800 a day, 2,400 are left
    week_later = NOON + timedelta(days=7)
    assert await look(engine, week_later) == [(70, date(2026, 11, 30))]
    assert await look(engine, week_later) == []
    await use(engine, 7_600)
    assert [percent for percent, _ in await look(engine, week_later)] == [85, 95]
    async with engine.connect() as conn:
        rows = await alerts(conn, before=None, limit=10)
    assert [row.percent for row in rows] == [95, 85, 70]


async def test_a_budget_that_was_raised_can_be_used_up_again(engine):
    async with engine.begin() as conn:
        await run(conn, "UPDATE fund SET budget = 8000")
    await use(engine, 5_600)
    assert [percent for percent, _ in await look(engine, NOON)] == [70]
    async with engine.begin() as conn:
        await run(conn, "UPDATE fund SET budget = 9000")
        await run(conn, "UPDATE fund_slice SET available = 100")
    assert [percent for percent, _ in await look(engine, NOON)] == [70, 85]


ARGUMENTS = {
    "points_expiring": {"points": 5, "expires_on": "2027-12-31", "days": 15},
    "points_expired": {"points": 5, "expires_on": "2027-12-31"},
    "points_funded": {"points": 5, "action": "metro", "occurred_on": "2026-11-20"},
    "credit_restated": {
        "check_in_id": "x",
        "action": "metro",
        "occurred_on": "2026-11-20",
        "reason": "late_activity",
        "grams_before": 1_250,
        "grams": 0,
        "points_before": 10,
        "points": 0,
    },
    "voucher_fulfilled": {
        "points": 30,
        "reference": "R-1",
        "reward_zh": "话费",
        "reward_en": "Top-up",
    },
    "voucher_returned": {"points": 30, "reward_zh": "话费", "reward_en": "Top-up"},
    "voucher_undecided": {"points": 30, "reward_zh": "话费", "reward_en": "Top-up"},
    "bag_lapsing": {"code": "BAG00001", "check_in_id": "1", "lapses_on": "2026-12-20"},
    "bag_lapsed": {"code": "BAG00001", "check_in_id": "1", "lapses_on": "2026-12-20"},
    "pickup_missed": {"pickup_id": "1", "slot_on": "2026-12-20"},
    "points_stop": {"fund_zh": "项目活动经费", "fund_en": "Programme", "stops_on": "2026-12-20"},
}


def test_every_kind_has_its_words_in_both_languages_with_units():
    assert ARGUMENTS.keys() == KINDS
    for kind, arguments in ARGUMENTS.items():
        notice = Stored(None, kind, arguments, NOON, None)
        chinese = words_of(notice, is_zh=True, action_names={"metro": "地铁"})
        english = words_of(notice, is_zh=False, action_names={"metro": "Metro"})
        assert "{" not in chinese.text + english.text
        is_about_points = kind not in {"bag_lapsing", "bag_lapsed", "pickup_missed"}
        assert ("积分" in chinese.title + chinese.text) == is_about_points
        assert (
            "oint" in english.title + english.text.replace("appointment", "")
        ) == is_about_points
    restated = Stored(None, "credit_restated", ARGUMENTS["credit_restated"], NOON, None)
    text = words_of(restated, is_zh=True, action_names={"metro": "地铁"}).text
    assert "减碳量由 1.25 千克 改为 0 克" in text
    assert "当天有较晚到达的活动" in text


async def test_a_fund_is_watched_however_many_there_are(engine):
    async with engine.begin() as conn:
        for number in range(201):
            fund_id = uuid7()
            names = (str(number), str(number))
            await insert_fund(conn, fund_id, names=names, sponsors=names)
        await run(conn, "UPDATE fund SET budget = 100 WHERE id = :id", id=fund_id)
    assert [percent for percent, _ in await look(engine, NOON)] == [70, 85, 95]
