"""Decided photos become a folder that training reads; no model and no torch is needed to check."""

import csv
import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from backend.batches import run_batch
from backend.checkins.domain import Status
from backend.checkins.queries import insert_check_ins
from backend.cli import main
from backend.db import run
from backend.evidence_store import EvidenceStore
from backend.review.domain import (
    PLATE_LABELS,
    AppealRequest,
    DecisionRequest,
    Label,
    Outcome,
    Reviewer,
)
from backend.review.export import COLUMNS, Exported, NotAnExport, Period, export_decided
from backend.review.steps import ReviewRules, write_appeals, write_decisions
from models.photos import photos_in, reviewed_in
from tests.builders import make_check_in, saved_account

FIRST, SECOND = Reviewer("issuer|first", None), Reviewer("issuer|second", None)
ALWAYS = Period()


@pytest.fixture
def store(tmp_path):
    return EvidenceStore(tmp_path / "evidence")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "export"


@pytest.fixture
def saved_decision(engine, store):
    """A photo in review, decided with a label; the check-in."""

    async def save(label):
        account_id = await saved_account(engine)
        jpeg = b"jpeg of " + account_id.bytes
        check_in = make_check_in(
            account_id=account_id,
            status=Status.IN_REVIEW,
            evidence_sha256=sha256(jpeg).hexdigest(),
            meal_window="2026-11-20/lunch",
        )
        await store.put(account_id, check_in.evidence_sha256, jpeg)
        async with engine.begin() as conn:
            await insert_check_ins(conn, [check_in])
            await run(
                conn, "UPDATE check_in SET in_review_since = now() WHERE status = 'in_review'"
            )
        await decide(engine, check_in, label, FIRST)
        return check_in

    return save


async def decide(engine, check_in, label, reviewer):
    outcome = Outcome.ACCEPTED if label == "clean" else Outcome.REJECTED
    request = DecisionRequest(check_in.id, reviewer, outcome, Label(label), "Wang said so")
    [answer] = await run_batch(engine, with_rules(write_decisions), [request])
    assert not isinstance(answer, Exception), answer


async def appeal(engine, check_in):
    request = AppealRequest(check_in.id, check_in.account_id, None)
    [answer] = await run_batch(engine, with_rules(write_appeals), [request])
    assert not isinstance(answer, Exception), answer


def with_rules(write):
    async def written(conn, requests):
        return await write(conn, requests, ReviewRules())

    return written


def manifest(folder):
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as lines:
        return {row["path"]: row for row in csv.DictReader(lines)}


async def test_training_reads_what_reviewers_decided(engine, store, folder, saved_decision):
    for label in PLATE_LABELS:
        await saved_decision(label)
    assert await export_decided(engine, store, folder, ALWAYS) == Exported(written=6, gone=1)
    photos = reviewed_in(folder)
    assert sorted((photo.label, photo.is_recaptured) for photo in photos) == [
        ("clean", False),
        ("full", False),
        ("leftover", False),
        ("not_a_plate", True),
        ("not_a_plate", True),
        ("residue", False),
    ]
    assert {(photo.dataset, photo.part) for photo in photos} == {("review", "train")}
    assert all(photo.path.read_bytes().startswith(b"jpeg of ") and photo.sure for photo in photos)
    assert len({photo.part for photo in photos_in(folder)}) == 1  # one place, one day


async def test_nothing_in_the_folder_names_a_person(engine, store, folder, saved_decision):
    check_in = await saved_decision("leftover")
    await export_decided(engine, store, folder, ALWAYS)
    text = (folder / "manifest.csv").read_text()
    assert text.splitlines()[0] == ",".join(COLUMNS)
    for name in (check_in.account_id, check_in.id, check_in.natural_key, "Wang", "issuer"):
        assert str(name) not in text
    [row] = manifest(folder).values()
    assert row["path"] == f"photos/{check_in.evidence_sha256}.jpg"
    assert (row["label"], row["group"]) == ("leftover", "330100-2026-11-20")


async def test_a_second_run_adds_only_what_is_new(engine, store, folder, saved_decision):
    await saved_decision("clean")
    await export_decided(engine, store, folder, ALWAYS)
    before = {path: path.stat().st_mtime_ns for path in folder.glob("photos/*")}
    await saved_decision("full")
    assert await export_decided(engine, store, folder, ALWAYS) == Exported(written=1, unchanged=1)
    after = {path: path.stat().st_mtime_ns for path in folder.glob("photos/*")}
    assert before.items() < after.items()
    assert len(manifest(folder)) == 2


