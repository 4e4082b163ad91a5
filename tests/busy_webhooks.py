"""Deliveries of everything that the busy database did, for one partner and one merchant."""

from backend.batches import run_batch
from backend.db import fetch, fetch_one, run
from backend.events import WEBHOOK
from backend.ids import uuid7
from backend.outbox import take
from backend.partners.queries import make_partner, record_reports
from backend.sealing import make_sealer
from backend.webhooks.domain import TYPES_OF, Owner
from backend.webhooks.endpoint_steps import Registration, register
from backend.webhooks.steps import webhook_step
from tests.builders import SECRET


async def saved_endpoint(engine, owner):
    """An endpoint that wants everything of its kind, since an hour ago."""

    async def write(conn, asked):
        return await register(conn, asked, make_sealer("", SECRET))

    types = sorted(TYPES_OF[owner.kind])
    await run_batch(engine, write, [Registration(owner, "http://a.example/", types, "test")])
    async with engine.begin() as conn:
        await run(
            conn, "UPDATE webhook_endpoint SET subscribed_at = subscribed_at - interval '1 hour'"
        )


async def fill_webhooks(engine):
    """Some rides were a partner's, and all events have become deliveries but for the last ones."""
    partner_id = uuid7()
    async with engine.begin() as conn:
        await make_partner(conn, partner_id, name_zh="地", name_en="M", source="urn:busy")
        rides = await fetch(
            conn, "SELECT id, received_at FROM check_in WHERE action = 'metro' ORDER BY id"
        )
        reports = [(row.id, partner_id) for row in rides]
        await record_reports(conn, reports, rides[0].received_at)
        voucher = await fetch_one(conn, "SELECT merchant_id FROM voucher LIMIT 1")
    await saved_endpoint(engine, Owner("partner", partner_id))
    await saved_endpoint(engine, Owner("merchant", voucher.merchant_id))
    async with engine.begin() as conn:
        waiting = await fetch_one(
            conn, "SELECT count(*) AS rows FROM work WHERE step = :step", step=WEBHOOK
        )
        await webhook_step(conn, await take(conn, WEBHOOK, limit=waiting.rows - 1))
