"""Rewards as their merchant sees them: offered, stocked, paused."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backend.campaigns.fund_queries import fund_ids
from backend.errors import NotFound
from backend.http.cursors import PageQuery, cursor_at, position_of
from backend.http.problem import Fault
from backend.http.refusals import ValidationFailed
from backend.http.routes import Answer, Call, Route
from backend.ids import uuid7
from backend.rewards.call_domain import PARTNER_CALL
from backend.rewards.call_endpoints import find_endpoint
from backend.rewards.domain import MANAGER
from backend.rewards.pool import POOL
from backend.rewards.refusals import CallEndpointMissing, NotStaff, RewardTermsNotClear
from backend.rewards.reward_bodies import (
    OfferAnswer,
    OfferPage,
    RewardBody,
    RewardChange,
    StockAlertAnswer,
    StockAlertPage,
)
from backend.rewards.reward_queries import change_reward, insert_reward, offer_of, offers_of
from backend.rewards.route_kinds import MANAGES, WORKS, lists, makes, merchant_of
from backend.rewards.rules import RewardRules
from backend.rewards.stock_alerts import alerts_of
from backend.writing import intention_of, write_once

_COLUMNS = {name for name in OfferAnswer.__struct_fields__ if name not in {"left", "is_low"}}


@dataclass(frozen=True, slots=True)
class OfferDesk:
    """What offering rewards needs."""

    engine: AsyncEngine
    rules: RewardRules

    def routes(self) -> Sequence[Route[Any, Any]]:
        """Give the routes of a merchant's rewards."""
        return [
            makes(
                "/v1/merchant/rewards",
                self.post_reward,
                policy=MANAGES,
                body=RewardBody,
                answer=OfferAnswer,
                words=("Offer a reward", "上架权益"),
                problems=(NotStaff, RewardTermsNotClear, CallEndpointMissing),
            ),
            lists(
                "/v1/merchant/rewards",
                self.list_rewards,
                policy=WORKS,
                page=OfferPage,
                words=("List my merchant's rewards, newest first", "本商户权益列表"),
                problems=(NotStaff,),
            ),
            lists(
                "/v1/merchant/stock-alerts",
                self.list_alerts,
                policy=WORKS,
                page=StockAlertPage,
                words=("List rewards whose stock ran low, newest first", "库存不足提醒"),
                problems=(NotStaff,),
            ),
            makes(
                "/v1/merchant/rewards/{id}/changes",
                self.post_change,
                policy=MANAGES,
                body=RewardChange,
                answer=OfferAnswer,
                words=("Add pieces, pause or end a reward", "补充库存、暂停或结束权益"),
                problems=(NotStaff, NotFound, RewardTermsNotClear),
            ),
        ]

    async def post_reward(self, call: Call[RewardBody, None]) -> Answer:
        """Offer a reward of the caller's merchant."""
        body = call.body
        is_pool, is_call = body.fulfilment == POOL, body.fulfilment == PARTNER_CALL
        if _contradicts_itself(body):
            raise RewardTermsNotClear

        async def make(conn: AsyncConnection, now: datetime) -> UUID:
            valid_from = body.valid_from or now
            if body.valid_until is not None and body.valid_until <= valid_from:
                raise RewardTermsNotClear
            merchant_id = await merchant_of(conn, call, MANAGER)
            if is_call and await find_endpoint(conn, merchant_id) is None:
                raise CallEndpointMissing
            if body.fund_id and not await fund_ids(conn, [body.fund_id]):
                raise ValidationFailed(errors=(Fault("/fund_id", "unknown_value"),))
            values = {**msgspec.structs.asdict(body), "id": uuid7(), "merchant_id": merchant_id}
            values["stock"] = 0 if is_pool else body.stock
            await insert_reward(conn, {**values, "valid_from": valid_from})
            return UUID(str(values["id"]))

        made = await write_once(
            self.engine, intention_of(call), make, clock_shift_s=self.rules.clock_shift_s
        )
        return Answer(await self._offer(call, made.id), 201, made.headers)

    async def list_rewards(self, call: Call[None, PageQuery]) -> Answer:
        """Answer one page of the rewards of the caller's merchant."""
        limit, before = call.query.limit, position_of(call, UUID)
        async with self.engine.connect() as conn:
            merchant_id = await merchant_of(conn, call)
            rows = await offers_of(conn, merchant_id, before_id=before, limit=limit + 1)
        page = rows[:limit]
        cursor = cursor_at(call, page[-1].id) if len(rows) > limit else None
        return Answer(OfferPage(items=[_offer(row) for row in page], next_cursor=cursor))

    async def list_alerts(self, call: Call[None, PageQuery]) -> Answer:
        """Answer one page of what the caller's merchant was told of its stock."""
        limit, before = call.query.limit, position_of(call, UUID)
        async with self.engine.connect() as conn:
            merchant_id = await merchant_of(conn, call)
            rows = await alerts_of(conn, merchant_id, before_id=before, limit=limit + 1)
        page, is_zh = rows[:limit], call.language == "zh"
        items = [
            StockAlertAnswer(
                id=row.id,
                reward_id=row.reward_id,
                reward=row.name_zh if is_zh else row.name_en,
                left=row.pieces_left,
                low_stock_at=row.low_stock_at,
                raised_at=row.raised_at,
                recovered_at=row.recovered_at,
            )
            for row in page
        ]
        cursor = cursor_at(call, page[-1].id) if len(rows) > limit else None
        return Answer(StockAlertPage(items=items, next_cursor=cursor))

    async def post_change(self, call: Call[RewardChange, None]) -> Answer:
        """Change a reward, once for each key: pieces are not added twice."""
        body, reward_id = call.body, call.path_id()

        async def change(conn: AsyncConnection, _: datetime) -> UUID:
            merchant_id = await merchant_of(conn, call, MANAGER)
            offer = await offer_of(conn, reward_id, merchant_id)
            if offer is None:
                raise NotFound
            ends = body.valid_until
            is_counted = offer.stock is not None and offer.fulfilment != POOL
            if (body.add_stock and not is_counted) or (ends and ends <= offer.valid_from):
                raise RewardTermsNotClear
            await change_reward(
                conn,
                reward_id,
                merchant_id,
                add_stock=body.add_stock or 0,
                is_offered=body.is_offered,
                valid_until=ends,
            )
            return reward_id

        made = await write_once(self.engine, intention_of(call), change)
        return Answer(await self._offer(call, made.id), 201, made.headers)

    async def _offer(self, call: Call[Any, Any], reward_id: UUID) -> OfferAnswer:
        async with self.engine.connect() as conn:
            row = await offer_of(conn, reward_id, await merchant_of(conn, call))
        if row is None:
            raise NotFound
        return _offer(row)


def _offer(row: Row[Any]) -> OfferAnswer:
    values = {name: value for name, value in row._mapping.items() if name in _COLUMNS}  # noqa: SLF001
    left = None if row.stock is None else int(row.pieces_left or 0)
    is_low = left is not None and row.low_stock_at is not None and left <= row.low_stock_at
    return OfferAnswer(**values, left=left, is_low=is_low)


def _contradicts_itself(body: RewardBody) -> bool:
    is_pool = body.fulfilment == POOL
    return (
        (body.limit_per_period is None) != (body.period is None)
        # The imported codes are the stock of a pool.
        or (is_pool and body.stock is not None)
        # Nothing that is not counted runs low.
        or (body.low_stock_at is not None and body.stock is None and not is_pool)
        # Nobody but a partner's system needs to know whom it is for.
        or (body.recipient is not None and body.fulfilment != PARTNER_CALL)
    )
