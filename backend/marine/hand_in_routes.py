"""Hand-ins and sites over HTTP; the weighing, which credits, is in `intake`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backend.batches import BUSY
from backend.errors import NotFound
from backend.http.cursors import PageQuery, page_of, position_of
from backend.http.routes import Answer, Call, Route
from backend.idempotency import IdempotencyKeyReused
from backend.ids import uuid7
from backend.marine.bodies import (
    HandInAnswer,
    HandInBody,
    HandInPage,
    KeptQuery,
    MarineSiteAnswer,
    MarineSiteBody,
    MarineSitePage,
    render_hand_in,
)
from backend.marine.domain import Site, SiteElsewhere, make_code
from backend.marine.queries import (
    HandIn,
    hand_ins_at,
    hand_ins_of,
    insert_hand_in,
    insert_site,
    list_sites,
    shown_hand_in,
)
from backend.marine.route_kinds import KEEPS, MEMBER, OPERATES, READS, recorder_of, sees_only
from backend.marine.steps import own_site
from backend.partners.domain import RegionNotGranted
from backend.partners.queries import partner_exists
from backend.writing import intention_of, write_once


@dataclass(frozen=True, slots=True)
class ShoreDesk:
    """What sites and hand-ins need."""

    engine: AsyncEngine
    clock_shift_s: int

    def routes(self) -> Sequence[Route[Any, Any]]:
        """Give the routes of members, stations and operators."""
        return [*self._site_routes(), *self._hand_in_routes()]

    def _site_routes(self) -> Sequence[Route[Any, Any]]:
        return [
            Route(
                "POST",
                "/v1/operator/marine/sites",
                self.post_site,
                policy=OPERATES,
                summary="Give a partner a site: shore, port, sorter or recycler",
                summary_zh="新建海洋塑料站点",
                body=MarineSiteBody,
                answers={201: MarineSiteAnswer},
                problems=(NotFound, IdempotencyKeyReused, *BUSY),
                idempotency="required",
            ),
            Route(
                "GET",
                "/v1/marine/sites",
                self.list_sites,
                policy=READS,
                summary="List sites: a partner its own, an operator all, newest first",
                summary_zh="海洋塑料站点列表",
                query=PageQuery,
                answers={200: MarineSitePage},
            ),
            Route(
                "GET",
                "/v1/marine/sites/{id}/hand-ins",
                self.list_kept,
                policy=KEEPS,
                summary="List what was handed in at a site, newest first",
                summary_zh="站点交投列表",
                query=KeptQuery,
                answers={200: HandInPage},
                problems=(SiteElsewhere, RegionNotGranted),
            ),
        ]

    def _hand_in_routes(self) -> Sequence[Route[Any, Any]]:
        return [
            Route(
                "POST",
                "/v1/marine/hand-ins",
                self.post_hand_in,
                policy=MEMBER,
                summary="Ask to hand in marine plastic; the answer's code is shown at the station",
                summary_zh="预约交投海洋塑料",
                body=HandInBody,
                answers={201: HandInAnswer},
                problems=(IdempotencyKeyReused, *BUSY),
                idempotency="required",
            ),
            Route(
                "GET",
                "/v1/marine/hand-ins",
                self.list_own,
                policy=MEMBER,
                summary="List my hand-ins with weight, lot and payout, newest first",
                summary_zh="我的交投列表",
                query=PageQuery,
                answers={200: HandInPage},
            ),
            Route(
                "GET",
                "/v1/marine/hand-ins/{id}",
                self.get_own,
                policy=MEMBER,
                summary="See one of my hand-ins",
                summary_zh="查看我的一次交投",
                answers={200: HandInAnswer},
                problems=(NotFound,),
            ),
        ]

    async def post_site(self, call: Call[MarineSiteBody, None]) -> Answer:
        """Make a site of a partner that is there."""
        body = call.body

        async def make(conn: AsyncConnection, now: datetime) -> UUID:
            if not await partner_exists(conn, body.partner_id):
                raise NotFound
            site = Site(uuid7(), body.partner_id, body.stage, body.region)
            names = (body.name_zh, body.name_en)
            await insert_site(conn, site, names=names, created_by=call.principal.id, now=now)
            return site.id

        made = await write_once(
            self.engine, intention_of(call), make, clock_shift_s=self.clock_shift_s
        )
        async with self.engine.connect() as conn:
            [row] = await list_sites(conn, None, site_id=made.id, before_id=None, limit=1)
        return Answer(MarineSiteAnswer(**row._mapping), 201, made.headers)  # noqa: SLF001

    async def list_sites(self, call: Call[None, PageQuery]) -> Answer:
        """Answer one page of sites."""
        before, limit = position_of(call, UUID), call.query.limit
        async with self.engine.connect() as conn:
            rows = await list_sites(
                conn, sees_only(call.principal), before_id=before, limit=limit + 1
            )
        items, cursor = page_of(call, rows, lambda row: MarineSiteAnswer(**row._mapping))  # noqa: SLF001
        return Answer(MarineSitePage(items=items, next_cursor=cursor))

    async def list_kept(self, call: Call[None, KeptQuery]) -> Answer:
        """Answer one page of the hand-ins of the caller's own site."""
        before, limit = position_of(call, UUID), call.query.limit
        async with self.engine.connect() as conn:
            site = await own_site(conn, call.path_id(), recorder_of(call))
            rows = await hand_ins_at(
                conn, site.id, waiting=call.query.waiting, before_id=before, limit=limit + 1
            )
        items, cursor = page_of(call, rows, render_hand_in)
        return Answer(HandInPage(items=items, next_cursor=cursor))

    async def post_hand_in(self, call: Call[HandInBody, None]) -> Answer:
        """Make a request that waits seven days for a station's scale."""
        account_id = call.principal.own_account

        async def make(conn: AsyncConnection, now: datetime) -> UUID:
            asked = HandIn(uuid7(), make_code(), account_id, "member", call.body.material, now)
            await insert_hand_in(conn, asked)
            return asked.id

        made = await write_once(
            self.engine, intention_of(call), make, clock_shift_s=self.clock_shift_s
        )
        return Answer(await self._own(made.id, account_id), 201, made.headers)

    async def list_own(self, call: Call[None, PageQuery]) -> Answer:
        """Answer one page of the caller's hand-ins."""
        before, limit = position_of(call, UUID), call.query.limit
        account_id = call.principal.own_account
        async with self.engine.connect() as conn:
            rows = await hand_ins_of(conn, account_id, before_id=before, limit=limit + 1)
        items, cursor = page_of(call, rows, render_hand_in)
        return Answer(HandInPage(items=items, next_cursor=cursor))

    async def get_own(self, call: Call[None, None]) -> Answer:
        """Answer one of the caller's hand-ins."""
        return Answer(await self._own(call.path_id(), call.principal.own_account))

    async def _own(self, hand_in_id: UUID, account_id: UUID) -> HandInAnswer:
        async with self.engine.connect() as conn:
            row = await shown_hand_in(conn, hand_in_id)
        if row is None or row.account_id != account_id:
            raise NotFound
        return render_hand_in(row)
