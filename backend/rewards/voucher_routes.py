"""Redeeming over HTTP, and the member's vouchers."""

import asyncio
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

import segno
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.batches import BUSY, Batcher
from backend.errors import NotFound
from backend.http.cursors import cursor_at, position_of
from backend.http.principal import roles
from backend.http.routes import Answer, Call, Route
from backend.ledger.domain import InsufficientPoints
from backend.rewards.call_domain import Recipient, kind_of
from backend.rewards.call_sending import recipient_place
from backend.rewards.domain import VoucherStatus
from backend.rewards.ends import Ended, Voiding
from backend.rewards.pool_codes import PoolKeys
from backend.rewards.redeem import Redeemed, Redemption
from backend.rewards.refusals import (
    AccountTooYoung,
    LimitReached,
    OutOfStock,
    PhoneNotBound,
    RecipientNotClear,
    RewardElsewhere,
    RewardNotOffered,
    VoucherAlreadyExpired,
    VoucherAlreadySettled,
    VoucherAlreadyUndone,
    VoucherAlreadyVoided,
    VoucherBeingFulfilled,
)
from backend.rewards.route_kinds import LOOK_EVERY_S, lists, makes
from backend.rewards.rules import RewardRules
from backend.rewards.voucher_bodies import (
    RedemptionBody,
    VoucherAnswer,
    VoucherPage,
    VoucherQuery,
    render_voucher,
)
from backend.rewards.voucher_queries import shown_voucher, shown_vouchers
from backend.writing import Made, intention_of

WHY_NOT = (
    *(NotFound, RewardNotOffered, RewardElsewhere, OutOfStock, LimitReached),
    *(PhoneNotBound, AccountTooYoung, InsufficientPoints, RecipientNotClear),
)
NOT_USABLE = (
    *(VoucherAlreadySettled, VoucherAlreadyVoided, VoucherAlreadyExpired, VoucherAlreadyUndone),
    VoucherBeingFulfilled,
)
QR_SCALE = 8  # pixels per module: 264 across, sharp on a phone and small enough to send
MEMBER = roles("member")


