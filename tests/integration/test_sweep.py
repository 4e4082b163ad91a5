"""Evidence that nobody names goes away; evidence of a check-in stays."""

import hashlib
import os
import time
from uuid import uuid4

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


async def test_only_old_evidence_without_a_check_in_is_swept(engine, tmp_path):
    store, account_id = EvidenceStore(tmp_path), uuid4()
    named, named_file = await put(store, tmp_path, account_id, "named", age_s=DAY_AND_A_HALF_S)
    _, orphan_file = await put(store, tmp_path, account_id, "orphan", age_s=DAY_AND_A_HALF_S)
    _, fresh_file = await put(store, tmp_path, account_id, "fresh", age_s=60)
    async with engine.begin() as conn:
        await run(
            conn,
            "INSERT INTO check_in (id, account_id, action, status, tier, reported_by, region,"
            " occurred_at, received_at, quantities, natural_key, evidence_sha256) VALUES (:id,"
            " :account, 'clean_plate', 'received', 'documented', 'member', '330100', now(), now(),"
            " '{}', 'x', :sha256)",
            id=uuid7(),
            account=account_id,
            sha256=named,
        )
    assert await sweep_orphans(engine, store) == 1
    assert [f.exists() for f in (named_file, orphan_file, fresh_file)] == [True, False, True]
    assert await sweep_orphans(engine, store) == 0
