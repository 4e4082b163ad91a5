"""Settlements on the wire: what a till sends, and what it is told."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from sqlalchemy import Row

from backend.http.problem import Language
from backend.rewards.domain import UNDO_WITHIN

TICKET_PATTERN = "[A-Za-z0-9_-]{1,64}"
VoucherCode = Annotated[
    str,
    msgspec.Meta(
        min_length=12,
        max_length=40,
        description="content of the QR code, or the twelve digits; spaces and hyphens are ignored",
    ),
]
TillKey = Annotated[
    str, msgspec.Meta(max_length=128, description="key of the enrolled till, if there is one")
]
Reason = Annotated[str, msgspec.Meta(min_length=2, max_length=200)]


class SettlementBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A voucher that a member shows at the till."""

    code: VoucherCode
    till_key: TillKey | None = None


class PosSettlementBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A voucher and the store's own number of the sale, which settles one voucher."""

    code: VoucherCode
    ticket: Annotated[str, msgspec.Meta(pattern=f"^{TICKET_PATTERN}$")]


class UndoBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Why the settlement is taken back; the reason is kept."""

    reason: Reason
    till_key: TillKey | None = None


class SettlementAnswer(msgspec.Struct, kw_only=True):
    """A settlement as the till sees it; who the member is stays unknown to it."""

    id: UUID
    voucher_id: UUID
    reward_id: UUID
    reward: str
    points: int
    status: str
    status_text: str
    store_id: UUID | None
    till_id: UUID | None
    ticket: str | None
    settled_at: datetime
    undo_until: datetime
    undone_at: datetime | None
    undo_reason: str | None


class SettlementPage(msgspec.Struct, kw_only=True):
    """One page of settlements, newest first."""

    items: list[SettlementAnswer]
    next_cursor: str | None


def render_settlement(row: Row[Any], language: Language) -> SettlementAnswer:
    """A settlement with its undo, if there is one."""
    is_zh, is_undone = language == "zh", row.undone_at is not None
    words = ("已撤销核销", "undone") if is_undone else ("已核销", "settled")
    return SettlementAnswer(
        id=row.id,
        voucher_id=row.voucher_id,
        reward_id=row.reward_id,
        reward=row.reward_zh if is_zh else row.reward_en,
        points=row.points,
        status="undone" if is_undone else "settled",
        status_text=words[0] if is_zh else words[1],
        store_id=row.store_id,
        till_id=row.till_id,
        ticket=row.ticket,
        settled_at=row.settled_at,
        undo_until=row.settled_at + UNDO_WITHIN,
        undone_at=row.undone_at,
        undo_reason=row.reason,
    )
