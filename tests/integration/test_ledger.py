"""Transfers, lots and holds on the real database, and what racing callers cannot do to them."""

import asyncio
from datetime import UTC, date, datetime, timedelta

import pytest

from backend.campaigns.domain import PROGRAMME_FUND
from backend.db import fetch, fetch_one, run
from backend.ids import uuid7
from backend.ledger.domain import (
    GRAMS_LOT,
    ISSUANCE_ACCOUNT,
    HoldResolved,
    InsufficientPoints,
    Purpose,
    Transfer,
)
from backend.ledger.queries import (
    balances_at,
    ensure_lots,
    fold_deltas,
    lock_accounts,
    point_lots,
    post,
    transfers_of,
)
from tests.builders import saved_account
from tests.busy_database import fold, hold, release, saved_merchant, settle

DAY = date(2026, 11, 20)
NOW = datetime(2026, 11, 20, 4, tzinfo=UTC)
YEAR_END, NEXT_YEAR_END = date(2026, 12, 31), date(2027, 12, 31)


def make_transfer(account_id, **changes):
    transfer = Transfer(
        account_id,
        uuid7(),
        Purpose.CREDIT,
        GRAMS_LOT,
        ISSUANCE_ACCOUNT,
        account_id,
        125,
        DAY,
    )
    return transfer._replace(**changes)


async def book(engine, *transfers, at=NOW):
    async with engine.begin() as conn:
        await lock_accounts(conn, [each.account_id for each in transfers])
        return await post(conn, transfers, at)


async def saved_points(engine, amounts):
    """An account with points by expiry."""
    account_id = await saved_account(engine, points=0)
    async with engine.begin() as conn:
        lots = await ensure_lots(conn, [(PROGRAMME_FUND, day) for day in amounts])
    for day, amount in amounts.items():
        lot_id = lots[PROGRAMME_FUND, day]
        await book(
            engine,
            make_transfer(account_id, lot_id=lot_id, debit=PROGRAMME_FUND, amount=amount),
        )
    return account_id


async def lots_of(engine, account_id):
    async with engine.connect() as conn:
        lots = (await point_lots(conn, [account_id]))[account_id]
    return {lot.expires_on: (lot.posted, lot.held) for lot in lots}


async def posted(engine, account_id, lot_id=GRAMS_LOT):
    async with engine.connect() as conn:
        row = await fetch_one(
            conn,
            "SELECT posted FROM account_lot WHERE account_id = :id AND lot_id = :lot",
            id=account_id,
            lot=lot_id,
        )
    return row.posted if row else 0


async def pending(engine):
    async with engine.connect() as conn:
        return [row.amount for row in await fetch(conn, "SELECT amount FROM account_delta")]


async def test_posting_the_same_transfers_again_moves_nothing(engine):
    account_id = await saved_account(engine)
    transfers = [make_transfer(account_id), make_transfer(account_id, amount=75)]
    assert await book(engine, *transfers) == 2
    assert await book(engine, *transfers) == 0
    third = make_transfer(account_id, amount=1)
    assert await book(engine, transfers[0], third) == 1
    assert await posted(engine, account_id) == 201
    assert sum(await pending(engine)) == 201


async def test_nothing_to_post_is_no_statement(conn):
    assert await post(conn, [], NOW) == 0


async def test_what_a_batch_gives_and_takes_back_is_netted_before_the_balance_moves(engine):
    account_id = await saved_account(engine)
    given = make_transfer(account_id, amount=100)
    taken = make_transfer(
        account_id,
        purpose=Purpose.REVERSE,
        debit=account_id,
        credit=ISSUANCE_ACCOUNT,
        amount=40,
    )
    await book(engine, taken, given)
    assert await posted(engine, account_id) == 60
    assert await pending(engine) == [60]


