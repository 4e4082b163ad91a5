"""The batches that write captures and photo check-ins; scoring comes later and elsewhere."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.batches import BatchRaced
from backend.checkins.domain import (
    RETRIES_PER_WINDOW,
    CheckIn,
    MealWindow,
    Status,
    WindowUse,
    window_at,
)
from backend.checkins.queries import (
    count_in_window,
    find_by_natural_keys,
    insert_check_ins,
    meal_windows,
)
from backend.checkins.score_queries import insert_edit_hints
from backend.crediting.domain import EvidenceAlreadyUsed, claim_key
from backend.crediting.queries import Claim, claimed, insert_claims
from backend.crediting.steps import Rulebook
from backend.errors import DomainError
from backend.events import CHECK_IN_RECEIVED, Event
from backend.idempotency import (
    Follows,
    Replay,
    find_effects,
    record_effects,
    stand,
)
from backend.ids import uuid7
from backend.intake.domain import (
    CAPTURE_LIFE,
    ActionNotPhotographed,
    Capture,
    CaptureExpired,
    CaptureRequest,
    CaptureUsed,
    Photo,
    Received,
    RetriesUsedUp,
    outside_meals,
    photo_tier,
)
from backend.intake.no_drive import (
    ACTION as ODOMETER,
    EVENING_FROM,
    MORNING_UNTIL,
    OutsideOdometerWindow,
    window_of,
)
from backend.intake.queries import captures_by_id, insert_captures
from backend.ledger.queries import lock_accounts
from backend.outbox import append

PHOTOGRAPHED = frozenset({"clean_plate"})

CaptureAnswer = Capture | DomainError
Answer = Received | DomainError


async def write_captures(
    conn: AsyncConnection, requests: Sequence[CaptureRequest], rules: Rulebook
) -> list[CaptureAnswer]:
    """Make captures; the same key again gives the same capture."""
    locked = await lock_accounts(
        conn, [each.account_id for each in requests], clock_shift_s=rules.clock_shift_s
    )
    intentions = [each.intention for each in requests]
    effects = await find_effects(conn, [each for each in intentions if each])
    standing = stand(intentions, effects)
    windows = await meal_windows(conn)
    earlier = await captures_by_id(conn, [s.resource_id for s in standing if isinstance(s, Replay)])
    answers: list[CaptureAnswer] = []
    for request, stands in zip(requests, standing, strict=True):
        if isinstance(stands, Replay):
            answers.append(earlier[stands.resource_id])
        elif isinstance(stands, Follows):
            answers.append(answers[stands.leader])
        else:
            answers.append(stands or _capture(request, windows, locked.now))
    made = [
        (request, answer)
        for request, answer, stands in zip(requests, answers, standing, strict=True)
        if stands is None and isinstance(answer, Capture)
    ]
    await insert_captures(conn, [capture for _, capture in made])
    named = [(r.intention, capture.id) for r, capture in made if r.intention]
    if not await record_effects(conn, named, locked.now):
        raise BatchRaced
    return answers


def _capture(
    request: CaptureRequest, windows: Sequence[MealWindow], now: datetime
) -> CaptureAnswer:
    if request.action == ODOMETER:
        return _odometer_capture(request, now)
    if request.action not in PHOTOGRAPHED:
        return ActionNotPhotographed()
    window = window_at(now, windows)
    if window is None:
        return outside_meals(now, windows)
    return Capture(uuid7(), request.account_id, request.action, now, request.region, window)


def _odometer_capture(request: CaptureRequest, now: datetime) -> CaptureAnswer:
    window = window_of(now)
    if window is None:
        return OutsideOdometerWindow(until=str(MORNING_UNTIL), opens=str(EVENING_FROM))
    return Capture(uuid7(), request.account_id, request.action, now, request.region, window)


async def write_photos(
    conn: AsyncConnection, photos: Sequence[Photo], rules: Rulebook
) -> list[Answer]:
    """Write photo check-ins as received and ask for their scores.

    The capture is the natural key: the same photo with the same capture again is the same check-in.
    Identical pixels from anybody are refused for ever. Appends `CheckInReceived` per check-in.
    """
    locked = await lock_accounts(
        conn, [each.capture.account_id for each in photos], clock_shift_s=rules.clock_shift_s
    )
    known = await _known(conn, photos, rules)
    answers: list[Answer] = []
    for each in photos:
        answer = _receive(each, known, locked.now, rules)
        if isinstance(answer, Received) and answer.check_in:
            known.add(each, answer.check_in, rules)
        answers.append(answer)
    await _write(conn, photos, answers, locked.now, rules)
    return answers


class _Known(NamedTuple):
    """What is known of the photos' captures, meals and pixels; grows with the batch."""

    check_ins: dict[tuple[UUID, str], CheckIn]
    uses: dict[tuple[UUID, str], WindowUse]
    claims: set[bytes]

    def add(self, photo: Photo, check_in: CheckIn, rules: Rulebook) -> None:
        """Let later photos of the batch see this one."""
        capture = photo.capture
        self.check_ins[capture.account_id, str(capture.id)] = check_in
        self.claims.update(_claims(photo, rules))
        meal = (capture.account_id, capture.meal_window)
        self.uses[meal] = self.uses[meal]._replace(undecided=self.uses[meal].undecided + 1)


