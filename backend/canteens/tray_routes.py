"""Trays over HTTP: the camera sends one, a member scans the code that was shown beside one."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple, cast
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.batches import BUSY, Batcher
from backend.canteens.bodies import (
    MealAnswer,
    MealBody,
    TrayClaimAnswer,
    TrayClaimBody,
    render_meal,
    words_of,
)
from backend.canteens.claims import Scan, Scanned
from backend.canteens.device_routes import RETURNS, device_of
from backend.canteens.domain import Meal, corrected, is_in_time
from backend.canteens.queries import claims_by_code, find_canteen, trays_by_code
from backend.canteens.refusals import (
    DeviceSuspended,
    DeviceUnknown,
    TrayAlreadyClaimed,
    TrayClaimTooLate,
    TrayCodeUsed,
    TraySequenceUsed,
    TraySubjectNotClear,
)
from backend.canteens.trays import Seen
from backend.checkins.domain import SETTLED
from backend.checkins.queries import get_check_in
from backend.checkins.waiting import OutcomeWaiters
from backend.crediting.domain import EvidenceAlreadyUsed
from backend.evidence_store import EvidenceMissing, EvidenceUnavailable
from backend.http.forms import Form, file_field, text_field
from backend.http.json_body import decode_body
from backend.http.principal import Principal, roles
from backend.http.routes import REQUEST_KEY, Answer, Call, Route, replayed
from backend.intake.domain import (
    EvidenceTooLate,
    OutsideMealWindow,
    RetriesUsedUp,
    TimeNotPlausible,
    in_utc,
)
from backend.intake.uploads import PhotoRefused, PhotoTypeRefused, Uploads
from backend.partners.devices import Device
from backend.partners.queries import Customer, linked_accounts
from backend.processes import WorkersUnavailable

PHOTO_DEADLINE_S = 60.0
_PHOTO_PROBLEMS = (
    *(PhotoRefused, PhotoTypeRefused, EvidenceUnavailable, WorkersUnavailable),
    *(TimeNotPlausible, EvidenceTooLate, OutsideMealWindow, RetriesUsedUp, EvidenceAlreadyUsed),
)
_DEVICE_PROBLEMS = (DeviceUnknown, DeviceSuspended)
_TRAY_PROBLEMS = (TraySubjectNotClear, TraySequenceUsed, TrayCodeUsed)

_canonical = msgspec.json.Encoder(order="deterministic")


class _Sender(NamedTuple):
    """Who sends a tray, from where, and whose it is if that is known."""

    device: Device
    region: str
    account_id: UUID | None


@dataclass(frozen=True, slots=True)
class TrayDoor:
    """What taking in trays needs."""

    engine: AsyncEngine
    meals: Batcher[Meal, Seen]
    scans: Batcher[Scan, Scanned]
    uploads: Uploads
    waiters: OutcomeWaiters

    def routes(self) -> Sequence[Route[Any, Any]]:
        """Give the routes of trays."""
        return [
            Route(
                "POST",
                "/v1/device/meals",
                self.post_meal,
                policy=RETURNS,
                summary="Send a photographed tray (form: photo, and `meal` as JSON)",
                summary_zh="上报餐盘照片(表单:photo,以及 JSON 的 meal)",
                form=(text_field("meal"), file_field("photo")),
                answers={200: MealAnswer, 202: MealAnswer},
                problems=(*_DEVICE_PROBLEMS, *_TRAY_PROBLEMS, *_PHOTO_PROBLEMS, *BUSY),
                waits=True,
                deadline_s=PHOTO_DEADLINE_S,
            ),
            Route(
                "POST",
                "/v1/tray-claims",
                self.post_claim,
                policy=roles("member"),
                summary="Say that the tray is mine whose code I have scanned",
                summary_zh="扫餐盘码,认领自己的餐盘",
                body=TrayClaimBody,
                answers={200: TrayClaimAnswer, 202: TrayClaimAnswer},
                problems=(
                    *(TrayAlreadyClaimed, TrayClaimTooLate, RetriesUsedUp, EvidenceAlreadyUsed),
                    *(EvidenceUnavailable, *BUSY),
                ),
                rate="check_in",
            ),
        ]

    async def post_meal(self, call: Call[None, None]) -> Answer:
        """Take in a tray; the same sequence with the same content again is the same tray."""
        assert call.form is not None
        body = _meal_body(call.form)
        sender = await self._sender(call.principal, body)
        meal = await self._meal(call, sender, body)
        call.form.release()
        seen = await self.meals.submit(meal)
        check_in_id = seen.tray.check_in_id
        if call.wait_s and check_in_id:
            await self.waiters.wait(check_in_id, call.wait_s)
        return await self._answer(call, seen)

    async def post_claim(self, call: Call[TrayClaimBody, None]) -> Answer:
        """Claim a tray; if its photo is here already, it becomes the caller's check-in."""
        account_id, digest = call.principal.own_account, _digest(call.body.tray_code)
        copied = await self._copied(account_id, digest)
        scanned = await self.scans.submit(Scan(account_id, digest, copied))
        tray = scanned.tray
        status = tray.status if tray else "waiting"
        answer = TrayClaimAnswer(
            status=status,
            status_text=words_of(status, call.language),
            check_in_id=tray.check_in_id if tray else None,
        )
        headers = replayed(is_replay=scanned.is_replay)
        if answer.check_in_id:
            headers["Location"] = f"/v1/check-ins/{answer.check_in_id}"
        return Answer(answer, 202 if status == "waiting" else 200, headers)

    async def _sender(self, principal: Principal, body: MealBody) -> _Sender:
        """The device, its place, and the member behind the card or the scan.

        Raises:
            DeviceUnknown, DeviceSuspended: It may not send.
        """
        async with self.engine.connect() as conn:
            device = await device_of(conn, principal)
            if device.status != "active":
                raise DeviceSuspended
            place = await find_canteen(conn, device.place_id)
            assert place is not None, "a device was added to a canteen that is there"
            account_id = None
            if body.subject_token is not None:
                customer = Customer(device.partner_id, body.subject_token)
                account_id = (await linked_accounts(conn, [customer])).get(customer)
            elif body.tray_code is not None:
                digest = _digest(body.tray_code)
                claim = (await claims_by_code(conn, [digest])).get(digest)
                taken_at = _taken_at(body, device)
                if claim and is_in_time(claim.claimed_at, taken_at):
                    account_id = claim.account_id
        return _Sender(device, place.region, account_id)

    async def _meal(self, call: Call[None, None], sender: _Sender, body: MealBody) -> Meal:
        """The tray with its evidence stored, among the member's or, until she is known, ours."""
        assert call.form is not None
        device = sender.device
        photo = await self.uploads.keep(sender.account_id or device.id, call.form.file("photo"))
        said = _canonical.encode([body, photo.sha256])
        return Meal(
            device,
            sender.region,
            sender.account_id,
            body.sequence,
            _taken_at(body, device),
            photo.sha256,
            photo.pixel_sha256,
            hmac.digest(call.app[REQUEST_KEY], said, "sha256"),
            body.subject_token,
            _digest(body.tray_code) if body.tray_code else None,
        )

    async def _copied(self, account_id: UUID, digest: bytes) -> UUID | None:
        """The waiting tray of this code, its evidence copied among the member's; None without.

        Before the transaction, because nothing slow happens in one. What a refusal leaves behind is
        swept.
        """
        async with self.engine.connect() as conn:
            tray = (await trays_by_code(conn, [digest])).get(digest)
        if tray is None or tray.status != "waiting":
            return None
        try:
            await self.uploads.copy(tray.device_id, account_id, tray.evidence_sha256)
        except EvidenceMissing:
            return None
        return tray.id

    async def _answer(self, call: Call[Any, Any], seen: Seen) -> Answer:
        tray, check_in = seen.tray, None
        if tray.check_in_id:
            async with self.engine.connect() as conn:
                check_in = await get_check_in(conn, tray.check_in_id)
        is_over = check_in is not None and check_in.status in SETTLED
        headers = replayed(is_replay=seen.is_replay)
        answer = render_meal(tray, check_in, call.language)
        return Answer(answer, 200 if is_over else 202, headers)


def _meal_body(form: Form) -> MealBody:
    body = cast("MealBody", decode_body(form.file("meal"), MealBody))
    if (body.subject_token is None) == (body.tray_code is None):
        raise TraySubjectNotClear
    return body


def _taken_at(body: MealBody, device: Device) -> datetime:
    return corrected(in_utc(body.taken_at), device.clock_offset_ms)


def _digest(code: str) -> bytes:
    return sha256(code.encode()).digest()
