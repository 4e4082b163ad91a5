"""Member codes and settlement requests on the wire."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from sqlalchemy import Row

from backend.http.problem import Language
from backend.rewards.settlement_bodies import TillKey

STATUS_WORDS = {
    "pending": ("待会员确认", "waiting for the member"),
    "confirmed": ("已确认并核销", "confirmed and settled"),
    "declined": ("会员已拒绝", "declined"),
    "expired": ("确认超时", "not confirmed in time"),
}


class MemberCodeAnswer(msgspec.Struct, kw_only=True):
    """A member's code, and what the phone needs to show the next ones without a network.

    `code` is the handle and, for each step of `step_s` seconds since 1970, the last `digits` digits
    of HOTP (RFC 4226) with HMAC-SHA-256 over the step under `secret` (base64).
    """

    code: str
    expires_at: datetime
    handle: str
    secret: str
    step_s: int
    digits: int
    renew_at: datetime


class RequestBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The scanned member code, and what the member has asked for."""

    member_code: Annotated[str, msgspec.Meta(pattern="^[0-9]{18}$")]
    reward_id: UUID
    till_key: TillKey | None = None


class RequestAnswer(msgspec.Struct, kw_only=True):
    """A request; once confirmed it names the voucher and the settlement."""

    id: UUID
    status: str
    status_text: str
    reward_id: UUID
    reward: str
    merchant: str
    points: int
    requested_at: datetime
    expires_at: datetime
    decided_at: datetime | None
    voucher_id: UUID | None
    settlement_id: UUID | None


class RequestPage(msgspec.Struct, kw_only=True):
    """One page of a member's requests, newest first."""

    items: list[RequestAnswer]
    next_cursor: str | None


def render_request(row: Row[Any], language: Language, now: datetime) -> RequestAnswer:
    """A request; one that waited too long is shown as expired."""
    is_zh = language == "zh"
    status = "expired" if row.status == "pending" and now >= row.expires_at else row.status
    return RequestAnswer(
        id=row.id,
        status=status,
        status_text=STATUS_WORDS[status][0 if is_zh else 1],
        reward_id=row.reward_id,
        reward=row.reward_zh if is_zh else row.reward_en,
        merchant=row.merchant_zh if is_zh else row.merchant_en,
        points=row.points,
        requested_at=row.requested_at,
        expires_at=row.expires_at,
        decided_at=row.decided_at,
        voucher_id=row.voucher_id,
        settlement_id=row.settlement_id,
    )
