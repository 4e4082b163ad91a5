"""Closing a shift over HTTP."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backend.batches import BUSY
from backend.http.cursors import PageQuery, cursor_at, position_of
from backend.http.routes import Answer, Call, Route
from backend.rewards.counters import counter_of, till_counter
from backend.rewards.domain import CASHIER, MANAGER
from backend.rewards.merchant_queries import Counter
from backend.rewards.refusals import NothingToClose, NotStaff, TillUnknown
from backend.rewards.route_kinds import MANAGES, SETTLES, WORKS, lists
from backend.rewards.shift_queries import shown_shifts
from backend.rewards.staff_queries import staff_of
from backend.rewards.statement_bodies import ShiftAnswer, ShiftPage
from backend.rewards.statements import close_shift
from backend.writing import intention_of, write_once

FindCounter = Callable[[AsyncConnection], Awaitable[Counter]]


@dataclass(frozen=True, slots=True)
class ShiftDesk:
    """What closing shifts needs."""

    engine: AsyncEngine
    clock_shift_s: int

    def routes(self) -> Sequence[Route[Any, Any]]:
        """Give the routes of shifts."""
        return [
            Route(
                "POST",
                "/v1/shifts",
                self.post_shift,
                policy=SETTLES,
                summary="Close my shift: all that I settled and undid since the last one, frozen",
                summary_zh="交班",
                answers={201: ShiftAnswer},
                problems=(NothingToClose, NotStaff, TillUnknown, *BUSY),
                idempotency="required",
            ),
            Route(
                "POST",
                "/v1/merchant/tills/{id}/shifts",
                self.post_till_shift,
                policy=MANAGES,
                summary="Close the shift of a till: what its key settled and undid, frozen",
                summary_zh="为收银台交班",
                answers={201: ShiftAnswer},
                problems=(NothingToClose, NotStaff, TillUnknown, *BUSY),
                idempotency="required",
            ),
            lists(
                "/v1/shifts",
                self.list_shifts,
                policy=WORKS,
                page=ShiftPage,
                words=("List my shifts, a manager those of all, newest first", "交班记录"),
                problems=(NotStaff,),
            ),
        ]

    async def post_shift(self, call: Call[None, None]) -> Answer:
        """Close the caller's shift, once for each key."""
        return await self._close(call, lambda conn: counter_of(conn, call.principal, None))

    async def post_till_shift(self, call: Call[None, None]) -> Answer:
        """Close the shift of a till of the manager's merchant, once for each key."""
        till_id = call.path_id()
        return await self._close(call, lambda conn: till_counter(conn, call.principal, till_id))

    async def _close(self, call: Call[None, None], counter_at: FindCounter) -> Answer:
        async def make(conn: AsyncConnection, now: datetime) -> UUID:
            return await close_shift(conn, await counter_at(conn), now)

        made = await write_once(
            self.engine, intention_of(call), make, clock_shift_s=self.clock_shift_s
        )
        async with self.engine.connect() as conn:
            counter = await counter_at(conn)
            rows = await shown_shifts(
                conn,
                counter.merchant_id,
                cashier=counter.settled_by,
                before_id=UUID(int=made.id.int + 1),
                limit=1,
            )
        return Answer(_render(rows[0]), 201, made.headers)

    async def list_shifts(self, call: Call[None, PageQuery]) -> Answer:
        """Answer one page of closed shifts."""
        limit, before = call.query.limit, position_of(call, UUID)
        async with self.engine.connect() as conn:
            staff = await staff_of(conn, call.principal.id, MANAGER, CASHIER)
            rows = await shown_shifts(
                conn,
                staff.merchant_id,
                cashier=None if staff.role == MANAGER else staff.subject,
                before_id=before,
                limit=limit + 1,
            )
        page = rows[:limit]
        cursor = cursor_at(call, page[-1].id) if len(rows) > limit else None
        return Answer(ShiftPage(items=[_render(row) for row in page], next_cursor=cursor))


def _render(row: Row[Any]) -> ShiftAnswer:
    return ShiftAnswer(
        id=row.id,
        name=row.name,
        closed_at=row.closed_at,
        settled_count=row.settled_count,
        settled_points=row.settled_points,
        undone_count=row.undone_count,
        undone_points=row.undone_points,
        due_points=row.settled_points - row.undone_points,
    )
