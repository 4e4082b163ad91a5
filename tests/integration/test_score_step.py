"""The score step on a real database and a real folder; only the model is scripted."""

import asyncio
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID

import pytest

from backend.checkins.neighbour_queries import (
    find_recent_neighbours,
    insert_near_matches,
    yielding,
)
from backend.checkins.queries import OUTCOME_CHANNEL, check_ins_by_id, insert_check_ins
from backend.checkins.score_queries import Fingerprint, Scored, insert_fingerprints, insert_scores
from backend.checkins.steps import SCORE_BATCH_MAX, score_step
from backend.db import fetch, run
from backend.events import CHECK_IN_RECEIVED, CREDIT, SCORE, Event
from backend.evidence_store import EvidenceStore
from backend.outbox import append, lease
from scoring.model_card import UNMEASURED
from scoring.photo import PhotoUnreadable
from tests.builders import make_check_in
from tests.fakes import MODEL, ScriptedScorer, make_score

NOON = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
PDQ = bytes(range(32))


def flipped(pdq, bits):
    return (int.from_bytes(pdq, "big") ^ ((1 << bits) - 1)).to_bytes(32, "big")


@pytest.fixture
def store(tmp_path):
    return EvidenceStore(tmp_path / "evidence")


@pytest.fixture
def saved_photo(engine, store):
    """Store evidence and its received check-in; return the check-in."""

    async def save(jpeg, **changes):
        usual = {
            "occurred_at": NOON,
            "evidence_sha256": sha256(jpeg).hexdigest(),
            "meal_window": "2026-11-21/lunch",
        }
        check_in = make_check_in(**usual | changes)
        await store.put(check_in.account_id, check_in.evidence_sha256, jpeg)
        async with engine.begin() as conn:
            await insert_check_ins(conn, [check_in])
        return check_in

    return save


@pytest.fixture
def scored(engine, store, saved_photo):
    """Take one photo all the way through the step and return the status that it got."""

    async def score(jpeg, answer, **changes):
        photo = await saved_photo(jpeg, **changes)
        scorer = ScriptedScorer({jpeg: answer})
        await score_step(engine, await leased(engine, photo), scorer=scorer, store=store)
        [(status, _)] = await outcomes(engine, photo)
        return status

    return score


async def leased(engine, *check_ins, together=False, lease_s=60.0):
    groups = [check_ins] if together else [[each] for each in check_ins]
    async with engine.begin() as conn:
        events = [Event(CHECK_IN_RECEIVED, [each.id for each in group]) for group in groups]
        await append(conn, events)
        return await lease(conn, SCORE, limit=100, lease_s=lease_s)


async def outcomes(engine, *check_ins):
    async with engine.connect() as conn:
        found = await check_ins_by_id(conn, [each.id for each in check_ins])
    return [(found[each.id].status, found[each.id].reason) for each in check_ins]


async def rows(engine, statement):
    async with engine.connect() as conn:
        return [tuple(row) for row in await fetch(conn, statement)]


async def asked_to_credit(engine):
    found = await rows(engine, f"SELECT ids FROM work WHERE step = '{CREDIT}'")
    return [id for (ids,) in found for id in ids]


async def test_each_verdict_moves_its_check_in_and_only_accepted_ones_are_credited(
    engine, store, saved_photo
):
    clean, doubtful, dark = [await saved_photo(jpeg) for jpeg in (b"clean", b"doubtful", b"dark")]
    scorer = ScriptedScorer(
        {
            b"doubtful": make_score(b"doubtful", verdict="in_review", reason="uncertain"),
            b"dark": make_score(b"dark", verdict="rejected", reason="too_dark"),
        }
    )
    works = await leased(engine, clean, doubtful, dark)
    await score_step(engine, works, scorer=scorer, store=store)
    assert await outcomes(engine, clean, doubtful, dark) == [
        ("scored", None),
        ("in_review", "uncertain"),
        ("rejected", "too_dark"),
    ]
    assert await asked_to_credit(engine) == [clean.id]
    assert await rows(engine, f"SELECT id FROM work WHERE step = '{SCORE}'") == []
    assert len(await rows(engine, "SELECT 1 FROM score")) == 3


async def test_a_second_run_of_the_same_work_has_no_second_effect(engine, store, saved_photo):
    photo = await saved_photo(b"clean")
    works = await leased(engine, photo)
    scorer = ScriptedScorer()
    for _ in range(2):
        await score_step(engine, works, scorer=scorer, store=store)
    assert await asked_to_credit(engine) == [photo.id]
    assert scorer.batches == [1]


async def test_a_run_whose_lease_was_lost_writes_nothing(engine, store, saved_photo):
    photo = await saved_photo(b"clean")
    lost = await leased(engine, photo, lease_s=-1.0)
    async with engine.begin() as conn:
        held = await lease(conn, SCORE, limit=1, lease_s=60.0)
    await score_step(engine, lost, scorer=ScriptedScorer(), store=store)
    assert await outcomes(engine, photo) == [("received", None)]
    await score_step(engine, held, scorer=ScriptedScorer(), store=store)
    assert await outcomes(engine, photo) == [("scored", None)]
    assert await asked_to_credit(engine) == [photo.id]


