"""A day of a metro as its gates tell it: doubled, late, corrected, withdrawn, without a tap-out."""

import random
from datetime import datetime, time, timedelta
from uuid import UUID

from backend.campaigns.domain import PROGRAMME_FUND
from backend.campaigns.queries import top_up
from backend.db import copy_rows, fetch
from backend.partners.queries import make_partner
from tests.acceptance.event_sender import (
    METRO_SOURCE,
    SHANGHAI,
    make_correction,
    make_event,
    make_ride,
    make_tap_in,
    make_tap_out,
    make_withdrawal,
)

METRO = UUID("00000000-0000-7000-8000-0000000000d1")
RIDES_PER_MEMBER = 4  # some days are over the cap, and some rides overlap
TAPPED, WITHOUT_TAP_OUT = 0.15, 0.02
DOUBLED, LATE, CORRECTED, CORRECTED_TWICE, WITHDRAWN = 0.05, 0.05, 0.01, 0.002, 0.002
POINTS_PER_RIDE = 10
MINUTES_OF_SERVICE = 17 * 60


def account_of(member) -> UUID:
    """The same account in every database, so that two of them can be compared."""
    return UUID(int=(7 << 76) | (2 << 62) | (0xACC << 32) | member)


async def seed_metro(conn, rides) -> None:
    """Linked customers, and a fund that is never short."""
    members = range(max(1, rides // RIDES_PER_MEMBER))
    accounts = [(account_of(member), "member") for member in members]
    links = [(METRO, f"card-{member}", account_of(member)) for member in members]
    await make_partner(conn, METRO, name_zh="地铁", name_en="Metro", source=METRO_SOURCE)
    await copy_rows(conn, "account", ("id", "kind"), accounts)
    await copy_rows(conn, "partner_link", ("partner_id", "subject_token", "account_id"), links)
    # A slice of the fund must pay whatever a batch asks of it.
    await top_up(conn, PROGRAMME_FUND, 8 * POINTS_PER_RIDE * 2 * rides)


def events_of_the_day(rides, seed=7):
    """All that is sent, in the order of the day with what is late at its end."""
    dice = random.Random(seed)
    day = datetime.now(SHANGHAI) - timedelta(days=3)
    opens = datetime.combine(day.date(), time(5), SHANGHAI)
    members = max(1, rides // RIDES_PER_MEMBER)
    minutes = {
        member: dice.sample(range(MINUTES_OF_SERVICE), RIDES_PER_MEMBER + 2)
        for member in range(members)
    }
    told = []
    for number in range(rides):
        member = number % members
        start = opens + timedelta(minutes=minutes[member][number // members])
        told += _ride(dice, number, f"card-{member}", start)
    told.sort(key=lambda each: (each[0], each[1]["id"]))
    return [event for _, event in told]


def in_another_order(events, seed):
    """The same events as if every network had its own mind."""
    shuffled = list(events)
    random.Random(seed).shuffle(shuffled)
    return shuffled


def _ride(dice, number, card, start):
    minutes = dice.randrange(8, 55)
    end = start + timedelta(minutes=minutes)
    distance_m = 500 * minutes
    named = {"subject": card, "time": end.isoformat()}
    if dice.random() < TAPPED:
        report = make_event(data=make_tap_in(start), id=f"in-{number}", **named)
        ride = make_ride(start, minutes, distance_m=distance_m)
        sent = [report]
        if dice.random() >= WITHOUT_TAP_OUT:
            out = make_tap_out(report["id"], end, distance_m=distance_m)
            sent.append(make_event(data=out, id=f"out-{number}", **named))
    else:
        ride = make_ride(start, minutes, distance_m=distance_m)
        report = make_event(data=ride, id=f"ride-{number}", **named)
        sent = [report]
    sent += _changes(dice, number, {**report, "data": ride}, end)
    arrivals = [(_arrival(dice, end), event) for event in sent]
    return arrivals + [(_arrival(dice, end), each) for _, each in arrivals if _is(dice, DOUBLED)]


def _changes(dice, number, report, end):
    changes = []
    for times, share in ((1, CORRECTED), (2, CORRECTED_TWICE)):
        if _is(dice, share):
            told = end + timedelta(hours=times)
            metres = 100 * dice.randrange(40, 60) * times
            correction = make_correction(report, time=told, distance_m=metres)
            changes.append({**correction, "id": f"corrected-{number}-{times}"})
    if _is(dice, WITHDRAWN):
        changes.append({**make_withdrawal(report), "id": f"withdrawn-{number}"})
    return changes


def _arrival(dice, end):
    return end + (timedelta(days=1) if _is(dice, LATE) else timedelta(minutes=dice.randrange(5)))


def _is(dice, share):
    return dice.random() < share


async def books(conn):
    """Balances, calculations that count, and totals: what must not depend on the order."""
    found = {}
    for name, statement in {
        "balances": (
            "SELECT account_id, lot_id = 0 AS is_grams, sum(posted), sum(held) FROM account_lot"
            " JOIN account ON id = account_id WHERE kind = 'member' GROUP BY 1, 2"
        ),
        "calculations": (
            "SELECT account_id, period, natural_key, occurred_at, ended_at, quantities::text,"
            " allowed::text, unrounded, grams, reason, points, tier, version FROM credit"
            " WHERE NOT EXISTS (SELECT FROM reversal WHERE credit_id = credit.id)"
        ),
        # What a withdrawn ride said last is history, and depends on what came before its end.
        "check_ins": (
            "SELECT account_id, natural_key, status,"
            " CASE WHEN status = 'credited' THEN quantities::text END FROM check_in"
        ),
        "totals": (
            "SELECT occurred_on, region, action, tier, credits, grams, points FROM daily_total"
            " WHERE (credits, grams, points) <> (0, 0, 0)"
        ),
        "parked": "SELECT event_id, waits_for FROM parked_event",
    }.items():
        found[name] = sorted(map(tuple, await fetch(conn, statement)), key=repr)
    return found
