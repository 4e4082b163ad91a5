"""Events whose wait is over: one that cannot be decided stops no other one."""

import pytest
from sqlalchemy import text

from backend.db import fetch, make_engine, run
from backend.intake.events.domain import Became
from backend.intake.events.parked import end_waits
from backend.verify import check_invariants
from tests.acceptance.event_sender import make_correction, make_event, make_withdrawal
from tests.builders import saved_account
from tests.busy_events import RULES, saved_speaker, take

RIDES = 7


@pytest.fixture
async def owner(server, database):
    made = make_engine(server.url(database))
    yield made
    await made.dispose()


async def outcomes(engine):
    async with engine.connect() as conn:
        rows = await fetch(conn, "SELECT event_id, outcome FROM partner_event")
    return {row.event_id: row.outcome for row in rows}


async def wait_for_nobody(engine):
    """Events of customers who are not linked, and whose time is over; gives their speaker."""
    speaker = await saved_speaker(engine, {})
    events = [make_event(id=f"ride-{n}", subject=f"card-{n}") for n in range(RIDES)]
    answers = await take(engine, speaker, *events)
    assert [each.status for each in answers] == ["parked"] * RIDES
    await end_their_time(engine)
    return speaker, events


async def end_their_time(engine):
    async with engine.begin() as conn:
        await run(conn, "UPDATE parked_event SET until = now()")


async def link_all(engine, speaker):
    """Link without waking: what is linked is decided when the wait is over."""
    async with engine.begin() as conn:
        for n in range(RIDES):
            account_id = await saved_account(engine, points=0)
            await run(
                conn,
                "INSERT INTO partner_link (partner_id, subject_token, account_id)"
                " VALUES (:partner, :token, :account)",
                partner=speaker.partner_id,
                token=f"card-{n}",
                account=account_id,
            )


async def test_a_body_that_nobody_can_read_any_more_is_put_off_and_the_others_are_credited(engine):
    speaker, _ = await wait_for_nobody(engine)
    await link_all(engine, speaker)
    async with engine.begin() as conn:
        await run(conn, "UPDATE parked_event SET body = '[]' WHERE event_id = 'ride-3'")
    assert await end_waits(engine, RULES) == RIDES - 1
    became = await outcomes(engine)
    assert became.pop("ride-3") == "parked"
    assert set(became.values()) == {"credited"}
    assert await end_waits(engine, RULES) == 0
    async with engine.connect() as conn:
        [row] = await fetch(conn, "SELECT event_id, until > now() AS is_later FROM parked_event")
    assert row == ("ride-3", True)
    assert await check_invariants(engine) == []


async def test_what_the_database_refuses_of_one_event_is_put_off_and_tried_again(engine, owner):
    speaker, _ = await wait_for_nobody(engine)
    await link_all(engine, speaker)
    refusing = "ALTER TABLE partner_event ADD CONSTRAINT no CHECK (event_id <> 'ride-5') NOT VALID"
    async with owner.begin() as conn:
        await conn.execute(text(refusing))
    assert await end_waits(engine, RULES) == RIDES - 1
    assert (await outcomes(engine))["ride-5"] == "parked"
    async with owner.begin() as conn:
        await conn.execute(text("ALTER TABLE partner_event DROP CONSTRAINT no"))
    await end_their_time(engine)
    assert await end_waits(engine, RULES) == 1
    assert set((await outcomes(engine)).values()) == {"credited"}


async def test_an_event_of_a_type_that_is_taken_no_more_is_refused_and_stops_nobody(engine):
    speaker, events = await wait_for_nobody(engine)
    late = make_correction(events[1], distance_m=10_000)
    await take(engine, speaker, late)
    await link_all(engine, speaker)
    gone = "UPDATE parked_event SET body = replace(body, 'tanhui.trip.', 'tanhui.gone.')"
    async with engine.begin() as conn:
        await run(conn, f"{gone} WHERE event_id IN ('ride-0', :late)", late=late["id"])
    [became] = await take(engine, speaker, make_withdrawal(events[1]))
    assert isinstance(became, Became)
    await end_their_time(engine)
    assert await end_waits(engine, RULES) >= RIDES
    found = await outcomes(engine)
    assert (found["ride-0"], found["ride-1"]) == ("refused", "withdrawn")
    assert {found[f"ride-{n}"] for n in range(2, RIDES)} == {"credited"}
    async with engine.connect() as conn:
        assert await fetch(conn, "SELECT event_id FROM parked_event") == []
    assert await check_invariants(engine) == []
