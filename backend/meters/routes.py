"""Averages of cities, which two operators publish, and the readings that a partner has told."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backend.batches import BUSY
from backend.errors import NotFound, SecondPersonNeeded
from backend.http.cursors import PageQuery, cursor_at, position_of
from backend.http.principal import PUBLIC, roles, scopes
from backend.http.routes import Answer, Call, Route
from backend.idempotency import IdempotencyKeyReused
from backend.ids import uuid7
from backend.meters.domain import AverageDecided, Medium
from backend.meters.queries import (
    approve_average,
    average_by_id,
    insert_average,
    list_averages,
    list_readings,
)
from backend.units import REGION_PATTERN
from backend.writing import intention_of, write_alone, write_once

AVERAGE_MAX = 100_000  # 100 kWh or 100 m3 of one person on one day is a typing error
_OPERATES = roles("operator")
_SENDS = scopes("event.send")


class MeterAverageBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Watt-hours of electricity, or litres of gas or water, of one resident on one day."""

    region: Annotated[str, msgspec.Meta(pattern=REGION_PATTERN, description="GB/T 2260")]
    medium: Medium
    valid_from: date
    average_wh_or_l: Annotated[int, msgspec.Meta(ge=1, le=AVERAGE_MAX)]
    source: Annotated[str, msgspec.Meta(min_length=1, max_length=300)]


class MeterAverageAnswer(msgspec.Struct, kw_only=True):
    """An average; it counts when a second person has approved it."""

    id: UUID
    region: str
    medium: Medium
    valid_from: date
    average_wh_or_l: int
    source: str
    is_approved: bool
    proposed_at: datetime


class MeterAveragePage(msgspec.Struct, kw_only=True):
    """One page of averages, newest first."""

    items: list[MeterAverageAnswer]
    next_cursor: str | None


class ReadingQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Readings, of one meter when it is named."""

    meter: str | None = None


class MeterReadingAnswer(msgspec.Struct, kw_only=True):
    """What a meter showed, credited or not."""

    id: UUID
    medium: Medium
    meter: str
    first_day: date
    days: int
    used_wh_or_l: int
    told_at: datetime


class MeterReadingPage(msgspec.Struct, kw_only=True):
    """One page of readings, newest first."""

    items: list[MeterReadingAnswer]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class MeterDesk:
    """What averages and readings need."""

    engine: AsyncEngine

    def routes(self) -> Sequence[Route[Any, Any]]:
        """Give the routes of operators, of partners and of everybody."""
        return [
            Route(
                "POST",
                "/v1/operator/meter-averages",
                self.post_average,
                policy=_OPERATES,
                summary="Propose a city's average, with which households are compared",
                summary_zh="提出人均日用量",
                body=MeterAverageBody,
                answers={201: MeterAverageAnswer},
                problems=(IdempotencyKeyReused, *BUSY),
                idempotency="required",
            ),
            Route(
                "POST",
                "/v1/operator/meter-averages/{id}/approve",
                self.post_approval,
                policy=_OPERATES,
                summary="Put an average in force that somebody else has proposed",
                summary_zh="批准人均日用量",
                answers={200: MeterAverageAnswer},
                problems=(NotFound, SecondPersonNeeded, AverageDecided, *BUSY),
            ),
            *self._reading_routes(),
        ]

    def _reading_routes(self) -> Sequence[Route[Any, Any]]:
        return [
            Route(
                "GET",
                "/v1/meter-averages",
                self.list_averages,
                policy=PUBLIC,
                summary="List averages with their sources, newest first",
                summary_zh="人均日用量列表",
                query=PageQuery,
                answers={200: MeterAveragePage},
            ),
            Route(
                "GET",
                "/v1/meter-readings",
                self.list_readings,
                policy=_SENDS,
                summary="List the readings that my system has told, newest first",
                summary_zh="抄表记录列表",
                query=ReadingQuery,
                answers={200: MeterReadingPage},
            ),
        ]

    async def post_average(self, call: Call[MeterAverageBody, None]) -> Answer:
        """Propose an average."""
        body, by = call.body, call.principal.id

        async def make(conn: AsyncConnection, now: datetime) -> UUID:
            average_id = uuid7()
            columns = msgspec.structs.asdict(body)
            await insert_average(conn, id=average_id, proposed_by=by, proposed_at=now, **columns)
            return average_id

        made = await write_once(self.engine, intention_of(call), make)
        return Answer(await self._average(made.id), 201, made.headers)

    async def post_approval(self, call: Call[None, None]) -> Answer:
        """Approve an average; the same person again changes nothing."""
        average_id, by = call.path_id(), call.principal.id

        async def approve(conn: AsyncConnection, _: datetime) -> None:
            row = await average_by_id(conn, average_id)
            if row is None:
                raise NotFound
            if row.proposed_by == by:
                raise SecondPersonNeeded
            if row.approved_by != by and not await approve_average(conn, average_id, by):
                raise AverageDecided

        await write_alone(self.engine, approve)
        return Answer(await self._average(average_id))

    async def list_averages(self, call: Call[None, PageQuery]) -> Answer:
        """Answer one page of averages."""
        before, limit = position_of(call, UUID), call.query.limit
        async with self.engine.connect() as conn:
            rows = await list_averages(conn, before_id=before, limit=limit + 1)
        cursor = cursor_at(call, rows[limit - 1].id) if len(rows) > limit else None
        items = [_render(row) for row in rows[:limit]]
        return Answer(MeterAveragePage(items=items, next_cursor=cursor))

    async def list_readings(self, call: Call[None, ReadingQuery]) -> Answer:
        """Answer one page of the readings of the caller's partner."""
        before, limit = position_of(call, UUID), call.query.limit
        partner_id = call.principal.partner_id
        assert partner_id is not None, "only keys carry scopes, and every key has a partner"
        async with self.engine.connect() as conn:
            rows = await list_readings(
                conn, partner_id, meter=call.query.meter, before_id=before, limit=limit + 1
            )
        cursor = cursor_at(call, rows[limit - 1].id) if len(rows) > limit else None
        items = [MeterReadingAnswer(**row._mapping) for row in rows[:limit]]  # noqa: SLF001
        return Answer(MeterReadingPage(items=items, next_cursor=cursor))

    async def _average(self, average_id: UUID) -> MeterAverageAnswer:
        async with self.engine.connect() as conn:
            row = await average_by_id(conn, average_id)
        assert row is not None, "it was just written, or found"
        return _render(row)


def _render(row: Any) -> MeterAverageAnswer:
    names = set(MeterAverageAnswer.__struct_fields__) - {"is_approved"}
    shown = {name: row._mapping[name] for name in names}  # noqa: SLF001
    return MeterAverageAnswer(**shown, is_approved=row.approved_by is not None)
