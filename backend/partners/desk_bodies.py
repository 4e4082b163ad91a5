"""What looking after partners and their keys takes and answers on the wire."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec

OVERLAP_H_MAX = 720  # a month; partners change keys with their own releases
KEY_ID_PATTERN = "[0-9a-f]{16}"

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Source = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[A-Za-z][A-Za-z0-9+.\-]*:[!-~]{1,180}$",
        description="CloudEvents `source`: an absolute URI, without spaces",
    ),
]
Words = Annotated[list[str], msgspec.Meta(max_length=50)]
PublicKey = Annotated[
    str, msgspec.Meta(max_length=64, description="`whpk_` and base64, as Standard Webhooks has it")
]
OverlapHours = Annotated[
    int, msgspec.Meta(ge=0, le=OVERLAP_H_MAX, description="Hours in which both keys work")
]


class PartnerBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A partner and the source that it alone speaks for."""

    name_zh: Name
    name_en: Name
    source: Source


class PartnerChangeBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Whether the partner's keys open anything, and why."""

    is_suspended: bool
    reason: Annotated[str, msgspec.Meta(min_length=3, max_length=500)]


class PartnerChangeAnswer(msgspec.Struct, kw_only=True):
    """A partner was `suspended` or `resumed`, by whom, when and why."""

    id: UUID
    what: Literal["suspended", "resumed"]
    reason: str
    changed_by: str
    changed_at: datetime


class PartnerChangePage(msgspec.Struct, kw_only=True):
    """One page of the history of a partner, newest first."""

    items: list[PartnerChangeAnswer]
    next_cursor: str | None


class PartnerAnswer(msgspec.Struct, kw_only=True):
    """A partner; `suspended_at` stands while its keys open nothing."""

    id: UUID
    name_zh: str
    name_en: str
    source: str
    suspended_at: datetime | None


class PartnerPage(msgspec.Struct, kw_only=True):
    """One page of partners, newest first."""

    items: list[PartnerAnswer]
    next_cursor: str | None


class KeyBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What a new key may do; empty types, regions and sources are all that its partner has."""

    scopes: Annotated[list[str], msgspec.Meta(min_length=1, max_length=50)]
    kind: Literal["partner", "device"] = "partner"
    algorithm: Literal["bearer", "v1", "v1a"] = "bearer"
    public_key: PublicKey | None = None
    event_types: Words = []
    regions: Words = []
    sources: Words = []


class RotationBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A new key on the same terms; a key that signs by Ed25519 brings its new public half."""

    overlap_h: OverlapHours
    public_key: PublicKey | None = None


class OwnRotationBody(RotationBody, kw_only=True, forbid_unknown_fields=True):
    """The same by the key itself, which must outlive an answer that gets lost."""

    overlap_h: Annotated[
        int, msgspec.Meta(ge=1, le=OVERLAP_H_MAX, description="Hours in which both keys work")
    ]


class KeyAnswer(msgspec.Struct, kw_only=True):
    """A key without anything secret."""

    id: str
    partner_id: UUID
    kind: str
    algorithm: str
    scopes: list[str]
    event_types: list[str]
    regions: list[str]
    sources: list[str]
    created_at: datetime
    created_by: str | None
    replaces: str | None
    expires_at: datetime | None
    is_revoked: bool
    last_used_on: date | None


class NewKeyAnswer(KeyAnswer, kw_only=True):
    """A new key. `key` is the bearer text, `secret` what HMAC signs with; both are shown once."""

    name: str
    key: str | None = None
    secret: str | None = None


class KeyPage(msgspec.Struct, kw_only=True):
    """One page of keys, newest first."""

    items: list[KeyAnswer]
    next_cursor: str | None
