"""Redemptions and vouchers on the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from sqlalchemy import Row

from backend.http.cursors import PageQuery
from backend.http.problem import Language
from backend.rewards.codes import in_groups
from backend.rewards.domain import VoucherStatus
from backend.rewards.merchant_bodies import Region
from backend.rewards.pool_codes import PoolKeys

STATUS_WORDS = {
    VoucherStatus.ISSUED: ("待使用", "ready to use"),
    VoucherStatus.FULFILLING: ("兑付中", "being fulfilled"),
    VoucherStatus.SETTLED: ("已核销", "settled"),
    VoucherStatus.VOIDED: ("已退回", "given back"),
    VoucherStatus.EXPIRED: ("已过期,积分已退回", "expired, points returned"),
    VoucherStatus.UNDONE: ("已撤销核销,积分已退回", "settlement undone, points returned"),
    VoucherStatus.RETURNED: ("未能兑付,积分已退回", "could not be fulfilled, points returned"),
}


RECIPIENT = msgspec.Meta(
    pattern=r"^[!-~一-鿿]{1,64}$",
    description="phone number or account at the partner, where the reward asks for one",
)


class RedemptionBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What is redeemed, and where the member is; by default the programme's region.

    The recipient is sealed, told to the partner alone, and forgotten when the partner has answered.
    """

    reward_id: UUID
    region: Region | None = None
    recipient: Annotated[str, RECIPIENT] | None = None


class VoucherAnswer(msgspec.Struct, kw_only=True):
    """A voucher; the code, its digits and its QR are there while it can be used.

    `pool_code` is the code of a reward that is paid out with codes of others; it stays. So does
    `partner_reference`, by which a partner that was called finds what it has done.
    """

    id: UUID
    reward_id: UUID
    reward: str
    merchant_id: UUID
    merchant: str
    points: int
    fulfilment: str
    status: str
    status_text: str
    code: str | None
    digits: str | None
    qr_svg: str | None
    qr_png: str | None
    pool_code: str | None
    partner_reference: str | None
    issued_at: datetime
    expires_at: datetime
    ended_at: datetime | None


class VoucherPage(msgspec.Struct, kw_only=True):
    """One page of a member's vouchers, newest first."""

    items: list[VoucherAnswer]
    next_cursor: str | None


class VoucherQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`status` narrows the list, for example to those that are ready to use."""

    status: (
        Literal["issued", "fulfilling", "settled", "voided", "expired", "undone", "returned"] | None
    ) = None


def render_voucher(row: Row[Any], language: Language, keys: PoolKeys) -> VoucherAnswer:
    """A voucher as its owner sees it."""
    is_zh, status = language == "zh", VoucherStatus(row.status)
    is_live = status is VoucherStatus.ISSUED
    return VoucherAnswer(
        id=row.id,
        reward_id=row.reward_id,
        reward=row.reward_zh if is_zh else row.reward_en,
        merchant_id=row.merchant_id,
        merchant=row.merchant_zh if is_zh else row.merchant_en,
        points=row.points,
        fulfilment=row.fulfilment,
        status=status,
        status_text=STATUS_WORDS[status][0 if is_zh else 1],
        code=row.code if is_live else None,
        digits=in_groups(row.digits) if is_live else None,
        qr_svg=f"/v1/vouchers/{row.id}/qr.svg" if is_live else None,
        qr_png=f"/v1/vouchers/{row.id}/qr.png" if is_live else None,
        pool_code=keys.opened(row.pool_code_id, row.ciphertext) if row.ciphertext else None,
        partner_reference=row.partner_reference,
        issued_at=row.issued_at,
        expires_at=row.expires_at,
        ended_at=row.ended_at,
    )
