"""Lots and their steps over HTTP, for shores, ports, sorters and recyclers."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backend.batches import BUSY
from backend.http.cursors import PageQuery, page_of, position_of
from backend.http.routes import Answer, Call, Route
from backend.idempotency import IdempotencyKeyReused
from backend.marine.bodies import (
    GatheringBody,
    LotAnswer,
    LotPage,
    LotQuery,
    StepAnswer,
    StepBody,
    StepPage,
)
from backend.marine.domain import (
    CODE_PATTERN,
    HandInGathered,
    HandInNotWeighed,
    HandInUnknown,
    Loss,
    LotElsewhere,
    LotUnknown,
    LotWithdrawn,
    Making,
    MassNotBalanced,
    MaterialNotMadeHere,
    MaterialsMixed,
    MoreThanLeft,
    SiteElsewhere,
    StepNotWithdrawn,
    StepOutOfOrder,
)
from backend.marine.lot_queries import list_lots, list_steps, shown_lot, shown_step
from backend.marine.route_kinds import HANDLES, KEEPS, READS, recorder_of, sees_only
from backend.marine.steps import Gathering, Stepping, gather_hand_ins, take_step
from backend.partners.domain import RegionNotGranted
from backend.writing import Make, intention_of, write_once

_GATHERING = (
    SiteElsewhere,
    RegionNotGranted,
    HandInUnknown,
    HandInNotWeighed,
    HandInGathered,
    MaterialsMixed,
    StepNotWithdrawn,
    StepOutOfOrder,
)
_STEPPING = (
    SiteElsewhere,
    RegionNotGranted,
    LotUnknown,
    LotElsewhere,
    LotWithdrawn,
    MoreThanLeft,
    MaterialsMixed,
    MaterialNotMadeHere,
    MassNotBalanced,
    StepNotWithdrawn,
    StepOutOfOrder,
)


@dataclass(frozen=True, slots=True)
class CustodyDesk:
    """What lots and steps need."""

    engine: AsyncEngine
    clock_shift_s: int

    def routes(self) -> Sequence[Route[Any, Any]]:
        """Give the routes of those who have material in their hands, and of who checks them."""
        return [*self._writing_routes(), *self._reading_routes()]

    def _writing_routes(self) -> Sequence[Route[Any, Any]]:
        return [
            Route(
                "POST",
                "/v1/marine/lots",
                self.post_lot,
                policy=KEEPS,
                summary="Gather weighed hand-ins of one material into a lot at their shore",
                summary_zh="将交投归入批次",
                body=GatheringBody,
                answers={201: StepAnswer},
                problems=(*_GATHERING, IdempotencyKeyReused, *BUSY),
                idempotency="required",
            ),
            Route(
                "POST",
                "/v1/marine/steps",
                self.post_step,
                policy=HANDLES,
                summary="Move, merge, split or process lots; grams taken are grams made and lost",
                summary_zh="登记批次的移动、合并、拆分或加工",
                body=StepBody,
                answers={201: StepAnswer},
                problems=(*_STEPPING, IdempotencyKeyReused, *BUSY),
                idempotency="required",
            ),
        ]

    def _reading_routes(self) -> Sequence[Route[Any, Any]]:
        return [
            Route(
                "GET",
                "/v1/marine/steps",
                self.list_steps,
                policy=READS,
                summary="List steps: a partner its own, an operator all, newest first",
                summary_zh="流转记录列表",
                query=PageQuery,
                answers={200: StepPage},
            ),
            Route(
                "GET",
                "/v1/marine/lots",
                self.list_lots,
                policy=READS,
                summary="List lots: a partner those at its sites, an operator all, newest first",
                summary_zh="批次列表",
                query=LotQuery,
                answers={200: LotPage},
            ),
            Route(
                "GET",
                "/v1/marine/lots/{code}",
                self.get_lot,
                policy=READS,
                parameters={"code": CODE_PATTERN},
                summary="See a lot by the code on it, also before it is taken over",
                summary_zh="按批次码查看批次",
                answers={200: LotAnswer},
                problems=(LotUnknown,),
            ),
        ]

    async def post_lot(self, call: Call[GatheringBody, None]) -> Answer:
        """Gather hand-ins; one that is named twice counts once."""
        body, recorder = call.body, recorder_of(call)
        hand_ins = tuple(dict.fromkeys(body.hand_ins))
        asked = Gathering(body.site_id, hand_ins, body.occurred_at, body.replaces)

        async def make(conn: AsyncConnection, now: datetime) -> UUID:
            return await gather_hand_ins(conn, asked, recorder, now)

        return await self._write(call, make)

    async def post_step(self, call: Call[StepBody, None]) -> Answer:
        """Record a step; a lot that is named twice gives both amounts."""
        body, recorder = call.body, recorder_of(call)
        taken: Counter[str] = Counter()
        for each in body.taken:
            taken[each.lot] += each.mass_g
        asked = Stepping(
            body.site_id,
            list(taken.items()),
            [Making(each.material, each.mass_g) for each in body.made],
            Loss(body.loss.mass_g, body.loss.reason) if body.loss else None,
            body.occurred_at,
            body.replaces,
        )

        async def make(conn: AsyncConnection, now: datetime) -> UUID:
            return await take_step(conn, asked, recorder, now)

        return await self._write(call, make)

    async def _write(self, call: Call[Any, None], make: Make[UUID]) -> Answer:
        made = await write_once(
            self.engine, intention_of(call), make, clock_shift_s=self.clock_shift_s
        )
        async with self.engine.connect() as conn:
            row = await shown_step(conn, made.id)
        return Answer(StepAnswer(**row._mapping), 201, made.headers)  # noqa: SLF001

    async def list_steps(self, call: Call[None, PageQuery]) -> Answer:
        """Answer one page of steps."""
        before, limit = position_of(call, UUID), call.query.limit
        async with self.engine.connect() as conn:
            rows = await list_steps(
                conn, sees_only(call.principal), before_id=before, limit=limit + 1
            )
        items, cursor = page_of(call, rows, lambda row: StepAnswer(**row._mapping))  # noqa: SLF001
        return Answer(StepPage(items=items, next_cursor=cursor))

    async def list_lots(self, call: Call[None, LotQuery]) -> Answer:
        """Answer one page of lots."""
        before, query = position_of(call, UUID), call.query
        async with self.engine.connect() as conn:
            rows = await list_lots(
                conn,
                sees_only(call.principal),
                is_left=query.is_left,
                before_id=before,
                limit=query.limit + 1,
            )
        items, cursor = page_of(call, rows, lambda row: LotAnswer(**row._mapping))  # noqa: SLF001
        return Answer(LotPage(items=items, next_cursor=cursor))

    async def get_lot(self, call: Call[None, None]) -> Answer:
        """Answer one lot."""
        async with self.engine.connect() as conn:
            row = await shown_lot(conn, call.path["code"])
        if row is None:
            raise LotUnknown
        return Answer(LotAnswer(**row._mapping))  # noqa: SLF001
