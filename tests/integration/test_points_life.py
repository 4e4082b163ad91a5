"""Points from the credit to their end: they vest, wait for money, expire; under a moved clock."""

import asyncio
from datetime import date, timedelta
from uuid import UUID

from backend.batches import run_batch
from backend.campaigns.campaign_queries import insert_fund
from backend.campaigns.domain import PROGRAMME_FUND
from backend.campaigns.pending import points_pending
from backend.campaigns.queries import top_up
from backend.crediting.expiry import expire_next, expire_points
from backend.crediting.steps import Rulebook, credit_batch
from backend.crediting.vesting import fund_queue, pay_due
from backend.db import fetch, fetch_one, make_engine, run
from backend.ledger.queries import lock_accounts, point_lots
from backend.upkeep import Upkeep
from backend.verify import check_invariants
from scoring.methodology import load_catalogue
from tests.builders import NOON, SECRET, make_order, saved_account
from tests.busy_database import credit, hold, make_claimed_order, release, saved_merchant, settle

RULES = Rulebook(load_catalogue(), SECRET)
DAY_S = 86_400
LOT_END = date(2027, 12, 31)


async def now_of(engine):
    async with engine.connect() as conn:
        return (await lock_accounts(conn, [])).now


async def shift_to(engine, day):
    """Seconds that move the clock into the morning of a day."""
    return int(
        (
            NOON.replace(year=day.year, month=day.month, day=day.day) - await now_of(engine)
        ).total_seconds()
    )


async def credit_photo(engine, *orders):
    """Credit photos whose points wait for a day, as the service does."""

    async def write(conn, items):
        locked = await lock_accounts(conn, [order.account_id for order in items])
        return await credit_batch(conn, items, locked, RULES)

    return await run_batch(engine, write, [order._replace(vesting_h=24) for order in orders])


async def pay(engine, shift_s=0):
    async with engine.begin() as conn:
        return await pay_due(conn, clock_shift_s=shift_s)


async def fund(engine, points):
    async with engine.begin() as conn:
        await top_up(conn, PROGRAMME_FUND, points)
    async with engine.begin() as conn:
        return await fund_queue(conn, PROGRAMME_FUND)


async def expire(engine, shift_s, limit=500):
    async with engine.begin() as conn:
        return await expire_next(conn, clock_shift_s=shift_s, limit=limit)


async def state_of(engine, account_id):
    """Available, held, pending points and the debt of an account."""
    async with engine.connect() as conn:
        lots = await fetch_one(
            conn,
            "SELECT coalesce(sum(posted - held), 0)::int AS available,"
            " coalesce(sum(held), 0)::int AS held FROM account_lot"
            " WHERE account_id = :id AND lot_id <> 0",
            id=account_id,
        )
        return lots.available, lots.held, await points_pending(conn, account_id)


async def left_in_fund(engine):
    async with engine.connect() as conn:
        row = await fetch_one(conn, "SELECT sum(available)::int AS left FROM fund_slice")
        return row.left


async def breaches(engine):
    """Without the checks of check-ins: these tests credit orders that have none."""
    async with engine.connect() as conn:
        found = await check_invariants(conn)
    return [
        each.name for each in found if each.name not in {"credited_has_credit", "evidence_claimed"}
    ]


async def test_points_of_a_photo_are_paid_a_day_later_and_once(engine):
    account = await saved_account(engine, points=800)
    await credit_photo(engine, make_order(account))
    assert await state_of(engine, account) == (0, 0, 5)
    assert await left_in_fund(engine) == 795
    assert await pay(engine, DAY_S - 60) == 0
    assert await pay(engine, DAY_S + 60) == 1
    assert await pay(engine, DAY_S + 60) == 0
    assert await state_of(engine, account) == (5, 0, 0)
    assert await breaches(engine) == []


async def test_points_of_a_partner_are_paid_at_once(engine):
    account = await saved_account(engine, points=800)
    await credit(engine, make_claimed_order(account))
    assert await state_of(engine, account) == (5, 0, 0)


async def test_a_credit_reversed_before_its_points_are_due_pays_nothing(engine):
    account = await saved_account(engine, points=800)
    plates = [
        make_order(account, natural_key=str(n), occurred_at=NOON + timedelta(minutes=n))
        for n in range(4)
    ]
    await credit_photo(engine, *plates[1:])
    assert await state_of(engine, account) == (0, 0, 15)
    await credit_photo(engine, plates[0])  # the cap of three now ends before the last one
    assert await state_of(engine, account) == (0, 0, 15)
    assert await left_in_fund(engine) == 785
    await pay(engine, DAY_S + 60)
    assert await state_of(engine, account) == (15, 0, 0)
    assert await breaches(engine) == []


