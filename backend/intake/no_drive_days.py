"""The batches that write odometer photos, and the pairs of them that become no-drive days."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.checkins.correction_reasons import ODOMETERS_TO_COMPARE
from backend.checkins.domain import Change, CheckIn, Status
from backend.checkins.evidence_queries import PhotoEvidence, insert_evidence
from backend.checkins.queries import find_by_natural_keys, insert_check_ins, settle_check_ins
from backend.crediting.domain import ActivityNotCovered, EvidenceAlreadyUsed, claim_key
from backend.crediting.queries import Claim, claimed, insert_claims
from backend.crediting.steps import Rulebook
from backend.errors import DomainError, NotFound
from backend.ids import uuid7
from backend.intake.domain import CAPTURE_LIFE, Capture, CaptureExpired, CaptureUsed, Received
from backend.intake.no_drive import (
    ACTION,
    EVENING,
    MORNING,
    KeptOdometer,
    NoDriveDay,
    OdometerPhoto,
    OdometerPhotoMissing,
    check_late,
    day_of_pair,
    occurred_at,
    plate_of,
    spelled,
    tier_of,
)
from backend.intake.no_drive_queries import insert_odometers, odometers_by_capture
from backend.intake.queries import captures_by_id
from backend.ledger.queries import lock_accounts
from scoring.methodology import CannotCalculate

Answer = Received | DomainError


async def write_odometers(
    conn: AsyncConnection, photos: Sequence[OdometerPhoto], rules: Rulebook
) -> list[KeptOdometer | DomainError]:
    """Write odometer photos; the same photo for its capture again changes nothing."""
    locked = await lock_accounts(
        conn, [each.capture.account_id for each in photos], clock_shift_s=rules.clock_shift_s
    )
    there = dict(await odometers_by_capture(conn, [each.capture.id for each in photos]))
    pixels = {_pixel_claim(each.pixel_sha256, rules): each for each in photos}
    used = await claimed(conn, sorted(pixels))
    answers: list[KeptOdometer | DomainError] = []
    made: list[KeptOdometer] = []
    for each in photos:
        before = there.get(each.capture.id)
        if before is not None:
            is_same = before.evidence_sha256 == each.evidence_sha256
            answers.append(before if is_same else CaptureUsed())
        elif locked.now - each.capture.created_at > CAPTURE_LIFE:
            answers.append(CaptureExpired())
        elif _pixel_claim(each.pixel_sha256, rules) in used:
            answers.append(EvidenceAlreadyUsed())
        else:
            kept = KeptOdometer(
                each.capture.id,
                each.capture.account_id,
                each.evidence_sha256,
                each.pixel_sha256,
                locked.now,
            )
            there[each.capture.id] = kept
            made.append(kept)
            answers.append(kept)
    await insert_odometers(conn, made)
    return answers


class _Pair(NamedTuple):
    """A morning and an evening with their photos."""

    morning: Capture
    evening: Capture
    photos: tuple[KeptOdometer, KeptOdometer]


class _Written(NamedTuple):
    """A check-in that is to be made, with what it uses up."""

    check_in: CheckIn
    pair: _Pair
    claims: Sequence[bytes]


class _Known(NamedTuple):
    """What is known of the reports' captures, photos, days and claims; grows with the batch."""

    captures: Mapping[UUID, Capture]
    photos: Mapping[UUID, KeptOdometer]
    check_ins: dict[tuple[UUID, str], CheckIn]
    claims: set[bytes]


async def write_no_drive_days(
    conn: AsyncConnection, reports: Sequence[NoDriveDay], rules: Rulebook
) -> list[Answer]:
    """Write no-drive days into review; the same pair again is the same check-in.

    Nothing is credited here: a person compares the two odometers first. The captures, both photos,
    and the plate with its day are claimed, so each counts once whoever reports it.
    """
    locked = await lock_accounts(
        conn, [each.account_id for each in reports], clock_shift_s=rules.clock_shift_s
    )
    known = await _known(conn, reports, rules)
    answers: list[Answer] = []
    written: list[_Written] = []
    for each in reports:
        try:
            answer = _receive(each, known, locked.now, rules)
        except DomainError as refusal:
            answers.append(refusal)
            continue
        if isinstance(answer, _Written):
            written.append(answer)
            known.check_ins[each.account_id, answer.check_in.natural_key] = answer.check_in
            known.claims.update(answer.claims)
            answers.append(Received(answer.check_in.id))
        else:
            answers.append(answer)
    await _write(conn, written, locked.now)
    return answers


async def _known(conn: AsyncConnection, reports: Sequence[NoDriveDay], rules: Rulebook) -> _Known:
    ids = [id for each in reports for id in (each.morning_id, each.evening_id)]
    captures = await captures_by_id(conn, ids)
    photos = await odometers_by_capture(conn, ids)
    days = [(each, day) for each in reports for day in _days(each, captures)]
    pairs = [(each.account_id, _natural_key(day)) for each, day in days]
    check_ins = await find_by_natural_keys(conn, pairs)
    keys = {key for photo in photos.values() for key in _photo_claims(photo, rules)}
    keys |= {_plate_claim(spelled(each.plate), day, rules) for each, day in days}
    return _Known(captures, photos, check_ins, set(await claimed(conn, sorted(keys))))


