"""The inlet over HTTP: three forms of CloudEvents in, one result per event."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

import msgspec

from backend.batches import BUSY, Batcher
from backend.crediting.domain import ActivityNotCovered, EvidenceAlreadyUsed, NotCredited
from backend.errors import DomainError
from backend.http.edge import EDGE
from backend.http.expectations import expectation
from backend.http.json_body import parse
from backend.http.principal import Principal, scopes
from backend.http.problem import Fault
from backend.http.refusals import (
    Forbidden,
    MalformedJson,
    MalformedRequest,
    PayloadTooLarge,
    UnsupportedMediaType,
    ValidationFailed,
)
from backend.http.routes import Answer, Call, RawBody, Route
from backend.intake.bag_routes import NO_SUCH_BAG
from backend.intake.domain import (
    DistanceNeeded,
    DistanceNotPlausible,
    EvidenceTooLate,
    TimeNotPlausible,
)
from backend.intake.events.answers import (
    EventResult,
    EventResults,
    render_refused,
    render_taken,
)
from backend.intake.events.bagged import BAG
from backend.intake.events.conflicts import note_conflicts
from backend.intake.events.domain import (
    Became,
    CorrectionTooWide,
    EventIdReused,
    EventTypeUnknown,
    PartnerEvent,
    Role,
)
from backend.intake.events.envelope import (
    NAME_CHARACTERS_MAX,
    Envelope,
    Speaker,
    read_binary,
    read_event,
)
from backend.intake.events.type_routes import EventTypes
from backend.meters.domain import BaselineUnknown
from backend.partners.domain import RegionNotGranted, SourceNotGranted, TypeNotGranted
from backend.recycling.domain import (
    BagAlreadySorted,
    BagAlreadyWeighed,
    BagLapsed,
    BagLost,
    BagNotBound,
    SortingNotFitting,
)
from backend.trees.domain import MoreThanAlive, PlantingElsewhere

EVENT_SEND: Final = "event.send"
STRUCTURED: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"
BINARY: Final = "application/json"
BODY_BYTES_MAX: Final = 1024 * 1024  # a hundred events of 10 KB; ours have under 1 KB
EVENTS_MAX: Final = 100  # one request is a tenth of a transaction

Batch = Annotated[list[Any], msgspec.Meta(max_length=EVENTS_MAX, description="CloudEvents")]
Data = Annotated[dict[str, Any], msgspec.Meta(description="Data; attributes are ce- header fields")]

_PROBLEMS = (
    *(EventTypeUnknown, EventIdReused, SourceNotGranted, TypeNotGranted, RegionNotGranted),
    *(TimeNotPlausible, EvidenceTooLate, DistanceNeeded, DistanceNotPlausible),
    *(CorrectionTooWide, NotCredited, ActivityNotCovered, EvidenceAlreadyUsed),
    *(*NO_SUCH_BAG, BagNotBound, BagAlreadyWeighed, BagAlreadySorted, BagLapsed, BagLost),
    SortingNotFitting,
    *(BaselineUnknown, MoreThanAlive, PlantingElsewhere),
    *(MalformedJson, PayloadTooLarge, UnsupportedMediaType),
    *BUSY,
)


@dataclass(frozen=True, slots=True)
class EventInlet:
    """What taking events needs; `region` is where they count unless they say otherwise."""

    events: Batcher[PartnerEvent, Became]
    region: str

    def routes(self) -> Sequence[Route[Any, Any]]:
        """Give the inlet."""
        return [
            Route(
                "POST",
                "/v1/events",
                self.post_events,
                policy=scopes(EVENT_SEND),
                summary="Send CloudEvents: one, or up to a hundred with a result for each",
                summary_zh="合作方上报事件(CloudEvents):单条,或一批最多 100 条并逐条返回结果",
                body=RawBody,
                raw={STRUCTURED: Envelope, BATCH: Batch, BINARY: Data},
                answers=dict.fromkeys((200, 201, 202), EventResults),
                problems=_PROBLEMS,
                body_bytes_max=BODY_BYTES_MAX,
            ),
            *EventTypes().routes(),
        ]

    async def post_events(self, call: Call[RawBody, None]) -> Answer:
        """Take one event, whose status is that of the answer, or a batch, whose answer is 200."""
        speaker = _speaker(call.principal, self.region)
        fields = [
            (name, value)
            for name, value in call.request.headers.items()
            if name.lower().startswith("ce-")
        ]
        if fields and call.body.media_type != BINARY:
            raise MalformedRequest("The event is in the body; ce- fields would be a second one.")
        if call.body.media_type == BATCH:
            return await self._take_batch(call, speaker)
        if call.body.media_type == BINARY:
            if not fields:
                raise UnsupportedMediaType(f"An event is {STRUCTURED}, or has ce- fields.")
            event = read_binary(fields, call.body.content, speaker)
        else:
            event = read_event(parse(call.body.content), speaker)
        check_reach(call.principal, event)
        [became] = await self.events.submit_all([event])
        note_conflicts([event], [became])
        if isinstance(became, Exception):
            raise became
        result = render_taken(event, became)
        return Answer(EventResults(results=[result]), result.code)

    async def _take_batch(self, call: Call[RawBody, None], speaker: Speaker) -> Answer:
        documents = _documents(call.body.content)
        read = [_read(document, speaker, call.principal) for document in documents]
        events = [each for each in read if isinstance(each, PartnerEvent)]
        answers = await self.events.submit_all(events)
        note_conflicts(events, answers)
        taken = iter(answers)
        results = []
        for document, each in zip(documents, read, strict=True):
            answer = next(taken) if isinstance(each, PartnerEvent) else each
            if isinstance(each, PartnerEvent) and isinstance(answer, Became):
                results.append(render_taken(each, answer))
            elif isinstance(answer, DomainError):
                results.append(_refused(call, document, answer))
            else:
                assert isinstance(answer, Exception)
                raise answer
        return Answer(EventResults(results=results))


def check_reach(principal: Principal, event: PartnerEvent) -> None:
    """Refuse events of sources, types and regions that the key does not speak for.

    Raises:
        SourceNotGranted, TypeNotGranted, RegionNotGranted, Forbidden.
    """
    if principal.reach is None:
        raise Forbidden
    region = getattr(event.data, "region", None) or event.region
    if event.kind is BAG and event.role is Role.REPORTED:
        region = None  # the bag's own, which is looked at under its lock
    refusal = principal.reach.refusal_of(
        source=event.key.source, event_type=event.type, region=region
    )
    if refusal is not None:
        raise refusal


def _speaker(principal: Principal, region: str) -> Speaker:
    assert principal.partner_id is not None, "only keys have scopes"
    reported_by = "device" if "device" in principal.roles else "partner"
    return Speaker(principal.partner_id, reported_by, region, principal.reach)


def _documents(body: bytes) -> list[object]:
    """The elements of a batch; one with a value that cannot be stored is refused alone, later.

    Raises:
        MalformedJson, ValidationFailed, PayloadTooLarge.
    """
    try:
        batch, is_sound = parse(body), True
    except ValidationFailed:
        batch, is_sound = json.loads(body), False
    if not isinstance(batch, list):
        raise ValidationFailed(errors=(Fault("", "unexpected", expectation("Expected array")),))
    if len(batch) > EVENTS_MAX:
        raise PayloadTooLarge(f"A batch has at most {EVENTS_MAX} events.")
    return batch if is_sound else [_parsed_alone(document) for document in batch]


def _parsed_alone(document: object) -> object:
    """The document again, or the refusal of what is in it."""
    try:
        return parse(json.dumps(document).encode())
    except DomainError as refusal:
        return refusal


def _read(document: object, speaker: Speaker, principal: Principal) -> PartnerEvent | DomainError:
    if isinstance(document, DomainError):
        return document
    try:
        event = read_event(document, speaker)
        check_reach(principal, event)
    except DomainError as refusal:
        return refusal
    return event


def _refused(call: Call[RawBody, None], document: object, refusal: DomainError) -> EventResult:
    code, problem = call.app[EDGE].describe_part(call.request, refusal)
    attributes = document if isinstance(document, dict) else {}
    return render_refused(
        problem, code, event_id=_text(attributes.get("id")), source=_text(attributes.get("source"))
    )


def _text(value: object) -> str | None:
    """An attribute that can be repeated in the answer; anything else is left out."""
    return value if isinstance(value, str) and len(value) <= NAME_CHARACTERS_MAX else None
