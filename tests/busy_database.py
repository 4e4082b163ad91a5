"""A database in which much has happened: what `tanhui verify` must find whole, or broken."""

import random
from datetime import UTC, datetime, time, timedelta
from functools import partial
from hashlib import sha256

from backend.batches import run_batch
from backend.campaigns.domain import PROGRAMME_FUND
from backend.campaigns.queries import top_up
from backend.checkins.domain import Change, CheckIn, Status
from backend.checkins.neighbour_queries import Kind, NearPair, insert_near_matches
from backend.checkins.queries import insert_check_ins, settle_check_ins
from backend.crediting.domain import Cause
from backend.crediting.photo_credit import credit_step
from backend.crediting.restatement import Amendment, Restatement
from backend.crediting.restating import restate_batch
from backend.crediting.reversal import Asked
from backend.crediting.reversing import write_reversals
from backend.crediting.steps import Outcome, Rulebook, credit_batch
from backend.db import run
from backend.events import CHECK_IN_ACCEPTED, CREDIT, REPORT, Event
from backend.ids import uuid7
from backend.intake.bags import write_weighings
from backend.intake.binding import write_bindings
from backend.intake.collecting import write_reports
from backend.intake.domain import Binding, Capture, Photo, Weighing
from backend.intake.doubts import DoubtDecision, write_doubt_decisions
from backend.intake.handing_over import (
    HandOver,
    Loss,
    lapse_next,
    write_hand_overs,
    write_losses,
)
from backend.intake.no_drive import NoDriveDay, OdometerPhoto
from backend.intake.no_drive_days import write_no_drive_days, write_odometers
from backend.intake.photos import write_photos
from backend.intake.pickup_steps import Asked as PickupAsked, ask, assign
from backend.intake.queries import insert_captures
from backend.intake.tallies import write_tallies
from backend.intake.tally import TallyKey, TallyReport
from backend.ledger.queries import fold_deltas, lock_accounts, open_account
from backend.outbox import append, take
from backend.recycling.domain import Actor, By, Step
from backend.recycling.doubt_queries import open_doubts
from backend.recycling.pickups import Report, ReportKind, Slot
from backend.recycling.queries import add_bags
from backend.recycling.slot_queries import set_capacity
from backend.recycling.slots import Capacity
from backend.reports.steps import report_step
from backend.sealing import make_sealer
from scoring.methodology import load_catalogue
from tests.builders import NOON, SECRET, make_claim, make_order, saved_account
from tests.busy_canteen import fill_canteen
from tests.busy_cards import fill_cards
from tests.busy_events import fill_events
from tests.busy_marine import fill_marine
from tests.busy_partners import fill_partners
from tests.busy_trees import fill_trees
from tests.busy_vouchers import fill_vouchers
from tests.busy_webhooks import fill_webhooks
from tests.holds import place_hold, release_hold, settle_hold

RULES = Rulebook(load_catalogue(), SECRET)
METRO = {"action": "metro", "methodology_id": "TPH-MOB-05", "quantities": {"distance_m": 12_000}}
NOW = datetime.now(UTC)


def make_claimed_order(account_id, **changes):
    order = make_order(account_id, **changes)
    return order._replace(claim=make_claim("thing", str(account_id), order.natural_key))


async def write_credited(conn, orders):
    """Credit orders and write their check-ins, as intake does."""
    locked = await lock_accounts(conn, [order.account_id for order in orders])
    outcomes = await credit_batch(conn, orders, locked, RULES)
    booked = [
        (order, outcome.credit)
        for order, outcome in zip(orders, outcomes, strict=True)
        if isinstance(outcome, Outcome)
    ]
    await insert_check_ins(conn, [_credited(*each, locked.now) for each in booked])
    return outcomes