async def test_the_verdict_that_was_stored_first_stands(engine, store, saved_photo):
    photo = await saved_photo(b"plate")
    # An earlier run, with another model, ended between its two transactions.
    async with engine.begin() as conn:
        earlier = Scored(photo.id, "1" * 64, [0, 0, 10_000, 0, 0], 0, "rejected", "leftovers")
        await insert_scores(conn, [earlier], NOON)
    works = await leased(engine, photo)
    await score_step(engine, works, scorer=ScriptedScorer(), store=store)
    assert await outcomes(engine, photo) == [("rejected", "leftovers")]


async def test_one_poison_photo_is_postponed_and_the_others_flow(engine, store, saved_photo):
    first, poison, last = [await saved_photo(jpeg) for jpeg in (b"first", b"poison", b"last")]
    scorer = ScriptedScorer({b"poison": RuntimeError("the model fell over")})
    works = await leased(engine, first, poison, last)
    await score_step(engine, works, scorer=scorer, store=store)
    assert await outcomes(engine, first, poison, last) == [
        ("scored", None),
        ("received", None),
        ("scored", None),
    ]
    [(ids, error)] = await rows(engine, f"SELECT ids, error FROM work WHERE step = '{SCORE}'")
    assert list(ids) == [poison.id]
    assert "the model fell over" in error


async def test_photos_that_share_their_work_with_a_poison_one_are_settled_once(
    engine, store, saved_photo
):
    good, poison = await saved_photo(b"good"), await saved_photo(b"poison")
    scorer = ScriptedScorer({b"poison": RuntimeError("the model fell over")})
    works = await leased(engine, good, poison, together=True)
    await score_step(engine, works, scorer=scorer, store=store)
    assert await outcomes(engine, good, poison) == [("scored", None), ("received", None)]
    del scorer.answers[b"poison"]
    await score_step(engine, works, scorer=scorer, store=store)
    assert await outcomes(engine, good, poison) == [("scored", None), ("scored", None)]
    assert await asked_to_credit(engine) == [good.id, poison.id]


async def test_an_unreadable_and_a_missing_photo_are_rejected(engine, store, saved_photo):
    unreadable, missing = await saved_photo(b"unreadable"), await saved_photo(b"missing")
    await store.delete(missing.account_id, missing.evidence_sha256)
    scorer = ScriptedScorer({b"unreadable": PhotoUnreadable("broken")})
    await score_step(engine, await leased(engine, unreadable, missing), scorer=scorer, store=store)
    assert await outcomes(engine, unreadable, missing) == [("rejected", "photo_unreadable")] * 2
    assert await rows(engine, "SELECT 1 FROM score") == []


async def test_work_waits_while_the_store_fails(engine, store, saved_photo, tmp_path):
    photo = await saved_photo(b"plate")
    (tmp_path / "evidence" / "accounts").rename(tmp_path / "elsewhere")
    (tmp_path / "evidence" / "accounts").write_bytes(b"no folder")
    await score_step(engine, await leased(engine, photo), scorer=ScriptedScorer(), store=store)
    assert await outcomes(engine, photo) == [("received", None)]
    [(error,)] = await rows(engine, f"SELECT error FROM work WHERE step = '{SCORE}'")
    assert "EvidenceUnavailable" in error


async def test_many_photos_are_scored_in_bounded_batches(engine, store, saved_photo):
    photos = [await saved_photo(b"plate %d" % number) for number in range(20)]
    scorer = ScriptedScorer()
    await score_step(engine, await leased(engine, *photos), scorer=scorer, store=store)
    assert max(scorer.batches) <= SCORE_BATCH_MAX
    assert sum(scorer.batches) == 20
    assert set(await outcomes(engine, *photos)) == {("scored", None)}


async def test_a_photo_that_looks_like_an_earlier_one_goes_to_a_person(engine, store, saved_photo):
    scorer = ScriptedScorer(
        {
            b"earlier": make_score(b"earlier", fingerprint=PDQ),
            b"copy": make_score(b"copy", fingerprint=flipped(PDQ, 31)),
            b"other": make_score(b"other", fingerprint=flipped(PDQ, 32)),
        }
    )
    earlier = await saved_photo(b"earlier")
    await score_step(engine, await leased(engine, earlier), scorer=scorer, store=store)
    copy = await saved_photo(b"copy")
    await score_step(engine, await leased(engine, copy), scorer=scorer, store=store)
    assert await outcomes(engine, earlier, copy) == [
        ("scored", None),
        ("in_review", "looks_like_earlier_photo"),
    ]
    assert await rows(engine, "SELECT yields, distance_bits FROM near_match") == [(copy.id, 31)]


