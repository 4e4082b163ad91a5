"""Trays that meet in one batch."""

from hashlib import sha256

from backend.canteens.domain import Meal
from backend.canteens.refusals import TraySequenceUsed
from backend.canteens.trays import Seen, write_trays
from backend.crediting.domain import EvidenceAlreadyUsed
from backend.db import clock, run
from backend.ids import uuid7
from backend.partners.devices import Device
from backend.partners.queries import make_partner
from tests.builders import saved_account
from tests.busy_database import RULES


async def saved_device(engine):
    partner_id = uuid7()
    async with engine.begin() as conn:
        await make_partner(conn, partner_id, name_zh="食堂", name_en="Canteen", source="urn:c")
        await run(conn, "UPDATE meal_window SET opens_minute = 0, closes_minute = 1440")
    return Device(
        id=uuid7(),
        partner_id=partner_id,
        kind="tray_return",
        place_id=uuid7(),
        status="active",
        key_id=None,
        clock_offset_ms=0,
        is_code_used=True,
        public_key=None,
    )


async def test_of_two_photos_under_one_sequence_in_a_batch_the_first_ones_pixels_are_used(engine):
    device, account_id = await saved_device(engine), await saved_account(engine)

    def meal(sequence, photo, taken_at):
        digest = sha256(photo).digest()
        return Meal(
            device=device,
            region="330106",
            account_id=account_id,
            sequence=sequence,
            taken_at=taken_at,
            evidence_sha256=digest.hex(),
            pixel_sha256=digest,
            content_sha256=digest,
            subject_token="card",
            code_sha256=None,
        )

    async with engine.begin() as conn:
        now = await clock(conn, 0)
        first, other = await write_trays(
            conn, [meal(1, b"first", now), meal(1, b"other", now)], RULES
        )
    assert (type(first), type(other)) == (Seen, TraySequenceUsed)
    async with engine.begin() as conn:
        again, free = await write_trays(
            conn, [meal(2, b"first", now), meal(3, b"other", now)], RULES
        )
    assert (type(again), type(free)) == (EvidenceAlreadyUsed, Seen)