def _credited(order, credit, now):
    return CheckIn(
        id=order.check_in_id,
        account_id=order.account_id,
        action=order.action,
        status=Status.CREDITED,
        reason=credit.reason,
        tier=order.tier,
        reported_by="partner",
        region=order.region,
        occurred_at=order.occurred_at,
        ended_at=order.ended_at,
        received_at=now,
        decided_at=now,
        quantities=order.quantities,
        natural_key=order.natural_key,
        evidence_sha256=None,
        meal_window=None,
    )


async def credit(engine, *orders):
    return await run_batch(engine, write_credited, orders)


async def hold(engine, account_id, amount):
    async with engine.begin() as conn:
        locked = await lock_accounts(conn, [account_id])
        return await place_hold(conn, account_id, amount, locked.now)


async def release(engine, account_id, hold_id):
    async with engine.begin() as conn:
        await lock_accounts(conn, [account_id])
        await release_hold(conn, hold_id)


async def settle(engine, account_id, hold_id, merchant_id):
    async with engine.begin() as conn:
        locked = await lock_accounts(conn, [account_id])
        await settle_hold(conn, hold_id, merchant_id, locked.now)


async def saved_merchant(engine):
    merchant_id = uuid7()
    async with engine.begin() as conn:
        await open_account(conn, merchant_id, "merchant")
    return merchant_id


async def report(engine, *, rows):
    async with engine.begin() as conn:
        await report_step(conn, await take(conn, REPORT, limit=rows))


async def fold(engine, *, rows=1_000):
    async with engine.begin() as conn:
        return await fold_deltas(conn, limit=rows)


async def fill(engine):
    """A few hundred check-ins of everything that the programme does, and everything half done."""
    members = [await saved_account(engine, points=0) for _ in range(12)]
    async with engine.begin() as conn:
        await top_up(conn, PROGRAMME_FUND, 600)
    await _redeem(engine, members[0], members[1])
    await _owe(engine, members[2])
    await fold(engine)
    await _redeem(engine, members[0], members[4])
    await _correct(engine, members[7])
    await _tell(engine, members[8])
    await _eat_and_ride(engine, members[3:], random.Random(7))
    await report(engine, rows=12)
    await _bags(engine, members[5])
    await _photos(engine, members[6])
    await fill_vouchers(engine, await saved_account(engine, points=0))
    await fill_marine(engine, await saved_account(engine, points=0), RULES)
    await fill_trees(engine, await saved_account(engine, points=0))
    await fill_webhooks(engine)
    await fill_events(engine, members[9])
    await fill_cards(engine)
    await fill_partners(engine, members[9], NOW)
    await fill_canteen(engine, await saved_account(engine, points=0), RULES)


async def _redeem(engine, *member_ids):
    """Points are held, given back, settled, and some holds stay open."""
    merchant_id = await saved_merchant(engine)
    for account_id in member_ids:
        for days in range(3):
            at = NOON - timedelta(days=10 + days)
            await credit(engine, make_claimed_order(account_id, occurred_at=at))
        await hold(engine, account_id, 4)
        await release(engine, account_id, await hold(engine, account_id, 3))
        await settle(engine, account_id, await hold(engine, account_id, 6), merchant_id)


async def _owe(engine, account_id):
    """A correction finds points gone: it takes from another lot, and the rest is a debt."""
    plate = make_claimed_order(account_id, occurred_at=NOON)
    ride = make_claimed_order(account_id, **METRO, ended_at=NOON + timedelta(minutes=30))
    next_year = make_claimed_order(account_id, occurred_at=NOON + timedelta(days=60))
    await credit(engine, plate, ride, next_year)
    await hold(engine, account_id, 17)
    early = make_claimed_order(
        account_id,
        **METRO,
        occurred_at=NOON - timedelta(minutes=5),
        ended_at=NOON + timedelta(minutes=20),
        tier="self_declared",
    )
    await credit(engine, early)
    await credit(engine, make_claimed_order(account_id, occurred_at=NOON - timedelta(days=1)))