@pytest.mark.parametrize(
    ("bits", "apart", "expected"),
    [
        (0, timedelta(0), "in_review"),
        (31, timedelta(hours=48), "in_review"),
        (32, timedelta(0), "scored"),
        (0, timedelta(hours=48, seconds=1), "scored"),
    ],
)
async def test_near_means_31_bits_within_48_hours(scored, *, bits, apart, expected):
    await scored(b"earlier", make_score(b"earlier", fingerprint=PDQ))
    later = make_score(b"later", fingerprint=flipped(PDQ, bits))
    assert await scored(b"later", later, occurred_at=NOON + apart) == expected


async def test_a_turned_copy_is_near_too(scored):
    turned = make_score(b"turned")
    upright = flipped(turned.fingerprints.orientations[5], 3)
    assert await scored(b"earlier", make_score(b"earlier", fingerprint=upright)) == "scored"
    assert await scored(b"turned", turned) == "in_review"


async def test_a_retake_may_look_like_the_photo_that_was_rejected(scored):
    blurry = make_score(verdict="rejected", reason="too_blurry", fingerprint=PDQ)
    assert await scored(b"blurry", blurry) == "rejected"
    assert await scored(b"retake", make_score(fingerprint=PDQ)) == "scored"


@pytest.mark.parametrize("_", range(5))
async def test_of_two_racing_copies_exactly_one_stops(engine, store, saved_photo, _):
    scorer = ScriptedScorer({jpeg: make_score(jpeg, fingerprint=PDQ) for jpeg in (b"one", b"two")})
    one, two = await saved_photo(b"one"), await saved_photo(b"two")
    works = await leased(engine, one, two)
    async with asyncio.TaskGroup() as group:
        for work in works:
            group.create_task(score_step(engine, [work], scorer=scorer, store=store))
    assert sorted(status for status, _ in await outcomes(engine, one, two)) == [
        "in_review",
        "scored",
    ]
    assert len(await rows(engine, "SELECT 1 FROM near_match")) == 1
    assert len(await asked_to_credit(engine)) == 1


async def test_of_two_steps_that_see_each_other_the_first_to_insert_yields(engine, saved_photo):
    photos = [await saved_photo(b"one"), await saved_photo(b"two")]
    ids = [each.id for each in photos]
    prints = [
        Fingerprint(each.id, NOON, each.region, [PDQ] * 8, [1.0] + [0.0] * 63, MODEL)
        for each in photos
    ]
    async with engine.begin() as conn:
        scores = [Scored(id, MODEL, [10_000, 0, 0, 0, 0], 0, "accepted", None) for id in ids]
        await insert_scores(conn, scores, NOON)
        await insert_fingerprints(conn, prints)
    async with asyncio.TaskGroup() as group, engine.begin() as first, engine.begin() as second:
        seen = [
            await find_recent_neighbours(conn, [each], UNMEASURED)
            for conn, each in ((first, prints[0]), (second, prints[1]))
        ]
        await insert_near_matches(first, seen[0])
        # Waits for the first one's commit.
        late = group.create_task(insert_near_matches(second, seen[1]))
        assert [pair.check_in_id for pair in await yielding(first, seen[0])] == [ids[0]]
        await first.commit()
        await late
        assert await yielding(second, seen[1]) == []


async def test_of_two_copies_in_one_batch_the_later_stops(engine, store, saved_photo):
    scorer = ScriptedScorer({jpeg: make_score(jpeg, fingerprint=PDQ) for jpeg in (b"one", b"two")})
    one = await saved_photo(b"one", id=UUID(int=(1 << 80) + 1))
    two = await saved_photo(b"two", id=UUID(int=(2 << 80) + 1))
    await score_step(engine, await leased(engine, two, one), scorer=scorer, store=store)
    assert [status for status, _ in await outcomes(engine, one, two)] == ["scored", "in_review"]


async def test_steps_with_work_in_opposite_order_do_not_deadlock(engine, store, saved_photo):
    photos = [await saved_photo(b"plate %d" % number) for number in range(40)]
    works = await leased(engine, *photos)
    async with asyncio.TaskGroup() as group:
        for order in (works, works[::-1], works, works[::-1]):
            group.create_task(score_step(engine, order, scorer=ScriptedScorer(), store=store))
    assert set(await outcomes(engine, *photos)) == {("scored", None)}
    assert sorted(await asked_to_credit(engine)) == sorted(photo.id for photo in photos)


async def test_whoever_waits_is_woken_once_per_batch(engine, store, saved_photo):
    photos = [await saved_photo(b"plate %d" % number) for number in range(3)]
    works = await leased(engine, *photos)
    heard = asyncio.Queue()
    async with engine.connect() as listening:
        driver = (await listening.get_raw_connection()).driver_connection
        await driver.add_listener(OUTCOME_CHANNEL, lambda *call: heard.put_nowait(call[2]))
        for _ in range(2):
            await score_step(engine, works, scorer=ScriptedScorer(), store=store)
        await run(listening, f"NOTIFY {OUTCOME_CHANNEL}, 'the end'")
        await listening.commit()
        async with asyncio.timeout(5):
            assert await heard.get() == OUTCOME_CHANNEL
        await driver.reset()
    assert heard.qsize() == 1
