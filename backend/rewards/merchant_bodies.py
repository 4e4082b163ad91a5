"""What setting up a merchant takes and answers on the wire."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from backend.units import REGION_PATTERN

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Region = Annotated[str, msgspec.Meta(pattern=REGION_PATTERN, description="GB/T 2260, six digits")]
Subject = Annotated[
    str, msgspec.Meta(min_length=1, max_length=100, description="`sub` at the caller's issuer")
]
Role = Literal["merchant_manager", "cashier"]


class MerchantBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A merchant and the first person who manages it."""

    name_zh: Name
    name_en: Name
    manager: Subject


class MerchantAnswer(msgspec.Struct, kw_only=True):
    """A merchant; `points` are those settled with it, net of what was undone."""

    id: UUID
    name_zh: str
    name_en: str
    is_active: bool
    created_at: datetime
    points: int | None = None


class MerchantPage(msgspec.Struct, kw_only=True):
    """One page of merchants, newest first."""

    items: list[MerchantAnswer]
    next_cursor: str | None


class StoreBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A place where vouchers are settled."""

    name_zh: Name
    name_en: Name
    region: Region


class StoreAnswer(msgspec.Struct, kw_only=True):
    """A store."""

    id: UUID
    name_zh: str
    name_en: str
    region: str
    created_at: datetime


class StorePage(msgspec.Struct, kw_only=True):
    """One page of stores, newest first."""

    items: list[StoreAnswer]
    next_cursor: str | None


class StaffBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A person who works for the caller's merchant; `is_active: false` dismisses her."""

    subject: Subject
    role: Role
    name: Name
    is_active: bool = True


class ManagerBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A person whom an operator makes manager of a merchant."""

    subject: Subject
    name: Name


class StaffAnswer(msgspec.Struct, kw_only=True):
    """A person of a merchant; `created_at` is when she was first added to any."""

    subject: str
    role: str
    name: str
    is_active: bool
    created_at: datetime


class StaffPage(msgspec.Struct, kw_only=True):
    """One page of people."""

    items: list[StaffAnswer]
    next_cursor: str | None


class StaffChangeAnswer(msgspec.Struct, kw_only=True):
    """What a person of a merchant became, and who made her so."""

    id: UUID
    subject: str
    role: str
    name: str
    is_active: bool
    changed_by: str
    changed_at: datetime


class StaffChangePage(msgspec.Struct, kw_only=True):
    """One page of the history of a merchant's people, newest first."""

    items: list[StaffChangeAnswer]
    next_cursor: str | None


class TillBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A till that will be enrolled."""

    store_id: UUID
    name: Name


class TillAnswer(msgspec.Struct, kw_only=True):
    """A till; `code` is shown once, when the till is made, and enrols one device."""

    id: UUID
    store_id: UUID
    name: str
    enrolled_at: datetime | None
    code_expires_at: datetime
    created_at: datetime | None = None
    code: str | None = None


class TillPage(msgspec.Struct, kw_only=True):
    """One page of tills, newest first."""

    items: list[TillAnswer]
    next_cursor: str | None


class EnrolmentBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The code that the manager read out."""

    code: Annotated[str, msgspec.Meta(min_length=8, max_length=16)]


class EnrolmentAnswer(msgspec.Struct, kw_only=True):
    """The key of a till; it is not stored and cannot be shown again."""

    till_id: UUID
    key: str
