"""Rewards on the wire: what a manager offers, and what a member sees."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from backend.http.cursors import PageQuery
from backend.rewards.merchant_bodies import Name, Region

PIECES_MAX = 10_000_000
RewardPoints = Annotated[int, msgspec.Meta(ge=1, le=1_000_000, description="price in points")]
Pieces = Annotated[int, msgspec.Meta(ge=0, le=PIECES_MAX)]
Limit = Annotated[int, msgspec.Meta(ge=1, le=10_000)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
Detail = Annotated[str, msgspec.Meta(max_length=2_000)]
Period = Literal["day", "week", "month"]
Payer = Literal["government", "foundation", "company"]


class RewardBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A reward; without `stock` its pieces are not counted, without `fund_id` any points buy it.

    `pool` gives each member one of the codes that are imported later; they are its stock.
    `partner_call` has the merchant's system hand it over, to the `recipient` that a member names.
    """

    name_zh: Name
    name_en: Name
    points: RewardPoints
    payer: Payer
    detail_zh: Detail = ""
    detail_en: Detail = ""
    fulfilment: Literal["voucher", "pool", "partner_call"] = "voucher"
    recipient: Literal["phone", "account"] | None = None
    fund_id: UUID | None = None
    regions: Annotated[list[Region], msgspec.Meta(max_length=50)] = []
    valid_from: Moment | None = None
    valid_until: Moment | None = None
    voucher_days: Annotated[int, msgspec.Meta(ge=1, le=366)] = 30
    limit_per_member: Limit | None = None
    limit_per_period: Limit | None = None
    period: Period | None = None
    stock: Pieces | None = None
    low_stock_at: Pieces | None = None


class RewardChange(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What may change while vouchers are out: more pieces, a pause, an end. Never the price."""

    add_stock: Annotated[int, msgspec.Meta(ge=1, le=PIECES_MAX)] | None = None
    is_offered: bool | None = None
    valid_until: Moment | None = None


class OfferAnswer(msgspec.Struct, kw_only=True):
    """A reward as its merchant sees it."""

    id: UUID
    name_zh: str
    name_en: str
    detail_zh: str
    detail_en: str
    points: int
    payer: str
    fund_id: UUID | None
    fulfilment: str
    recipient: str | None
    regions: list[str]
    valid_from: datetime
    valid_until: datetime | None
    voucher_days: int
    limit_per_member: int | None
    limit_per_period: int | None
    period: str | None
    stock: int | None
    left: int | None
    low_stock_at: int | None
    is_low: bool
    is_offered: bool
    created_at: datetime


class OfferPage(msgspec.Struct, kw_only=True):
    """One page of a merchant's rewards, newest first."""

    items: list[OfferAnswer]
    next_cursor: str | None


class StockAlertAnswer(msgspec.Struct, kw_only=True):
    """Pieces or codes have run low; `recovered_at` says since when there are enough again."""

    id: UUID
    reward_id: UUID
    reward: str
    left: int
    low_stock_at: int
    raised_at: datetime
    recovered_at: datetime | None


class StockAlertPage(msgspec.Struct, kw_only=True):
    """One page of a merchant's alerts, newest first."""

    items: list[StockAlertAnswer]
    next_cursor: str | None


class RewardAnswer(msgspec.Struct, kw_only=True):
    """A reward as a member sees it; `why_not` says what keeps her from it, and what to do."""

    id: UUID
    merchant_id: UUID
    merchant: str
    name: str
    detail: str
    points: int
    payer: str
    fulfilment: str
    recipient: str | None
    regions: list[str]
    valid_until: datetime | None
    voucher_days: int
    limit_per_member: int | None
    limit_per_period: int | None
    period: str | None
    left: int | None
    can_redeem: bool
    why_not: str | None
    why_not_text: str | None


class RewardPage(msgspec.Struct, kw_only=True):
    """One page of rewards, newest first."""

    items: list[RewardAnswer]
    next_cursor: str | None


class RewardQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`region` is where the member is; `all` also lists what nobody can redeem here and now."""

    region: Region | None = None
    all: bool = False