async def test_points_that_expire_first_are_held_first(engine):
    account_id = await saved_points(engine, {NEXT_YEAR_END: 50, YEAR_END: 20})
    await hold(engine, account_id, 30)
    assert await lots_of(engine, account_id) == {YEAR_END: (20, 20), NEXT_YEAR_END: (50, 10)}


async def test_a_settled_hold_leaves_in_its_own_lots_and_reaches_the_merchant(engine):
    account_id = await saved_points(engine, {YEAR_END: 20, NEXT_YEAR_END: 50})
    merchant_id = await saved_merchant(engine)
    hold_id = await hold(engine, account_id, 30)
    await settle(engine, account_id, hold_id, merchant_id)
    assert await lots_of(engine, account_id) == {NEXT_YEAR_END: (40, 0)}
    await fold(engine)
    async with engine.connect() as conn:
        rows = await fetch(
            conn, "SELECT posted FROM account_lot WHERE account_id = :id", id=merchant_id
        )
    assert sorted(row.posted for row in rows) == [10, 20]


async def test_a_released_hold_gives_back_the_same_lots(engine):
    account_id = await saved_points(engine, {YEAR_END: 20, NEXT_YEAR_END: 50})
    before = await lots_of(engine, account_id)
    await release(engine, account_id, await hold(engine, account_id, 30))
    assert await lots_of(engine, account_id) == before


async def test_held_points_cannot_be_held_again(engine):
    account_id = await saved_points(engine, {YEAR_END: 20})
    await hold(engine, account_id, 15)
    with pytest.raises(InsufficientPoints) as refusal:
        await hold(engine, account_id, 6)
    assert refusal.value.facts == {"needed": 6, "available": 5}


async def outcomes_of(*attempts):
    """What each of some racing calls came to: its result, or its refusal."""

    async def attempt(call):
        try:
            return await call
        except (HoldResolved, InsufficientPoints) as refusal:
            return refusal

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(attempt(call)) for call in attempts]
    return [task.result() for task in tasks]


async def test_a_hold_resolves_exactly_once_however_many_try(engine):
    account_id = await saved_points(engine, {YEAR_END: 100})
    merchant_id = await saved_merchant(engine)
    for _ in range(5):
        hold_id = await hold(engine, account_id, 10)
        before = await lots_of(engine, account_id)
        outcomes = await outcomes_of(
            settle(engine, account_id, hold_id, merchant_id),
            release(engine, account_id, hold_id),
            settle(engine, account_id, hold_id, merchant_id),
            release(engine, account_id, hold_id),
        )
        assert sum(isinstance(each, HoldResolved) for each in outcomes) == 3
        was_settled = outcomes[0] is None or outcomes[2] is None
        points = before[YEAR_END][0] - (10 if was_settled else 0)
        assert await lots_of(engine, account_id) == {YEAR_END: (points, 0)}


async def test_racing_holds_of_one_balance_never_exceed_it(engine):
    account_id = await saved_points(engine, {YEAR_END: 20, NEXT_YEAR_END: 15})
    outcomes = await outcomes_of(*(hold(engine, account_id, 10) for _ in range(6)))
    assert sum(isinstance(each, InsufficientPoints) for each in outcomes) == 3
    assert await lots_of(engine, account_id) == {YEAR_END: (20, 20), NEXT_YEAR_END: (15, 10)}


async def test_deltas_that_two_racing_rollers_fold_count_once(engine):
    account_id = await saved_account(engine)
    for _ in range(20):
        await book(engine, make_transfer(account_id, amount=5))
    async with asyncio.TaskGroup() as group:
        rollers = [group.create_task(fold(engine, rows=7)) for _ in range(4)]
    folded = sum(roller.result() for roller in rollers)
    assert await posted(engine, ISSUANCE_ACCOUNT) == 5 * folded
    while await fold(engine):
        pass
    assert await posted(engine, ISSUANCE_ACCOUNT) == 100
    assert await pending(engine) == []