async def test_two_processors_pay_what_is_due_once(engine):
    accounts = [await saved_account(engine, points=80) for _ in range(20)]
    await credit_photo(engine, *(make_order(account) for account in accounts))
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(pay(engine, DAY_S + 60)) for _ in range(4)]
    assert sum(task.result() for task in tasks) == 20
    assert [await state_of(engine, account) for account in accounts] == [(5, 0, 0)] * 20
    assert await breaches(engine) == []


async def test_a_short_fund_pays_in_order_of_arrival_when_it_is_topped_up(engine):
    first, second, third = [await saved_account(engine, points=0) for _ in range(3)]
    for account in (first, second, third):
        await credit(engine, make_claimed_order(account))
    assert await fund(engine, 8) == 1
    await pay(engine)
    assert [await state_of(engine, each) for each in (first, second, third)] == [
        (5, 0, 0),
        (0, 0, 5),
        (0, 0, 5),
    ]
    assert await breaches(engine) == []


async def test_a_fund_that_fails_holds_back_its_own_queue_only(server, database, engine):
    account, broken = await saved_account(engine, points=0), UUID(int=1)
    await credit(engine, make_claimed_order(account))
    async with engine.begin() as conn:
        await insert_fund(conn, broken, names=("坏", "Broken"), sponsors=("", ""))
        await run(
            conn,
            "INSERT INTO pending_points SELECT uuidv7(), account_id, :broken, lot_id, points,"
            " occurred_on, due_at, is_funded, arrived_at FROM pending_points",
            broken=broken,
        )
        for fund_id in (broken, PROGRAMME_FUND):
            await top_up(conn, fund_id, 50)
    owner = make_engine(server.url(database))
    async with owner.begin() as conn:
        forbidden = f"CHECK (fund_id <> '{broken}') NOT VALID"
        await run(conn, f"ALTER TABLE fund_slice ADD CONSTRAINT ck_broken {forbidden}")
    await owner.dispose()
    assert await Upkeep(engine).fund_queues_once() == 1
    await pay(engine)
    assert (await state_of(engine, account))[0] == 5
    assert await Upkeep(engine).fund_queues_once() == 0


async def test_nobody_overtakes_the_queue_of_a_fund(engine):
    early, late = [await saved_account(engine, points=0) for _ in range(2)]
    await credit(engine, make_claimed_order(early))
    async with engine.begin() as conn:
        await top_up(conn, PROGRAMME_FUND, 5)
    await credit(engine, make_claimed_order(late))
    assert await state_of(engine, late) == (0, 0, 5)
    assert await fund(engine, 0) == 1
    await pay(engine)
    assert await state_of(engine, early) == (5, 0, 0)


async def test_a_queued_credit_that_is_reversed_leaves_the_queue(engine):
    account = await saved_account(engine, points=0)
    plates = [
        make_claimed_order(account, natural_key=str(n), occurred_at=NOON + timedelta(minutes=n))
        for n in range(4)
    ]
    await credit(engine, *plates[1:])
    await credit(engine, plates[0])
    assert await state_of(engine, account) == (0, 0, 15)
    assert await fund(engine, 15) == 3
    await pay(engine)
    assert await state_of(engine, account) == (15, 0, 0)
    assert await breaches(engine) == []


async def test_points_expire_after_the_last_day_of_the_following_year(engine):
    account = await saved_account(engine, points=800)
    await credit(engine, make_claimed_order(account))
    assert await expire(engine, await shift_to(engine, LOT_END)) == 0
    after = await shift_to(engine, LOT_END + timedelta(days=1))
    assert await expire(engine, after) == 1
    assert await expire(engine, after) == 0
    assert await state_of(engine, account) == (0, 0, 0)
    assert await left_in_fund(engine) == 800
    assert await breaches(engine) == []


async def test_held_points_expire_when_they_are_released(engine):
    account = await saved_account(engine, points=800)
    await credit(engine, make_claimed_order(account))
    hold_id = await hold(engine, account, 3)
    after = await shift_to(engine, LOT_END + timedelta(days=1))
    await expire(engine, after)
    assert await state_of(engine, account) == (0, 3, 0)
    await release(engine, account, hold_id)
    async with engine.begin() as conn:
        locked = await lock_accounts(conn, [account], clock_shift_s=after)
        assert await expire_points(conn, [account], locked.now) == 3
    assert await state_of(engine, account) == (0, 0, 0)
    assert await breaches(engine) == []


