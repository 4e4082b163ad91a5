"""Partner calls on the wire: where a merchant's system is, and what became of each call."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from sqlalchemy import Row

from backend.http.cursors import PageQuery
from backend.http.problem import Language
from backend.rewards.call_domain import CallStatus, Text

STATUS_WORDS = {
    CallStatus.CALLING: ("等待商户系统确认", "waiting for the partner's system"),
    CallStatus.UNDECIDED: ("结果未知,请人工核实", "not known, somebody has to find out"),
    CallStatus.FULFILLED: ("已兑付", "fulfilled"),
    CallStatus.REFUSED: ("未兑付,积分已退回", "not done, points returned"),
}
Url = Annotated[
    str, msgspec.Meta(min_length=1, max_length=2_048, description="https, port 443, a public name")
]


class CallEndpointBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Where the merchant's system takes partner calls; `new_secret` rotates what signs them."""

    url: Url
    new_secret: bool = False


class CallEndpointAnswer(msgspec.Struct, kw_only=True):
    """The endpoint; `secret` is shown to the request that made it and never again."""

    merchant_id: UUID
    url: str
    secret: str | None = None
    previous_secret_until: datetime | None
    created_at: datetime
    changed_at: datetime


class PartnerCallAnswer(msgspec.Struct, kw_only=True):
    """A call; `id` is its voucher's. Who the member is stays unknown to the merchant's people."""

    id: UUID
    merchant_id: UUID
    reward_id: UUID
    reward: str
    points: int
    status: str
    status_text: str
    attempts: int
    ask_until: datetime
    error: str | None
    response_code: int | None
    reference: str | None
    reason: str | None
    decided_by: str | None
    created_at: datetime
    ended_at: datetime | None


class PartnerCallPage(msgspec.Struct, kw_only=True):
    """One page of calls, newest first."""

    items: list[PartnerCallAnswer]
    next_cursor: str | None


class PartnerCallQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`status=undecided` lists what waits for a person."""

    status: Literal["calling", "undecided", "fulfilled", "refused"] | None = None


class FulfilledBody(
    msgspec.Struct, kw_only=True, forbid_unknown_fields=True, tag="fulfilled", tag_field="outcome"
):
    """The member has what she paid for; the partner's reference proves it."""

    reference: Annotated[str, Text]


class RefusedBody(
    msgspec.Struct, kw_only=True, forbid_unknown_fields=True, tag="refused", tag_field="outcome"
):
    """It did not happen and will not; points and piece return."""

    reason: Annotated[str, Text]


class AskAgainBody(
    msgspec.Struct, kw_only=True, forbid_unknown_fields=True, tag="ask_again", tag_field="outcome"
):
    """The partner's system is there again; it is asked for another day."""


DecisionBody = FulfilledBody | RefusedBody | AskAgainBody


def render_call(row: Row[Any], language: Language) -> PartnerCallAnswer:
    """A call as staff see it."""
    is_zh, status = language == "zh", CallStatus(row.status)
    return PartnerCallAnswer(
        id=row.voucher_id,
        merchant_id=row.merchant_id,
        reward_id=row.reward_id,
        reward=row.reward_zh if is_zh else row.reward_en,
        points=row.points,
        status=status,
        status_text=STATUS_WORDS[status][0 if is_zh else 1],
        attempts=row.attempts,
        ask_until=row.ask_until,
        error=row.error,
        response_code=row.response_code,
        reference=row.reference,
        reason=row.reason,
        decided_by=row.decided_by,
        created_at=row.created_at,
        ended_at=row.ended_at,
    )