async def test_a_roller_that_waited_sees_the_balance_that_the_first_one_made(engine):
    account_id = await saved_account(engine)
    await book(engine, make_transfer(account_id, amount=100))
    taken = make_transfer(
        account_id,
        purpose=Purpose.REVERSE,
        debit=account_id,
        credit=ISSUANCE_ACCOUNT,
        amount=40,
    )
    await book(engine, taken)
    async with asyncio.TaskGroup() as group, engine.begin() as first:
        await fold_deltas(first, limit=1)  # makes the row of the balance
        second = group.create_task(fold(engine))
        await until_somebody_waits(first)
    assert second.result() == 1
    assert await posted(engine, ISSUANCE_ACCOUNT) == 60


async def until_somebody_waits(conn):
    """Until another session waits for a lock."""
    async with asyncio.timeout(10):
        while True:
            row = await fetch_one(
                conn,
                "SELECT count(*) AS waiting FROM pg_stat_activity"
                " WHERE wait_event_type = 'Lock' AND datname = current_database()",
            )
            await conn.exec_driver_sql("SELECT pg_stat_clear_snapshot()")
            if row.waiting:
                return
            await asyncio.sleep(0.01)


async def test_a_balance_at_a_past_time_is_what_was_booked_by_then(engine):
    account_id = await saved_account(engine)
    hour = timedelta(hours=1)
    await book(engine, make_transfer(account_id, amount=100), at=NOW)
    await book(engine, make_transfer(account_id, amount=30), at=NOW + hour)
    async with engine.begin() as conn:
        lots = await ensure_lots(conn, [(PROGRAMME_FUND, YEAR_END)])
    points = make_transfer(
        account_id, lot_id=lots[PROGRAMME_FUND, YEAR_END], debit=PROGRAMME_FUND, amount=5
    )
    await book(engine, points, at=NOW + 2 * hour)
    async with engine.connect() as conn:
        at = [await balances_at(conn, account_id, NOW + n * hour) for n in (-1, 0, 1, 2)]
    assert at == [(0, 0), (100, 0), (130, 0), (130, 5)]


async def test_a_list_of_transfers_goes_on_where_it_ended(engine):
    account_id = await saved_account(engine)
    made = [make_transfer(account_id, amount=n + 1) for n in range(5)]
    await book(engine, *made)
    async with engine.connect() as conn:
        first = await transfers_of(conn, account_id, before=None, limit=3)
        last = first[-1]
        key = (last.cause_id, last.purpose, last.lot_id)
        rest = await transfers_of(conn, account_id, before=key, limit=3)
    newest_first = sorted(made, key=lambda each: each.cause_id, reverse=True)
    assert [row.amount for row in [*first, *rest]] == [each.amount for each in newest_first]
    assert all(row.is_received for row in first)


async def test_lots_are_one_shared_row_whoever_asks_first(engine):
    wanted = [(PROGRAMME_FUND, YEAR_END), (PROGRAMME_FUND, NEXT_YEAR_END)]

    async def ensure():
        async with engine.begin() as conn:
            return await ensure_lots(conn, wanted)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(ensure()) for _ in range(4)]
    assert len({tuple(sorted(task.result().items())) for task in tasks}) == 1
    async with engine.connect() as conn:
        assert (await fetch_one(conn, "SELECT count(*) AS lots FROM lot")).lots == 2


async def test_accounts_that_do_not_exist_are_not_locked(engine):
    account_id = await saved_account(engine)
    async with engine.begin() as conn:
        await run(conn, "UPDATE account SET points_debt = 7 WHERE id = :id", id=account_id)
        locked = await lock_accounts(conn, [account_id, uuid7()], clock_shift_s=3_600)
        nobody = await lock_accounts(conn, [uuid7()])
    assert locked.points_debt == {account_id: 7}
    assert nobody.points_debt == {}
    assert timedelta(minutes=59) < locked.now - nobody.now < timedelta(minutes=61)
