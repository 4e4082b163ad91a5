"""Corrections and withdrawals on the real database: the day is the function of what stands.

The walk reports, corrects and withdraws in any order. After each step all invariants hold, and
grams and points are those of the pure function over the activities that stand.
"""

import random
from datetime import date, timedelta

import pytest

from backend.crediting.domain import ActivityNotCovered, NotCredited, activity_of
from backend.crediting.restated_queries import restated
from backend.crediting.restatement import Amendment
from backend.db import fetch, fetch_one, run
from backend.verify import check_invariants
from scoring.methodology import reduce_period
from tests.builders import NOON, make_order, saved_account
from tests.busy_database import (
    METRO,
    RULES,
    credit,
    hold,
    make_claimed_order,
    make_restatement,
    report,
    restate,
)
from tests.integration.test_crediting import debt_of, grams_of, points_of

POINTS = {"clean_plate": 5, "metro": 10, "cycling": 5}


def plates(account_id, count, **changes):
    return [
        make_claimed_order(
            account_id, natural_key=str(n), occurred_at=NOON + timedelta(minutes=n), **changes
        )
        for n in range(count)
    ]


async def status_of(engine, order):
    async with engine.connect() as conn:
        row = await fetch_one(
            conn, "SELECT status, reason FROM check_in WHERE id = :id", id=order.check_in_id
        )
    return row.status, row.reason


async def totals(engine):
    """Credits, grams and points of the days as published, and of later corrections."""
    async with engine.connect() as conn:
        rows = await fetch(
            conn,
            "SELECT 'days' AS name, sum(credits), sum(grams), sum(points) FROM daily_total"
            " UNION ALL SELECT 'later', sum(credits), sum(grams), sum(points)"
            " FROM total_correction",
        )
    return {row.name: tuple(int(each or 0) for each in row[1:]) for row in rows}


async def test_withdrawing_one_lets_the_one_over_the_cap_rise(engine):
    account = await saved_account(engine)
    orders = plates(account, 4)
    await credit(engine, *orders)
    [answer] = await restate(engine, make_restatement(orders[0], "partner_withdrew"))
    assert (answer.credit, answer.is_changed) == (None, True)
    assert set(answer.corrected) == {orders[0].check_in_id, orders[3].check_in_id}
    assert await grams_of(engine, account) == 3 * 125
    assert await points_of(engine, account) == 3 * 5
    assert await status_of(engine, orders[0]) == ("reversed", "partner_withdrew")
    assert (await status_of(engine, orders[3]))[0] == "credited"


async def test_the_rows_say_whose_credit_changed_from_what_to_what_and_why(engine):
    account = await saved_account(engine)
    orders = plates(account, 4)
    await credit(engine, *orders)
    await restate(engine, make_restatement(orders[0], "counted_twice", note="同一餐"))
    async with engine.connect() as conn:
        ids = [row.id for row in await fetch(conn, "SELECT id FROM reversal")]
        found = {each.check_in_id: each for each in await restated(conn, ids)}
        notes = await fetch(conn, "SELECT check_in_id, note FROM restatement")
    gone, risen = found[orders[0].check_in_id], found[orders[3].check_in_id]
    assert (gone.account_id, gone.reason, gone.grams_before, gone.grams, gone.credit_id) == (
        account, "counted_twice", 125, 0, None,
    )  # fmt: skip
    assert (risen.reason, risen.grams_before, risen.grams) == ("day_restated", 0, 125)
    assert (risen.points_before, risen.points) == (0, 5)
    assert [tuple(row) for row in notes] == [(orders[0].check_in_id, "同一餐")]


async def test_a_correction_changes_amounts_and_tier_and_moves_only_the_difference(engine):
    account = await saved_account(engine)
    ride = make_claimed_order(account, **METRO, ended_at=NOON + timedelta(minutes=30))
    await credit(engine, ride)
    amendment = Amendment(quantities={"distance_m": 6_000})
    [answer] = await restate(engine, make_restatement(ride, amendment=amendment))
    # 6 x 46.7 = 280.2
    assert (answer.credit.grams, answer.credit.booking) == (280, 2)
    assert (await grams_of(engine, account), await points_of(engine, account)) == (280, 10)
    [answer] = await restate(
        engine, make_restatement(ride, amendment=Amendment(tier="self_declared"))
    )
    assert (answer.credit.grams, answer.credit.points) == (140, 0)
    [answer] = await restate(engine, make_restatement(ride, amendment=Amendment(tier="documented")))
    assert (answer.credit.grams, answer.credit.points) == (280, 10)
    async with engine.connect() as conn:
        row = await fetch_one(conn, "SELECT quantities, tier FROM check_in")
        assert await check_invariants(conn) == []
    assert (row.quantities, row.tier) == ({"distance_m": 6_000}, "documented")


