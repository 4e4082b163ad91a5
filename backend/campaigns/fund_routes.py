"""Funds for operators: what is left, alerts, and changes of budgets by two persons."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backend.campaigns.answers import (
    FundAlertAnswer,
    FundAlertPage,
    FundChangeAnswer,
    FundChangePage,
    FundPage,
    ReleaseBody,
    StopBody,
    TopUpBody,
    show_change,
    show_fund,
)
from backend.campaigns.budgets import alerts, fund_rows
from backend.campaigns.campaign_routes import MAY_READ, MAY_WRITE
from backend.campaigns.domain import BudgetInUse, CampaignDecided, StopTooSoon
from backend.campaigns.fund_queries import RELEASE, TOP_UP, FundChange, change_by_id, changes_before
from backend.campaigns.steps import approve_change, propose_change
from backend.db import clock
from backend.errors import NotFound, SecondPersonNeeded
from backend.http.cursors import PageQuery, cursor_at, position_of
from backend.http.refusals import IdempotencyKeyMissing
from backend.http.routes import Answer, Call, Route
from backend.idempotency import Intention
from backend.ids import uuid7
from backend.units import shanghai_day
from backend.writing import write_alone, write_once


@dataclass(frozen=True, slots=True)
class FundDesk:
    """What running funds needs."""

    engine: AsyncEngine
    clock_shift_s: int = 0

    def routes(self) -> Sequence[Route[Any, Any]]:
        """Give the routes of funds."""
        return [*self._lists(), *self._writes()]

    def _lists(self) -> Sequence[Route[Any, Any]]:
        return [
            Route(
                "GET",
                "/v1/operator/funds",
                self.list_funds,
                policy=MAY_READ,
                summary="List funds with what is left of their budgets",
                summary_zh="活动经费列表",
                query=PageQuery,
                answers={200: FundPage},
            ),
            Route(
                "GET",
                "/v1/operator/fund-alerts",
                self.list_alerts,
                policy=MAY_READ,
                summary="List alerts of funds that passed 70, 85 or 95 % of their budget",
                summary_zh="经费预警列表",
                query=PageQuery,
                answers={200: FundAlertPage},
            ),
            Route(
                "GET",
                "/v1/operator/fund-changes",
                self.list_changes,
                policy=MAY_READ,
                summary="List changes of budgets: who asked, why, who agreed",
                summary_zh="经费变更记录",
                query=PageQuery,
                answers={200: FundChangePage},
            ),
        ]

    def _writes(self) -> Sequence[Route[Any, Any]]:
        return [
            Route(
                "POST",
                "/v1/operator/funds/{id}/changes",
                self.post_change,
                policy=MAY_WRITE,
                summary="Propose to put points into a fund, take some out, or announce its stop",
                summary_zh="提出注入、释放经费或公告停止日,由另一人批准",
                body=TopUpBody | ReleaseBody | StopBody,
                answers={201: FundChangeAnswer},
                problems=(NotFound, StopTooSoon),
                idempotency="required",
            ),
            Route(
                "POST",
                "/v1/operator/fund-changes/{id}/approve",
                self.post_approval,
                policy=MAY_WRITE,
                summary="Approve a change of a budget that somebody else proposed",
                summary_zh="批准他人提出的经费变更",
                answers={200: FundChangeAnswer},
                problems=(NotFound, SecondPersonNeeded, CampaignDecided, BudgetInUse, StopTooSoon),
            ),
        ]

    async def list_funds(self, call: Call[None, PageQuery]) -> Answer:
        """Answer one page of funds."""
        after_id, limit = position_of(call, UUID), call.query.limit
        async with self.engine.connect() as conn:
            found = await fund_rows(conn, after=after_id, limit=limit + 1)
            today = shanghai_day(await clock(conn, self.clock_shift_s))
        page, is_zh = found[:limit], call.language == "zh"
        after = cursor_at(call, page[-1].id) if len(found) > limit else None
        items = [show_fund(row, is_zh=is_zh, today=today) for row in page]
        return Answer(FundPage(items=items, next_cursor=after))

    async def list_alerts(self, call: Call[None, PageQuery]) -> Answer:
        """Answer one page of alerts."""
        before, limit = position_of(call, tuple[datetime, UUID, int]), call.query.limit
        async with self.engine.connect() as conn:
            found = await alerts(conn, before=before, limit=limit + 1)
        page, name = found[:limit], "name_zh" if call.language == "zh" else "name_en"
        last = page[-1] if len(found) > limit else None
        after = cursor_at(call, (last.raised_at, last.fund_id, last.percent)) if last else None
        items = [
            FundAlertAnswer(
                fund_id=row.fund_id,
                fund=getattr(row, name),
                percent=row.percent,
                budget=row.budget,
                available=row.available,
                runs_out_on=row.runs_out_on,
                raised_at=row.raised_at,
            )
            for row in page
        ]
        return Answer(FundAlertPage(items=items, next_cursor=after))

    async def list_changes(self, call: Call[None, PageQuery]) -> Answer:
        """Answer one page of changes."""
        before, limit = position_of(call, UUID), call.query.limit
        async with self.engine.connect() as conn:
            found = await changes_before(conn, before, limit=limit + 1)
        page = found[:limit]
        after = cursor_at(call, page[-1].id) if len(found) > limit else None
        items = [show_change(each) for each in page]
        return Answer(FundChangePage(items=items, next_cursor=after))

    async def post_change(self, call: Call[TopUpBody | ReleaseBody | StopBody, None]) -> Answer:
        """Propose a change; nothing moves until somebody else approves it."""
        if call.idempotency_key is None:
            raise IdempotencyKeyMissing
        intention = Intention(call.principal.id, call.idempotency_key, call.request_hash)
        body, fund_id, by = call.body, call.path_id(), call.principal.id

        async def propose(conn: AsyncConnection, now: datetime) -> UUID:
            kind, points, stops_on = _said(body)
            change = FundChange(uuid7(), fund_id, kind, points, stops_on, body.reason, by, now)
            return await propose_change(conn, change)

        made = await write_once(self.engine, intention, propose, clock_shift_s=self.clock_shift_s)
        return Answer(await self._shown(made.id), 201, made.headers)

    async def post_approval(self, call: Call[None, None]) -> Answer:
        """Approve a change as the second person."""
        change_id, by = call.path_id(), call.principal.id
        await write_alone(
            self.engine,
            lambda conn, now: approve_change(conn, change_id, by, now),
            clock_shift_s=self.clock_shift_s,
        )
        return Answer(await self._shown(change_id))

    async def _shown(self, change_id: UUID) -> FundChangeAnswer:
        async with self.engine.connect() as conn:
            change = await change_by_id(conn, change_id)
        if change is None:
            raise NotFound
        return show_change(change)


def _said(body: TopUpBody | ReleaseBody | StopBody) -> tuple[str, int | None, date | None]:
    """Kind, points and day of a proposal."""
    if isinstance(body, StopBody):
        return "stop", None, body.stops_on
    return (TOP_UP if isinstance(body, TopUpBody) else RELEASE), body.points, None
