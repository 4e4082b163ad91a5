"""What a partner reads of each event: what it has become, or why it was refused."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec

from backend.crediting.answers import Grams, Points
from backend.intake.events.domain import Became, PartnerEvent

CODES = {"credited": 201, "parked": 202, "doubted": 202}  # every other one that was taken is 200

Status = Annotated[
    str,
    msgspec.Meta(
        description="credited, doubted, corrected, withdrawn, superseded, parked, duplicate or"
        " refused"
    ),
]


class EventResult(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What one event has become; `code` is the HTTP status that it would have alone.

    A duplicate has the check-in of the first one, with what counts now. `problem` is the RFC 9457
    problem of a refused one. What is parked waits for `waits_for` until `waits_until`.
    """

    status: Status
    code: int
    id: str | None = None
    source: str | None = None
    check_in_id: UUID | None = None
    action: str | None = None
    grams_gco2e: Grams | None = None
    points: Points | None = None
    reason: str | None = None
    waits_for: str | None = None
    waits_until: datetime | None = None
    problem: dict[str, Any] | None = None


class EventResults(msgspec.Struct, kw_only=True):
    """One result per event of a batch, in its order."""

    results: list[EventResult]


def render_taken(event: PartnerEvent, became: Became) -> EventResult:
    """The result of an event that was taken."""
    credit, wait = became.credit, became.wait
    result = EventResult(
        status=became.status,
        code=CODES.get(became.status, 200),
        id=event.key.event_id,
        source=event.key.source,
        check_in_id=became.check_in_id,
    )
    if credit is not None:
        result.action = credit.action
        result.grams_gco2e = credit.grams
        result.points = credit.points
        result.reason = credit.reason
    if wait is not None:
        result.waits_for, result.waits_until = wait.waits_for, wait.until
    return result


def render_refused(
    problem: bytes, code: int, *, event_id: str | None, source: str | None
) -> EventResult:
    """The result of an event that was refused, with its problem as it was rendered."""
    return EventResult(
        status="refused",
        code=code,
        id=event_id,
        source=source,
        problem=msgspec.json.decode(problem),
    )
