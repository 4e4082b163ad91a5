"""Shifts and statements on the wire."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from sqlalchemy import Row

from backend.http.cursors import PageQuery
from backend.http.problem import Language
from backend.rewards.settlement_bodies import Reason

STATUS_WORDS = {
    "draft": ("待商户确认", "waiting for the merchant"),
    "confirmed": ("已确认,待付款", "confirmed, to be paid"),
    "disputed": ("有异议", "disputed"),
    "paid": ("已付款", "paid"),
}


class ShiftAnswer(msgspec.Struct, kw_only=True):
    """What a cashier handed over; due is settled less undone."""

    id: UUID
    name: str | None
    closed_at: datetime
    settled_count: int
    settled_points: int
    undone_count: int
    undone_points: int
    due_points: int


class ShiftPage(msgspec.Struct, kw_only=True):
    """One page of closed shifts, newest first."""

    items: list[ShiftAnswer]
    next_cursor: str | None


class StatementBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Up to which day; it begins on the day after the merchant's last statement."""

    merchant_id: UUID
    last_day: date


class DisputeBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What the merchant does not agree with."""

    reason: Reason


class PaymentBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The bank's number of the transfer, or the invoice's."""

    reference: Annotated[str, msgspec.Meta(min_length=3, max_length=100)]


class StatementAnswer(msgspec.Struct, kw_only=True):
    """A settlement statement; `due_points` are settled less undone, and equal the ledger."""

    id: UUID
    merchant_id: UUID
    merchant: str
    first_day: date
    last_day: date
    status: str
    status_text: str
    settled_count: int
    settled_points: int
    undone_count: int
    undone_points: int
    due_points: int
    made_at: datetime
    confirmed_at: datetime | None
    disputed_at: datetime | None
    dispute: str | None
    paid_at: datetime | None
    payment_reference: str | None


class StatementPage(msgspec.Struct, kw_only=True):
    """One page of statements, newest first."""

    items: list[StatementAnswer]
    next_cursor: str | None


class StatementQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`merchant_id` narrows the operator's list."""

    merchant_id: UUID | None = None


class LineAnswer(msgspec.Struct, kw_only=True):
    """One settlement, or with negative points and a reason the undo of one."""

    cause_id: UUID
    settlement_id: UUID
    booked_at: datetime
    settled_at: datetime
    store: str | None
    till: str | None
    ticket: str | None
    reward: str
    points: int
    reason: str | None


class LinePage(msgspec.Struct, kw_only=True):
    """One page of a statement's lines, in the order in which they were made."""

    items: list[LineAnswer]
    next_cursor: str | None


class SponsorQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """First and last Shanghai day."""

    first_day: date
    last_day: date


class PaidAnswer(msgspec.Struct, kw_only=True):
    """What one fund has paid to one merchant for one reward, or to one charity project."""

    fund_id: UUID
    fund: str
    payee_id: UUID
    payee: str
    reward_id: UUID | None
    reward: str | None
    paid_points: int
    returned_points: int
    net_points: int


class SponsorAnswer(msgspec.Struct, kw_only=True):
    """Who paid for what in a period."""

    first_day: date
    last_day: date
    items: list[PaidAnswer]
    net_points: int


def render_statement(row: Row[Any], language: Language) -> StatementAnswer:
    """A statement with its merchant's name."""
    names = {"id", "merchant_id", "first_day", "last_day", "status", "settled_count"}
    names |= {"settled_points", "undone_count", "undone_points", "made_at", "confirmed_at"}
    names |= {"disputed_at", "dispute", "paid_at", "payment_reference"}
    is_zh = language == "zh"
    return StatementAnswer(
        **{name: value for name, value in row._mapping.items() if name in names},  # noqa: SLF001
        merchant=row.name_zh if is_zh else row.name_en,
        status_text=STATUS_WORDS[row.status][0 if is_zh else 1],
        due_points=row.settled_points - row.undone_points,
    )


def render_line(row: Row[Any], language: Language) -> LineAnswer:
    """A line."""
    return LineAnswer(
        cause_id=row.cause_id,
        settlement_id=row.settlement_id,
        booked_at=row.booked_at,
        settled_at=row.settled_at,
        store=row.store,
        till=row.till,
        ticket=row.ticket,
        reward=row.reward_zh if language == "zh" else row.reward_en,
        points=row.points,
        reason=row.reason,
    )


def render_paid(row: Row[Any], language: Language) -> PaidAnswer:
    """One line of the sponsor's statement."""
    is_zh = language == "zh"
    return PaidAnswer(
        fund_id=row.fund_id,
        fund=row.fund_zh if is_zh else row.fund_en,
        payee_id=row.payee,
        payee=row.payee_zh if is_zh else row.payee_en,
        reward_id=row.reward_id,
        reward=row.reward_zh if is_zh else row.reward_en,
        paid_points=row.paid_points,
        returned_points=row.returned_points,
        net_points=row.paid_points - row.returned_points,
    )
