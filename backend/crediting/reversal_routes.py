"""Reversing over HTTP: an operator asks, a second one agrees where much is taken."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.batches import BUSY, Batcher
from backend.checkins.reasons import REASONS
from backend.crediting.answers import Grams, Language
from backend.crediting.domain import NotCredited
from backend.crediting.reversal import (
    Asked,
    Decided,
    ReversalAsked,
    ReversalDecided,
    ReversalNeedsSecondPerson,
    ReversalOutcome,
    ReversalRequest,
    Reversed,
)
from backend.crediting.reversal_queries import list_requests
from backend.errors import NotFound
from backend.http.cursors import PageQuery, cursor_at, position_of
from backend.http.principal import roles
from backend.http.routes import Answer, Call, Route, replayed

# The codes of `backend.checkins.correction_reasons.PROGRAMME_REASONS`; a test holds them together.
ProgrammeReason = Literal[
    "counted_twice", "evidence_does_not_show", "not_the_members_own", "recorded_wrongly"
]


class ReversalBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Why a check-in counts no longer; the member reads the reason's words and this note."""

    reason: ProgrammeReason
    note: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class ReversalDecisionBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What the second person says."""

    decision: Literal["approve", "decline"]


class ReversalAnswer(msgspec.Struct, kw_only=True):
    """One request to reverse; `corrected` are the check-ins whose credit changed just now."""

    id: UUID
    check_in_id: UUID
    outcome: str
    grams: Grams
    reason: str
    reason_text: str
    note: str
    requested_by: str
    requested_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    corrected: list[UUID]


class ReversalPage(msgspec.Struct, kw_only=True):
    """One page of requests, newest first."""

    items: list[ReversalAnswer]
    next_cursor: str | None


class ReversalQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which requests: those that wait for a second person, unless told."""

    outcome: Literal["pending", "done", "declined"] = "pending"


@dataclass(frozen=True, slots=True)
class ReversalDesk:
    """What reversing over HTTP needs; one per process."""

    engine: AsyncEngine
    asked: Batcher[Asked, Reversed]
    decided: Batcher[Decided, Reversed]

    def routes(self) -> Sequence[Route[Any, Any]]:
        """Give the routes of operators who reverse."""
        return [
            Route(
                "POST",
                "/v1/operator/check-ins/{id}/reversals",
                self.post_reversal,
                policy=roles("operator"),
                summary="Reverse a credited check-in; a large one waits for a second person",
                summary_zh="冲正一次已入账的打卡;数额较大时须第二人确认",
                body=ReversalBody,
                answers={201: ReversalAnswer, 202: ReversalAnswer},
                problems=(NotFound, NotCredited, ReversalAsked, *BUSY),
            ),
            Route(
                "GET",
                "/v1/operator/reversals",
                self.list_reversals,
                policy=roles("operator", "auditor"),
                summary="List requests to reverse, newest first",
                summary_zh="冲正申请列表",
                query=ReversalQuery,
                answers={200: ReversalPage},
            ),
            Route(
                "POST",
                "/v1/operator/reversals/{id}/decisions",
                self.post_decision,
                policy=roles("operator"),
                summary="Approve or decline a reversal that another operator asked for",
                summary_zh="确认或驳回他人提出的冲正",
                body=ReversalDecisionBody,
                answers={200: ReversalAnswer},
                problems=(
                    *(NotFound, NotCredited, ReversalDecided, ReversalNeedsSecondPerson),
                    *BUSY,
                ),
            ),
        ]

    async def post_reversal(self, call: Call[ReversalBody, None]) -> Answer:
        """Reverse, or set down for a second person."""
        body = call.body
        asked = Asked(call.path_id(), body.reason, body.note, call.principal.id)
        reversed_ = await self.asked.submit(asked)
        waits = reversed_.request.outcome == ReversalOutcome.PENDING
        return _answer(reversed_, call, 202 if waits else 201)

    async def list_reversals(self, call: Call[None, ReversalQuery]) -> Answer:
        """Answer one page of requests."""
        before, limit = position_of(call, UUID), call.query.limit
        outcome = ReversalOutcome(call.query.outcome)
        async with self.engine.connect() as conn:
            found = await list_requests(conn, outcome, before_id=before, limit=limit + 1)
        page, more = found[:limit], len(found) > limit
        return Answer(
            ReversalPage(
                items=[_render(each, (), call.language) for each in page],
                next_cursor=cursor_at(call, page[-1].id) if more else None,
            )
        )

    async def post_decision(self, call: Call[ReversalDecisionBody, None]) -> Answer:
        """Carry the reversal out, or let the credit stand."""
        approves = call.body.decision == "approve"
        decided = Decided(call.path_id(), call.principal.id, approves)
        return _answer(await self.decided.submit(decided), call, 200)


def _answer(reversed_: Reversed, call: Call[Any, None], status: int) -> Answer:
    headers = replayed(is_replay=reversed_.is_replay)
    answer = _render(reversed_.request, reversed_.corrected, call.language)
    return Answer(answer, status, headers)


def _render(
    request: ReversalRequest, corrected: Sequence[UUID], language: Language
) -> ReversalAnswer:
    reason = REASONS[request.reason]
    return ReversalAnswer(
        id=request.id,
        check_in_id=request.check_in_id,
        outcome=request.outcome,
        grams=request.grams,
        reason=request.reason,
        reason_text=reason.text_zh if language == "zh" else reason.text_en,
        note=request.note,
        requested_by=request.requested_by,
        requested_at=request.requested_at,
        decided_by=request.decided_by,
        decided_at=request.decided_at,
        corrected=list(corrected),
    )
