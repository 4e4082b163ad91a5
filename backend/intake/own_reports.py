"""Members' own reports over HTTP: tallies of a day, and days without driving."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from backend.batches import BUSY, Batcher
from backend.crediting.domain import EvidenceAlreadyUsed
from backend.crediting.routes import load_answer
from backend.errors import NotFound
from backend.evidence_store import EvidenceUnavailable
from backend.http.forms import file_field
from backend.http.principal import roles
from backend.http.routes import Answer, Call, Route, replayed
from backend.intake.domain import CaptureExpired, CaptureUsed, Received, in_utc, photo_tier
from backend.intake.no_drive import (
    KeptOdometer,
    NoDriveDay,
    OdometerPhoto,
    OdometerPhotoMissing,
    OdometersNotOfOneDay,
    PlateNotClear,
    PlateNotEligible,
)
from backend.intake.own_bodies import (
    NoDriveDayBody,
    OdometerAnswer,
    OwnCupBody,
    SheetsBody,
    StepsBody,
)
from backend.intake.tally import (
    OWN_SOURCE,
    AmountNotPlausible,
    DayReversed,
    TallyKey,
    TallyReport,
)
from backend.intake.uploads import PhotoRefused, PhotoTypeRefused, Uploads
from backend.processes import WorkersUnavailable

OwnBody = StepsBody | SheetsBody | OwnCupBody | NoDriveDayBody
OWN_PROBLEMS = (
    *(AmountNotPlausible, DayReversed, OdometersNotOfOneDay, OdometerPhotoMissing),
    *(PlateNotClear, PlateNotEligible),
)
_PHOTO_PROBLEMS = (PhotoRefused, PhotoTypeRefused, EvidenceUnavailable, WorkersUnavailable)
_ODOMETER_PROBLEMS = (NotFound, CaptureExpired, CaptureUsed, EvidenceAlreadyUsed)


@dataclass(frozen=True, slots=True)
class OwnReports:
    """What members' own reports need; one per process."""

    engine: AsyncEngine
    tallies: Batcher[TallyReport, Received]
    odometers: Batcher[OdometerPhoto, KeptOdometer]
    no_drive_days: Batcher[NoDriveDay, Received]
    uploads: Uploads
    region: str

    @property
    def batchers(self) -> Sequence[Batcher[Any, Any]]:
        """What must be served for these reports to be answered."""
        return (self.tallies, self.odometers, self.no_drive_days)

    def routes(self) -> Sequence[Route[Any, Any]]:
        """Give the inlet of odometer photos; reports themselves come as check-ins."""
        return [
            Route(
                "POST",
                "/v1/captures/{id}/evidence",
                self.post_odometer,
                policy=roles("member"),
                summary="Send the odometer photo of a capture",
                summary_zh="上传里程表照片",
                form=(file_field("photo"),),
                answers={201: OdometerAnswer},
                problems=(*_ODOMETER_PROBLEMS, *_PHOTO_PROBLEMS, *BUSY),
                rate="photo",
                deadline_s=60.0,
            )
        ]

    async def post(self, call: Call[Any, None], body: OwnBody) -> Answer:
        """Take in one report; a later total of a day answers with the same check-in."""
        if isinstance(body, NoDriveDayBody):
            received = await self.no_drive_days.submit(self._no_drive_day(call, body))
        else:
            received = await self.tallies.submit(self._tally(call, body))
        answer = await load_answer(self.engine, received.check_in_id, call)
        headers = {"Location": f"/v1/check-ins/{received.check_in_id}"}
        headers |= replayed(is_replay=received.is_replay)
        return Answer(answer, 201, headers)

    async def post_odometer(self, call: Call[None, None]) -> Answer:
        """Keep an odometer photo until its pair is complete."""
        if call.form is None:
            raise PhotoRefused(reason="missing")
        photo = await self.uploads.receive_odometer(
            call.principal.own_account, call.path_id(), call.form
        )
        kept = await self.odometers.submit(photo)
        return Answer(
            OdometerAnswer(
                capture_id=kept.capture_id,
                window=photo.capture.meal_window,
                documented=photo_tier(photo.capture, kept.received_at) == "documented",
            ),
            201,
            {"Location": f"/v1/captures/{kept.capture_id}/evidence"},
        )

    def _no_drive_day(self, call: Call[Any, None], body: NoDriveDayBody) -> NoDriveDay:
        return NoDriveDay(
            call.principal.own_account,
            body.morning_capture,
            body.evening_capture,
            body.plate,
            body.region or self.region,
        )

    def _tally(
        self, call: Call[Any, None], body: StepsBody | SheetsBody | OwnCupBody
    ) -> TallyReport:
        account_id, measured_at = call.principal.own_account, body.measured_at
        read_at = None if measured_at is None else in_utc(measured_at)
        region = body.region or self.region
        if isinstance(body, StepsBody):
            key = TallyKey(account_id, "walking", body.day)
            return TallyReport(key, body.source, body.steps, read_at, region)
        if isinstance(body, SheetsBody):
            key = TallyKey(account_id, "paper_avoided", body.day)
            return TallyReport(key, OWN_SOURCE, body.sheets, read_at, region)
        key = TallyKey(account_id, "own_cup", body.day)
        return TallyReport(key, OWN_SOURCE, body.items, read_at, region)
