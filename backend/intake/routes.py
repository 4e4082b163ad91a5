"""The write side of check-ins over HTTP: parse, store evidence, hand to a batch, answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from backend.batches import BUSY, Batcher
from backend.checkins.domain import SETTLED
from backend.checkins.waiting import OutcomeWaiters
from backend.crediting.answers import CheckInAnswer, render
from backend.crediting.domain import ActivityNotCovered, EvidenceAlreadyUsed
from backend.crediting.routes import load_answer
from backend.errors import NotFound
from backend.evidence_store import EvidenceUnavailable
from backend.http.forms import file_field, text_field
from backend.http.principal import Principal, roles, scopes
from backend.http.refusals import IdempotencyKeyMissing
from backend.http.routes import Answer, Call, Route, replayed
from backend.idempotency import IdempotencyKeyReused
from backend.intake.bag_room import BagRoom
from backend.intake.bag_routes import NO_SUCH_BAG
from backend.intake.bodies import (
    BagBody,
    CaptureAnswer,
    CaptureBody,
    TripBody,
)
from backend.intake.controls.routes import ControlDesk
from backend.intake.domain import (
    CAPTURE_LIFE,
    FRESH_FOR,
    ActionNotPhotographed,
    Binding,
    Capture,
    CaptureExpired,
    CaptureRequest,
    CaptureUsed,
    DistanceNeeded,
    DistanceNotPlausible,
    EvidenceTooLate,
    OutsideMealWindow,
    Photo,
    Received,
    RetriesUsedUp,
    TimeNotPlausible,
    Trip,
    in_utc,
)
from backend.intake.events.domain import Role, type_name
from backend.intake.events.rides import RIDE
from backend.intake.events.routes import EventInlet
from backend.intake.no_drive import OdometerPhotoApart, OutsideOdometerWindow
from backend.intake.own_reports import OWN_PROBLEMS, OwnBody, OwnReports
from backend.intake.uploads import PhotoRefused, PhotoTypeRefused, Uploads
from backend.partners.domain import RegionNotGranted, SourceNotGranted, TypeNotGranted
from backend.partners.queries import Customer, SubjectNotLinked
from backend.processes import WorkersUnavailable
from backend.recycling.codes import BagLink
from backend.recycling.domain import BagAlreadyBound, BagLapsed, BagLost, BagUsed
from backend.writing import intention_of

TRIP_REPORT = "trip.report"
TRIP_TYPE = type_name(RIDE.name, Role.REPORTED)  # what a key that reports trips must be granted
PHOTO_DEADLINE_S = 60.0


class SubjectTokenMisplaced(SubjectNotLinked):
    """A partner's report names its customer by `subject_token`; a member's own report has none."""


CheckInBody = TripBody | BagBody | OwnBody

_PHOTO_PROBLEMS = (
    *(NotFound, CaptureExpired, CaptureUsed, RetriesUsedUp, EvidenceAlreadyUsed, PhotoRefused),
    *(PhotoTypeRefused, EvidenceUnavailable, WorkersUnavailable),
)
_TRIP_PROBLEMS = (
    *(TimeNotPlausible, EvidenceTooLate, DistanceNeeded, DistanceNotPlausible),
    *(ActivityNotCovered, SubjectNotLinked, SubjectTokenMisplaced, IdempotencyKeyReused),
    *(SourceNotGranted, TypeNotGranted, RegionNotGranted),
)
_BAG_PROBLEMS = (*NO_SUCH_BAG, BagAlreadyBound, BagUsed, BagLapsed, BagLost)


@dataclass(frozen=True, slots=True)
class Intake:
    """What taking in needs; one of each per process."""

    engine: AsyncEngine
    captures: Batcher[CaptureRequest, Capture]
    photos: Batcher[Photo, Received]
    trips: Batcher[Trip, Received]
    bindings: Batcher[Binding, Received]
    uploads: Uploads
    waiters: OutcomeWaiters
    own: OwnReports
    events: EventInlet
    controls: ControlDesk
    bags: BagRoom
    link: BagLink
    region: str

    @property
    def batchers(self) -> Sequence[Batcher[Any, Any]]:
        """What must be served for intake to answer."""
        photos = (self.captures, self.photos)
        reported = (self.trips, self.bindings, self.events.events)
        return (*photos, *reported, *self.own.batchers, *self.bags.batchers)

    def routes(self) -> Sequence[Route[Any, Any]]:
        """Give the write side of check-ins."""
        partners = (*self.events.routes(), *self.controls.routes())
        beside = (*self.own.routes(), *partners, *self.bags.routes)
        return [self._capture_route(), self._check_in_route(), *beside]

    def _capture_route(self) -> Route[CaptureBody, None]:
        return Route(
            "POST",
            "/v1/captures",
            self.post_capture,
            policy=roles("member"),
            summary="Ask for permission to take one photo",
            summary_zh="申请拍一张照片",
            body=CaptureBody,
            answers={201: CaptureAnswer},
            problems=(
                *(ActionNotPhotographed, OutsideMealWindow, OutsideOdometerWindow),
                *(IdempotencyKeyReused, *BUSY),
            ),
            idempotency="optional",
            rate="photo",  # a photo needs a capture of its own, so this limits photos
        )

    def _check_in_route(self) -> Route[Any, None]:
        return Route(
            "POST",
            "/v1/check-ins",
            self.post_check_in,
            policy=roles("member") | scopes(TRIP_REPORT),
            summary="Report a clean plate (form), or a trip, a bag or an own report (JSON)",
            summary_zh="打卡:光盘照片(表单);出行、绑袋、步数、纸张、自带杯、停驶日(JSON)",
            body=CheckInBody,
            form=(text_field("capture", 64), file_field("photo")),
            answers={200: CheckInAnswer, 201: CheckInAnswer, 202: CheckInAnswer},
            problems=(
                *(*_PHOTO_PROBLEMS, *_TRIP_PROBLEMS, *_BAG_PROBLEMS),
                *(*OWN_PROBLEMS, OdometerPhotoApart, *BUSY),
            ),
            idempotency="optional",
            waits=True,
            deadline_s=PHOTO_DEADLINE_S,
            rate="check_in",
        )

    async def post_capture(self, call: Call[CaptureBody, None]) -> Answer:
        """Make a capture for the caller."""
        request = CaptureRequest(
            call.principal.own_account,
            call.body.action,
            call.body.region or self.region,
            intention_of(call),
        )
        capture = await self.captures.submit(request)
        answer = CaptureAnswer(
            id=capture.id,
            action=capture.action,
            created_at=capture.created_at,
            documented_until=capture.created_at + FRESH_FOR,
            expires_at=capture.created_at + CAPTURE_LIFE,
            region=capture.region,
            meal_window=capture.meal_window,
        )
        return Answer(answer, 201)

    async def post_check_in(self, call: Call[CheckInBody, None]) -> Answer:
        """Take in a photo, a trip, a bag or an own report, by what was sent."""
        if call.form is not None:
            return await self._post_photo(call)
        body = call.body
        if isinstance(body, BagBody):
            return await self._post_bag(call, body)
        if isinstance(body, TripBody):
            return await self._post_trip(call, body)
        return await self.own.post(call, body)

    async def _post_photo(self, call: Call[Any, None]) -> Answer:
        assert call.form is not None
        account_id = call.principal.own_account
        photo = await self.uploads.receive(account_id, call.form)
        call.form.release()
        received = await self.photos.submit(photo)
        headers = {"Location": f"/v1/check-ins/{received.check_in_id}"}
        expected_seconds = None
        if not received.is_replay:
            expected_seconds = await self.uploads.expected_seconds()
        if call.wait_s and (expected_seconds or 0) <= call.wait_s:
            await self.waiters.wait(received.check_in_id, call.wait_s)
        answer = await load_answer(self.engine, received.check_in_id, call)
        if answer.status in SETTLED:
            return Answer(answer, 200, headers | replayed(is_replay=received.is_replay))
        answer.expected_seconds = expected_seconds or 1
        return Answer(answer, 202, headers | replayed(is_replay=received.is_replay))

    async def _post_bag(self, call: Call[Any, None], body: BagBody) -> Answer:
        code = self.link.code_in(body.code)
        binding = Binding(call.principal.own_account, code, body.region or self.region)
        return await self._written(call, await self.bindings.submit(binding))

    async def _post_trip(self, call: Call[Any, None], body: TripBody) -> Answer:
        intention = intention_of(call)
        if intention is None:
            raise IdempotencyKeyMissing
        principal, region = call.principal, body.region or self.region
        by_partner = principal.partner_id is not None
        _check_reach(principal, region)
        trip = Trip(
            None if by_partner else principal.own_account,
            _customer(principal, body),
            body.mode,
            in_utc(body.started_at),
            in_utc(body.ended_at),
            body.distance_m,
            region,
            "documented" if by_partner else "self_declared",
            "partner" if by_partner else "member",
            intention,
        )
        return await self._written(call, await self.trips.submit(trip))

    async def _written(self, call: Call[Any, None], received: Received) -> Answer:
        """Answer with what the batch wrote, or with the earlier resource of a replay."""
        headers = {"Location": f"/v1/check-ins/{received.check_in_id}"}
        if received.check_in is None:
            answer = await load_answer(self.engine, received.check_in_id, call)
        else:
            answer = render(received.check_in, received.credit, call.language)
        return Answer(answer, 201, headers | replayed(is_replay=received.is_replay))


def _check_reach(principal: Principal, region: str) -> None:
    """Refuse a key what it could not say by an event either.

    Raises:
        SourceNotGranted, TypeNotGranted, RegionNotGranted.
    """
    if principal.reach is None:
        return
    refusal = principal.reach.refusal_of_own(event_type=TRIP_TYPE, region=region)
    if refusal is not None:
        raise refusal


def _customer(principal: Principal, body: TripBody) -> Customer | None:
    """The customer that a partner reports for; a member's own report has none."""
    if (principal.partner_id is None) != (body.subject_token is None):
        raise SubjectTokenMisplaced
    if principal.partner_id is None or body.subject_token is None:
        return None
    return Customer(principal.partner_id, body.subject_token)
