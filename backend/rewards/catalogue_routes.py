"""Rewards as members see them: what can be redeemed here and now, and what keeps them from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backend.errors import DomainError, NotFound
from backend.http.cursors import cursor_at, position_of
from backend.http.principal import Principal, roles
from backend.http.problem import Language
from backend.http.routes import Answer, Call, Route
from backend.ledger.holds import spendable_lots
from backend.ledger.queries import lock_accounts
from backend.rewards.domain import Reward, Standing, Taken, out_of_stock, regions_around, why_not
from backend.rewards.problem_rows import REWARD_PROBLEMS
from backend.rewards.reward_bodies import RewardAnswer, RewardPage, RewardQuery
from backend.rewards.reward_queries import (
    all_rewards,
    known_accounts,
    open_rewards,
    shown_reward,
    taken_by,
)
from backend.rewards.route_kinds import lists
from backend.rewards.rules import RewardRules
from backend.units import shanghai_day


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What showing rewards needs."""

    engine: AsyncEngine
    rules: RewardRules

    def routes(self) -> Sequence[Route[Any, Any]]:
        """Give the routes of the catalogue."""
        return [
            lists(
                "/v1/rewards",
                self.list_rewards,
                policy=roles("member"),
                page=RewardPage,
                words=(
                    "List what can be redeemed here and now, and why I cannot redeem the others",
                    "当前可兑换的权益",
                ),
                query=RewardQuery,
            ),
            Route(
                "GET",
                "/v1/rewards/{id}",
                self.get_reward,
                policy=roles("member"),
                summary="See one reward",
                summary_zh="查看权益详情",
                answers={200: RewardAnswer},
                problems=(NotFound,),
            ),
        ]

    async def list_rewards(self, call: Call[None, RewardQuery]) -> Answer:
        """Answer one page of rewards, with what the caller lacks for each."""
        query, before = call.query, position_of(call, UUID)
        region = query.region or self.rules.region
        async with self.engine.connect() as conn:
            now = await self._now(conn)
            if query.all:
                rows = await all_rewards(conn, before_id=before, limit=query.limit + 1)
            else:
                rows = await open_rewards(
                    conn,
                    regions=regions_around(region),
                    now=now,
                    before_id=before,
                    limit=query.limit + 1,
                )
            page = rows[: query.limit]
            items = await self._shown(conn, call, page, region=region, now=now)
        cursor = cursor_at(call, page[-1].id) if len(rows) > query.limit else None
        return Answer(RewardPage(items=items, next_cursor=cursor))

    async def get_reward(self, call: Call[None, None]) -> Answer:
        """Answer one reward; it is shown for as long as somebody may hold a voucher of it."""
        async with self.engine.connect() as conn:
            row = await shown_reward(conn, call.path_id())
            if row is None:
                raise NotFound
            now = await self._now(conn)
            [answer] = await self._shown(conn, call, [row], region=self.rules.region, now=now)
        return Answer(answer)

    async def _now(self, conn: AsyncConnection) -> datetime:
        return (await lock_accounts(conn, (), clock_shift_s=self.rules.clock_shift_s)).now

    async def _shown(
        self,
        conn: AsyncConnection,
        call: Call[Any, Any],
        rows: Sequence[Row[Any]],
        *,
        region: str,
        now: datetime,
    ) -> list[RewardAnswer]:
        account_id = call.principal.own_account
        standing = await _standing(conn, call.principal, shanghai_day(now))
        taken = await taken_by(conn, [(account_id, row.id) for row in rows], now)
        shown = []
        for row in rows:
            reward = Reward._make(row[: len(Reward._fields)])
            mine = taken.get((account_id, row.id), Taken())
            refusal = why_not(
                reward, standing, mine, first=self.rules.first, region=region, now=now
            ) or out_of_stock(reward, row.pieces_left or 0)
            shown.append(_render(row, refusal, call.language))
        return shown


async def _standing(conn: AsyncConnection, member: Principal, today: date) -> Standing:
    account_id = member.own_account
    known = (await known_accounts(conn, [account_id]))[account_id]
    points: dict[UUID, int] = {}
    for lot in (await spendable_lots(conn, [account_id], today))[account_id]:
        points[lot.fund_id] = points.get(lot.fund_id, 0) + lot.balance.available
    return Standing(known.opened_at, known.has_redeemed, member.is_phone_verified, points)


def _render(row: Row[Any], refusal: DomainError | None, language: Language) -> RewardAnswer:
    is_zh = language == "zh"
    problem = REWARD_PROBLEMS[type(refusal)] if refusal else None
    text = (problem.title_zh if is_zh else problem.title_en) if problem else None
    return RewardAnswer(
        id=row.id,
        merchant_id=row.merchant_id,
        merchant=row.merchant_zh if is_zh else row.merchant_en,
        name=row.name_zh if is_zh else row.name_en,
        detail=row.detail_zh if is_zh else row.detail_en,
        points=row.points,
        payer=row.payer,
        fulfilment=row.fulfilment,
        recipient=row.recipient,
        regions=list(row.regions),
        valid_until=row.valid_until,
        voucher_days=row.voucher_days,
        limit_per_member=row.limit_per_member,
        limit_per_period=row.limit_per_period,
        period=row.period,
        left=row.pieces_left if row.is_stocked else None,
        can_redeem=refusal is None,
        why_not=problem.slug if problem else None,
        why_not_text=text,
    )
