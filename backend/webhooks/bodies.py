"""What the routes of webhooks take and answer."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

from backend.http.cursors import PageQuery
from backend.http.problem import Language
from backend.webhooks.domain import OVERLAP_S_DEFAULT, OVERLAP_S_MAX, Endpoint

EventType = Literal[
    "voucher.issued",
    "voucher.settled",
    "voucher.undone",
    "voucher.expired",
    "voucher.returned",
    "voucher.undecided",
    "settlement.correction_asked",
    "settlement.correction_decided",
    "reward.stock_low",
    "check_in.credited",
    "check_in.reversed",
]
EventTypes = Annotated[list[EventType], msgspec.Meta(min_length=1, max_length=11)]

DISABLED_WORDS = {
    "owner": ("已由您停用", "disabled by its owner"),
    "operator": ("已由运营人员停用", "disabled by an operator"),
    "gone": ("接收方回答 410,已停用", "disabled: the receiver answered 410 Gone"),
    "failing": ("连续 5 天发送失败,已停用", "disabled: nothing has succeeded for 5 days"),
    "address_refused": (
        "域名指向内部地址,已停用",
        "disabled: its name leads to an address that webhooks may not go to",
    ),
}
STATUS_WORDS = {
    "enabled": ("使用中", "enabled"),
    "pending": ("等待发送", "waiting to be sent"),
    "delivered": ("已送达", "delivered"),
    "failed": ("未送达", "not delivered"),
}


class _Strict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A body that takes its own members only."""


class OwnerBody(_Strict, frozen=True, kw_only=True):
    """Whom an operator registers for."""

    kind: Literal["partner", "merchant"]
    id: UUID


class EndpointBody(_Strict, frozen=True, kw_only=True):
    """A URL that wants to hear of these types; `owner` is for operators alone."""

    url: Annotated[str, msgspec.Meta(min_length=1, max_length=2_048)]
    event_types: EventTypes
    owner: OwnerBody | None = None


class EndpointChangeBody(_Strict, frozen=True, kw_only=True):
    """What to change; what is not named stays."""

    event_types: EventTypes | None = None
    status: Literal["enabled", "disabled"] | None = None


class RotationBody(_Strict, frozen=True, kw_only=True):
    """How long the earlier secrets sign beside the new one; 0 after a leak."""

    overlap_s: Annotated[int, msgspec.Meta(ge=0, le=OVERLAP_S_MAX)] = OVERLAP_S_DEFAULT


class ReplayBody(_Strict, frozen=True, kw_only=True):
    """One delivery, or all since a time; `after` continues where an earlier answer stopped."""

    delivery_id: UUID | None = None
    since: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    after: UUID | None = None


class EndpointQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which endpoints; `owner_id` is for operators and auditors."""

    status: Literal["enabled", "disabled"] | None = None
    owner_id: UUID | None = None


class DeliveryQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which deliveries."""

    status: Literal["pending", "delivered", "failed"] | None = None
    event_type: EventType | Literal["webhook.ping"] | None = None


class EndpointAnswer(msgspec.Struct, kw_only=True):
    """An endpoint; `message` says in words how it stands."""

    id: UUID
    owner_kind: str
    owner_id: UUID
    url: str
    event_types: list[str]
    status: str
    disabled_reason: str | None
    message: str
    failing_since: datetime | None
    created_at: datetime
    changed_at: datetime


class SecretAnswer(msgspec.Struct, kw_only=True):
    """A secret that signs; its text is shown once, when it is made."""

    id: UUID
    created_at: datetime
    expires_at: datetime | None


class EndpointDetailAnswer(EndpointAnswer, kw_only=True):
    """An endpoint with its secrets, newest first."""

    secrets: list[SecretAnswer]


class RegisteredAnswer(EndpointAnswer, kw_only=True):
    """A registered endpoint; `secret` is there once, for the request that made it."""

    secret: str | None


class RotatedAnswer(msgspec.Struct, kw_only=True):
    """A new secret; `secret` is there once, for the request that made it."""

    id: UUID
    secret: str | None
    secrets: list[SecretAnswer]


class EndpointPage(msgspec.Struct, kw_only=True):
    """One page of endpoints, newest first."""

    items: list[EndpointAnswer]
    next_cursor: str | None


class DeliveryAnswer(msgspec.Struct, kw_only=True):
    """One message and how far it got; `id` is its `webhook-id`."""

    id: UUID
    event_type: str
    subject_id: UUID
    status: str
    message: str
    attempts: int
    created_at: datetime
    attempted_at: datetime | None
    next_attempt_at: datetime | None
    response_code: int | None
    duration_ms: int | None
    error: str | None


class DeliveryDetailAnswer(DeliveryAnswer, kw_only=True):
    """One message with its body, exactly as it is signed."""

    body: str


class DeliveryPage(msgspec.Struct, kw_only=True):
    """One page of the log, newest first."""

    items: list[DeliveryAnswer]
    next_cursor: str | None


class ReplayAnswer(msgspec.Struct, kw_only=True):
    """How many are sent again; `after` is there when there may be more."""

    deliveries: int
    after: UUID | None


def endpoint_members(endpoint: Endpoint, language: Language) -> dict[str, Any]:
    """The members that every answer about an endpoint has."""
    reason = endpoint.disabled_reason
    zh, en = DISABLED_WORDS[reason] if reason else STATUS_WORDS[endpoint.status]
    return {
        **endpoint._asdict(),
        "event_types": list(endpoint.event_types),
        "message": zh if language == "zh" else en,
    }


def delivery_members(row: Any, language: Language) -> dict[str, Any]:
    """The members of a row of the log."""
    members = dict(row._mapping)  # noqa: SLF001  # SQLAlchemy's public name
    del members["endpoint_id"]
    zh, en = STATUS_WORDS[row.status]
    return {**members, "message": zh if language == "zh" else en}
