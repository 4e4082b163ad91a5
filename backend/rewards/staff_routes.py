"""A merchant's people over HTTP: its managers hire and dismiss, an operator names a manager."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backend.batches import BUSY
from backend.errors import NotFound
from backend.http.cursors import PageQuery, cursor_at, position_of
from backend.http.routes import Answer, Call, Route
from backend.rewards.domain import MANAGER
from backend.rewards.merchant_bodies import (
    ManagerBody,
    StaffAnswer,
    StaffBody,
    StaffChangeAnswer,
    StaffChangePage,
    StaffPage,
)
from backend.rewards.merchant_queries import find_one
from backend.rewards.refusals import ManagerNeeded, NotStaff, StaffElsewhere
from backend.rewards.route_kinds import AUDITS, MANAGES, OPERATES, lists, merchant_of
from backend.rewards.staff_queries import (
    Staff,
    list_staff,
    lock_managers,
    put_staff,
    staff_changes,
)
from backend.writing import write_alone


@dataclass(frozen=True, slots=True)
class StaffDesk:
    """What hiring and dismissing needs."""

    engine: AsyncEngine

    def routes(self) -> Sequence[Route[Any, Any]]:
        """Give the routes of managers and operators."""
        return [
            Route(
                "POST",
                "/v1/merchant/staff",
                self.post_staff,
                policy=MANAGES,
                summary="Add, change or dismiss a person of my merchant; the sign-in names her",
                summary_zh="新增、修改或停用员工",
                body=StaffBody,
                answers={200: StaffAnswer},
                problems=(NotStaff, StaffElsewhere, ManagerNeeded, *BUSY),
            ),
            lists(
                "/v1/merchant/staff",
                self.list_people,
                policy=MANAGES,
                page=StaffPage,
                words=("List my merchant's people", "员工列表"),
                problems=(NotStaff,),
            ),
            *self._operator_routes(),
        ]

    def _operator_routes(self) -> Sequence[Route[Any, Any]]:
        return [
            Route(
                "POST",
                "/v1/operator/merchants/{id}/managers",
                self.post_manager,
                policy=OPERATES,
                summary="Name a manager of a merchant; the earlier ones stay until dismissed",
                summary_zh="为已有商户指定管理员,原管理员仍保留,直到被停用",
                body=ManagerBody,
                answers={200: StaffAnswer},
                problems=(NotFound, StaffElsewhere, *BUSY),
            ),
            lists(
                "/v1/operator/merchants/{id}/staff-changes",
                self.list_changes,
                policy=AUDITS,
                page=StaffChangePage,
                words=("List who changed a merchant's people, newest first", "商户员工变更记录"),
                problems=(NotFound,),
            ),
        ]

    async def post_staff(self, call: Call[StaffBody, None]) -> Answer:
        """Write a person of the caller's merchant; the same again changes nothing."""
        body = call.body

        async def put(conn: AsyncConnection, now: datetime) -> datetime:
            merchant_id = await merchant_of(conn, call, MANAGER)
            staff = Staff(subject_of(call, body.subject), merchant_id, body.role, body.name)
            manages = body.is_active and staff.role == MANAGER
            if not manages and await lock_managers(conn, merchant_id) == [staff.subject]:
                raise ManagerNeeded
            by = call.principal.id
            return await put_staff(conn, staff, is_active=body.is_active, by=by, now=now)

        created_at = await write_alone(self.engine, put)
        return Answer(
            StaffAnswer(
                subject=body.subject,
                role=body.role,
                name=body.name,
                is_active=body.is_active,
                created_at=created_at,
            )
        )

    async def post_manager(self, call: Call[ManagerBody, None]) -> Answer:
        """Make a person manager of any merchant; the same again changes nothing."""
        body, merchant_id = call.body, call.path_id()
        staff = Staff(subject_of(call, body.subject), merchant_id, MANAGER, body.name)

        async def put(conn: AsyncConnection, now: datetime) -> datetime:
            await _need_merchant(conn, merchant_id)
            return await put_staff(conn, staff, is_movable=True, by=call.principal.id, now=now)

        created_at = await write_alone(self.engine, put)
        return Answer(
            StaffAnswer(
                subject=body.subject,
                role=MANAGER,
                name=body.name,
                is_active=True,
                created_at=created_at,
            )
        )

    async def list_people(self, call: Call[None, PageQuery]) -> Answer:
        """Answer one page of the people of the caller's merchant."""
        limit = call.query.limit
        async with self.engine.connect() as conn:
            merchant_id = await merchant_of(conn, call, MANAGER)
            after = position_of(call, str) or ""
            rows = await list_staff(conn, merchant_id, after=after, limit=limit + 1)
        page = rows[:limit]
        people = [StaffAnswer(**_named(row)) for row in page]
        cursor = cursor_at(call, page[-1].subject) if len(rows) > limit else None
        return Answer(StaffPage(items=people, next_cursor=cursor))

    async def list_changes(self, call: Call[None, PageQuery]) -> Answer:
        """Answer one page of the history of a merchant's people."""
        limit, before = call.query.limit, position_of(call, UUID)
        async with self.engine.connect() as conn:
            await _need_merchant(conn, call.path_id())
            rows = await staff_changes(conn, call.path_id(), before_id=before, limit=limit + 1)
        items = [StaffChangeAnswer(**_named(row)) for row in rows[:limit]]
        cursor = cursor_at(call, items[-1].id) if len(rows) > limit else None
        return Answer(StaffChangePage(items=items, next_cursor=cursor))


async def _need_merchant(conn: AsyncConnection, merchant_id: UUID) -> None:
    if await find_one(conn, "merchant", merchant_id) is None:
        raise NotFound


def subject_of(call: Call[Any, Any], sub: str) -> str:
    """The sign-in subject of a person at the caller's own issuer."""
    return f"{call.principal.id.partition('|')[0]}|{sub}"


def _named(row: Row[Any]) -> dict[str, Any]:
    """The members of a row, with the person as her issuer names her."""
    return {**row._mapping, "subject": row.subject.partition("|")[2]}  # noqa: SLF001
