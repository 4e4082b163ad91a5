"""A collector's round, and what she reports from it, at once or after a day offline."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.batches import BUSY
from backend.crediting.domain import ActivityNotCovered, EvidenceAlreadyUsed
from backend.crediting.steps import Rulebook
from backend.errors import DomainError
from backend.http.cursors import cursor_at, position_of
from backend.http.edge import EDGE
from backend.http.principal import roles
from backend.http.routes import Answer, Call, Route
from backend.intake.bag_routes import NO_SUCH_BAG
from backend.intake.collecting import Recorded, write_reports
from backend.intake.domain import in_utc
from backend.intake.pickup_bodies import (
    SLOT_HOURS,
    JobPage,
    ReportAnswer,
    ReportBody,
    ReportsAnswer,
    ReportsBody,
    RoundQuery,
    render_job,
)
from backend.intake.pickup_routes import opened, place_in_round
from backend.recycling.codes import BagLink
from backend.recycling.domain import (
    BagAlreadyWeighed,
    BagLapsed,
    BagLost,
    BagNotBound,
    BagUsed,
)
from backend.recycling.pickup_queries import Place, list_round
from backend.recycling.pickups import (
    PickupClosed,
    PickupNotYours,
    Report,
    ReportKind,
    ReportNotClear,
    ReportReused,
    ReportTooOld,
    SlotNotBookable,
)
from backend.sealing import Sealer
from backend.writing import write_alone

COLLECTOR = roles("collector")
REPORTS_DEADLINE_S = 60.0  # a hundred reports, one after the other
_WHY_REFUSED = (
    *(PickupNotYours, PickupClosed, ReportNotClear, ReportReused, ReportTooOld, SlotNotBookable),
    *(*NO_SUCH_BAG, BagNotBound, BagUsed, BagAlreadyWeighed, BagLapsed, BagLost),
    *(ActivityNotCovered, EvidenceAlreadyUsed),
)


@dataclass(frozen=True, slots=True)
class CollectorDesk:
    """What collectors need; one per process."""

    engine: AsyncEngine
    sealer: Sealer
    rules: Rulebook
    link: BagLink

    def routes(self) -> Sequence[Route[Any, Any]]:
        """Give the collectors' routes."""
        return [
            Route(
                "GET",
                "/v1/collector/pickups",
                self.list_jobs,
                policy=COLLECTOR,
                summary="List where I go, in the order of the slots, with the addresses",
                summary_zh="我的收运任务(按时段排序)",
                query=RoundQuery,
                answers={200: JobPage},
            ),
            Route(
                "POST",
                "/v1/collector/reports",
                self.post_reports,
                policy=COLLECTOR,
                summary="Report what happened at the doors: late, twice and in bulk, each once",
                summary_zh="上报收运情况,可离线后批量补报",
                body=ReportsBody,
                answers={200: ReportsAnswer},
                problems=(*_WHY_REFUSED, *BUSY),
                deadline_s=REPORTS_DEADLINE_S,
            ),
        ]

    async def list_jobs(self, call: Call[None, RoundQuery]) -> Answer:
        """Answer one page of the caller's open pickups."""
        place, query = position_of(call, Place), call.query
        async with self.engine.connect() as conn:
            found = await list_round(
                conn,
                collector=call.principal.id,
                is_open=True,
                day=query.day,
                after=place,
                limit=query.limit + 1,
            )
        page = found[: query.limit]
        after = cursor_at(call, place_in_round(page[-1])) if len(found) > query.limit else None
        items = [render_job(each, opened(self.sealer, each)) for each in page]
        return Answer(JobPage(items=items, next_cursor=after))

    async def post_reports(self, call: Call[ReportsBody, None]) -> Answer:
        """Answer each report by itself, in order; a refused one stops no other."""
        read = [self._read(each) for each in call.body.reports]
        reports = [each for each in read if isinstance(each, Report)]
        collector = call.principal.id
        written = iter(
            await write_alone(
                self.engine,
                lambda conn, _: write_reports(conn, collector, reports, self.rules),
                clock_shift_s=self.rules.clock_shift_s,
            )
        )
        results = [
            _answer(call, body, next(written) if isinstance(each, Report) else each)
            for body, each in zip(call.body.reports, read, strict=True)
        ]
        return Answer(ReportsAnswer(results=results))

    def _read(self, body: ReportBody) -> Report | DomainError:
        try:
            return Report(
                body.id,
                body.pickup_id,
                ReportKind(body.kind),
                in_utc(body.occurred_at),
                self.link.code_in(body.code) if body.code else None,
                body.mass_g,
                body.day,
                SLOT_HOURS[body.slot] if body.slot else None,
            )
        except DomainError as refusal:
            return refusal


def _answer(call: Call[Any, Any], body: ReportBody, answer: Recorded | DomainError) -> ReportAnswer:
    if isinstance(answer, Recorded):
        if answer.is_replay:
            return ReportAnswer(id=body.id, outcome="duplicate", code=200)
        outcome, code = ("waits", 202) if answer.waits else ("recorded", 201)
        return ReportAnswer(id=body.id, outcome=outcome, code=code)
    code, problem = call.app[EDGE].describe_part(call.request, answer)
    said = msgspec.json.decode(problem, type=dict[str, Any])
    return ReportAnswer(id=body.id, outcome="refused", code=code, problem=said)