async def _correct(engine, account_id):
    """A ride is corrected by its partner, and the first of four plates withdrawn."""
    days_ago = timedelta(days=20)
    ride = make_claimed_order(account_id, **METRO, occurred_at=NOON - days_ago)
    plates = [
        make_claimed_order(account_id, occurred_at=NOON - days_ago + timedelta(minutes=n))
        for n in range(4)
    ]
    await credit(engine, ride, *plates)
    shorter = Amendment(quantities={"distance_m": 9_000})
    await restate(engine, make_restatement(ride, amendment=shorter))
    await restate(engine, make_restatement(plates[0], "partner_withdrew"))
    for number, limit in ((1, 1_000), (2, 0)):
        asked = Asked(plates[number].check_in_id, "counted_twice", "同一餐", "operator")
        write = partial(write_reversals, rules=RULES, alone_grams_max=limit)
        await run_batch(engine, write, [asked])


async def _tell(engine, account_id):
    """Steps by two devices, one total replaced; and a car that stood still, in review."""
    day = (NOW - timedelta(days=2)).date()
    key = TallyKey(account_id, "walking", day)
    for hour, source, steps in ((9, "phone", 5_000), (10, "watch", 6_000), (11, "phone", 7_250)):
        at = datetime.combine(day, time(hour), UTC)
        reading = TallyReport(key, source, steps, at, "330100")
        await run_batch(engine, partial(write_tallies, rules=RULES), [reading])
    captures = [
        Capture(uuid7(), account_id, "no_drive_day", NOW, "330100", f"{day}/{part}")
        for part in ("morning", "evening")
    ]
    async with engine.begin() as conn:
        await insert_captures(conn, captures)
    photos = [
        OdometerPhoto(capture, f"{number:064x}", sha256(capture.id.bytes).digest())
        for number, capture in enumerate(captures)
    ]
    await run_batch(engine, partial(write_odometers, rules=RULES), photos)
    report = NoDriveDay(account_id, captures[0].id, captures[1].id, "浙A12345", "330100")
    await run_batch(engine, partial(write_no_drive_days, rules=RULES), [report])


async def _eat_and_ride(engine, member_ids, dice):
    """Plates over the cap and rides that overlap, out of order, until the fund is empty."""
    orders = []
    for account_id in member_ids:
        for day in range(5):
            noon = NOON - timedelta(days=day)
            orders += [
                make_claimed_order(
                    account_id,
                    occurred_at=noon + timedelta(minutes=n),
                    tier=dice.choice(["documented", "documented", "self_declared"]),
                )
                for n in range(4)
            ]
            orders += [
                make_claimed_order(
                    account_id,
                    **METRO,
                    occurred_at=noon + timedelta(minutes=20 * n),
                    ended_at=noon + timedelta(minutes=20 * n + dice.choice([10, 25])),
                )
                for n in range(2)
            ]
    dice.shuffle(orders)
    for start in range(0, len(orders), 15):
        batch = orders[start : start + 15]
        again = batch[0]._replace(check_in_id=uuid7(), natural_key="again")
        await credit(engine, *batch, again)


async def _bags(engine, account_id):
    """Weighed, sorted, in doubt, looked at, handed in, lost, lapsed, waiting, and unbound."""
    codes = [f"BAG{number}" for number in range(9)]
    async with engine.begin() as conn:
        await add_bags(conn, codes)
        await write_bindings(
            conn, [Binding(account_id, code, "330100") for code in codes[:8]], RULES
        )
        await write_losses(conn, [Loss(account_id, codes[5])], RULES)
        await write_hand_overs(
            conn, [HandOver(codes[4], Step.HANDED_IN, By(Actor.OPERATOR, None, "东站"))], RULES
        )
        await run(
            conn,
            "UPDATE bag SET waiting_since = waiting_since - interval '15 days' WHERE code = :code",
            code=codes[6],
        )
        await lapse_next(conn)
    materials = {"mass_g.pet": 900, "mass_g.glass": 1_900}
    weighings = [
        Weighing(codes[0], {"mass_g": 3_000}),
        Weighing(codes[1], {"mass_g": 3_000}),
        Weighing(codes[1], materials, residue_g=150),
        Weighing(codes[2], {"mass_g": 24_000}),
        Weighing(codes[3], {"mass_g": 12}),
    ]
    await run_batch(engine, partial(write_weighings, rules=RULES), weighings)
    async with engine.connect() as conn:
        doubt = (await open_doubts(conn, codes))[codes[3]]
    decision = DoubtDecision(doubt.id, "operator", "credited", 1_200)
    await run_batch(engine, partial(write_doubt_decisions, rules=RULES), [decision])
    await _pick_up(engine, account_id, codes[7])


