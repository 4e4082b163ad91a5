"""Crediting on the real database: what is booked, what is refused, and what races cannot do."""

import asyncio
from datetime import timedelta

from backend.batches import ItemImpossible, run_batch
from backend.crediting.domain import ActivityNotCovered, EvidenceAlreadyUsed
from backend.crediting.steps import Rulebook, credit_batch
from backend.db import fetch, fetch_one
from backend.ledger.queries import lock_accounts, point_lots
from scoring.methodology import load_catalogue
from tests.builders import NOON, SECRET, make_claim, make_order, saved_account

RULES = Rulebook(load_catalogue(), SECRET)


async def write_orders(conn, orders):
    locked = await lock_accounts(conn, [order.account_id for order in orders])
    return await credit_batch(conn, orders, locked, RULES)


async def credit(engine, *orders):
    return await run_batch(engine, write_orders, orders)


async def grams_of(engine, account_id):
    async with engine.connect() as conn:
        row = await fetch_one(
            conn,
            "SELECT posted FROM account_lot WHERE account_id = :id AND lot_id = 0",
            id=account_id,
        )
        return row.posted if row else 0


async def points_of(engine, account_id):
    async with engine.connect() as conn:
        lots = await point_lots(conn, [account_id])
        return sum(lot.available for lot in lots[account_id])


async def test_a_clean_plate_brings_125_grams_and_five_points(engine):
    account = await saved_account(engine)
    [outcome] = await credit(engine, make_order(account))
    assert (outcome.credit.grams, outcome.credit.points) == (125, 5)
    assert await grams_of(engine, account) == 125
    assert await points_of(engine, account) == 5


async def test_the_fund_pays_exactly_what_members_got(engine):
    account = await saved_account(engine, points=800)
    await credit(engine, make_order(account), make_order(account, natural_key="2"))
    async with engine.connect() as conn:
        row = await fetch_one(conn, "SELECT sum(available) AS left FROM fund_slice")
    assert row.left == 800 - 10


async def test_an_empty_fund_never_holds_back_grams(engine):
    account = await saved_account(engine, points=8)
    outcomes = await credit(engine, make_order(account), make_order(account, natural_key="2"))
    assert [o.credit.grams for o in outcomes] == [125, 125]
    assert [(o.credit.points, o.credit.points_reason) for o in outcomes] == [
        (5, None),
        (5, "points_queued"),
    ]
    assert await points_of(engine, account) == 5


async def test_over_the_cap_is_credited_with_no_grams_and_its_reason(engine):
    account = await saved_account(engine)
    orders = [
        make_order(account, natural_key=str(n), occurred_at=NOON + timedelta(minutes=n))
        for n in range(4)
    ]
    outcomes = await credit(engine, *orders)
    assert [o.credit.grams for o in outcomes] == [125, 125, 125, 0]
    assert outcomes[3].credit.reason == "cap_reached"
    assert outcomes[3].credit.points == 0


async def test_the_same_claim_is_credited_once_within_and_across_batches(engine):
    account = await saved_account(engine)
    claim = make_claim("photo", "abc")
    first, second = await credit(
        engine,
        make_order(account, claim=claim),
        make_order(account, claim=claim, natural_key="2"),
    )
    [third] = await credit(engine, make_order(account, claim=claim, natural_key="3"))
    assert first.credit.grams == 125
    assert isinstance(second, EvidenceAlreadyUsed)
    assert isinstance(third, EvidenceAlreadyUsed)
    assert await grams_of(engine, account) == 125


async def test_an_activity_that_no_methodology_covers_is_refused_and_claims_nothing(engine):
    account = await saved_account(engine)
    claim = make_claim("trip", "early")
    early = make_order(account, occurred_at=NOON.replace(year=2025), claim=claim)
    [refusal] = await credit(engine, early)
    [outcome] = await credit(engine, make_order(account, claim=claim))
    assert isinstance(refusal, ActivityNotCovered)
    assert outcome.credit.grams == 125


