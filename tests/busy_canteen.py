"""A canteen in which one tray belongs to a member and another one waits for its own."""

from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256

from backend.batches import run_batch
from backend.canteens.domain import Meal
from backend.canteens.queries import Canteen, insert_canteen
from backend.canteens.told_meals import settle_told_meals
from backend.canteens.trays import write_trays
from backend.canteens.waste_queries import WasteEntry, insert_entry
from backend.ids import uuid7
from backend.intake.events.envelope import Speaker
from backend.partners.devices import enrol, insert_device, lock_device
from backend.partners.domain import KeyTerms
from backend.partners.queries import link, make_partner
from backend.partners.signing_keys import issue_public_key
from backend.units import SHANGHAI
from tests.acceptance.event_sender import make_event
from tests.busy_events import take


async def fill_canteen(engine, account_id, rules):
    now = datetime.now(UTC)
    device = await saved_device(engine, now)
    noon = now.astimezone(SHANGHAI).replace(hour=12, minute=0)
    latest = noon if noon <= now else noon - timedelta(days=1)
    meals = [
        make_meal(device, account_id, 0, latest),
        make_meal(device, None, 1, latest, subject_token="card"),
    ]
    await run_batch(engine, partial(write_trays, rules=rules), meals)
    await _tell(engine, account_id, device, latest, rules)
    async with engine.begin() as conn:
        for number, mass_g in ((1, 41_500), (2, 14_500)):
            day, place_id = latest.date(), device.place_id
            entry = WasteEntry(place_id, day, number, mass_g, None, "operator", now)
            assert await insert_entry(conn, entry)


async def _tell(engine, account_id, device, taken_at, rules):
    """An event of the canteen's own system about the tray that belongs to a member."""
    async with engine.begin() as conn:
        await link(conn, device.partner_id, "till-1", account_id)
    data = {"device": str(device.id), "sequence": 0, "returned_at": taken_at.isoformat()}
    event = make_event("tanhui.meal.returned.v1", data, source="urn:food", subject="till-1")
    await take(engine, Speaker(device.partner_id, "partner", "330106"), event)
    assert await settle_told_meals(engine, rules) == 1


async def saved_device(engine, now):
    partner_id, place_id, device_id = uuid7(), uuid7(), uuid7()
    async with engine.begin() as conn:
        await make_partner(conn, partner_id, name_zh="食堂", name_en="Food", source="urn:food")
        await insert_canteen(conn, Canteen(place_id, partner_id, "北区", "North", "330106", now))
        await insert_device(
            conn, device_id, partner_id, kind="tray_return", name="1", place_id=place_id, now=now
        )
        terms = KeyTerms("device", ["tray.return"])
        name = await issue_public_key(conn, partner_id, terms, b"\x01" * 32)
        await enrol(conn, await lock_device(conn, device_id), name.removeprefix("thk_"), now)
        return await lock_device(conn, device_id)


def make_meal(device, account_id, sequence, taken_at, subject_token=None):
    digest = sha256(f"{device.id}{sequence}".encode())
    said = (digest.hexdigest(), digest.digest(), digest.digest())
    return Meal(device, "330106", account_id, sequence, taken_at, *said, subject_token, None)
