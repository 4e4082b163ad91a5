"""Charity projects and donations over HTTP."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backend.batches import Batcher
from backend.errors import NotFound
from backend.http.cursors import PageQuery, cursor_at, position_of
from backend.http.principal import PUBLIC
from backend.http.problem import Language
from backend.http.refusals import IdempotencyKeyMissing
from backend.http.routes import Answer, Call, Route
from backend.ids import uuid7
from backend.ledger.domain import InsufficientPoints
from backend.ledger.queries import open_account
from backend.rewards.donate import Donated, Donating
from backend.rewards.donation_queries import (
    donations_of,
    insert_project,
    shown_project,
    shown_projects,
)
from backend.rewards.merchant_bodies import Name
from backend.rewards.refusals import ProjectEnded
from backend.rewards.reward_bodies import Detail, Moment
from backend.rewards.route_kinds import OPERATES, lists, makes
from backend.rewards.voucher_routes import MEMBER
from backend.writing import Made, intention_of, write_once

DonatedPoints = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]


class ProjectBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A charity project that takes points."""

    name_zh: Name
    name_en: Name
    detail_zh: Detail = ""
    detail_en: Detail = ""
    goal_points: DonatedPoints | None = None
    ends_at: Moment | None = None


class ProjectAnswer(msgspec.Struct, kw_only=True):
    """A charity project with its running total."""

    id: UUID
    name: str
    detail: str
    goal_points: int | None
    total_points: int
    ends_at: datetime | None
    created_at: datetime


class ProjectPage(msgspec.Struct, kw_only=True):
    """One page of projects, newest first."""

    items: list[ProjectAnswer]
    next_cursor: str | None


class DonationBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """How many points for which project."""

    project_id: UUID
    points: DonatedPoints


class DonationAnswer(msgspec.Struct, kw_only=True):
    """A donation; it cannot be taken back."""

    id: UUID
    project_id: UUID
    project: str
    points: int
    donated_at: datetime


class DonationPage(msgspec.Struct, kw_only=True):
    """One page of a member's donations, newest first."""

    items: list[DonationAnswer]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class DonationDesk:
    """What donations need."""

    engine: AsyncEngine
    donations: Batcher[Donating, Donated]
    clock_shift_s: int

    def routes(self) -> Sequence[Route[Any, Any]]:
        """Give the routes of projects and donations."""
        return [
            makes(
                "/v1/operator/charity-projects",
                self.post_project,
                policy=OPERATES,
                body=ProjectBody,
                answer=ProjectAnswer,
                words=("Open a charity project", "新建公益项目"),
            ),
            lists(
                "/v1/charity-projects",
                self.list_projects,
                policy=PUBLIC,
                page=ProjectPage,
                words=("List charity projects with their running totals", "公益项目及累计捐赠"),
            ),
            makes(
                "/v1/donations",
                self.post_donation,
                policy=MEMBER,
                body=DonationBody,
                answer=DonationAnswer,
                words=("Donate points to a charity project", "捐赠积分"),
                problems=(NotFound, ProjectEnded, InsufficientPoints),
            ),
            lists(
                "/v1/donations",
                self.list_donations,
                policy=MEMBER,
                page=DonationPage,
                words=("List my donations, newest first", "我的捐赠"),
            ),
        ]

    async def post_project(self, call: Call[ProjectBody, None]) -> Answer:
        """Open a project with an account of its own."""

        async def make(conn: AsyncConnection, now: datetime) -> UUID:
            project_id = uuid7()
            await open_account(conn, project_id, "merchant")  # another account that is only paid
            values = {**msgspec.structs.asdict(call.body), "id": project_id, "created_at": now}
            await insert_project(conn, values)
            return project_id

        shift = self.clock_shift_s
        made = await write_once(self.engine, intention_of(call), make, clock_shift_s=shift)
        async with self.engine.connect() as conn:
            row = await shown_project(conn, made.id)
        assert row is not None, "it was just written"
        return Answer(_project(row, call.language), 201, made.headers)

    async def list_projects(self, call: Call[None, PageQuery]) -> Answer:
        """Answer one page of projects."""
        limit, before = call.query.limit, position_of(call, UUID)
        async with self.engine.connect() as conn:
            rows = await shown_projects(conn, before_id=before, limit=limit + 1)
        page = rows[:limit]
        cursor = cursor_at(call, page[-1].id) if len(rows) > limit else None
        items = [_project(row, call.language) for row in page]
        return Answer(ProjectPage(items=items, next_cursor=cursor))

    async def post_donation(self, call: Call[DonationBody, None]) -> Answer:
        """Move points of the caller to a project."""
        intention, account_id = intention_of(call), call.principal.own_account
        if intention is None:
            raise IdempotencyKeyMissing
        body = call.body
        donated = await self.donations.submit(
            Donating(account_id, body.project_id, body.points, intention)
        )
        made = Made(*donated)
        async with self.engine.connect() as conn:
            after = UUID(int=made.id.int + 1)
            [row] = await donations_of(conn, account_id, before_id=after, limit=1)
        return Answer(_donation(row, call.language), 201, made.headers)

    async def list_donations(self, call: Call[None, PageQuery]) -> Answer:
        """Answer one page of the caller's donations."""
        limit, before = call.query.limit, position_of(call, UUID)
        async with self.engine.connect() as conn:
            account_id = call.principal.own_account
            rows = await donations_of(conn, account_id, before_id=before, limit=limit + 1)
        page = rows[:limit]
        cursor = cursor_at(call, page[-1].id) if len(rows) > limit else None
        items = [_donation(row, call.language) for row in page]
        return Answer(DonationPage(items=items, next_cursor=cursor))


def _project(row: Row[Any], language: Language) -> ProjectAnswer:
    is_zh = language == "zh"
    return ProjectAnswer(
        id=row.id,
        name=row.name_zh if is_zh else row.name_en,
        detail=row.detail_zh if is_zh else row.detail_en,
        goal_points=row.goal_points,
        total_points=row.total_points,
        ends_at=row.ends_at,
        created_at=row.created_at,
    )


def _donation(row: Row[Any], language: Language) -> DonationAnswer:
    return DonationAnswer(
        id=row.id,
        project_id=row.project_id,
        project=row.name_zh if language == "zh" else row.name_en,
        points=row.points,
        donated_at=row.donated_at,
    )
