"""Reconciliation over HTTP: a partner states a day and reads the differences, an operator too."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backend.batches import ItemImpossible, OutcomeUnknown, Overloaded
from backend.errors import NotFound
from backend.http.cursors import PageQuery, cursor_at, position_of
from backend.http.principal import Principal, roles, scopes
from backend.http.refusals import Forbidden, PayloadTooLarge
from backend.http.routes import Answer, Call, Route
from backend.intake.controls.bodies import (
    ControlTotalAnswer,
    ControlTotalBody,
    DayQuery,
    Difference,
    DifferenceKind,
    DifferencePage,
    OurTotals,
    Reconciled,
    ReconciledPage,
    Totals,
)
from backend.intake.controls.queries import differences, find_total, reconciled
from backend.intake.controls.steps import ListNotComplete, check_speaks_for, state
from backend.intake.domain import TimeNotPlausible
from backend.intake.events.domain import EventTypeUnknown
from backend.intake.events.routes import EVENT_SEND
from backend.partners.domain import SourceNotGranted, TypeNotGranted
from backend.writing import write_alone

BODY_BYTES_MAX: Final = 4 * 1024 * 1024  # ten thousand events with long ids and four amounts
DEADLINE_S: Final = 30.0  # a metro's day is 700,000 events, and each page looks at all of them
_SENDS, _OPERATES = scopes(EVENT_SEND), roles("operator")


@dataclass(frozen=True, slots=True)
class ControlDesk:
    """What reconciliation needs."""

    engine: AsyncEngine
    clock_shift_s: int = 0

    def routes(self) -> Sequence[Route[Any, Any]]:
        """Give the routes of partners and of operators."""
        return [
            Route(
                "POST",
                "/v1/partner/control-totals",
                self.post_total,
                policy=_SENDS,
                summary="State count and sums of a day's events; the last statement counts",
                summary_zh="上报某日事件的笔数与合计,以最后一次为准",
                body=ControlTotalBody,
                answers={200: ControlTotalAnswer},
                problems=(
                    *(EventTypeUnknown, SourceNotGranted, TypeNotGranted, TimeNotPlausible),
                    *(PayloadTooLarge, Overloaded, OutcomeUnknown, ItemImpossible),
                ),
                body_bytes_max=BODY_BYTES_MAX,
            ),
            *self._own_routes(),
            *self._operators_routes(),
        ]

    def _own_routes(self) -> Sequence[Route[Any, Any]]:
        return [
            Route(
                "GET",
                "/v1/partner/control-totals",
                self.list_own,
                policy=_SENDS,
                summary="Compare a day's totals with what is on record here",
                summary_zh="按日对账:双方笔数与合计",
                query=DayQuery,
                answers={200: ReconciledPage},
                deadline_s=DEADLINE_S,
            ),
            Route(
                "GET",
                "/v1/partner/control-totals/{id}/differences",
                self.list_own_differences,
                policy=_SENDS,
                summary="List the differences of a statement down to the event",
                summary_zh="对账差异明细,逐条到事件",
                query=PageQuery,
                answers={200: DifferencePage},
                problems=(NotFound, ListNotComplete),
                deadline_s=DEADLINE_S,
            ),
        ]

    def _operators_routes(self) -> Sequence[Route[Any, Any]]:
        return [
            Route(
                "GET",
                "/v1/operator/partners/{id}/control-totals",
                self.list_of_partner,
                policy=_OPERATES,
                summary="Compare a partner's totals of a day with what is on record here",
                summary_zh="查看合作方的按日对账",
                query=DayQuery,
                answers={200: ReconciledPage},
                deadline_s=DEADLINE_S,
            ),
            Route(
                "GET",
                "/v1/operator/partners/{id}/control-totals/{total_id}/differences",
                self.list_differences_of_partner,
                policy=_OPERATES,
                summary="List the differences of a partner's statement down to the event",
                summary_zh="查看合作方对账差异明细",
                query=PageQuery,
                answers={200: DifferencePage},
                problems=(NotFound, ListNotComplete),
                deadline_s=DEADLINE_S,
            ),
        ]

    async def post_total(self, call: Call[ControlTotalBody, None]) -> Answer:
        """State a day; the same again is the same statement."""
        partner_id, told = _partner_of(call.principal), call.body
        check_speaks_for(call.principal.reach, told)

        async def make(conn: AsyncConnection, now: datetime) -> UUID:
            return await state(conn, partner_id, told, now)

        total_id = await write_alone(self.engine, make, clock_shift_s=self.clock_shift_s)
        async with self.engine.connect() as conn:
            row = await find_total(conn, total_id, partner_id)
        if row is None:
            raise OutcomeUnknown  # replaced in between; whoever asks again states it last
        return Answer(_stated(row))

    async def list_own(self, call: Call[None, DayQuery]) -> Answer:
        """Answer one page of the caller's day."""
        return await self._page(call, _partner_of(call.principal))

    async def list_of_partner(self, call: Call[None, DayQuery]) -> Answer:
        """Answer one page of a partner's day; a partner that does not exist has stated nothing."""
        return await self._page(call, call.path_id())

    async def list_own_differences(self, call: Call[None, PageQuery]) -> Answer:
        """Answer one page of differences of the caller's statement."""
        return await self._differences(call, _partner_of(call.principal), call.path_id())

    async def list_differences_of_partner(self, call: Call[None, PageQuery]) -> Answer:
        """Answer one page of differences of a partner's statement."""
        return await self._differences(call, call.path_id(), call.path_id("total_id"))

    async def _page(self, call: Call[None, DayQuery], partner_id: UUID) -> Answer:
        query, after = call.query, position_of(call, UUID)
        async with self.engine.connect() as conn:
            rows = await reconciled(
                conn,
                partner_id,
                query.day,
                query.type,
                after=after,
                limit=query.limit + 1,
                clock_shift_s=self.clock_shift_s,
            )
        items = [_reconciled(row) for row in rows[: query.limit]]
        cursor = cursor_at(call, items[-1].id) if len(rows) > query.limit else None
        return Answer(ReconciledPage(items=items, next_cursor=cursor))

    async def _differences(
        self, call: Call[None, PageQuery], partner_id: UUID, total_id: UUID
    ) -> Answer:
        limit, after = call.query.limit, position_of(call, str)
        async with self.engine.connect() as conn:
            total = await find_total(conn, total_id, partner_id)
            if total is None:
                raise NotFound
            if total.listed != total.stated_count:
                raise ListNotComplete(listed=total.listed, count=total.stated_count)
            rows = await differences(conn, total_id, after=after or "", limit=limit + 1)
        items = [_difference(row, total.type) for row in rows[:limit]]
        cursor = cursor_at(call, items[-1].event_id) if len(rows) > limit else None
        return Answer(DifferencePage(items=items, next_cursor=cursor))


