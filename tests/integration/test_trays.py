"""Trays that meet in one batch, and trays that wait for their members."""

from hashlib import sha256

import pytest

from backend.canteens.domain import Meal
from backend.canteens.joining import join_waiting
from backend.canteens.queries import Canteen, insert_canteen
from backend.canteens.refusals import TraySequenceUsed
from backend.canteens.trays import Seen, write_trays
from backend.crediting.domain import EvidenceAlreadyUsed
from backend.db import clock, run
from backend.evidence_store import EvidenceStore, EvidenceUnavailable
from backend.ids import uuid7
from backend.partners.devices import Device, insert_device
from backend.partners.queries import link, make_partner
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


class PartlyAway(EvidenceStore):
    """A folder of which some files cannot be read."""

    def __init__(self, folder):
        super().__init__(folder)
        self.away = set()

    async def get(self, account_id, sha256):
        if sha256 in self.away:
            raise EvidenceUnavailable
        return await super().get(account_id, sha256)


async def saved_waiting(engine, store, photos):
    """Trays of one card, which is linked after they came; none of them is joined yet."""
    device, account_id = await saved_device(engine), await saved_account(engine)
    async with engine.begin() as conn:
        now = await clock(conn, 0)
        place = Canteen(device.place_id, device.partner_id, "食堂", "Canteen", "330106", now)
        await insert_canteen(conn, place)
        terms = {"kind": device.kind, "name": "one", "place_id": place.id, "now": now}
        await insert_device(conn, device.id, device.partner_id, **terms)
        for photo in photos:
            await store.put(device.id, sha256(photo).hexdigest(), photo)
        meals = [
            Meal(
                device=device,
                region=place.region,
                account_id=None,
                sequence=number,
                taken_at=now,
                evidence_sha256=sha256(photo).hexdigest(),
                pixel_sha256=sha256(photo).digest(),
                content_sha256=sha256(photo).digest(),
                subject_token="card",
                code_sha256=None,
            )
            for number, photo in enumerate(photos)
        ]
        seen = await write_trays(conn, meals, RULES)
        assert [each.tray.status for each in seen] == ["waiting"] * len(photos)
        await link(conn, device.partner_id, "card", account_id)
    return account_id


async def test_a_photo_that_cannot_be_had_keeps_no_other_tray_from_its_member(engine, tmp_path):
    store = PartlyAway(tmp_path)
    account_id = await saved_waiting(engine, store, [b"first", b"second"])
    lost = sha256(b"first").hexdigest()
    store.away = {lost}
    assert await join_waiting(engine, store, RULES) == 1
    with pytest.raises(EvidenceUnavailable):
        await join_waiting(engine, store, RULES)
    store.away = set()
    assert await join_waiting(engine, store, RULES) == 1
    assert await join_waiting(engine, store, RULES) == 0
    assert await store.get(account_id, lost) == b"first"