async def test_what_a_killed_run_left_behind_is_repaired_by_the_next_one(
    engine, store, folder, saved_decision
):
    half, erased = await saved_decision("clean"), await saved_decision("full")
    await store.delete(erased.account_id, erased.evidence_sha256)
    (folder / "photos").mkdir(parents=True)
    (folder / "photos" / f"{half.evidence_sha256}.4711.new").write_bytes(b"jpeg")
    (folder / "photos" / f"{half.evidence_sha256}.new").write_bytes(b"jpeg")
    (folder / "photos" / f"{erased.evidence_sha256}.jpg").write_bytes(b"jpeg of nobody")
    (folder / "manifest.csv.new").write_text("path,data")
    assert await export_decided(engine, store, folder, ALWAYS) == Exported(written=1, gone=1)
    left = sorted(each.name for each in folder.rglob("*") if each.is_file())
    assert left == sorted([f"{half.evidence_sha256}.jpg", "manifest.csv"])
    whole = (folder / "photos" / f"{half.evidence_sha256}.jpg").read_bytes()
    assert whole == b"jpeg of " + half.account_id.bytes


async def test_an_appeal_waits_and_then_changes_the_label(engine, store, folder, saved_decision):
    check_in = await saved_decision("leftover")
    await export_decided(engine, store, folder, ALWAYS)
    await run_now(engine, "UPDATE check_in SET appeal_until = now() + interval '1 day'")
    await appeal(engine, check_in)
    assert await export_decided(engine, store, folder, ALWAYS) == Exported()
    await decide(engine, check_in, "clean", SECOND)
    assert await export_decided(engine, store, folder, ALWAYS) == Exported(changed=1)
    [row] = manifest(folder).values()
    assert (row["label"], row["note"]) == ("clean", "on appeal")


async def test_deleted_and_erased_photos_are_counted_and_left_out(
    engine, store, folder, saved_decision
):
    erased, deleted = await saved_decision("full"), await saved_decision("not_a_plate")
    await store.delete(erased.account_id, erased.evidence_sha256)
    await run_now(
        engine,
        "INSERT INTO evidence_deletion (check_in_id, due_at) VALUES (:id, now())",
        id=deleted.id,
    )
    await saved_decision("residue")
    assert await export_decided(engine, store, folder, ALWAYS) == Exported(written=1, gone=2)
    assert [photo.label for photo in photos_in(folder)] == ["residue"]


async def test_no_copy_outlives_a_photo_that_shows_no_plate(engine, store, folder, saved_decision):
    check_in = await saved_decision("leftover")
    await saved_decision("clean")
    await export_decided(engine, store, folder, ALWAYS)
    await run_now(engine, "UPDATE check_in SET appeal_until = now() + interval '1 day'")
    await appeal(engine, check_in)
    await decide(engine, check_in, "not_a_plate", SECOND)
    done = await export_decided(engine, store, folder, ALWAYS)
    assert done == Exported(unchanged=1, gone=1)
    assert [row["label"] for row in manifest(folder).values()] == ["clean"]
    assert len(list(folder.glob("photos/*"))) == 1


async def test_a_period_is_of_decisions_in_shanghai_days(engine, store, folder, saved_decision):
    await saved_decision("clean")
    today = (datetime.now(UTC) + timedelta(hours=8)).date()
    tomorrow, yesterday = today + timedelta(days=1), today - timedelta(days=1)
    for period, written in (
        (Period(tomorrow), 0),
        (Period(until=yesterday), 0),
        (Period(yesterday, tomorrow), 1),
    ):
        assert (await export_decided(engine, store, folder, period)).written == written


async def test_a_folder_with_another_manifest_is_left_alone(engine, store, folder):
    folder.mkdir()
    (folder / "manifest.csv").write_text("file,class\na.jpg,clean\n")
    with pytest.raises(NotAnExport):
        await export_decided(engine, store, folder, ALWAYS)


async def run_now(engine, statement, **values):
    async with engine.begin() as conn:
        await run(conn, statement, **values)


@pytest.fixture
def database_of_the_command(server, database, tmp_path, monkeypatch):
    from backend.db import APPLICATION_ROLE

    monkeypatch.setenv("TANHUI_DATABASE_URL", server.url(database, APPLICATION_ROLE))
    monkeypatch.setenv("TANHUI_DATA_DIR", str(tmp_path))


@pytest.mark.usefixtures("database_of_the_command")
def test_the_command_says_what_it_did(tmp_path, capsys):
    days = ["--from", "2026-11-01", "--to", "9999-12-31"]
    assert main(["review", "export", str(tmp_path / "out"), *days]) == 0
    done = json.loads(capsys.readouterr().out)
    assert done == {"written": 0, "changed": 0, "unchanged": 0, "gone": 0}


@pytest.mark.usefixtures("database_of_the_command")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["out", "--from", "2026-11-30", "--to", "2026-11-01"], "--from is after --to"),
        (["a_file"], "a_file"),
    ],
)
def test_the_command_says_what_it_cannot_do(tmp_path, monkeypatch, capsys, arguments, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a_file").write_text("a note")
    assert main(["review", "export", *arguments]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
