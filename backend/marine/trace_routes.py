"""The public trace of a product lot, for programs and for people."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from backend.errors import NotFound
from backend.http.principal import PUBLIC
from backend.http.routes import Answer, Call, Route
from backend.marine.domain import CODE_PATTERN
from backend.marine.trace import find_product, way_of
from backend.marine.trace_answers import TraceAnswer, render_trace
from backend.marine.trace_page import draw_trace
from backend.paper import PAPER_HEADERS, Letterhead

_CODE = {"code": CODE_PATTERN}


@dataclass(frozen=True, slots=True)
class TraceReader:
    """What traces need."""

    engine: AsyncEngine
    letterhead: Letterhead

    def routes(self) -> Sequence[Route[Any, Any]]:
        """Give the routes of everybody."""
        return [
            Route(
                "GET",
                "/v1/public/trace/{code}",
                self.get_trace,
                policy=PUBLIC,
                parameters=_CODE,
                summary="Follow a product lot of marine plastic back to the shore",
                summary_zh="海洋塑料产品溯源",
                answers={200: TraceAnswer},
                problems=(NotFound,),
            ),
            Route(
                "GET",
                "/trace/{code}",
                self.get_page,
                policy=PUBLIC,
                parameters=_CODE,
                summary="The same as a page, with a QR code that leads to it",
                summary_zh="海洋塑料产品溯源页",
                answers={200: bytes},
                problems=(NotFound,),
            ),
        ]

    async def get_trace(self, call: Call[None, None]) -> Answer:
        """Answer the trace."""
        return Answer(await self._trace(call))

    async def get_page(self, call: Call[None, None]) -> Answer:
        """Draw the trace."""
        trace = await self._trace(call)
        origin = self.letterhead.public_url or str(call.request.url.origin())
        uri = f"{origin}/trace/{trace.code}"
        page = await asyncio.to_thread(draw_trace, trace, uri, self.letterhead.banner)
        return Answer(page, headers=PAPER_HEADERS)

    async def _trace(self, call: Call[None, None]) -> TraceAnswer:
        async with self.engine.connect() as conn:
            product = await find_product(conn, call.path["code"])
            if product is None:
                raise NotFound
            return render_trace(product, await way_of(conn, product.code))
