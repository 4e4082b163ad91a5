"""A partner whose customer has moved her link, whose key was rotated, and whose meter was read."""

from datetime import timedelta

from backend.ids import uuid7
from backend.meters.queries import approve_average, insert_average
from backend.partners.consent import CURRENT
from backend.partners.desk import rotate
from backend.partners.desk_bodies import RotationBody
from backend.partners.linking import unlink
from backend.partners.queries import issue_key, link
from backend.sealing import make_sealer
from tests.acceptance.event_sender import make_correction, make_event, yesterday_at
from tests.builders import NOON, SECRET
from tests.busy_events import saved_speaker, take


async def fill_partners(engine, account_id, now):
    speaker = await saved_speaker(engine, {"home-1": account_id}, source="urn:busy-grid")
    async with engine.begin() as conn:
        await _moved_link(conn, speaker.partner_id, account_id)
    async with engine.begin() as conn:
        await _rotated_key(conn, speaker.partner_id, now)
    async with engine.begin() as conn:
        await _average(conn, now)
    readings = [_reading(number) for number in (2, 3)]
    await take(engine, speaker, *readings)
    await take(engine, speaker, make_correction(readings[1], name="meter.reading", used_wh=4_000))


async def _moved_link(conn, partner_id, account_id):
    """One customer, linked twice, one link after the other."""
    consent = {"consent_version": CURRENT.version}
    link_id = await link(conn, partner_id, "home-2", account_id, **consent)
    await unlink(conn, account_id, link_id)
    await link(conn, partner_id, "home-2", account_id, **consent)


async def _rotated_key(conn, partner_id, now):
    text = await issue_key(conn, partner_id, kind="partner", scopes=["event.send"])
    _, key_id, _ = text.split("_")
    body = RotationBody(overlap_h=720)
    await rotate(conn, key_id, body, sealer=make_sealer("", SECRET), by="operator", now=now)


async def _average(conn, now):
    average_id = uuid7()
    await insert_average(
        conn,
        id=average_id,
        region="330100",
        medium="electricity",
        valid_from=NOON.date() - timedelta(days=365),
        average_wh_or_l=2_000,
        source="made up",
        proposed_by="operator",
        proposed_at=now,
    )
    await approve_average(conn, average_id, "operator-2")


def _reading(days_ago):
    """A day of a household of three, 1,000 Wh below what its city uses."""
    day = yesterday_at(12).date() - timedelta(days=days_ago)
    data = {
        "medium": "electricity",
        "meter": "m-1",
        "first_day": day.isoformat(),
        "days": 1,
        "persons": 3,
        "used_wh": 5_000,
        "region": "330100",
    }
    return make_event("tanhui.meter.reading.v1", data, source="urn:busy-grid", subject="home-1")