def _partner_of(principal: Principal) -> UUID:
    if principal.partner_id is None:
        raise Forbidden
    return principal.partner_id


def _stated(row: Row[Any]) -> ControlTotalAnswer:
    return ControlTotalAnswer(
        id=row.id,
        source=row.source,
        type=row.type,
        day=row.day,
        count=row.stated_count,
        sums=msgspec.json.decode(row.sums),
        listed=row.listed,
        stated_at=row.stated_at,
    )


def _reconciled(row: Row[Any]) -> Reconciled:
    theirs = Totals(count=row.stated_count, sums=msgspec.json.decode(row.sums))
    found = msgspec.json.decode(row.ours_sums or "{}")
    sums = {name: found.get(name, 0) for name in theirs.sums}
    return Reconciled(
        id=row.id,
        source=row.source,
        type=row.type,
        day=row.day,
        theirs=theirs,
        ours=OurTotals(count=row.ours_count, sums=sums, waiting=row.ours_waiting),
        agreed=(theirs.count, theirs.sums) == (row.ours_count, sums),
        listed=row.listed,
        stated_at=row.stated_at,
        as_of=row.as_of,
    )


def _difference(row: Row[Any], event_type: str) -> Difference:
    theirs, ours = (msgspec.json.decode(each) if each else None for each in (row.theirs, row.ours))
    return Difference(
        event_id=row.event_id,
        type=event_type,
        kind=_kind_of(theirs, ours),
        our_outcome=row.outcome,
        theirs=theirs,
        ours=ours,
    )


def _kind_of(theirs: object, ours: object) -> DifferenceKind:
    if ours is None:
        return "missing_here"
    return "missing_there" if theirs is None else "other_quantity"
