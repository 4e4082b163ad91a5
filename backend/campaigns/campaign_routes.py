"""Campaigns for operators: list, propose, approve by a second person, end."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backend.campaigns.answers import (
    CampaignAnswer,
    CampaignBody,
    CampaignPage,
    EndBody,
    show_campaign,
)
from backend.campaigns.campaign_queries import (
    ActionRule,
    actions_of,
    campaign_by_id,
    campaigns_before,
)
from backend.campaigns.domain import (
    CampaignDecided,
    CampaignOver,
    CampaignOverlaps,
    CampaignTooEarly,
)
from backend.campaigns.steps import (
    Proposal,
    approve,
    end,
    propose_campaign,
)
from backend.db import clock
from backend.errors import NotFound, SecondPersonNeeded
from backend.http.cursors import PageQuery, cursor_at, position_of
from backend.http.principal import roles
from backend.http.problem import Fault
from backend.http.refusals import IdempotencyKeyMissing, ValidationFailed
from backend.http.routes import Answer, Call, Route
from backend.idempotency import Intention
from backend.units import shanghai_day
from backend.writing import write_alone, write_once

MAY_READ = roles("operator", "auditor", "admin")
MAY_WRITE = roles("operator", "admin")


@dataclass(frozen=True, slots=True)
class CampaignDesk:
    """What running campaigns needs; `actions` are those that methodologies know."""

    engine: AsyncEngine
    actions: frozenset[str]
    clock_shift_s: int = 0

    def routes(self) -> Sequence[Route[Any, Any]]:
        """Give the routes of campaigns."""
        return [*self._proposals(), *self._decisions()]

    def _proposals(self) -> Sequence[Route[Any, Any]]:
        return [
            Route(
                "GET",
                "/v1/operator/campaigns",
                self.list_campaigns,
                policy=MAY_READ,
                summary="List campaigns: what is given for which action, where, when, by whom",
                summary_zh="积分活动列表",
                query=PageQuery,
                answers={200: CampaignPage},
            ),
            Route(
                "POST",
                "/v1/operator/campaigns",
                self.post_campaign,
                policy=MAY_WRITE,
                summary="Propose a campaign with its budget; a second person approves it",
                summary_zh="提出积分活动及其经费,由另一人批准",
                body=CampaignBody,
                answers={201: CampaignAnswer},
                idempotency="required",
            ),
        ]

    def _decisions(self) -> Sequence[Route[Any, Any]]:
        return [
            Route(
                "POST",
                "/v1/operator/campaigns/{id}/approve",
                self.post_approval,
                policy=MAY_WRITE,
                summary="Approve a campaign that somebody else proposed, and fund it",
                summary_zh="批准他人提出的积分活动并注入经费",
                answers={200: CampaignAnswer},
                problems=(
                    NotFound,
                    SecondPersonNeeded,
                    CampaignDecided,
                    CampaignOver,
                    CampaignTooEarly,
                    CampaignOverlaps,
                ),
            ),
            Route(
                "POST",
                "/v1/operator/campaigns/{id}/end",
                self.post_end,
                policy=MAY_WRITE,
                summary="End a campaign after today or a later day",
                summary_zh="结束积分活动",
                body=EndBody,
                answers={200: CampaignAnswer},
                problems=(NotFound, CampaignTooEarly),
            ),
        ]

    async def list_campaigns(self, call: Call[None, PageQuery]) -> Answer:
        """Answer one page of campaigns."""
        before, limit = position_of(call, UUID), call.query.limit
        async with self.engine.connect() as conn:
            found = await campaigns_before(conn, before, limit=limit + 1)
            actions = await actions_of(conn, [each.id for each in found])
            today = shanghai_day(await clock(conn, self.clock_shift_s))
        page, is_zh = found[:limit], call.language == "zh"
        after = cursor_at(call, page[-1].id) if len(found) > limit else None
        items = [show_campaign(each, actions[each.id], is_zh=is_zh, today=today) for each in page]
        return Answer(CampaignPage(items=items, next_cursor=after))

    async def post_campaign(self, call: Call[CampaignBody, None]) -> Answer:
        """Propose a campaign; nothing counts until somebody else approves it."""
        if call.idempotency_key is None:
            raise IdempotencyKeyMissing
        intention = Intention(call.principal.id, call.idempotency_key, call.request_hash)
        asked = _proposal(call.body, call.principal.id, self.actions)
        made = await write_once(
            self.engine,
            intention,
            lambda conn, now: propose_campaign(conn, asked, now),
            clock_shift_s=self.clock_shift_s,
        )
        return Answer(await self._shown(call, made.id), 201, made.headers)

    async def post_approval(self, call: Call[None, None]) -> Answer:
        """Approve a campaign as the second person."""
        campaign_id, by = call.path_id(), call.principal.id
        await write_alone(
            self.engine,
            lambda conn, now: approve(conn, campaign_id, by, now),
            clock_shift_s=self.clock_shift_s,
        )
        return Answer(await self._shown(call, campaign_id))

    async def post_end(self, call: Call[EndBody, None]) -> Answer:
        """End a campaign after a day that has not ended."""
        await write_alone(self.engine, partial(_end, call=call), clock_shift_s=self.clock_shift_s)
        return Answer(await self._shown(call, call.path_id()))

    async def _shown(self, call: Call[Any, Any], campaign_id: UUID) -> CampaignAnswer:
        async with self.engine.connect() as conn:
            campaign = await campaign_by_id(conn, campaign_id)
            actions = await actions_of(conn, [campaign_id])
            today = shanghai_day(await clock(conn, self.clock_shift_s))
        if campaign is None:
            raise NotFound
        is_zh = call.language == "zh"
        return show_campaign(campaign, actions[campaign_id], is_zh=is_zh, today=today)


async def _end(conn: AsyncConnection, now: datetime, *, call: Call[EndBody, None]) -> None:
    last_day = call.body.last_day or shanghai_day(now)
    await end(conn, call.path_id(), last_day=last_day, by=call.principal.id, now=now)


def _proposal(body: CampaignBody, by: str, actions: frozenset[str]) -> Proposal:
    """The campaign that was asked for, once its parts fit together."""
    faults = [
        Fault(f"/actions/{name}", "unknown_action") for name in body.actions if name not in actions
    ]
    faults += [
        Fault(f"/actions/{name}", "points_or_multiplier")
        for name, rule in body.actions.items()
        if (rule.points is None) == (rule.multiplier_percent is None)
    ]
    if body.valid_until is not None and body.valid_until < body.valid_from:
        faults.append(Fault("/valid_until", "before_valid_from"))
    if faults:
        raise ValidationFailed(errors=tuple(faults))
    return Proposal(
        body.name,
        (body.title_zh, body.title_en),
        (body.sponsor_zh, body.sponsor_en),
        body.region,
        body.valid_from,
        body.valid_until,
        body.budget,
        [
            ActionRule(name, rule.points, rule.multiplier_percent, rule.self_declared_points)
            for name, rule in sorted(body.actions.items())
        ],
        by,
    )
