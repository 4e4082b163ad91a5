"""Projects and pledges over HTTP, and what partners record of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backend.batches import BUSY
from backend.errors import NotFound
from backend.http.cursors import PageQuery, page_of, position_of
from backend.http.principal import PUBLIC
from backend.http.routes import Answer, Call, Route
from backend.idempotency import IdempotencyKeyReused
from backend.ids import uuid7
from backend.partners.domain import RegionNotGranted
from backend.partners.queries import partner_exists
from backend.trees.bodies import (
    CertificateAnswer,
    DeathsBody,
    FulfilmentBody,
    PledgeAnswer,
    PledgeBody,
    PledgePage,
    TreeProjectAnswer,
    TreeProjectBody,
    TreeProjectPage,
    render_certificate,
)
from backend.trees.domain import (
    DeathsRecorded,
    MoreThanAlive,
    MoreThanPledged,
    PlantedInFuture,
    Planting,
    PlantingRecorded,
    ProjectElsewhere,
    initial_of,
    name_hmac,
)
from backend.trees.queries import (
    certificate_by_id,
    insert_pledge,
    insert_project,
    list_projects,
    open_pledges,
    pledges_of,
    shown_pledge,
)
from backend.trees.route_kinds import MEMBER, OPERATES, RECORDS, recorder_of
from backend.trees.steps import fulfil_pledge, record_deaths
from backend.writing import intention_of, write_alone, write_once


@dataclass(frozen=True, slots=True)
class PledgeDesk:
    """What pledges need; `secret` keys the hashes of names."""

    engine: AsyncEngine
    secret: bytes
    clock_shift_s: int

    def routes(self) -> Sequence[Route[Any, Any]]:
        """Give the routes of operators, members and partners that plant."""
        pledges = [*self._project_routes(), *self._pledge_routes()]
        return [*pledges, self._fulfilment_route(), self._death_route()]

    def _project_routes(self) -> Sequence[Route[Any, Any]]:
        return [
            Route(
                "POST",
                "/v1/operator/tree-projects",
                self.post_project,
                policy=OPERATES,
                summary="Open a project in which a partner plants trees",
                summary_zh="新建植树项目",
                body=TreeProjectBody,
                answers={201: TreeProjectAnswer},
                problems=(NotFound, IdempotencyKeyReused, *BUSY),
                idempotency="required",
            ),
            Route(
                "GET",
                "/v1/tree-projects",
                self.list_projects,
                policy=PUBLIC,
                summary="List projects that trees can be pledged to, newest first",
                summary_zh="植树项目列表",
                query=PageQuery,
                answers={200: TreeProjectPage},
            ),
        ]

    def _pledge_routes(self) -> Sequence[Route[Any, Any]]:
        return [
            Route(
                "POST",
                "/v1/trees/pledges",
                self.post_pledge,
                policy=MEMBER,
                summary="Pledge trees: by a donation, or on a planting day",
                summary_zh="认捐或报名植树",
                body=PledgeBody,
                answers={201: PledgeAnswer},
                problems=(NotFound, IdempotencyKeyReused, *BUSY),
                idempotency="required",
            ),
            Route(
                "GET",
                "/v1/trees/pledges",
                self.list_own,
                policy=MEMBER,
                summary="List my pledges, newest first",
                summary_zh="我的植树认捐",
                query=PageQuery,
                answers={200: PledgePage},
            ),
            Route(
                "GET",
                "/v1/trees/open-pledges",
                self.list_open,
                policy=RECORDS,
                summary="List pledges to my projects that wait for trees, oldest first",
                summary_zh="待履约的植树认捐",
                query=PageQuery,
                answers={200: PledgePage},
            ),
        ]

    def _fulfilment_route(self) -> Route[FulfilmentBody, None]:
        return Route(
            "POST",
            "/v1/trees/pledges/{id}/fulfilments",
            self.post_fulfilment,
            policy=RECORDS,
            summary="Record trees planted for a pledge; the certificate is made with them",
            summary_zh="登记植树履约",
            body=FulfilmentBody,
            answers={200: CertificateAnswer, 201: CertificateAnswer},
            problems=(
                NotFound,
                *(ProjectElsewhere, RegionNotGranted),
                PlantingRecorded,
                PlantedInFuture,
                MoreThanPledged,
                *BUSY,
            ),
        )

    def _death_route(self) -> Route[DeathsBody, None]:
        return Route(
            "POST",
            "/v1/trees/plantings/{id}/deaths",
            self.post_deaths,
            policy=RECORDS,
            summary="Record trees that were found dead; they are never credited again",
            summary_zh="登记树木死亡",
            body=DeathsBody,
            answers={200: CertificateAnswer},
            problems=(
                NotFound,
                *(ProjectElsewhere, RegionNotGranted),
                DeathsRecorded,
                PlantedInFuture,
                MoreThanAlive,
                *BUSY,
            ),
        )

    async def post_project(self, call: Call[TreeProjectBody, None]) -> Answer:
        """Make a project of a partner that is there."""
        body, by = call.body, call.principal.id

        async def make(conn: AsyncConnection, now: datetime) -> UUID:
            if not await partner_exists(conn, body.partner_id):
                raise NotFound
            project_id = uuid7()
            await insert_project(
                conn,
                id=project_id,
                partner_id=body.partner_id,
                name_zh=body.name_zh,
                name_en=body.name_en,
                region=body.region,
                created_by=by,
                created_at=now,
            )
            return project_id

        made = await write_once(self.engine, intention_of(call), make)
        async with self.engine.connect() as conn:
            [row] = await list_projects(conn, project_id=made.id, before_id=None, limit=1)
        return Answer(TreeProjectAnswer(**row._mapping), 201, made.headers)  # noqa: SLF001

    async def list_projects(self, call: Call[None, PageQuery]) -> Answer:
        """Answer one page of projects."""
        before, limit = position_of(call, UUID), call.query.limit
        async with self.engine.connect() as conn:
            rows = await list_projects(conn, project_id=None, before_id=before, limit=limit + 1)
        items, cursor = page_of(call, rows, lambda row: TreeProjectAnswer(**row._mapping))  # noqa: SLF001
        return Answer(TreeProjectPage(items=items, next_cursor=cursor))

    async def post_pledge(self, call: Call[PledgeBody, None]) -> Answer:
        """Make a pledge."""
        body, account_id = call.body, call.principal.own_account

        async def make(conn: AsyncConnection, now: datetime) -> UUID:
            if not await list_projects(conn, project_id=body.project_id, before_id=None, limit=1):
                raise NotFound
            pledge_id = uuid7()
            await insert_pledge(
                conn,
                id=pledge_id,
                account_id=account_id,
                project_id=body.project_id,
                kind=body.kind,
                trees=body.trees,
                amount_fen=body.amount_fen,
                pledged_at=now,
                initial=initial_of(body.name),
                name_hmac=name_hmac(self.secret, pledge_id, body.name),
            )
            return pledge_id

        shift = self.clock_shift_s
        made = await write_once(self.engine, intention_of(call), make, clock_shift_s=shift)
        async with self.engine.connect() as conn:
            row = await shown_pledge(conn, made.id)
        assert row is not None, "it was just written, or found"
        return Answer(PledgeAnswer(**row._mapping), 201, made.headers)  # noqa: SLF001

    async def list_own(self, call: Call[None, PageQuery]) -> Answer:
        """Answer one page of the caller's pledges."""
        before, limit = position_of(call, UUID), call.query.limit
        account_id = call.principal.own_account
        async with self.engine.connect() as conn:
            rows = await pledges_of(conn, account_id, before_id=before, limit=limit + 1)
        items, cursor = page_of(call, rows, lambda row: PledgeAnswer(**row._mapping))  # noqa: SLF001
        return Answer(PledgePage(items=items, next_cursor=cursor))

    async def list_open(self, call: Call[None, PageQuery]) -> Answer:
        """Answer one page of what the caller's partner has still to plant; no person is named."""
        after, limit = position_of(call, UUID), call.query.limit
        partner_id = recorder_of(call).partner_id
        async with self.engine.connect() as conn:
            rows = await open_pledges(conn, partner_id, after_id=after, limit=limit + 1)
        items, cursor = page_of(call, rows, lambda row: PledgeAnswer(**row._mapping))  # noqa: SLF001
        return Answer(PledgePage(items=items, next_cursor=cursor))

    async def post_fulfilment(self, call: Call[FulfilmentBody, None]) -> Answer:
        """Record trees for a pledge; the same again answers the same certificate."""
        planting = Planting(**{n: getattr(call.body, n) for n in Planting._fields})
        recorder, pledge_id = recorder_of(call), call.path_id()

        async def fulfil(conn: AsyncConnection, now: datetime) -> tuple[UUID, bool]:
            return await fulfil_pledge(conn, pledge_id, planting, recorder, now)

        shift = self.clock_shift_s
        planting_id, stood = await write_alone(self.engine, fulfil, clock_shift_s=shift)
        return await self._certificate(planting_id, 200 if stood else 201)

    async def post_deaths(self, call: Call[DeathsBody, None]) -> Answer:
        """Record dead trees; the same again changes nothing."""
        body, recorder, planting_id = call.body, recorder_of(call), call.path_id()

        async def record(conn: AsyncConnection, now: datetime) -> None:
            await record_deaths(
                conn,
                planting_id,
                seen_on=body.seen_on,
                trees=body.trees,
                recorder=recorder,
                now=now,
            )

        await write_alone(self.engine, record, clock_shift_s=self.clock_shift_s)
        return await self._certificate(planting_id, 200)

    async def _certificate(self, planting_id: UUID, status: int) -> Answer:
        async with self.engine.connect() as conn:
            row = await certificate_by_id(conn, planting_id)
        assert row is not None, "it was just written, or found"
        return Answer(render_certificate(row), status)