async def _pick_up(engine, account_id, code):
    """A collector picks a bag up, weighs it and reports twice; another pickup is waited for."""
    sealer, slot = make_sealer("", SECRET), Slot(NOW.date() + timedelta(days=3), 9)
    other = await saved_account(engine, points=0)
    async with engine.begin() as conn:
        now = (await lock_accounts(conn, ())).now
        await set_capacity(conn, Capacity("330100", 9, 2, "op", now))
        asked = PickupAsked(account_id, "330100", slot, 1, "文三路 1 号")
        pickup_id = await ask(conn, asked, now, sealer)
        await ask(conn, asked._replace(account_id=other), now, sealer)
        await assign(conn, pickup_id, "collector")
    reports = [
        Report(uuid7(), pickup_id, ReportKind.PICKED_UP, NOW, code, 1_500),
        Report(uuid7(), pickup_id, ReportKind.DONE, NOW),
    ]
    for _ in range(2):
        async with engine.begin() as conn:
            await write_reports(conn, "collector", reports, RULES)


async def _photos(engine, account_id):
    """One photo of each kind: waiting, accepted, credited, in review, rejected."""
    photos = [make_photo(account_id, n) for n in range(5)]
    async with engine.begin() as conn:
        answers = await write_photos(conn, photos, RULES)
        _, scored, credited, reviewed, rejected = [each.check_in_id for each in answers]
        await run(
            conn,
            "DELETE FROM work WHERE step = 'score' AND NOT ids && ARRAY[CAST(:id AS uuid)]",
            id=answers[0].check_in_id,
        )
        await insert_near_matches(conn, [NearPair(reviewed, credited, Kind.NEAR, 12)])
        await settle_check_ins(
            conn,
            [
                Change(credited, Status.RECEIVED, Status.SCORED),
                Change(reviewed, Status.RECEIVED, Status.IN_REVIEW, "looks_like_earlier_photo"),
                Change(rejected, Status.RECEIVED, Status.REJECTED, "leftovers"),
            ],
            NOW,
        )
        await append(conn, [Event(CHECK_IN_ACCEPTED, [credited])])
    async with engine.begin() as conn:
        await credit_step(conn, await take(conn, CREDIT, limit=10), RULES)
    async with engine.begin() as conn:
        await settle_check_ins(conn, [Change(scored, Status.RECEIVED, Status.SCORED)], NOW)
        await append(conn, [Event(CHECK_IN_ACCEPTED, [scored])])


def make_photo(account_id, number):
    window = f"2026-11-{10 + number}/lunch"
    capture = Capture(uuid7(), account_id, "clean_plate", NOW, "330100", window)
    digest = sha256(f"{account_id}{number}".encode())
    return Photo(capture, digest.hexdigest(), digest.digest())


def make_restatement(order, reason="partner_corrected", amendment=None, **decided):
    cause = Cause(uuid7(), order.check_in_id, order.account_id, reason, **decided)
    return Restatement(cause, amendment)


async def write_restated(conn, restatements):
    accounts = [each.cause.account_id for each in restatements]
    return await restate_batch(conn, restatements, await lock_accounts(conn, accounts), RULES)


async def restate(engine, *restatements):
    """Correct or withdraw what was credited, as partners and the programme do."""
    return await run_batch(engine, write_restated, restatements)