async def test_a_batch_of_a_thousand_answers_each_item_singly(engine):
    account, capped = await saved_account(engine), await saved_account(engine)
    members = [await saved_account(engine, points=0) for _ in range(50)]
    fine = [
        make_order(members[n % 50], natural_key=str(n), occurred_at=NOON - timedelta(days=n // 50))
        for n in range(992)
    ]
    claim = make_claim("photo", "pair")
    pair = [make_order(account, claim=claim, natural_key=key) for key in "ab"]
    two_at_the_cap = [
        make_order(capped, natural_key=key, occurred_at=NOON + timedelta(minutes=n))
        for n, key in enumerate("cdef")
    ]
    refused = make_order(account, quantities={"distance_m": 5}, natural_key="g")
    poison = make_order(account, natural_key="h", region="33\x00100")  # PostgreSQL stores no NUL
    orders = [*fine, *pair, *two_at_the_cap, refused, poison]

    outcomes = await credit(engine, *orders)

    assert len(orders) == 1_000
    assert [o.credit.grams for o in outcomes[:992]] == [125] * 992
    assert outcomes[992].credit.grams == 125
    assert isinstance(outcomes[993], EvidenceAlreadyUsed)
    assert [o.credit.grams for o in outcomes[994:998]] == [125, 125, 125, 0]
    assert isinstance(outcomes[998], ActivityNotCovered)
    assert isinstance(outcomes[999], (ItemImpossible, ActivityNotCovered))


async def test_two_racing_batches_at_a_cap_of_three_never_book_four(engine):
    account = await saved_account(engine)
    await credit(
        engine, make_order(account, natural_key="first", occurred_at=NOON - timedelta(hours=1))
    )
    batches = [
        [
            make_order(account, natural_key=f"{batch}{n}", occurred_at=NOON + timedelta(minutes=n))
            for n in range(2)
        ]
        for batch in "ab"
    ]
    async with asyncio.TaskGroup() as group:
        for batch in batches:
            group.create_task(credit(engine, *batch))
    assert await grams_of(engine, account) == 3 * 125


async def test_a_late_activity_rebooks_the_day_as_if_it_had_come_in_order(engine):
    late, punctual = await saved_account(engine), await saved_account(engine)

    def plates(account):
        return [
            make_order(
                account, natural_key=str(n), occurred_at=NOON + timedelta(minutes=n), tier=tier
            )
            for n, tier in enumerate(["documented", "self_declared", "documented", "documented"])
        ]

    in_order = plates(punctual)
    for order in in_order:
        await credit(engine, order)
    shuffled = plates(late)
    for n in (3, 1, 2, 0):
        [outcome] = await credit(engine, shuffled[n])
    assert await grams_of(engine, late) == await grams_of(engine, punctual)
    assert await points_of(engine, late) == await points_of(engine, punctual)
    assert outcome.corrected == [shuffled[3].check_in_id]
    async with engine.connect() as conn:
        rows = await fetch(
            conn,
            "SELECT booking, grams FROM credit WHERE check_in_id = :id ORDER BY booking",
            id=shuffled[3].check_in_id,
        )
    assert [tuple(row) for row in rows] == [(1, 125), (2, 0)]


async def debt_of(engine, account_id):
    async with engine.connect() as conn:
        row = await fetch_one(conn, "SELECT points_debt FROM account WHERE id = :id", id=account_id)
        return row.points_debt


async def test_points_that_a_correction_cannot_take_become_a_debt_that_new_points_repay(engine):
    account = await saved_account(engine)
    ride = {"action": "metro", "methodology_id": "TPH-MOB-05", "quantities": {"distance_m": 12_000}}
    end = timedelta(minutes=30)
    first = make_order(account, **ride, ended_at=NOON + end)
    await credit(engine, first)
    async with engine.begin() as conn:  # the ten points are held for a voucher
        await conn.exec_driver_sql("UPDATE account_lot SET held = posted WHERE lot_id <> 0")
    earlier = NOON - timedelta(minutes=10)
    # A self-declared ride that started earlier and overlaps: it counts, without points.
    overlapping = make_order(
        account,
        **ride,
        occurred_at=earlier,
        ended_at=earlier + end,
        tier="self_declared",
        natural_key="earlier",
    )
    await credit(engine, overlapping)
    assert await debt_of(engine, account) == 10
    assert await points_of(engine, account) == 0
    tomorrow = NOON + timedelta(days=1)
    await credit(engine, make_order(account, occurred_at=tomorrow, natural_key="plate"))
    await credit(engine, make_order(account, **ride, occurred_at=tomorrow, natural_key="ride"))
    assert await debt_of(engine, account) == 0
    assert await points_of(engine, account) == 5


async def test_points_earned_in_the_same_batch_pay_for_its_correction_first(engine):
    account = await saved_account(engine)
    plates = [
        make_order(account, natural_key=str(n), occurred_at=NOON + timedelta(minutes=n))
        for n in range(4)
    ]
    await credit(engine, *plates[1:])
    async with engine.begin() as conn:
        await conn.exec_driver_sql("UPDATE account_lot SET held = posted WHERE lot_id <> 0")
    await credit(engine, plates[0])
    assert await debt_of(engine, account) == 0
    assert await points_of(engine, account) == 0
