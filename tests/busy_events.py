"""A partner's rides: one counted, one corrected, one withdrawn, and two that wait."""

from functools import partial

from backend.batches import run_batch
from backend.crediting.steps import Rulebook
from backend.ids import uuid7
from backend.intake.events.envelope import Speaker, read_event
from backend.intake.events.steps import write_events
from backend.partners.queries import link, make_partner
from scoring.methodology import load_catalogue
from tests.acceptance.event_sender import (
    make_correction,
    make_event,
    make_ride,
    make_withdrawal,
    yesterday_at,
)
from tests.builders import SECRET

RULES = Rulebook(load_catalogue(), SECRET)


async def saved_speaker(engine, links, source="urn:busy-metro") -> Speaker:
    """A partner whose customers are linked by these tokens."""
    partner_id = uuid7()
    async with engine.begin() as conn:
        await make_partner(conn, partner_id, name_zh="地铁", name_en="Metro", source=source)
        for token, account_id in links.items():
            await link(conn, partner_id, token, account_id)
    return Speaker(partner_id, "partner", "330100")


async def take(engine, speaker, *events):
    """Take events as the inlet does; gives what each has become."""
    read = [read_event(each, speaker) for each in events]
    return await run_batch(engine, partial(write_events, rules=RULES), read)


async def fill_events(engine, account_id):
    speaker = await saved_speaker(engine, {"card-1": account_id})
    rides = [make_event(data=make_ride(yesterday_at(hour))) for hour in (8, 10, 12)]
    await take(engine, speaker, *rides)
    await take(
        engine,
        speaker,
        make_correction(rides[1], distance_m=10_000),
        make_withdrawal(rides[2]),
        make_withdrawal(make_event()),
        make_event(subject="card-2"),
    )