async def test_a_correction_that_says_the_same_changes_nothing(engine):
    account = await saved_account(engine)
    ride = make_claimed_order(account, **METRO)
    await credit(engine, ride)
    amendment = Amendment(quantities={"distance_m": 12_000}, tier="documented")
    for _ in range(2):
        [answer] = await restate(engine, make_restatement(ride, amendment=amendment))
        assert (answer.is_changed, answer.credit.booking) == (False, 1)
    async with engine.connect() as conn:
        assert await fetch(conn, "SELECT id FROM restatement") == []


async def test_a_correction_between_two_capped_amounts_is_recorded_without_a_gram(engine):
    account = await saved_account(engine)
    ride = make_claimed_order(account, **{**METRO, "quantities": {"distance_m": 80_000}})
    await credit(engine, ride)
    amendment = Amendment(quantities={"distance_m": 70_000})
    [answer] = await restate(engine, make_restatement(ride, amendment=amendment))
    assert (answer.credit.grams, answer.credit.quantities) == (2_802, {"distance_m": 70_000})


async def test_a_share_of_the_cap_that_moves_within_a_gram_is_booked_again(engine):
    """Allowed quantities can change where grams, text and reason stay: a self-declared 0 m."""
    account = await saved_account(engine)
    first, second = (
        make_claimed_order(
            account,
            **{**METRO, "quantities": {"distance_m": 60_000}},
            natural_key=str(n),
            occurred_at=NOON + timedelta(hours=n),
        )
        for n in range(2)
    )
    await credit(engine, first, second)
    amendment = Amendment(quantities={"distance_m": 59_999})
    await restate(engine, make_restatement(first, amendment=amendment))
    async with engine.connect() as conn:
        assert await check_invariants(conn) == []
        row = await fetch_one(
            conn,
            "SELECT allowed, grams FROM credit WHERE check_in_id = :id ORDER BY booking DESC",
            id=second.check_in_id,
        )
    assert tuple(row) == ({"distance_m": 1}, 0)


async def test_what_no_methodology_counts_is_refused_and_nothing_moves(engine):
    account = await saved_account(engine)
    ride, plate = make_claimed_order(account, **METRO), make_claimed_order(account)
    await credit(engine, ride, plate)
    refused, done = await restate(
        engine,
        make_restatement(ride, amendment=Amendment(quantities={"meals": 1})),
        make_restatement(plate, "partner_withdrew"),
    )
    assert isinstance(refused, ActivityNotCovered)
    assert done.is_changed
    assert await grams_of(engine, account) == 560


async def test_a_second_withdrawal_and_a_strangers_correction_find_nothing(engine):
    account, other = await saved_account(engine), await saved_account(engine)
    order = make_claimed_order(account)
    await credit(engine, order)
    strange = make_restatement(order._replace(account_id=other))
    first, second, third = await restate(
        engine, make_restatement(order), make_restatement(order), strange
    )
    assert first.is_changed
    assert isinstance(second, NotCredited)
    assert isinstance(third, NotCredited)
    [again] = await restate(engine, make_restatement(order))
    assert isinstance(again, NotCredited)
    assert await grams_of(engine, account) == 0


async def test_of_two_corrections_in_one_batch_the_later_counts(engine):
    account = await saved_account(engine)
    ride = make_claimed_order(account, **METRO)
    await credit(engine, ride)
    answers = await restate(
        engine,
        make_restatement(ride, amendment=Amendment(quantities={"distance_m": 1_000})),
        make_restatement(ride, amendment=Amendment(quantities={"distance_m": 2_000})),
    )
    assert [answer.credit.grams for answer in answers] == [93, 93]
    async with engine.connect() as conn:
        assert await check_invariants(conn) == []


async def test_spent_points_of_a_withdrawn_activity_become_a_debt_repaid_by_the_next(engine):
    account = await saved_account(engine)
    ride = make_claimed_order(account, **METRO)
    await credit(engine, ride)
    await hold(engine, account, 8)
    await restate(engine, make_restatement(ride, "evidence_does_not_show"))
    assert (await debt_of(engine, account), await points_of(engine, account)) == (8, 0)
    await credit(engine, make_claimed_order(account, natural_key="plate"))
    assert (await debt_of(engine, account), await points_of(engine, account)) == (3, 0)
    async with engine.connect() as conn:
        assert await check_invariants(conn) == []


async def test_a_withdrawn_thing_cannot_be_counted_again(engine):
    account = await saved_account(engine)
    order = make_claimed_order(account)
    await credit(engine, order)
    await restate(engine, make_restatement(order))
    [refusal] = await credit(engine, make_claimed_order(account, natural_key=order.natural_key))
    assert type(refusal).__name__ == "EvidenceAlreadyUsed"


async def test_totals_follow_whichever_work_is_done_first(engine):
    account = await saved_account(engine)
    orders = plates(account, 4)
    await credit(engine, *orders)
    await restate(engine, make_restatement(orders[0]))
    while sum((await totals(engine))["days"]) != 3 + 375 + 15:
        async with engine.connect() as conn:
            assert await check_invariants(conn) == []
            assert await fetch(conn, "SELECT id FROM work WHERE step = 'report'")
        await report(engine, rows=1)


