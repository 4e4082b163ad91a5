import asyncio
import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy.exc import DBAPIError

from backend.checkins.domain import Change, Status, WindowUse
from backend.checkins.queries import (
    check_ins_by_id,
    count_in_window,
    find_by_natural_key,
    get_check_in,
    insert_check_ins,
    list_check_ins,
    lock_received,
    meal_windows,
    scored_per_second,
    settle_check_ins,
    statuses_of,
)
from backend.checkins.score_queries import Scored, insert_scores
from backend.ids import uuid7
from tests.builders import make_check_in

NOON = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
ACCOUNT, OTHER = UUID(int=1), UUID(int=2)
LUNCH, DINNER = "2026-11-21/lunch", "2026-11-21/dinner"


async def saved_check_in(conn, **changes):
    usual = {"account_id": ACCOUNT, "evidence_sha256": "a" * 64, "meal_window": LUNCH}
    check_in = make_check_in(**usual | changes)
    await insert_check_ins(conn, [check_in])
    return check_in


async def test_what_was_inserted_reads_back_equal(conn):
    photo = make_check_in()
    trip = make_check_in(
        action="metro",
        status=Status.CREDITED,
        reason="cap_reached",
        ended_at=NOON + timedelta(minutes=20),
        decided_at=NOON,
        quantities={"distance_m": 12_000, "rides": 1},
        evidence_sha256=None,
        meal_window=None,
    )
    await insert_check_ins(conn, [photo, trip])
    assert await check_ins_by_id(conn, [photo.id, trip.id, uuid7()]) == {
        photo.id: photo,
        trip.id: trip,
    }


async def test_a_thousand_check_ins_take_one_statement_and_little_time(conn):
    check_ins = [make_check_in(account_id=uuid7()) for _ in range(1_000)]
    began = time.perf_counter()
    await insert_check_ins(conn, check_ins)
    assert time.perf_counter() - began < 2
    assert len(await statuses_of(conn, [each.id for each in check_ins])) == 1_000


async def test_nothing_to_insert_or_to_settle_is_no_error(conn):
    await insert_check_ins(conn, [])
    assert await settle_check_ins(conn, [], NOON) == set()


async def test_a_natural_key_names_one_check_in_of_its_account(conn):
    mine = await saved_check_in(conn, natural_key="bag-7")
    await saved_check_in(conn, natural_key="bag-7", account_id=OTHER)
    assert await find_by_natural_key(conn, ACCOUNT, "bag-7") == mine
    assert await find_by_natural_key(conn, ACCOUNT, "bag-8") is None
    with pytest.raises(DBAPIError, match="uq_check_in_account_id_natural_key"):
        await saved_check_in(conn, natural_key="bag-7")


async def test_an_unknown_check_in_is_none(conn):
    assert await get_check_in(conn, uuid7()) is None


async def test_a_change_from_the_expected_status_is_made_once(conn):
    check_in = await saved_check_in(conn)
    change = Change(check_in.id, Status.RECEIVED, Status.REJECTED, "too_dark")
    assert await settle_check_ins(conn, [change], NOON) == {check_in.id}
    assert await settle_check_ins(conn, [change], NOON + timedelta(hours=1)) == set()
    assert await get_check_in(conn, check_in.id) == check_in._replace(
        status=Status.REJECTED, reason="too_dark", decided_at=NOON
    )


async def test_a_check_in_that_somebody_else_moved_stays(conn):
    moved = await saved_check_in(conn, status=Status.CREDITED)
    waiting = await saved_check_in(conn)
    changes = [
        Change(moved.id, Status.RECEIVED, Status.REJECTED, "too_dark"),
        Change(waiting.id, Status.RECEIVED, Status.SCORED),
    ]
    assert await settle_check_ins(conn, changes, NOON) == {waiting.id}
    assert await get_check_in(conn, moved.id) == moved


async def test_a_weighing_brings_the_quantities_of_a_bag(conn):
    bag = await saved_check_in(conn, status=Status.BOUND, quantities={}, evidence_sha256=None)
    change = Change(bag.id, Status.BOUND, Status.CREDITED, quantities={"mass_g": 3_250})
    await settle_check_ins(conn, [change], NOON)
    weighed = await get_check_in(conn, bag.id)
    assert (weighed.status, weighed.quantities) == ("credited", {"mass_g": 3_250})


@pytest.mark.parametrize("status", [Status.SCORED, Status.IN_REVIEW])
async def test_what_is_not_decided_has_no_time_of_decision(conn, status):
    check_in = await saved_check_in(conn)
    await settle_check_ins(conn, [Change(check_in.id, Status.RECEIVED, status)], NOON)
    assert (await get_check_in(conn, check_in.id)).decided_at is None


async def test_a_list_is_newest_first_and_goes_on_where_it_ended(conn):
    saved = sorted([await saved_check_in(conn) for _ in range(5)], reverse=True)
    await saved_check_in(conn, account_id=OTHER)
    first = await list_check_ins(conn, ACCOUNT, before_id=None, limit=3)
    rest = await list_check_ins(conn, ACCOUNT, before_id=first[-1].id, limit=3)
    assert [*first, *rest] == saved


async def test_photos_of_a_window_are_counted_by_what_became_of_them(conn):
    for status in (Status.REJECTED, Status.REJECTED, Status.RECEIVED, Status.CREDITED):
        await saved_check_in(conn, status=status)
    await saved_check_in(conn, status=Status.REJECTED, meal_window=DINNER)
    await saved_check_in(conn, status=Status.REJECTED, account_id=OTHER)
    assert await count_in_window(conn, [(ACCOUNT, LUNCH), (OTHER, DINNER), (ACCOUNT, LUNCH)]) == {
        (ACCOUNT, LUNCH): WindowUse(rejected=2, undecided=1, credited=1),
        (OTHER, DINNER): WindowUse(),
    }


async def test_the_windows_of_a_programme_come_in_the_order_of_the_day(conn):
    assert [window.id for window in await meal_windows(conn)] == ["breakfast", "lunch", "dinner"]


async def test_photos_scored_in_the_last_half_minute_give_the_rate(conn):
    now = datetime.now(UTC)
    for age_s in (1, 10, 60):
        check_in = await saved_check_in(conn)
        score = Scored(check_in.id, "0" * 64, [10_000, 0, 0, 0, 0], 0, "accepted", None)
        await insert_scores(conn, [score], now - timedelta(seconds=age_s))
    assert await scored_per_second(conn) == pytest.approx(2 / 30)


async def test_only_received_check_ins_are_locked_for_the_score_step(engine):
    async with engine.begin() as conn:
        waiting = await saved_check_in(conn)
        scored = await saved_check_in(conn, status=Status.SCORED)
    async with engine.begin() as step, engine.begin() as credit:
        assert (await lock_received(step, [waiting.id, scored.id])).ids == {waiting.id}
        change = Change(scored.id, Status.SCORED, Status.CREDITED)
        async with asyncio.timeout(5):
            assert await settle_check_ins(credit, [change], NOON) == {scored.id}
