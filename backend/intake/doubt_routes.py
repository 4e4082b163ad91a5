"""Operators look at weights that are out of range, and decide."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from backend.batches import BUSY, Batcher
from backend.crediting.domain import ActivityNotCovered, EvidenceAlreadyUsed
from backend.errors import NotFound
from backend.http.cursors import cursor_at, position_of
from backend.http.principal import roles
from backend.http.routes import Answer, Call, Route, replayed
from backend.intake.bag_bodies import (
    DoubtAnswer,
    DoubtDecisionBody,
    DoubtPage,
    DoubtQuery,
    render_doubt,
)
from backend.intake.bag_routes import WeighingNotClear
from backend.intake.doubts import CREDITED, DISMISSED, DecidedDoubt, DoubtDecision
from backend.recycling.domain import BagDoubtDecided, BagLapsed
from backend.recycling.doubt_queries import list_doubts
from backend.recycling.queries import find_bags


@dataclass(frozen=True, slots=True)
class DoubtDesk:
    """What deciding over doubtful weights needs; one per process."""

    engine: AsyncEngine
    decisions: Batcher[DoubtDecision, DecidedDoubt]

    def routes(self) -> Sequence[Route[Any, Any]]:
        """Give the operators' routes."""
        return [
            Route(
                "GET",
                "/v1/operator/bag-doubts",
                self.list_all,
                policy=roles("operator", "auditor"),
                summary="List weights of bags that are out of range, the oldest first",
                summary_zh="待核实的称重列表",
                query=DoubtQuery,
                answers={200: DoubtPage},
            ),
            Route(
                "POST",
                "/v1/operator/bag-doubts/{id}/decisions",
                self.post_decision,
                policy=roles("operator"),
                summary="Credit a doubtful weight, correct it, or let the bag be weighed again",
                summary_zh="核实称重:入账、更正或退回重称",
                body=DoubtDecisionBody,
                answers={200: DoubtAnswer},
                problems=(
                    *(NotFound, BagDoubtDecided, BagLapsed, WeighingNotClear),
                    *(ActivityNotCovered, EvidenceAlreadyUsed),
                    *BUSY,
                ),
            ),
        ]

    async def list_all(self, call: Call[None, DoubtQuery]) -> Answer:
        """Answer one page of doubts."""
        after, query = position_of(call, UUID), call.query
        async with self.engine.connect() as conn:
            found = await list_doubts(conn, query.outcome, after_id=after, limit=query.limit + 1)
            page = found[: query.limit]
            bags = await find_bags(conn, [each.code for each in page])
        more = cursor_at(call, page[-1].id) if len(found) > query.limit else None
        items = [render_doubt(each, bags[each.code].check_in_id) for each in page]
        return Answer(DoubtPage(items=items, next_cursor=more))

    async def post_decision(self, call: Call[DoubtDecisionBody, None]) -> Answer:
        """Decide; the same decision again changes nothing."""
        credits = call.body.decision == "credit"
        if call.body.mass_g is not None and not credits:
            raise WeighingNotClear
        decision = DoubtDecision(
            call.path_id(),
            call.principal.id,
            CREDITED if credits else DISMISSED,
            call.body.mass_g,
        )
        decided = await self.decisions.submit(decision)
        headers = replayed(is_replay=decided.is_replay)
        return Answer(render_doubt(decided.doubt, decided.check_in_id), headers=headers)