async def test_a_closed_month_stays_as_published_and_the_open_one_reports_the_change(engine):
    account = await saved_account(engine)
    order = make_claimed_order(account)
    await credit(engine, order)
    await report(engine, rows=100)
    published = (await totals(engine))["days"]
    async with engine.begin() as conn:
        await run(
            conn, "INSERT INTO closed_month VALUES (:month, now())", month=date(2026, NOON.month, 1)
        )
    await restate(engine, make_restatement(order))
    await report(engine, rows=100)
    assert await totals(engine) == {"days": published, "later": (-1, -125, -5)}
    async with engine.connect() as conn:
        row = await fetch_one(conn, "SELECT reported_in, occurred_on FROM total_correction")
        assert await check_invariants(conn) == []
    assert row.occurred_on == NOON.date()
    assert row.reported_in > row.occurred_on


class Day:
    """What one account reported, and what should stand of it."""

    def __init__(self, engine, account_id, dice):
        self.engine = engine
        self.account_id = account_id
        self.dice = dice
        self.standing = {}

    def activity(self):
        minutes = self.dice.randint(0, 40)
        order = make_claimed_order(
            self.account_id,
            occurred_at=NOON + timedelta(minutes=minutes),
            tier=self.dice.choice(["documented", "self_declared"]),
        )
        if self.dice.random() < 0.4:
            return order
        ride = {
            "ended_at": order.occurred_at + timedelta(minutes=self.dice.randint(1, 15)),
            "quantities": {"distance_m": self.dice.randint(1, 40_000)},
        }
        mode = self.dice.choice([("metro", "TPH-MOB-05"), ("cycling", "TPH-MOB-02")])
        return order._replace(action=mode[0], methodology_id=mode[1], **ride)

    async def report(self):
        orders = [self.activity() for _ in range(self.dice.randint(1, 3))]
        await credit(self.engine, *orders)
        self.standing |= {order.check_in_id: order for order in orders}

    async def correct(self):
        chosen = self.some(2)
        amended = [self.amended(order) for order in chosen]
        changes = [
            make_restatement(order, amendment=amendment)
            for order, (_, amendment) in zip(chosen, amended, strict=True)
        ]
        if changes:
            await restate(self.engine, *changes)
            self.standing |= {order.check_in_id: order for order, _ in amended}

    def amended(self, order):
        tier = self.dice.choice([None, "documented", "self_declared"])
        quantities = None
        if order.action != "clean_plate" and self.dice.random() < 0.7:
            quantities = {"distance_m": self.dice.randint(1, 40_000)}
        changed = order._replace(tier=tier or order.tier, quantities=quantities or order.quantities)
        return changed, Amendment(quantities, tier)

    async def withdraw(self):
        chosen = self.some(2)
        if chosen:
            await restate(self.engine, *(make_restatement(order) for order in chosen))
            for order in chosen:
                del self.standing[order.check_in_id]

    def some(self, most):
        there = sorted(self.standing.values(), key=lambda order: order.check_in_id)
        return self.dice.sample(there, min(len(there), self.dice.randint(1, most)))

    async def step(self):
        steps = [self.report] * 3 + [self.correct] * 2 + [self.withdraw]
        await self.dice.choice(steps)()

    def expected(self):
        """Grams and points of the set that stands, whatever happened before."""
        activities = [activity_of(order) for order in self.standing.values()]
        reductions = reduce_period(activities, RULES.catalogue)
        grams = {
            order.check_in_id: reductions[order.natural_key].grams
            for order in self.standing.values()
        }
        points = sum(
            POINTS[order.action]
            for order in self.standing.values()
            if order.tier == "documented" and grams[order.check_in_id]
        )
        return sum(grams.values()), points


@pytest.mark.parametrize("seed", range(6))
async def test_any_walk_ends_where_the_function_of_what_stands_ends(engine, seed):
    dice = random.Random(seed)
    day = Day(engine, await saved_account(engine), dice)
    for _ in range(25):
        await day.step()
        balance = await grams_of(engine, day.account_id), await points_of(engine, day.account_id)
        assert balance == day.expected(), f"seed {seed}"
    await report(engine, rows=1_000)
    async with engine.connect() as conn:
        assert await check_invariants(conn) == []
    assert (await totals(engine))["days"] == (len(day.standing), *day.expected())


async def test_an_order_that_arrives_late_names_itself_as_the_cause(engine):
    account = await saved_account(engine)
    orders = plates(account, 3)
    await credit(engine, *orders)
    early = make_order(account, natural_key="early", occurred_at=NOON - timedelta(hours=1))
    await credit(engine, early)
    async with engine.connect() as conn:
        [row] = await fetch(
            conn,
            "SELECT restatement.check_in_id, restatement.reason, credit.check_in_id AS changed"
            " FROM restatement JOIN reversal ON restatement_id = restatement.id"
            " JOIN credit ON credit.id = credit_id",
        )
    assert tuple(row) == (early.check_in_id, "late_activity", orders[2].check_in_id)