def _days(report: NoDriveDay, captures: Mapping[UUID, Capture]) -> set[str]:
    found = (captures.get(id) for id in (report.morning_id, report.evening_id))
    return {capture.meal_window.partition("/")[0] for capture in found if capture}


def _receive(
    report: NoDriveDay, known: _Known, now: datetime, rules: Rulebook
) -> _Written | Received:
    pair = _pair(report, known)
    day = day_of_pair(pair.morning, pair.evening)
    before = known.check_ins.get((report.account_id, _natural_key(day.isoformat())))
    if before is not None:
        if before.evidence_sha256 != pair.photos[1].evidence_sha256:
            raise EvidenceAlreadyUsed
        return Received(before.id, is_replay=True)
    check_late(day, now, _late_window(day, report.region, rules))
    plate = plate_of(report.plate)
    claims = [key for photo in pair.photos for key in _photo_claims(photo, rules)]
    claims.append(_plate_claim(plate, day.isoformat(), rules))
    if len(set(claims)) != len(claims) or not known.claims.isdisjoint(claims):
        raise EvidenceAlreadyUsed
    return _Written(_check_in(report, pair, day, now), pair, claims)


def _pair(report: NoDriveDay, known: _Known) -> _Pair:
    found = [known.captures.get(report.morning_id), known.captures.get(report.evening_id)]
    own = [
        each
        for each in found
        if each is not None and (each.account_id, each.action) == (report.account_id, ACTION)
    ]
    if len(own) != len(found):
        raise NotFound
    morning, evening = own
    day_of_pair(morning, evening)
    for part, capture in ((MORNING, morning), (EVENING, evening)):
        if capture.id not in known.photos:
            raise OdometerPhotoMissing(missing=part)
    return _Pair(morning, evening, (known.photos[morning.id], known.photos[evening.id]))


def _late_window(day: date, region: str, rules: Rulebook) -> timedelta:
    """How late the report may come.

    Raises:
        ActivityNotCovered: A person would look at photos that could not be credited.
    """
    try:
        methodology_id = rules.catalogue.methodology_of(ACTION)
        rule = rules.catalogue.rule_on(methodology_id, day, region)
    except CannotCalculate as error:
        raise ActivityNotCovered(str(error)) from error
    return timedelta(hours=rule.version.late_window_hours)


def _check_in(report: NoDriveDay, pair: _Pair, day: date, now: datetime) -> CheckIn:
    return CheckIn(
        id=uuid7(),
        account_id=report.account_id,
        action=ACTION,
        status=Status.RECEIVED,
        reason=None,
        tier=tier_of(pair.morning, pair.evening, pair.photos),
        reported_by="member",
        region=report.region,
        occurred_at=occurred_at(day),
        ended_at=None,
        received_at=now,
        decided_at=None,
        quantities={"days": 1},
        natural_key=_natural_key(day.isoformat()),
        evidence_sha256=pair.photos[1].evidence_sha256,
        meal_window=None,
    )


async def _write(conn: AsyncConnection, written: Sequence[_Written], now: datetime) -> None:
    """Write claims, check-ins and photos, and hand the check-ins to a person."""
    claims = [Claim(key, each.check_in.id) for each in written for key in each.claims]
    await insert_claims(conn, claims, now)
    await insert_check_ins(conn, [each.check_in for each in written])
    changes = [
        Change(each.check_in.id, Status.RECEIVED, Status.IN_REVIEW, ODOMETERS_TO_COMPARE)
        for each in written
    ]
    await settle_check_ins(conn, changes, now)
    photos = [photo for each in written for photo in _evidence(each)]
    await insert_evidence(conn, photos)


def _evidence(written: _Written) -> list[PhotoEvidence]:
    pair = written.pair
    parts = ((MORNING, pair.morning, pair.photos[0]), (EVENING, pair.evening, pair.photos[1]))
    return [
        PhotoEvidence(
            written.check_in.id, part, capture.id, photo.evidence_sha256, capture.created_at
        )
        for part, capture, photo in parts
    ]


def _natural_key(day: str) -> str:
    return f"{ACTION}:{day}"


def _photo_claims(photo: KeptOdometer, rules: Rulebook) -> tuple[bytes, bytes]:
    return (
        claim_key(rules.claim_secret, "capture", str(photo.capture_id)),
        _pixel_claim(photo.pixel_sha256, rules),
    )


def _pixel_claim(pixel_sha256: bytes, rules: Rulebook) -> bytes:
    return claim_key(rules.claim_secret, "pixels", pixel_sha256.hex())


def _plate_claim(plate: str, day: str, rules: Rulebook) -> bytes:
    return claim_key(rules.claim_secret, "plate", plate, day)
