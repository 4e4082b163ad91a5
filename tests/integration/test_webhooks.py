"""Events become deliveries once, these are sent at least once, and nobody waits for the slow."""

import asyncio
import json
from contextlib import asynccontextmanager

import pytest
from sqlalchemy.exc import DBAPIError

from backend.batches import run_batch
from backend.bell import Bell
from backend.db import fetch, fetch_one, run
from backend.events import CREDIT_BOOKED, WEBHOOK, Event
from backend.ids import uuid7
from backend.ledger.queries import lock_accounts
from backend.outbox import CHANNEL, append, take
from backend.partners.queries import make_partner, record_reports
from backend.sealing import make_sealer
from backend.webhooks.attempt_queries import lease_deliveries, lock_due_endpoints
from backend.webhooks.deliverer import AT_ONCE_PER_ENDPOINT, open_deliverer
from backend.webhooks.delivery_queries import forget, give_up
from backend.webhooks.domain import Owner, Result, Status, Stop
from backend.webhooks.endpoint_steps import Alteration, Registration, alter, register
from backend.webhooks.results import Finished, write_results
from backend.webhooks.sending import Sender
from backend.webhooks.steps import webhook_step
from tests.builders import SECRET, saved_account
from tests.busy_database import METRO, credit, make_claimed_order
from tests.receiver import is_signed, receiving

SEALER = make_sealer("", SECRET)
CREDITED = "check_in.credited"


async def saved_partner(engine):
    partner_id = uuid7()
    async with engine.begin() as conn:
        await make_partner(conn, partner_id, name_zh="地", name_en="M", source=f"urn:{partner_id}")
    return partner_id


async def saved_endpoint(engine, partner_id, url, types=(CREDITED,)):
    """A registered endpoint and its secret."""

    async def write(conn, asked):
        return await register(conn, asked, SEALER)

    asked = Registration(Owner("partner", partner_id), url, types, "test")
    [done] = await run_batch(engine, write, [asked])
    return done.endpoint.id, done.secret


async def saved_credit(engine, partner_id, account_id=None):
    """A ride that the partner reported; its credit's event waits as work."""
    account_id = account_id or await saved_account(engine)
    order = make_claimed_order(account_id, **METRO)
    [outcome] = await credit(engine, order)
    async with engine.begin() as conn:
        locked = await lock_accounts(conn, [])
        await record_reports(conn, [(order.check_in_id, partner_id)], locked.now)
    return outcome.credit


async def announce(engine):
    """Run the step on all work of its kind."""
    async with engine.begin() as conn:
        works = await take(conn, WEBHOOK, limit=100)
        await webhook_step(conn, works)
    return len(works)


async def deliveries(engine, **wanted):
    async with engine.connect() as conn:
        rows = await fetch(conn, "SELECT * FROM webhook_delivery ORDER BY id")
    return [row for row in rows if all(getattr(row, k) == v for k, v in wanted.items())]


async def execute(engine, sql, **values):
    async with engine.begin() as conn:
        await run(conn, sql, **values)


async def make_due(engine):
    await execute(
        engine,
        "UPDATE webhook_delivery SET due_at = now(), leased_until = CASE WHEN leased_until IS NOT"
        " NULL THEN now() END WHERE status = 'pending'",
    )


async def endpoint_row(engine, endpoint_id):
    async with engine.connect() as conn:
        return await fetch_one(
            conn, "SELECT * FROM webhook_endpoint WHERE id = :id", id=endpoint_id
        )


