"""Evidence that nobody names goes away; evidence of a check-in stays."""

import hashlib
import os
import time
from uuid import uuid4

import pytest

from backend.db import run
from backend.evidence_store import EvidenceStore
from backend.ids import uuid7
from backend.intake.sweep import sweep_orphans

DAY_AND_A_HALF_S = 36 * 3_600


async def put(store, folder, account_id, text, *, age_s):
    jpeg = text.encode()
    sha256 = hashlib.sha256(jpeg).hexdigest()
    await store.put(account_id, sha256, jpeg)
    file = folder / "accounts" / str(account_id) / sha256
    os.utime(file, (time.time() - age_s,) * 2)
    return sha256, file


async def name(engine, account_id, sha256):
    """Write a check-in that names evidence."""
    async with engine.begin() as conn:
        await run(
            conn,
            "INSERT INTO check_in (id, account_id, action, status, tier, reported_by, region,"
            " occurred_at, received_at, quantities, natural_key, evidence_sha256) VALUES (:id,"
            " :account, 'clean_plate', 'received', 'documented', 'member', '330100', now(), now(),"
            " '{}', 'x', :sha256)",
            id=uuid7(),
            account=account_id,
            sha256=sha256,
        )


async def test_only_old_evidence_without_a_check_in_is_swept(engine, tmp_path):
    store, account_id = EvidenceStore(tmp_path), uuid4()
    named, named_file = await put(store, tmp_path, account_id, "named", age_s=DAY_AND_A_HALF_S)
    _, orphan_file = await put(store, tmp_path, account_id, "orphan", age_s=DAY_AND_A_HALF_S)
    _, fresh_file = await put(store, tmp_path, account_id, "fresh", age_s=60)
    await name(engine, account_id, named)
    assert await sweep_orphans(engine, store) == 1
    assert [f.exists() for f in (named_file, orphan_file, fresh_file)] == [True, False, True]
    assert await sweep_orphans(engine, store) == 0


@pytest.mark.parametrize("stray", ["note.txt", "not-an-account/photo", "a/folder/too/deep"])
async def test_what_is_no_evidence_is_left_alone_and_hinders_nothing(engine, tmp_path, stray):
    store = EvidenceStore(tmp_path)
    _, orphan_file = await put(store, tmp_path, uuid4(), "orphan", age_s=DAY_AND_A_HALF_S)
    found = tmp_path / "accounts" / stray
    found.parent.mkdir(parents=True, exist_ok=True)
    found.write_text("somebody's")
    os.utime(found, (time.time() - DAY_AND_A_HALF_S,) * 2)
    assert await sweep_orphans(engine, store) == 1
    assert [orphan_file.exists(), found.exists()] == [False, True]


async def test_what_a_kill_left_of_a_photo_is_swept(engine, tmp_path):
    store, account_id = EvidenceStore(tmp_path), uuid4()
    _, whole = await put(store, tmp_path, account_id, "fresh", age_s=60)
    old, young = (whole.with_name(each) for each in ("tmpold#1", "tmpyoung#1"))
    for part, age_s in ((old, DAY_AND_A_HALF_S), (young, 60)):
        part.write_bytes(b"half a photo")
        os.utime(part, (time.time() - age_s,) * 2)
    await sweep_orphans(engine, store)
    assert [each.exists() for each in (whole, old, young)] == [True, False, True]


class Meanwhile(EvidenceStore):
    """A store in which something happens once, before something is deleted."""

    happens = None

    async def delete(self, account_id, sha256):
        happens, self.happens = self.happens, None
        if happens is not None:
            await happens(account_id, sha256)
        await super().delete(account_id, sha256)


async def test_an_orphan_that_is_sent_again_while_others_are_swept_stays(engine, tmp_path):
    store, account_id = Meanwhile(tmp_path), uuid4()
    for text in ("one", "two"):
        await put(store, tmp_path, account_id, text, age_s=DAY_AND_A_HALF_S)
    jpegs = {hashlib.sha256(jpeg).hexdigest(): jpeg for jpeg in (b"one", b"two")}

    async def send_the_other_again(_, sha256):
        [other] = jpegs.keys() - {sha256}
        await store.put(account_id, other, jpegs[other])
        await name(engine, account_id, other)

    store.happens = send_the_other_again
    assert await sweep_orphans(engine, store) == 1
    assert sum([await store.holds(account_id, sha256) for sha256 in jpegs]) == 1