async def _known(conn: AsyncConnection, photos: Sequence[Photo], rules: Rulebook) -> _Known:
    captures = [each.capture for each in photos]
    keys = {key for each in photos for key in _claims(each, rules)}
    return _Known(
        await find_by_natural_keys(conn, [(each.account_id, str(each.id)) for each in captures]),
        dict(await count_in_window(conn, [(c.account_id, c.meal_window) for c in captures])),
        set(await claimed(conn, sorted(keys))),
    )


def _receive(photo: Photo, known: _Known, now: datetime, rules: Rulebook) -> Answer:
    capture = photo.capture
    before = known.check_ins.get((capture.account_id, str(capture.id)))
    if before is not None:
        if before.evidence_sha256 != photo.evidence_sha256:
            return CaptureUsed(check_in_id=str(before.id))
        return Received(before.id, is_replay=True)
    if now - capture.created_at > CAPTURE_LIFE:
        return CaptureExpired()
    use = known.uses[capture.account_id, capture.meal_window]
    if not use.has_retries_left:
        return RetriesUsedUp(retries=RETRIES_PER_WINDOW)
    if not known.claims.isdisjoint(_claims(photo, rules)):
        return EvidenceAlreadyUsed()
    check_in = CheckIn(
        uuid7(),
        capture.account_id,
        capture.action,
        Status.RECEIVED,
        None,
        photo_tier(capture, now),
        "member",
        capture.region,
        capture.created_at,
        None,
        now,
        None,
        {"meals": 1},
        str(capture.id),
        photo.evidence_sha256,
        capture.meal_window,
    )
    return Received(check_in.id, check_in)


def _claims(photo: Photo, rules: Rulebook) -> tuple[bytes, bytes]:
    return (
        claim_key(rules.claim_secret, "capture", str(photo.capture.id)),
        claim_key(rules.claim_secret, "pixels", photo.pixel_sha256.hex()),
    )


async def _write(
    conn: AsyncConnection,
    photos: Sequence[Photo],
    answers: Sequence[Answer],
    now: datetime,
    rules: Rulebook,
) -> None:
    made = [
        (photo, answer.check_in)
        for photo, answer in zip(photos, answers, strict=True)
        if isinstance(answer, Received) and answer.check_in
    ]
    claims = [Claim(key, check_in.id) for photo, check_in in made for key in _claims(photo, rules)]
    await insert_claims(conn, claims, now)
    await insert_check_ins(conn, [check_in for _, check_in in made])
    await insert_edit_hints(
        conn, {check_in.id: photo.edited_with for photo, check_in in made if photo.edited_with}
    )
    await append(conn, [Event(CHECK_IN_RECEIVED, [check_in.id]) for _, check_in in made])
