"""Batches of bag codes over HTTP: make, list with what became of the bags, print."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.batches import BUSY
from backend.errors import NotFound
from backend.http.cursors import PageQuery, cursor_at, position_of
from backend.http.principal import roles
from backend.http.refusals import IdempotencyKeyMissing
from backend.http.routes import Answer, Call, Route
from backend.idempotency import IdempotencyKeyReused
from backend.recycling.batch_queries import (
    BagBatch,
    BatchCounts,
    Print,
    batches_by_id,
    codes_of,
    counts_of,
    list_batches,
)
from backend.recycling.batches import print_batch
from backend.recycling.codes import BATCH_CODES_MAX, BagLink
from backend.recycling.sheet import LABELS_PER_SHEET_MAX, SHEET_POLICY, draw_sheet
from backend.writing import intention_of, write_once

MAY_READ, MAY_WRITE = roles("operator", "auditor"), roles("operator")
SHEET_DEADLINE_S = 30.0  # half a second of one core, on a machine that has none to spare


class BagBatchBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """How many codes to make; the note names the order, the district or the printer."""

    codes: Annotated[int, msgspec.Meta(ge=1, le=BATCH_CODES_MAX)]
    note: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | None = None


class BagCountsAnswer(msgspec.Struct, kw_only=True):
    """Bags of a batch by where they are in their life; together they are its codes."""

    printed: int
    waiting: int
    weighed: int
    sorted: int
    lapsed: int
    lost: int


class BagBatchAnswer(msgspec.Struct, kw_only=True):
    """One batch. `sheets` is how many files of labels there are: `sheet?number=1` to the last."""

    id: UUID
    number: int
    codes: int
    note: str | None
    created_by: str
    created_at: datetime
    sheets: int
    bags: BagCountsAnswer


class BagBatchPage(msgspec.Struct, kw_only=True):
    """One page of batches, newest first."""

    items: list[BagBatchAnswer]
    next_cursor: str | None


class SheetQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which file of labels, from 1."""

    number: Annotated[int, msgspec.Meta(ge=1, le=BATCH_CODES_MAX)] = 1


@dataclass(frozen=True, slots=True)
class BagBatchDesk:
    """What batches over HTTP need; one per process."""

    engine: AsyncEngine
    link: BagLink
    secret: bytes
    clock_shift_s: int = 0

    def routes(self) -> Sequence[Route[Any, Any]]:
        """Give the routes of batches."""
        return [
            Route(
                "POST",
                "/v1/operator/bag-batches",
                self.post_batch,
                policy=MAY_WRITE,
                summary="Make a batch of signed bag codes",
                summary_zh="生成一批回收袋编码",
                body=BagBatchBody,
                answers={201: BagBatchAnswer},
                problems=(IdempotencyKeyReused, *BUSY),
                idempotency="required",
            ),
            Route(
                "GET",
                "/v1/operator/bag-batches",
                self.list_batches,
                policy=MAY_READ,
                summary="List batches of bag codes and what became of their bags, newest first",
                summary_zh="回收袋批次列表",
                query=PageQuery,
                answers={200: BagBatchPage},
            ),
            Route(
                "GET",
                "/v1/operator/bag-batches/{id}/sheet",
                self.get_sheet,
                policy=MAY_READ,
                summary="Get up to 120 labels of a batch with QR codes, as HTML for the printer",
                summary_zh="下载可打印的二维码标签(HTML,每份至多 120 枚)",
                query=SheetQuery,
                answers={200: bytes},
                problems=(NotFound,),
                deadline_s=SHEET_DEADLINE_S,
            ),
        ]

    async def post_batch(self, call: Call[BagBatchBody, None]) -> Answer:
        """Make a batch; the same Idempotency-Key again gives the same one."""
        intention = intention_of(call)
        if intention is None:
            raise IdempotencyKeyMissing
        asked = Print(call.body.codes, call.body.note, call.principal.id)
        made = await write_once(
            self.engine,
            intention,
            lambda conn, now: print_batch(conn, asked, now, secret=self.secret),
            clock_shift_s=self.clock_shift_s,
        )
        async with self.engine.connect() as conn:
            batches = await batches_by_id(conn, [made.id])
        return Answer((await self._answers([batches[made.id]]))[0], 201, made.headers)

    async def list_batches(self, call: Call[None, PageQuery]) -> Answer:
        """Answer one page of batches."""
        before, limit = position_of(call, int), call.query.limit
        async with self.engine.connect() as conn:
            found = await list_batches(conn, before_number=before, limit=limit + 1)
        page = found[:limit]
        after = cursor_at(call, page[-1].number) if len(found) > limit else None
        return Answer(BagBatchPage(items=await self._answers(page), next_cursor=after))

    async def get_sheet(self, call: Call[None, SheetQuery]) -> Answer:
        """Answer one file of labels."""
        batch_id, place = call.path_id(), (call.query.number - 1) * LABELS_PER_SHEET_MAX
        async with self.engine.connect() as conn:
            batch = (await batches_by_id(conn, [batch_id])).get(batch_id)
            codes = await codes_of(conn, batch_id, after=place, limit=LABELS_PER_SHEET_MAX)
        if batch is None or not codes:
            raise NotFound
        drawn = await asyncio.to_thread(
            draw_sheet, codes, self.link, batch_number=batch.number, first=place + 1
        )
        name = f"bags-{batch.number}-{call.query.number}.html"
        headers = {
            "Content-Type": "text/html; charset=utf-8",
            "Content-Disposition": f'attachment; filename="{name}"',
            "Content-Security-Policy": SHEET_POLICY,
        }
        return Answer(drawn.encode(), headers=headers)

    async def _answers(self, batches: Sequence[BagBatch]) -> list[BagBatchAnswer]:
        async with self.engine.connect() as conn:
            counts = await counts_of(conn, [each.id for each in batches])
        return [render_batch(each, counts.get(each.id, BatchCounts())) for each in batches]


def render_batch(batch: BagBatch, counts: BatchCounts) -> BagBatchAnswer:
    """The batch as operators see it."""
    return BagBatchAnswer(
        id=batch.id,
        number=batch.number,
        codes=batch.codes,
        note=batch.note,
        created_by=batch.created_by,
        created_at=batch.created_at,
        sheets=-(-batch.codes // LABELS_PER_SHEET_MAX),
        bags=BagCountsAnswer(**counts._asdict()),
    )
