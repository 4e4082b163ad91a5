"""A photo counts once in the whole population; what only resembles another one meets a person."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import numpy as np
import pytest
from PIL import Image
from sqlalchemy.exc import DBAPIError

from backend.checkins.domain import Change, Status
from backend.checkins.neighbour_queries import (
    Kind,
    NearPair,
    insert_near_matches,
)
from backend.checkins.queries import settle_check_ins
from backend.checkins.resemblance_queries import (
    THUMBNAIL_KEPT_H,
    find_candidates,
    forget_thumbnails,
)
from backend.checkins.score_queries import (
    Fingerprint,
    edited_among,
    forget_looks,
    insert_edit_hints,
    insert_risks,
)
from backend.checkins.steps import score_step
from backend.db import run
from backend.processes import WorkerDied
from backend.review.queue_queries import look_alikes_of
from scoring.model_card import CopyLimits
from scoring.registration import PROPOSED_BITS_MAX, PROPOSED_BY_EMBEDDING
from scoring.risk import Risk
from scoring.thumbnail import Thumbnail
from tests.fakes import MODEL, ScriptedScorer, make_score
from tests.integration.test_score_step import (
    NOON,
    PDQ,
    flipped,
    leased,
    outcomes,
    rows,
    saved_photo,
    store,
)

__all__ = ["saved_photo", "store"]

LIMITS = CopyLimits(
    fingerprint_refused_max=8, embedding_review_max=200, resemblance_review_min=9_000
)
ELSEWHERE = "310000"
LAST_YEAR = NOON - timedelta(days=365)


def turned_by(parts):
    """An embedding whose cosine with that of every other photo is 1 - parts / 10,000."""
    cosine = 1 - parts / 10_000
    vector = np.zeros(64)
    vector[:2] = cosine, np.sqrt(1 - cosine**2)
    return vector.astype("<f2").tobytes()


@pytest.fixture
def scored(engine, store, saved_photo):
    """Take one photo through the step; return its check-in, its status and its reason."""

    async def score(jpeg, answer=None, **changes):
        photo = await saved_photo(jpeg, **changes)
        answer = replace(answer or make_score(jpeg), limits=LIMITS)
        scorer = ScriptedScorer({jpeg: answer})
        await score_step(engine, await leased(engine, photo), scorer=scorer, store=store)
        [(status, reason)] = await outcomes(engine, photo)
        return photo, status, reason

    return score


@pytest.mark.parametrize(
    ("bits", "changes", "expected"),
    [
        (8, {}, ("rejected", "copy_of_earlier_photo")),
        (8, {"region": ELSEWHERE}, ("rejected", "copy_of_earlier_photo")),
        (9, {}, ("in_review", "looks_like_earlier_photo")),
        (31, {"region": ELSEWHERE}, ("in_review", "looks_like_earlier_photo")),
        (32, {}, ("scored", None)),
        # Over a year honest plates of one canteen come nearer than within 48 hours.
        (8, {"occurred_at": NOON + timedelta(days=365)}, ("in_review", "looks_like_earlier_photo")),
        (9, {"occurred_at": NOON + timedelta(days=365)}, ("scored", None)),
    ],
)
async def test_what_a_distance_of_fingerprints_leads_to(scored, bits, changes, expected):
    await scored(b"earlier", make_score(b"earlier", fingerprint=PDQ))
    later = make_score(b"later", fingerprint=flipped(PDQ, bits), embedding=turned_by(5_000))
    _, *outcome = await scored(b"later", later, **changes)
    assert tuple(outcome) == expected


@pytest.mark.parametrize(
    ("parts", "changes", "expected"),
    [
        (100, {}, ("in_review", "looks_like_another")),
        (400, {}, ("scored", None)),
        (0, {"region": ELSEWHERE}, ("scored", None)),
        (0, {"occurred_at": NOON + timedelta(hours=49)}, ("scored", None)),
    ],
)
async def test_a_near_embedding_of_the_place_and_48_hours_leads_to_a_person(
    scored, parts, changes, expected
):
    await scored(b"earlier")
    _, *outcome = await scored(
        b"later", make_score(b"later", embedding=turned_by(parts)), **changes
    )
    assert tuple(outcome) == expected


async def test_embeddings_of_two_models_do_not_compare(scored):
    await scored(b"earlier", make_score(b"earlier", model="1" * 64))
    _, *outcome = await scored(b"later")
    assert outcome == ["scored", None]


async def test_a_doubtful_photo_keeps_its_own_reason_beside_a_near_embedding(scored):
    await scored(b"earlier")
    doubtful = make_score(b"later", verdict="in_review", reason="uncertain")
    _, *outcome = await scored(b"later", doubtful)
    assert outcome == ["in_review", "uncertain"]


async def test_a_copy_of_a_copy_is_a_copy_whatever_became_of_the_original(engine, scored):
    original, *_ = await scored(b"original", make_score(b"original", fingerprint=PDQ))
    await scored(b"copy", make_score(b"copy", fingerprint=flipped(PDQ, 2)))
    async with engine.begin() as conn:
        gone = Change(original.id, Status.SCORED, Status.REJECTED, "leftovers")
        await settle_check_ins(conn, [gone], NOON)
    _, _, reason = await scored(b"again", make_score(b"again", fingerprint=flipped(PDQ, 1)))
    assert reason == "copy_of_earlier_photo"


async def test_a_crowd_of_stopped_copies_hides_nothing(scored):
    long_ago = {"occurred_at": LAST_YEAR}
    await scored(b"original", make_score(b"original", fingerprint=PDQ), **long_ago)
    for number in range(12):
        jpeg = b"copy %d" % number
        await scored(jpeg, make_score(jpeg, fingerprint=PDQ), **long_ago)
    _, _, reason = await scored(b"replay", make_score(b"replay", fingerprint=PDQ))
    assert reason == "looks_like_earlier_photo"


async def test_a_crowd_of_rejected_photos_hides_nothing(scored):
    long_ago = {"occurred_at": LAST_YEAR}
    await scored(b"original", make_score(b"original", fingerprint=flipped(PDQ, 2)), **long_ago)
    for number in range(12):
        jpeg = b"darkened copy %d" % number
        no = {"verdict": "rejected", "reason": "too_dark"}
        await scored(jpeg, make_score(jpeg, fingerprint=PDQ, **no), **long_ago)
    _, _, reason = await scored(b"replay", make_score(b"replay", fingerprint=PDQ))
    assert reason == "looks_like_earlier_photo"


async def test_a_photo_whose_score_says_no_stops_nobody(engine, store, saved_photo, scored):
    held = await saved_photo(b"leftovers")
    answer = make_score(b"x", verdict="rejected", reason="leftovers", fingerprint=PDQ)
    scorer = ScriptedScorer({b"leftovers": replace(answer, limits=LIMITS)})
    works = await leased(engine, held)
    await score_step(engine, works, scorer=scorer, store=store)
    async with engine.begin() as conn:  # as it is between the step's two transactions
        await run(conn, "UPDATE check_in SET status = 'received' WHERE id = :id", id=held.id)
    _, status, _ = await scored(b"retake", make_score(fingerprint=PDQ))
    assert status == "scored"


@pytest.mark.parametrize(
    ("answers", "kind", "stops"),
    [
        ({"fingerprint": PDQ}, "copy", "rejected"),
        ({"embedding": turned_by(0)}, "alike", "in_review"),
    ]
    * 3,
)
async def test_of_two_racing_copies_exactly_one_stops(  # noqa: PLR0917
    engine, store, saved_photo, answers, kind, stops
):
    one, two = await saved_photo(b"one"), await saved_photo(b"two")
    scorer = ScriptedScorer(
        {jpeg: make_score(jpeg, limits=LIMITS, **answers) for jpeg in (b"one", b"two")}
    )
    works = await leased(engine, one, two)
    async with asyncio.TaskGroup() as group:
        for work in works:
            group.create_task(score_step(engine, [work], scorer=scorer, store=store))
    assert sorted(status for status, _ in await outcomes(engine, one, two)) == sorted(
        [stops, "scored"]
    )
    assert await rows(engine, "SELECT kind FROM near_match") == [(kind,)]


async def test_a_risk_is_kept_with_its_signs_and_leads_to_a_person(engine, store, saved_photo):
    photo = await saved_photo(b"edited")
    async with engine.begin() as conn:
        await insert_edit_hints(conn, {photo.id: "snapseed"})
        assert await edited_among(conn, [photo.id]) == {photo.id}
    scorer = ScriptedScorer({b"edited": make_score(b"edited", recapture_risk=2_000)})
    await score_step(engine, await leased(engine, photo), scorer=scorer, store=store)
    assert await outcomes(engine, photo) == [("in_review", "looks_edited")]
    risk = "SELECT per_10000, recapture, edited, neighbour FROM photo_risk"
    assert await rows(engine, risk) == [(6_000, 2_000, 5_000, 0)]  # 1 - 0.8 * 0.5


async def test_a_photo_without_metadata_is_credited_without_a_word(engine, scored):
    _, *outcome = await scored(b"plain")
    assert outcome == ["scored", None]
    assert await rows(engine, "SELECT per_10000 FROM photo_risk") == [(0,)]


async def test_a_risk_that_is_not_made_of_its_signs_is_refused(engine, saved_photo):
    photo = await saved_photo(b"plain")
    with pytest.raises(DBAPIError, match="made_of_its_signs"):
        async with engine.begin() as conn:
            await insert_risks(conn, {photo.id: Risk(1, 0, 0, 0)})


async def test_a_reviewer_sees_the_pair_from_either_side(engine, scored):
    earlier, *_ = await scored(b"earlier", make_score(b"earlier", fingerprint=PDQ))
    later, *_ = await scored(b"later", make_score(b"later", fingerprint=flipped(PDQ, 20)))
    async with engine.connect() as conn:
        found = await look_alikes_of(conn, [later.id, earlier.id])
    [of_later], [of_earlier] = found[later.id], found[earlier.id]
    assert (of_later.check_in_id, of_earlier.check_in_id) == (earlier.id, later.id)
    for each in (of_later, of_earlier):
        assert (each.kind, each.distance_bits, each.embedding_distance) == ("near", 20, 0)


async def test_what_is_forgotten_finds_nothing_any_more(engine, scored):
    earlier, *_ = await scored(b"earlier", make_score(b"earlier", fingerprint=PDQ))
    async with engine.begin() as conn:
        await insert_edit_hints(conn, {earlier.id: "gimp"})
        for _ in range(2):
            await forget_looks(conn, [earlier.id])
    assert await rows(engine, "SELECT 1 FROM photo_fingerprint UNION SELECT 1 FROM edit_hint") == []
    _, status, _ = await scored(b"later", make_score(b"later", fingerprint=PDQ))
    assert status == "scored"


def pictured(jpeg, *, seed=1, left=0, **changes):
    """A score whose thumbnail shows a part of a picture; its fingerprint and embedding say no."""
    table = np.random.default_rng(seed).integers(0, 256, (20, 20)).astype(np.uint8)
    shown = Image.fromarray(table).resize((120, 120), Image.Resampling.BICUBIC)
    part = shown.crop((left, left, 120 - left, 120 - left)).resize((96, 96), Image.Resampling.BOX)
    thumbnail = Thumbnail(np.asarray(part)).packed
    usual = {"thumbnail": thumbnail, "embedding": turned_by(5_000)}
    return make_score(jpeg, **usual | changes)


@pytest.mark.parametrize(
    ("later", "changes", "expected"),
    [
        ({"left": 6}, {}, ("in_review", "looks_like_earlier_photo")),
        ({"left": 6, "model": "1" * 64}, {}, ("scored", None)),  # embeddings of two models
        ({"seed": 2}, {}, ("scored", None)),
        ({"left": 6}, {"region": ELSEWHERE}, ("scored", None)),
        ({"left": 6}, {"occurred_at": NOON + timedelta(hours=49)}, ("scored", None)),
        (
            {"left": 6, "verdict": "rejected", "reason": "leftovers"},
            {},
            ("rejected", "leftovers"),
        ),
    ],
)
async def test_a_crop_of_another_photo_of_the_place_and_48_hours_goes_to_a_person(
    scored, later, changes, expected
):
    await scored(b"earlier", pictured(b"earlier", embedding=turned_by(0)))
    _, *outcome = await scored(b"later", pictured(b"later", **later), **changes)
    assert tuple(outcome) == expected


@pytest.mark.parametrize(
    ("bits", "is_proposed"), [(PROPOSED_BITS_MAX, True), (PROPOSED_BITS_MAX + 1, False)]
)
async def test_a_near_fingerprint_is_proposed_beside_the_nearest_embeddings(
    engine, scored, bits, is_proposed
):
    shown = {"fingerprint": flipped(PDQ, bits), "embedding": turned_by(0)}
    original, *_ = await scored(b"original", pictured(b"original", **shown))
    crowd = [
        (await scored(jpeg, pictured(jpeg, seed=jpeg[0], embedding=turned_by(4_990))))[0].id
        for jpeg in (bytes([number]) for number in range(PROPOSED_BY_EMBEDDING))
    ]
    embedding = np.frombuffer(turned_by(5_000), "<f2").tolist()
    turns = [PDQ, *make_score().fingerprints.orientations[1:]]
    asked = Fingerprint(UUID(int=1), NOON, original.region, turns, embedding, MODEL)
    async with engine.connect() as conn:
        found = await find_candidates(conn, [asked])
    assert {each.neighbour_id for each in found} - {*crowd} == (
        {original.id} if is_proposed else set()
    )
    assert len(found) == PROPOSED_BY_EMBEDDING + is_proposed


async def test_a_reviewer_sees_how_well_one_photo_explains_the_other(engine, scored):
    earlier, *_ = await scored(b"earlier", pictured(b"earlier", embedding=turned_by(0)))
    later, *_ = await scored(b"later", pictured(b"later", left=6))
    found = "SELECT yields, kind, embedding_distance, resemblance >= 9000 FROM near_match"
    assert await rows(engine, found) == [(later.id, "explained", 5_000, True)]
    async with engine.connect() as conn:
        [pair] = (await look_alikes_of(conn, [earlier.id]))[earlier.id]
    assert (pair.check_in_id, pair.kind) == (later.id, "explained")
    assert pair.resemblance >= 9_000


async def test_a_crop_of_a_rejected_photo_is_free_to_be_used(engine, scored):
    no = {"verdict": "rejected", "reason": "too_blurry"}
    await scored(b"earlier", pictured(b"earlier", **no))
    assert await rows(engine, "SELECT 1 FROM photo_thumbnail") == []
    _, status, _ = await scored(b"later", pictured(b"later", left=6))
    assert status == "scored"


async def test_of_two_racing_crops_exactly_one_goes_to_a_person(engine, store, saved_photo):
    photos = [await saved_photo(jpeg) for jpeg in (b"one", b"two")]
    answers = {b"one": pictured(b"one"), b"two": pictured(b"two", left=6)}
    scorer = ScriptedScorer({jpeg: replace(each, limits=LIMITS) for jpeg, each in answers.items()})
    async with asyncio.TaskGroup() as group:
        for photo in photos:
            works = await leased(engine, photo)
            group.create_task(score_step(engine, works, scorer=scorer, store=store))
    statuses = [status for status, _ in await outcomes(engine, *photos)]
    assert sorted(statuses) == ["in_review", "scored"]


class FailingOverlayer(ScriptedScorer):
    """Loses its process when it lays one photo over others."""

    poison = None

    async def resemblances(self, asked):
        if any(thumbnail == self.poison for thumbnail, _ in asked):
            raise WorkerDied
        return await super().resemblances(asked)


async def test_one_photo_that_cannot_be_laid_over_others_is_postponed_and_the_others_flow(
    engine, store, saved_photo, scored
):
    await scored(b"earlier", pictured(b"earlier", embedding=turned_by(0)))
    crop, poison, other = [await saved_photo(jpeg) for jpeg in (b"crop", b"poison", b"other")]
    answers = {
        b"crop": pictured(b"crop", left=6),
        b"poison": pictured(b"poison", left=10),
        b"other": pictured(b"other", seed=2, embedding=turned_by(10_000)),
    }
    scorer = FailingOverlayer(
        {jpeg: replace(each, limits=LIMITS) for jpeg, each in answers.items()}
    )
    scorer.poison = answers[b"poison"].thumbnail
    works = await leased(engine, crop, poison, other)
    await score_step(engine, works, scorer=scorer, store=store)
    assert await outcomes(engine, crop, poison, other) == [
        ("in_review", "looks_like_earlier_photo"),
        ("received", None),
        ("scored", None),
    ]
    [(ids, error)] = await rows(engine, "SELECT ids, error FROM work WHERE step = 'score'")
    assert (list(ids), "WorkerDied" in error) == ([poison.id], True)
    scorer.poison = None
    await score_step(engine, works, scorer=scorer, store=store)
    assert await outcomes(engine, poison) == [("in_review", "looks_like_earlier_photo")]


async def test_thumbnails_go_when_no_copy_can_be_counted_beside_them(engine, scored):
    old = {"occurred_at": NOON - timedelta(hours=THUMBNAIL_KEPT_H, minutes=1)}
    gone, *_ = await scored(b"old", pictured(b"old"), **old)
    kept, *_ = await scored(b"kept", pictured(b"kept", seed=2))
    erased, *_ = await scored(b"erased", pictured(b"erased", seed=3))
    before = NOON - timedelta(hours=THUMBNAIL_KEPT_H)
    async with engine.begin() as conn:
        await forget_looks(conn, [erased.id])
        assert await forget_thumbnails(conn, before=before, limit=10) == 1
        assert await forget_thumbnails(conn, before=before, limit=10) == 0
    assert await rows(engine, "SELECT check_in_id FROM photo_thumbnail") == [(kept.id,)]
    assert (gone.id,) in await rows(engine, "SELECT check_in_id FROM photo_fingerprint")


async def test_a_pair_that_is_explained_says_how_well(engine, scored):
    one, *_ = await scored(b"one")
    with pytest.raises(DBAPIError, match="explained_says_how_well"):
        async with engine.begin() as conn:
            await insert_near_matches(conn, [NearPair(one.id, UUID(int=1), Kind.EXPLAINED, 99)])