@asynccontextmanager
async def delivering(engine):
    bell = Bell(engine, CHANNEL)
    async with open_deliverer(engine, bell, SEALER, is_anywhere=True) as deliverer:
        tasks = [asyncio.ensure_future(bell.serve()), asyncio.ensure_future(deliverer.serve())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def until(condition):
    async with asyncio.timeout(20):
        while not await condition():  # noqa: ASYNC110  # the database tells nobody
            await asyncio.sleep(0.02)


async def all_are(engine, status):
    found = await deliveries(engine)
    return found and all(row.status == status for row in found)


async def test_a_booking_becomes_one_delivery_per_endpoint_however_often_the_step_runs(engine):
    partner_id = await saved_partner(engine)
    first, _ = await saved_endpoint(engine, partner_id, "http://a.example/")
    second, _ = await saved_endpoint(engine, partner_id, "http://b.example/")
    booked = await saved_credit(engine, partner_id)
    async with engine.begin() as conn:  # a dead letter that is replayed names the same booking
        await append(conn, [Event(CREDIT_BOOKED, [booked.id])])
    assert await announce(engine) == 2
    found = await deliveries(engine)
    assert {row.endpoint_id for row in found} == {first, second}
    assert len(found) == 2
    assert {row.subject_id for row in found} == {booked.id}
    message = json.loads(found[0].body)
    assert message["type"] == CREDITED
    assert message["data"] == {
        "check_in_id": str(booked.check_in_id),
        "credit_id": str(booked.id),
        "booking": 1,
        "action": "metro",
        "reduction": {"amount": booked.grams, "unit": "gCO2e"},
    }
    assert str(booked.account_id) not in found[0].body


async def test_a_step_that_fails_leaves_neither_delivery_nor_loses_its_work(engine):
    partner_id = await saved_partner(engine)
    await saved_endpoint(engine, partner_id, "http://a.example/")
    await saved_credit(engine, partner_id)
    async with engine.connect() as conn:
        await webhook_step(conn, await take(conn, WEBHOOK, limit=100))
        await conn.rollback()
    assert await deliveries(engine) == []
    assert await announce(engine) == 1
    assert len(await deliveries(engine)) == 1


async def test_a_partner_hears_of_its_own_events_only(engine):
    ours, others = await saved_partner(engine), await saved_partner(engine)
    endpoint_id, _ = await saved_endpoint(engine, ours, "http://a.example/")
    await saved_credit(engine, others)
    await credit(engine, make_claimed_order(await saved_account(engine), **METRO))
    own = await saved_credit(engine, ours)
    await announce(engine)
    [row] = await deliveries(engine)
    assert (row.endpoint_id, row.subject_id) == (endpoint_id, own.id)


async def test_what_nobody_asked_for_makes_no_delivery(engine):
    partner_id = await saved_partner(engine)
    await saved_endpoint(engine, partner_id, "http://a.example/", ["check_in.reversed"])
    deleted, _ = await saved_endpoint(engine, partner_id, "http://b.example/")
    await run_batch(engine, alter, [Alteration(deleted, None, Status.DELETED, Stop.OWNER)])
    await saved_credit(engine, partner_id)
    assert await announce(engine) == 1
    assert await deliveries(engine) == []


async def test_a_message_is_signed_sent_and_noted(engine):
    partner_id = await saved_partner(engine)
    async with receiving() as receiver:
        _, secret = await saved_endpoint(engine, partner_id, f"{receiver.base}/hook")
        await saved_credit(engine, partner_id)
        async with delivering(engine):
            await announce(engine)
            await until(lambda: all_are(engine, "delivered"))
    [came], [row] = receiver.came, await deliveries(engine)
    assert is_signed(came, secret)
    assert not is_signed(came, "whsec_" + "A" * 44)
    assert (came.path, came.id, came.body.decode()) == ("/hook", str(row.id), row.body)
    assert came.headers["content-type"] == "application/json"
    assert (row.attempts, row.response_code, row.error) == (1, 204, None)
    assert row.duration_ms >= 0
    assert row.leased_until is None


async def test_what_fails_is_sent_again_under_the_same_id(engine):
    partner_id = await saved_partner(engine)
    async with receiving([500, (503, {"Retry-After": "100"}), 204]) as receiver:
        endpoint_id, _ = await saved_endpoint(engine, partner_id, receiver.base)
        await saved_credit(engine, partner_id)
        await announce(engine)
        waits = []
        async with delivering(engine):
            for attempt in (1, 2):

                async def is_noted(attempt=attempt):
                    [row] = await deliveries(engine)
                    return row.attempts == attempt and row.leased_until is None

                await until(is_noted)
                [row] = await deliveries(engine)
                assert (await endpoint_row(engine, endpoint_id)).failing_since is not None
                waits.append((row.due_at - row.attempted_at).total_seconds())
                await make_due(engine)
            await until(lambda: all_are(engine, "delivered"))
    [row] = await deliveries(engine)
    assert receiver.ids() == [str(row.id)] * 3
    assert {each.body for each in receiver.came} == {row.body.encode()}
    assert 4 <= waits[0] <= 7
    assert 270 <= waits[1] <= 302
    assert row.attempts == 3
    assert (await endpoint_row(engine, endpoint_id)).failing_since is None


async def test_a_receiver_that_is_gone_is_disabled_and_told_nothing_more(engine):
    partner_id = await saved_partner(engine)
    async with receiving([410]) as receiver:
        endpoint_id, _ = await saved_endpoint(engine, partner_id, receiver.base)
        await saved_credit(engine, partner_id)
        async with delivering(engine):
            await announce(engine)
            await until(lambda: all_are(engine, "failed"))
            await saved_credit(engine, partner_id)
            await announce(engine)
            await asyncio.sleep(0.3)
    row = await endpoint_row(engine, endpoint_id)
    assert (row.status, row.disabled_reason) == ("disabled", "gone")
    assert len(receiver.came) == 1
    assert [row.status for row in await deliveries(engine)] == ["failed", "pending"]


async def test_days_without_a_success_disable_an_endpoint(engine):
    partner_id = await saved_partner(engine)
    async with receiving([500]) as receiver:
        endpoint_id, _ = await saved_endpoint(engine, partner_id, receiver.base)
        await execute(
            engine, "UPDATE webhook_endpoint SET failing_since = now() - interval '5 days'"
        )
        await saved_credit(engine, partner_id)
        async with delivering(engine):
            await announce(engine)

            async def is_disabled():
                return (await endpoint_row(engine, endpoint_id)).status == "disabled"

            await until(is_disabled)
    assert (await endpoint_row(engine, endpoint_id)).disabled_reason == "failing"


async def test_the_last_try_gives_up_and_says_why(engine):
    partner_id = await saved_partner(engine)
    async with receiving([404]) as receiver:
        await saved_endpoint(engine, partner_id, receiver.base)
        await saved_credit(engine, partner_id)
        await announce(engine)
        await execute(engine, "UPDATE webhook_delivery SET give_up_at = now() + interval '2 s'")
        async with delivering(engine):
            await until(lambda: all_are(engine, "failed"))
    [row] = await deliveries(engine)
    assert (row.error, row.response_code, row.attempts) == ("status_refused", 404, 1)


async def test_a_receiver_that_sleeps_holds_up_nobody_else(engine):
    slow_owner, quick_owner = await saved_partner(engine), await saved_partner(engine)
    async with receiving(["wait"]) as slow, receiving() as quick:
        await saved_endpoint(engine, slow_owner, slow.base)
        await saved_endpoint(engine, quick_owner, quick.base)
        account_id = await saved_account(engine)
        for _ in range(6):
            await saved_credit(engine, slow_owner)
        await announce(engine)
        async with delivering(engine):

            async def is_busy():
                return slow.at_once == AT_ONCE_PER_ENDPOINT

            await until(is_busy)
            for _ in range(4):
                await saved_credit(engine, quick_owner, account_id=account_id)
            await announce(engine)

            async def are_there():
                return len(quick.came) == 4

            await until(are_there)
            assert slow.at_once == slow.at_once_max == AT_ONCE_PER_ENDPOINT
            slow.answers[:] = [204]
            slow.gate.set()
            await until(lambda: all_are(engine, "delivered"))
    assert len(set(slow.ids())) == 6
    assert slow.at_once_max == AT_ONCE_PER_ENDPOINT


async def test_a_send_that_fails_as_nobody_expected_holds_up_nobody_else(engine, monkeypatch):
    bad_owner, good_owner = await saved_partner(engine), await saved_partner(engine)
    bad, _ = await saved_endpoint(engine, bad_owner, "http://bad.example/")
    send = Sender.send

    async def send_or_fail(sender, attempt):
        if attempt.endpoint_id == bad:
            raise ArithmeticError
        return await send(sender, attempt)

    monkeypatch.setattr(Sender, "send", send_or_fail)
    async with receiving() as receiver:
        await saved_endpoint(engine, good_owner, receiver.base)
        await saved_credit(engine, bad_owner)
        await announce(engine)
        async with delivering(engine):

            async def is_noted():
                return await deliveries(engine, endpoint_id=bad, attempts=1, leased_until=None)

            await until(is_noted)
            await saved_credit(engine, good_owner)
            await announce(engine)

            async def is_there():
                return receiver.came

            await until(is_there)
    [row] = await deliveries(engine, endpoint_id=bad)
    assert (row.status, row.error) == ("pending", "not_http"), "tried again after a pause"
    assert (row.due_at - row.attempted_at).total_seconds() >= 4


async def test_two_processors_together_keep_to_the_limit_of_an_endpoint(engine):
    partner_id = await saved_partner(engine)
    async with receiving(["wait"]) as receiver:
        await saved_endpoint(engine, partner_id, receiver.base)
        for _ in range(8):
            await saved_credit(engine, partner_id)
        await announce(engine)
        async with delivering(engine), delivering(engine):

            async def is_busy():
                return receiver.at_once == AT_ONCE_PER_ENDPOINT

            await until(is_busy)
            await asyncio.sleep(0.3)
            assert receiver.at_once_max == AT_ONCE_PER_ENDPOINT
            receiver.answers[:] = [204]
            receiver.gate.set()
            await until(lambda: all_are(engine, "delivered"))
    assert sorted(receiver.ids()) == sorted({str(row.id) for row in await deliveries(engine)})


async def lease_one(engine):
    async with engine.begin() as conn:
        endpoints = await lock_due_endpoints(conn, at_once=2, limit=10)
        return await lease_deliveries(conn, endpoints, at_once=2, lease_s=40)


async def close(engine, attempt, result):
    [is_ours] = await run_batch(engine, write_results, [Finished(attempt, result)])
    return is_ours


async def test_a_sender_whose_lease_ran_out_writes_nothing(engine):
    partner_id = await saved_partner(engine)
    await saved_endpoint(engine, partner_id, "http://a.example/")
    await saved_credit(engine, partner_id)
    await announce(engine)
    [stale] = await lease_one(engine)
    assert await lease_one(engine) == []
    await make_due(engine)
    [second] = await lease_one(engine)
    assert (second.delivery_id, second.attempts) == (stale.delivery_id, 2)
    assert not await close(engine, stale, Result(410, 5, "gone"))
    assert (await endpoint_row(engine, second.endpoint_id)).status == "enabled"
    assert await close(engine, second, Result(200, 5))
    assert not await close(engine, second, Result(500, 5, "status_refused"))
    [row] = await deliveries(engine)
    assert (row.status, row.response_code) == ("delivered", 200)


async def test_a_stop_gives_its_leases_back_and_the_message_is_sent_again(engine):
    partner_id = await saved_partner(engine)
    async with receiving(["wait", 204]) as receiver:
        await saved_endpoint(engine, partner_id, receiver.base)
        await saved_credit(engine, partner_id)
        await announce(engine)
        async with delivering(engine):

            async def is_asked():
                return receiver.came

            await until(is_asked)
        [row] = await deliveries(engine)
        assert (row.status, row.leased_until) == ("pending", None)
        async with delivering(engine):
            await until(lambda: all_are(engine, "delivered"))
    assert receiver.ids() == [str(row.id)] * 2


async def test_what_a_disabled_endpoint_missed_waits_and_ends_after_its_three_days(engine):
    partner_id = await saved_partner(engine)
    async with receiving() as receiver:
        endpoint_id, _ = await saved_endpoint(engine, partner_id, receiver.base)
        disable = Alteration(endpoint_id, None, Status.DISABLED, Stop.OWNER)
        await run_batch(engine, alter, [disable])
        await saved_credit(engine, partner_id)
        await announce(engine)
        await saved_credit(engine, partner_id)
        await announce(engine)
        old, _ = await deliveries(engine)
        await execute(
            engine, "UPDATE webhook_delivery SET give_up_at = now() WHERE id = :id", id=old.id
        )
        async with engine.begin() as conn:
            assert await give_up(conn, limit=100) == 1
        async with delivering(engine):
            await asyncio.sleep(0.2)
            assert receiver.came == []
            enable = Alteration(endpoint_id, None, Status.ENABLED, Stop.OWNER)
            await run_batch(engine, alter, [enable])

            async def is_there():
                return receiver.came

            await until(is_there)
    ended, sent = await deliveries(engine)
    assert (ended.id, ended.status, ended.error) == (old.id, "failed", "not_enabled")
    assert receiver.ids() == [str(sent.id)]


async def test_the_log_forgets_after_its_time_but_never_what_waits(engine):
    partner_id = await saved_partner(engine)
    await saved_endpoint(engine, partner_id, "http://a.example/")
    for _ in range(3):
        await saved_credit(engine, partner_id)
    await announce(engine)
    first, second, third = await deliveries(engine)
    await execute(
        engine,
        "UPDATE webhook_delivery SET created_at = now() - interval '31 days',"
        " status = CASE WHEN id = :id THEN 'failed' ELSE status END WHERE id <> :young",
        id=first.id,
        young=third.id,
    )
    async with engine.begin() as conn:
        assert await forget(conn, limit=100) == 1
    assert [row.id for row in await deliveries(engine)] == [second.id, third.id]


async def test_ten_registrations_at_once_make_one_endpoint_and_an_eleventh_url_is_refused(engine):
    partner_id = await saved_partner(engine)

    async def write(conn, asked):
        return await register(conn, asked, SEALER)

    def asked(url):
        return [Registration(Owner("partner", partner_id), url, [CREDITED], "test")]

    answers = await asyncio.gather(
        *(run_batch(engine, write, asked("http://a.example/")) for _ in range(10))
    )
    assert len({answer.endpoint.id for [answer] in answers}) == 1
    assert [answer.secret is not None for [answer] in answers].count(True) == 1
    await asyncio.gather(
        *(run_batch(engine, write, asked(f"http://a.example/{n}")) for n in range(14))
    )
    async with engine.connect() as conn:
        row = await fetch_one(conn, "SELECT count(*) AS endpoints FROM webhook_endpoint")
    assert row.endpoints == 10


async def test_a_secret_at_rest_is_not_the_secret(engine):
    partner_id = await saved_partner(engine)
    _, secret = await saved_endpoint(engine, partner_id, "http://a.example/")
    async with engine.connect() as conn:
        row = await fetch_one(conn, "SELECT id, sealed FROM webhook_secret")
    import base64

    assert base64.b64decode(secret.removeprefix("whsec_")) not in bytes(row.sealed)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE webhook_endpoint SET place = 11",
        "UPDATE webhook_endpoint SET status = 'disabled'",
        "UPDATE webhook_endpoint SET disabled_reason = 'gone'",
        "UPDATE webhook_endpoint SET event_types = '{}'",
        "UPDATE webhook_delivery SET status = 'delivered', response_code = 500",
        "UPDATE webhook_delivery SET status = 'delivered'",
        "UPDATE webhook_delivery SET status = 'failed', leased_until = now()",
        "UPDATE webhook_delivery SET body = repeat('x', 20481)",
    ],
)
async def test_the_database_itself_refuses_what_makes_no_sense(engine, change):
    partner_id = await saved_partner(engine)
    await saved_endpoint(engine, partner_id, "http://a.example/")
    await saved_credit(engine, partner_id)
    await announce(engine)
    with pytest.raises(DBAPIError, match="violates check"):
        await execute(engine, change)
