"""The score step: photos that were received become accepted, reviewed or rejected check-ins.

A slow step: inference runs with no transaction open, its work is leased and acknowledged fenced.
What it writes, it writes in two transactions, because fingerprints must be visible to other steps
before this one looks for neighbours.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence, Set as AbstractSet
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Protocol
from uuid import UUID

import numpy as np
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.checkins.domain import (
    APPEAL_WINDOW,
    DEVICE,
    Change,
    CheckIn,
    Status,
    first_rejection,
)
from backend.checkins.queries import (
    Received,
    announce_outcomes,
    check_ins_by_id,
    lock_received,
    settle_check_ins,
)
from backend.checkins.reasons import APPEALED
from backend.checkins.resemblance_queries import insert_thumbnails
from backend.checkins.score_queries import (
    Fingerprint,
    Ruling,
    Scored,
    insert_fingerprints,
    insert_scores,
    rulings_of,
)
from backend.checkins.upload_reasons import PHOTO_UNREADABLE
from backend.checkins.used_once import Overlayer, ruled_among_others
from backend.db import clock
from backend.events import CHECK_IN_ACCEPTED, Event
from backend.evidence_store import EvidenceMissing, EvidenceStore
from backend.outbox import Work, acknowledge, append, postpone
from scoring.photo import PhotoUnreadable
from scoring.plate import CLASSES, PlateScore

SCORE_BATCH_MAX: Final = 8  # a third of a second in the model: larger batches only delay outcomes
READS_AT_ONCE_MAX: Final = 16  # evidence in memory while one batch is in the model: a few MB

UNREADABLE: Final = Ruling("rejected", PHOTO_UNREADABLE)
_STATUS_OF: Final = {
    "accepted": Status.SCORED,
    "in_review": Status.IN_REVIEW,
    "rejected": Status.REJECTED,
}


class Scorer(Overlayer, Protocol):
    """What looks at photos: worker processes, or a script in tests."""

    async def score(self, jpegs: Sequence[bytes]) -> Sequence[PlateScore | PhotoUnreadable]:
        """One answer per photo, in order."""


@dataclass(slots=True)
class _Seen:
    """What came of looking at photos; each check-in is in one of the three."""

    scores: dict[UUID, PlateScore] = field(default_factory=dict)
    unreadable: set[UUID] = field(default_factory=set)
    errors: dict[UUID, str] = field(default_factory=dict)


async def score_step(
    engine: AsyncEngine,
    works: Sequence[Work],
    *,
    scorer: Scorer,
    store: EvidenceStore,
    clock_shift_s: int = 0,
    appeal_window: timedelta = APPEAL_WINDOW,
) -> None:
    """Score the photos of leased work; appends `CheckInAccepted` for those that are accepted.

    Photos that were appealed are compared with others and stay where they are.
    A second run finds the check-ins no longer `received` and only acknowledges. A run cut
    off between its transactions repeats the inference and follows the verdict stored first.
    Work of which one photo cannot be looked at is postponed; its other photos are settled.
    """
    async with engine.connect() as conn:
        found = await check_ins_by_id(conn, sorted({id for work in works for id in work.ids}))
    appealed = {each.id for each in found.values() if _is_appealed(each)}
    waiting = [
        each for each in found.values() if each.status == Status.RECEIVED or each.id in appealed
    ]
    seen = await _look(waiting, scorer, store)
    fingerprints = _fingerprints(waiting, seen.scores)
    rulings, compared = await _keep_scores(
        engine, seen.scores, fingerprints, appealed, clock_shift_s
    )
    among = await ruled_among_others(engine, seen.scores, compared, rulings, scorer)
    rulings |= {**among.rulings, **dict.fromkeys(seen.unreadable, UNREADABLE)}
    seen.errors |= among.errors
    await _settle(
        engine,
        works,
        {id: ruling for id, ruling in rulings.items() if id not in seen.errors},
        seen.errors,
        clock_shift_s=clock_shift_s,
        appeal_window=appeal_window,
    )


def _is_appealed(check_in: CheckIn) -> bool:
    """What the model rejected was compared with nothing: a copy may be dark, and look clean."""
    is_appealed = (check_in.status, check_in.reason) == (Status.IN_REVIEW, APPEALED)
    return is_appealed and check_in.meal_window is not None


async def _look(check_ins: Sequence[CheckIn], scorer: Scorer, store: EvidenceStore) -> _Seen:
    seen = _Seen()
    for start in range(0, len(check_ins), READS_AT_ONCE_MAX):
        jpegs = await _read(check_ins[start : start + READS_AT_ONCE_MAX], store, seen)
        ids = sorted(jpegs)
        for first in range(0, len(ids), SCORE_BATCH_MAX):
            batch = ids[first : first + SCORE_BATCH_MAX]
            await _score({id: jpegs[id] for id in batch}, scorer, seen)
    return seen


async def _read(
    check_ins: Sequence[CheckIn], store: EvidenceStore, seen: _Seen
) -> Mapping[UUID, bytes]:
    answers = await asyncio.gather(
        *(store.get(each.account_id, each.evidence_sha256 or "") for each in check_ins),
        return_exceptions=True,
    )
    jpegs = {}
    for check_in, answer in zip(check_ins, answers, strict=True):
        match answer:
            case bytes():
                jpegs[check_in.id] = answer
            case EvidenceMissing():
                seen.unreadable.add(check_in.id)
            case Exception():
                seen.errors[check_in.id] = repr(answer)
            case _:
                raise answer
    return jpegs


async def _score(jpegs: Mapping[UUID, bytes], scorer: Scorer, seen: _Seen) -> None:
    """Score a batch, and photo by photo where the batch fails: one poison photo stops alone."""
    try:
        answers = await scorer.score(list(jpegs.values()))
    except Exception as error:  # noqa: BLE001  # whatever a model raises, the others must flow
        if len(jpegs) == 1:
            seen.errors |= dict.fromkeys(jpegs, repr(error))
            return
        for id, jpeg in jpegs.items():
            await _score({id: jpeg}, scorer, seen)
        return
    for id, answer in zip(jpegs, answers, strict=True):
        if isinstance(answer, PlateScore):
            seen.scores[id] = answer
        else:
            seen.unreadable.add(id)


def _fingerprints(
    check_ins: Iterable[CheckIn], scores: Mapping[UUID, PlateScore]
) -> list[Fingerprint]:
    """What photos of phones look like.

    A fixed camera sees the same bowls on the same belt all day: its photos are told apart by device
    and sequence, and resemble each other without meaning anything.
    """
    return [
        Fingerprint(
            each.id,
            each.occurred_at,
            each.region,
            scores[each.id].fingerprints.orientations,
            np.frombuffer(scores[each.id].embedding, "<f2").tolist(),
            scores[each.id].model,
        )
        for each in check_ins
        if each.id in scores and each.reported_by != DEVICE
    ]


async def _keep_scores(
    engine: AsyncEngine,
    scores: Mapping[UUID, PlateScore],
    fingerprints: Sequence[Fingerprint],
    appealed: AbstractSet[UUID],
    clock_shift_s: int,
) -> tuple[dict[UUID, Ruling], list[Fingerprint]]:
    """Commit scores and fingerprints, so that of two racing copies at least one sees the other.

    Looks are kept of photos that may use something up, and these are compared; a crowd of rejected
    ones would stand before the photo that they were copied from.
    """
    if not scores:
        return {}, []
    async with engine.begin() as conn:
        now = await clock(conn, clock_shift_s)
        await insert_scores(conn, [_scored(id, scores[id]) for id in scores], now)
        rulings = dict(await rulings_of(conn, list(scores)))
        compared = [
            each
            for each in fingerprints
            if rulings[each.check_in_id].verdict != "rejected" or each.check_in_id in appealed
        ]
        await insert_fingerprints(conn, compared)
        shown = {each.check_in_id: scores[each.check_in_id].thumbnail for each in compared}
        await insert_thumbnails(conn, {id: packed for id, packed in shown.items() if packed})
        return rulings, compared


def _scored(check_in_id: UUID, score: PlateScore) -> Scored:
    parts = [score.scores[name] for name in CLASSES]
    return Scored(check_in_id, score.model, parts, score.recapture, score.verdict, score.reason)


async def _settle(
    engine: AsyncEngine,
    works: Sequence[Work],
    rulings: Mapping[UUID, Ruling],
    errors: Mapping[UUID, str],
    *,
    clock_shift_s: int,
    appeal_window: timedelta,
) -> None:
    """Acknowledge, move the check-ins and tell who waits, in one transaction.

    It locks check-ins in id order and no account, and cannot deadlock with the steps that hold an
    account: those move check-ins that are `scored`, `bound` or in review, this one those that are
    `received`, and nobody locks a row whose status does not match. So no row is wanted by both.
    """
    failed = [work for work in works if not errors.keys().isdisjoint(work.ids)]
    done = [work for work in works if errors.keys().isdisjoint(work.ids)]
    async with engine.begin() as conn:
        ours = await acknowledge(conn, done)
        # Failed work has no fence but the status of each check-in: whoever holds its lease by now
        # looks at the same photo, follows the same stored verdict, and only one of us moves it.
        kept = [*failed, *(work for work in done if work.id in ours)]
        locked = await lock_received(
            conn,
            {id for work in kept for id in work.ids} & rulings.keys(),
            clock_shift_s=clock_shift_s,
        )
        changes = _changes(locked, rulings, appeal_window)
        moved = await settle_check_ins(conn, changes, locked.now)
        accepted = sorted(id for id in moved if rulings[id].verdict == "accepted")
        await append(conn, _accepted_events(accepted))
        if moved:
            await announce_outcomes(conn)
        if failed:
            await postpone(conn, failed, "; ".join(sorted(set(errors.values()))))


def _changes(
    locked: Received, rulings: Mapping[UUID, Ruling], appeal_window: timedelta
) -> list[Change]:
    changes = [
        Change(id, Status.RECEIVED, _STATUS_OF[rulings[id].verdict], rulings[id].reason)
        for id in sorted(locked.ids)
    ]
    return [
        first_rejection(each, locked.now, appeal_window) if each.status == Status.REJECTED else each
        for each in changes
    ]


def _accepted_events(ids: Sequence[UUID]) -> list[Event]:
    """One event per check-in, so that a batch of work is a batch of credits."""
    return [Event(CHECK_IN_ACCEPTED, [each]) for each in ids]