@dataclass(frozen=True, slots=True)
class VoucherDesk:
    """What redeeming and showing vouchers needs."""

    engine: AsyncEngine
    rules: RewardRules
    redemptions: Batcher[Redemption, Redeemed]
    voids: Batcher[Voiding, Ended]
    keys: PoolKeys

    def routes(self) -> Sequence[Route[Any, Any]]:
        """Give the member's side of vouchers."""
        return [
            makes(
                "/v1/redemptions",
                self.post_redemption,
                policy=MEMBER,
                body=RedemptionBody,
                answer=VoucherAnswer,
                words=("Redeem points for a voucher", "用积分兑换"),
                problems=WHY_NOT,
            ),
            lists(
                "/v1/vouchers",
                self.list_vouchers,
                policy=MEMBER,
                page=VoucherPage,
                words=("List my vouchers, newest first", "我的兑换券"),
                query=VoucherQuery,
            ),
            Route(
                "GET",
                "/v1/vouchers/{id}",
                self.get_voucher,
                policy=MEMBER,
                summary="See one of my vouchers, waiting for its partner if asked to",
                summary_zh="查看兑换券,可等待直充结果",
                answers={200: VoucherAnswer},
                problems=(NotFound,),
                waits=True,
            ),
            *(self._qr_route(kind) for kind in ("svg", "png")),
            self._void_route(),
        ]

    def _void_route(self) -> Route[None, None]:
        return Route(
            "POST",
            "/v1/vouchers/{id}/void",
            self.post_void,
            policy=MEMBER,
            summary="Give one of my vouchers back before it is settled; the points return",
            summary_zh="退回未使用的兑换券",
            answers={200: VoucherAnswer},
            problems=(NotFound, *NOT_USABLE, *BUSY),
        )

    def _qr_route(self, kind: Literal["svg", "png"]) -> Route[None, None]:
        return Route(
            "GET",
            f"/v1/vouchers/{{id}}/qr.{kind}",
            self.get_svg if kind == "svg" else self.get_png,
            policy=MEMBER,
            summary=f"See the code of one of my vouchers as a QR code ({kind.upper()})",
            summary_zh=f"兑换券二维码({kind.upper()})",
            answers={200: bytes},
            problems=(NotFound,),
        )

    async def post_redemption(self, call: Call[RedemptionBody, None]) -> Answer:
        """Issue a voucher to the caller."""
        redemption = Redemption(
            call.principal.own_account,
            call.body.reward_id,
            call.body.region or self.rules.region,
            call.principal.is_phone_verified,
            intention_of(call),
            self._recipient(call),
        )
        redeemed = await self.redemptions.submit(redemption)
        made = Made(redeemed.voucher_id, redeemed.is_replay)
        row = await self._own(call, made.id)
        headers = {"Location": f"/v1/vouchers/{made.id}", **made.headers}
        return Answer(render_voucher(row, call.language, self.keys), 201, headers)

    def _recipient(self, call: Call[RedemptionBody, None]) -> Recipient | None:
        name = call.body.recipient
        if name is None:
            return None
        place = recipient_place(str(call.principal.own_account))
        return Recipient(kind_of(name), self.keys.sealer.seal(name.encode(), place=place))

    async def post_void(self, call: Call[None, None]) -> Answer:
        """Give a voucher back; a second time is the same answer."""
        ended = await self.voids.submit(Voiding(call.path_id(), call.principal.own_account))
        row = await self._own(call, ended.id)
        return Answer(render_voucher(row, call.language, self.keys), headers=Made(*ended).headers)

    async def list_vouchers(self, call: Call[None, VoucherQuery]) -> Answer:
        """Answer one page of the caller's vouchers."""
        limit, before = call.query.limit, position_of(call, UUID)
        async with self.engine.connect() as conn:
            rows = await shown_vouchers(
                conn,
                call.principal.own_account,
                status=call.query.status,
                before_id=before,
                limit=limit + 1,
            )
        page = rows[:limit]
        cursor = cursor_at(call, page[-1].id) if len(rows) > limit else None
        items = [render_voucher(row, call.language, self.keys) for row in page]
        return Answer(VoucherPage(items=items, next_cursor=cursor))

    async def get_voucher(self, call: Call[None, None]) -> Answer:
        """Answer one voucher; with `wait`, once it is fulfilled or the time is over."""
        ends_at = asyncio.get_running_loop().time() + call.wait_s
        row = await self._own(call, call.path_id())
        while (
            row.status == VoucherStatus.FULFILLING and asyncio.get_running_loop().time() < ends_at
        ):
            await asyncio.sleep(LOOK_EVERY_S)
            row = await self._own(call, call.path_id())
        return Answer(render_voucher(row, call.language, self.keys))

    async def get_svg(self, call: Call[None, None]) -> Answer:
        """Draw the code as SVG, which stays sharp at every size."""
        return await self._draw(call, "svg", "image/svg+xml")

    async def get_png(self, call: Call[None, None]) -> Answer:
        """Draw the code as PNG, for clients that cannot show SVG."""
        return await self._draw(call, "png", "image/png")

    async def _draw(self, call: Call[None, None], kind: str, content_type: str) -> Answer:
        row = await self._own(call, call.path_id())
        if row.status != VoucherStatus.ISSUED:
            raise NotFound  # an ended voucher has no code to show
        picture = await asyncio.to_thread(draw_qr, row.code, kind)
        return Answer(picture, headers={"Content-Type": content_type})

    async def _own(self, call: Call[Any, Any], voucher_id: UUID) -> Row[Any]:
        async with self.engine.connect() as conn:
            row = await shown_voucher(conn, voucher_id)
        if row is None or row.account_id != call.principal.own_account:
            raise NotFound
        return row


def draw_qr(code: str, kind: str) -> bytes:
    """A QR code with error correction M: a scratched or dim screen still reads."""
    picture = io.BytesIO()
    segno.make_qr(code, error="m").save(picture, kind=kind, scale=QR_SCALE)
    return picture.getvalue()
