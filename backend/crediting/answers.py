"""A check-in as the API shows it, with what it brought and the words for people."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from backend.campaigns.domain import POINTS_QUEUED
from backend.campaigns.pending import Pending
from backend.checkins.domain import CheckIn, Status
from backend.checkins.reasons import REASONS
from backend.crediting.domain import Credit
from backend.crediting.history import RestatementAnswer

Language = Literal["zh", "en"]
Grams = Annotated[int, msgspec.Meta(ge=0, description="gCO2e, whole grams, rounded down once")]
Points = Annotated[int, msgspec.Meta(ge=0, description="Points that merchants honour")]

STATUS_WORDS = {
    Status.RECEIVED: ("识别中", "being scored"),
    Status.BOUND: ("待称重", "waiting to be weighed"),
    Status.SCORED: ("识别完成,入账中", "recognised, being credited"),
    Status.IN_REVIEW: ("人工复核中", "in review"),
    Status.CREDITED: ("已入账", "credited"),
    Status.REJECTED: ("本次未计入", "not counted"),
    Status.REVERSED: ("已更正", "corrected"),
    Status.LAPSED: ("已过期", "lapsed"),
}


class CheckInAnswer(msgspec.Struct, kw_only=True):
    """One check-in.

    `reason` is a stable code; `message` and `hint` say it in the language of the request. Until
    `appeal_until` its owner may appeal, once; null when there is nothing to appeal. Of the `points`
    `points_pending` are not available yet: until `points_due_at`, or, where that is null, until
    there is money for them. `history` has every change since it was credited, and is
    given where one check-in is asked for.
    """

    id: UUID
    action: str
    status: str
    status_text: str
    reason: str | None
    message: str
    hint: str | None
    tier: str
    reported_by: str
    region: str
    occurred_at: datetime
    ended_at: datetime | None
    received_at: datetime
    decided_at: datetime | None
    quantities: dict[str, int]
    natural_key: str
    grams: Grams
    points: Points
    points_pending: Points
    points_due_at: datetime | None
    points_reason: str | None
    credit_id: UUID | None
    methodology_version: str | None
    appeal_until: datetime | None
    expected_seconds: Annotated[int, msgspec.Meta(ge=0)] | None = None
    history: list[RestatementAnswer] = msgspec.field(default_factory=list)


def render(
    check_in: CheckIn,
    credit: Credit | None,
    language: Language,
    expected_seconds: int | None = None,
) -> CheckInAnswer:
    """The answer for one check-in; without a live credit it stands at 0 g and 0 points."""
    is_zh = language == "zh"
    code = (credit.reason if credit else None) or check_in.reason
    reason = REASONS.get(code) if code else None
    status_zh, status_en = STATUS_WORDS[check_in.status]
    status_text = status_zh if is_zh else status_en
    message = (reason.text_zh if is_zh else reason.text_en) if reason else status_text
    return CheckInAnswer(
        id=check_in.id,
        action=check_in.action,
        status=check_in.status,
        status_text=status_text,
        reason=code,
        message=message,
        hint=(reason.hint_zh if is_zh else reason.hint_en) if reason else None,
        tier=check_in.tier,
        reported_by=check_in.reported_by,
        region=check_in.region,
        occurred_at=check_in.occurred_at,
        ended_at=check_in.ended_at,
        received_at=check_in.received_at,
        decided_at=check_in.decided_at,
        quantities=dict(check_in.quantities),
        natural_key=check_in.natural_key,
        grams=credit.grams if credit else 0,
        points=credit.points if credit else 0,
        # Of what was booked a moment ago; `show_pending` says what is known later.
        points_pending=credit.points if credit and credit.points_reason == POINTS_QUEUED else 0,
        points_due_at=None,
        points_reason=credit.points_reason if credit else None,
        credit_id=credit.id if credit else None,
        methodology_version=credit.version if credit else None,
        appeal_until=check_in.appeal_until,
        expected_seconds=expected_seconds,
    )


def show_pending(answer: CheckInAnswer, pending: Pending | None) -> CheckInAnswer:
    """The answer with what its points wait for at this moment."""
    answer.points_pending = pending.points if pending else 0
    answer.points_due_at = pending.due_at if pending and pending.is_funded else None
    return answer
