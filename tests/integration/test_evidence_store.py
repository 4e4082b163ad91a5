import asyncio
import os
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import pytest

from backend import evidence_store
from backend.evidence_store import EvidenceMissing, EvidenceStore, EvidenceUnavailable

ACCOUNT = UUID(int=1)
OTHER = UUID(int=2)
JPEG = b"\xff\xd8 a plate \xff\xd9"
NAME = sha256(JPEG).hexdigest()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "evidence"


@pytest.fixture
def store(folder):
    return EvidenceStore(folder)


async def test_what_was_put_can_be_read(store, folder):
    await store.put(ACCOUNT, NAME, JPEG)
    assert await store.get(ACCOUNT, NAME) == JPEG
    assert (folder / "accounts" / str(ACCOUNT) / NAME).read_bytes() == JPEG


async def test_a_second_put_changes_nothing_and_leaves_no_other_file(store, folder):
    async with asyncio.TaskGroup() as group:
        for _ in range(5):
            group.create_task(store.put(ACCOUNT, NAME, JPEG))
    assert [path.name for path in folder.rglob("*") if path.is_file()] == [NAME]


async def test_evidence_of_another_account_is_missing(store):
    await store.put(ACCOUNT, NAME, JPEG)
    with pytest.raises(EvidenceMissing):
        await store.get(OTHER, NAME)


async def test_deleted_evidence_is_missing_and_can_be_deleted_again(store):
    await store.put(ACCOUNT, NAME, JPEG)
    await store.delete(ACCOUNT, NAME)
    await store.delete(ACCOUNT, NAME)
    with pytest.raises(EvidenceMissing):
        await store.get(ACCOUNT, NAME)


async def test_file_and_every_folder_entry_are_synced_before_put_returns(
    store, folder, monkeypatch
):
    synced = []

    def remember(handle):
        synced.append(Path(f"/proc/self/fd/{handle}").readlink())

    monkeypatch.setattr(evidence_store.os, "fsync", remember)
    await store.put(ACCOUNT, NAME, JPEG)
    account = folder / "accounts" / str(ACCOUNT)
    assert synced[:2] == [folder, folder / "accounts"]
    assert synced[2].parent == account  # the photo, under its temporary name
    assert synced[3:] == [account]


async def test_a_folder_can_be_given_as_an_address(folder):
    store = EvidenceStore(f"file://{folder}")
    await store.put(ACCOUNT, NAME, JPEG)
    assert await EvidenceStore(str(folder)).get(ACCOUNT, NAME) == JPEG


async def test_a_store_that_cannot_write_is_unavailable(tmp_path):
    store = EvidenceStore(tmp_path / "evidence")
    (tmp_path / "evidence" / "accounts").write_bytes(b"a file in the way")
    with pytest.raises(EvidenceUnavailable):
        await store.put(ACCOUNT, NAME, JPEG)


async def test_a_put_that_fails_leaves_no_part_of_the_photo(store, folder):
    (folder / "accounts" / str(ACCOUNT) / NAME).mkdir(parents=True)  # in the way of its name
    with pytest.raises(EvidenceUnavailable):
        await store.put(ACCOUNT, NAME, JPEG)
    assert [path.name for path in folder.rglob("*") if path.is_file()] == []


async def test_a_bucket_takes_equal_evidence_twice():
    store = EvidenceStore("memory:///")
    await store.put(ACCOUNT, NAME, JPEG)
    await store.put(ACCOUNT, NAME, JPEG)
    assert await store.get(ACCOUNT, NAME) == JPEG
    await store.delete(ACCOUNT, NAME)
    with pytest.raises(EvidenceMissing):
        await store.get(ACCOUNT, NAME)


async def test_a_bucket_that_does_not_answer_is_unavailable(monkeypatch, unused_tcp_port):
    for name, value in {
        "AWS_ENDPOINT": f"http://127.0.0.1:{unused_tcp_port}",
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "nobody",
        "AWS_SECRET_ACCESS_KEY": "nothing",
    }.items():
        monkeypatch.setitem(os.environ, name, value)
    monkeypatch.setattr(evidence_store, "TIMEOUT_S", 0.5)
    with pytest.raises(EvidenceUnavailable):
        await EvidenceStore("s3://bucket").get(ACCOUNT, NAME)