async def test_what_was_released_unseen_expires_at_the_next_walk(engine):
    account = await saved_account(engine, points=800)
    await credit(engine, make_claimed_order(account))
    hold_id = await hold(engine, account, 3)
    after = await shift_to(engine, LOT_END + timedelta(days=1))
    await expire(engine, after)
    await release(engine, account, hold_id)
    assert await expire(engine, after) == 0  # not before an hour has passed
    assert await expire(engine, after + 2 * 3_600) == 1
    assert await state_of(engine, account) == (0, 0, 0)


async def test_who_waited_for_money_until_the_lot_was_over_gets_another_one(engine):
    account = await saved_account(engine, points=0)
    await credit(engine, make_claimed_order(account))
    after = await shift_to(engine, LOT_END + timedelta(days=1))
    await expire(engine, after)
    await fund(engine, 5)
    await pay(engine, after)
    assert await state_of(engine, account) == (5, 0, 0)
    async with engine.connect() as conn:
        [lot] = (await point_lots(conn, [account]))[account]
    assert lot.expires_on == date(2029, 12, 31)
    assert await breaches(engine) == []


async def test_points_that_are_booked_over_the_last_midnight_of_their_lot_expire(engine):
    account, other = [await saved_account(engine, points=80) for _ in range(2)]
    await credit(engine, make_claimed_order(other))
    midnight = await shift_to(engine, LOT_END + timedelta(days=1)) - 12 * 3_600
    async with engine.begin() as late:
        locked = await lock_accounts(late, [account], clock_shift_s=midnight - 45)
        await credit_batch(late, [make_claimed_order(account)], locked, RULES)
        assert await expire(engine, midnight + 5) == 0
    assert await expire(engine, midnight + 120) == 2
    assert await state_of(engine, account) == (0, 0, 0)
    assert await breaches(engine) == []


async def test_points_of_merchants_do_not_expire(engine):
    account, merchant = await saved_account(engine, points=800), await saved_merchant(engine)
    await credit(engine, make_claimed_order(account))
    await settle(engine, account, await hold(engine, account, 5), merchant)
    await expire(engine, await shift_to(engine, LOT_END + timedelta(days=1)))
    async with engine.connect() as conn:
        row = await fetch_one(
            conn,
            "SELECT sum(amount)::int AS points FROM account_delta WHERE account_id = :id",
            id=merchant,
        )
    assert row.points == 5
    assert await breaches(engine) == []


async def test_a_walk_through_a_lot_goes_on_where_it_stopped(engine):
    accounts = [await saved_account(engine, points=80) for _ in range(7)]
    await credit(engine, *(make_claimed_order(account) for account in accounts))
    after = await shift_to(engine, LOT_END + timedelta(days=1))
    assert [await expire(engine, after, limit=3) for _ in range(4)] == [3, 3, 1, 0]
    async with engine.connect() as conn:
        [walk] = await fetch(conn, "SELECT accounts, points, finished_at FROM lot_pass")
        [counted] = await fetch(
            conn, "SELECT count(*) AS rows, sum(points)::int AS points FROM expiry"
        )
    assert (walk.accounts, walk.points) == (7, 35)
    assert walk.finished_at is not None
    assert (counted.rows, counted.points) == (7, 35)


async def test_two_processors_expire_a_lot_once(engine):
    accounts = [await saved_account(engine, points=80) for _ in range(12)]
    await credit(engine, *(make_claimed_order(account) for account in accounts))
    after = await shift_to(engine, LOT_END + timedelta(days=1))
    async with asyncio.TaskGroup() as group:
        for _ in range(8):
            group.create_task(expire(engine, after, limit=4))
    while await expire(engine, after, limit=4):
        pass
    assert [await state_of(engine, account) for account in accounts] == [(0, 0, 0)] * 12
    assert await breaches(engine) == []


async def test_a_debt_is_repaid_from_points_that_become_due(engine):
    account = await saved_account(engine, points=800)
    await credit_photo(engine, make_order(account))
    async with engine.begin() as conn:
        await run(conn, "UPDATE account SET points_debt = 2 WHERE id = :id", id=account)
    await pay(engine, DAY_S + 60)
    assert await state_of(engine, account) == (3, 0, 0)
    assert await left_in_fund(engine) == 797
