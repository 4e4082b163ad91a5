"""Correcting settlements over HTTP: an operator proposes, another one approves or declines."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backend.batches import BUSY
from backend.errors import NotFound, SecondPersonNeeded
from backend.http.cursors import PageQuery, cursor_at, position_of
from backend.http.routes import Answer, Call, Route, replayed
from backend.rewards.correction_queries import Correction, corrections_before
from backend.rewards.corrections import Corrected, Decided, Proposed, decide, propose_correction
from backend.rewards.domain import MANAGER
from backend.rewards.refusals import (
    CorrectionAsked,
    CorrectionDecided,
    NotStaff,
    SettlementUndone,
    UndoElsewhere,
)
from backend.rewards.route_kinds import AUDITS, MANAGES, OPERATES, lists, merchant_of
from backend.rewards.settlement_bodies import Reason
from backend.writing import write_alone


class CorrectionBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Why the settlement is taken back; the statement shows it."""

    reason: Reason


class CorrectionDecisionBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What the second person says."""

    decision: Literal["approve", "decline"]


class SettlementCorrectionAnswer(msgspec.Struct, kw_only=True):
    """One proposal to take a settlement back; `is_by_one` is from before two were needed."""

    id: UUID
    settlement_id: UUID
    merchant_id: UUID
    points: int
    reason: str
    outcome: str
    proposed_by: str
    proposed_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    is_by_one: bool


class CorrectionPage(msgspec.Struct, kw_only=True):
    """One page of proposals, newest first."""

    items: list[SettlementCorrectionAnswer]
    next_cursor: str | None


class OwnCorrectionAnswer(msgspec.Struct, kw_only=True):
    """A proposal to take a settlement of the merchant's back; operators stay unnamed."""

    id: UUID
    settlement_id: UUID
    points: int
    reason: str
    outcome: str
    proposed_at: datetime
    decided_at: datetime | None


class OwnCorrectionPage(msgspec.Struct, kw_only=True):
    """One page of proposals about the merchant's settlements, newest first."""

    items: list[OwnCorrectionAnswer]
    next_cursor: str | None


class CorrectionQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which proposals: those that wait for a second person, unless told."""

    outcome: Literal["pending", "done", "declined"] = "pending"


@dataclass(frozen=True, slots=True)
class CorrectionDesk:
    """What correcting needs."""

    engine: AsyncEngine
    clock_shift_s: int

    def routes(self) -> Sequence[Route[Any, Any]]:
        """Give the routes of operators who correct, and of merchants who see it."""
        return [
            self._own_route(),
            Route(
                "POST",
                "/v1/operator/settlements/{id}/corrections",
                self.post_correction,
                policy=OPERATES,
                summary="Propose to take a settlement back; nothing moves before a second person",
                summary_zh="提出核销更正,由另一人批准",
                body=CorrectionBody,
                answers={202: SettlementCorrectionAnswer},
                problems=(NotFound, UndoElsewhere, SettlementUndone, CorrectionAsked, *BUSY),
            ),
            lists(
                "/v1/operator/settlement-corrections",
                self.list_corrections,
                policy=AUDITS,
                page=CorrectionPage,
                words=("List proposals to take settlements back, newest first", "核销更正申请列表"),
                query=CorrectionQuery,
            ),
            Route(
                "POST",
                "/v1/operator/settlement-corrections/{id}/decisions",
                self.post_decision,
                policy=OPERATES,
                summary="Approve or decline a correction that somebody else proposed",
                summary_zh="批准或驳回他人提出的核销更正(计入下期结算单)",
                body=CorrectionDecisionBody,
                answers={200: SettlementCorrectionAnswer},
                problems=(
                    *(NotFound, SecondPersonNeeded, CorrectionDecided, SettlementUndone),
                    *BUSY,
                ),
            ),
        ]

    def _own_route(self) -> Route[Any, Any]:
        return lists(
            "/v1/merchant/settlement-corrections",
            self.list_own,
            policy=MANAGES,
            page=OwnCorrectionPage,
            words=(
                "List corrections of my merchant's settlements that wait or were decided",
                "本商户的核销更正(待批准或已决定)",
            ),
            query=CorrectionQuery,
            problems=(NotStaff,),
        )

    async def post_correction(self, call: Call[CorrectionBody, None]) -> Answer:
        """Set a correction down for a second person."""
        proposed = Proposed(call.path_id(), call.body.reason, call.principal.id)

        async def propose(conn: AsyncConnection, now: datetime) -> Corrected:
            return await propose_correction(conn, proposed, now)

        shift = self.clock_shift_s
        return _answer(await write_alone(self.engine, propose, clock_shift_s=shift), 202)

    async def list_corrections(self, call: Call[None, CorrectionQuery]) -> Answer:
        """Answer one page of proposals."""
        before, limit = position_of(call, UUID), call.query.limit
        async with self.engine.connect() as conn:
            found = await corrections_before(
                conn, call.query.outcome, before_id=before, limit=limit + 1
            )
        page = found[:limit]
        cursor = cursor_at(call, page[-1].id) if len(found) > limit else None
        return Answer(CorrectionPage(items=[_render(each) for each in page], next_cursor=cursor))

    async def list_own(self, call: Call[None, CorrectionQuery]) -> Answer:
        """Answer one page of proposals about the caller's merchant."""
        before, limit = position_of(call, UUID), call.query.limit
        async with self.engine.connect() as conn:
            found = await corrections_before(
                conn,
                call.query.outcome,
                merchant_id=await merchant_of(conn, call, MANAGER),
                before_id=before,
                limit=limit + 1,
            )
        page = found[:limit]
        cursor = cursor_at(call, page[-1].id) if len(found) > limit else None
        return Answer(OwnCorrectionPage(items=[_own(each) for each in page], next_cursor=cursor))

    async def post_decision(self, call: Call[CorrectionDecisionBody, None]) -> Answer:
        """Take the settlement back, or let it stand."""
        approves = call.body.decision == "approve"
        decided = Decided(call.path_id(), call.principal.id, approves)
        shift = self.clock_shift_s

        async def write(conn: AsyncConnection, now: datetime) -> Corrected:
            return await decide(conn, decided, now, clock_shift_s=shift)

        return _answer(await write_alone(self.engine, write, clock_shift_s=shift), 200)


def _answer(corrected: Corrected, status: int) -> Answer:
    headers = replayed(is_replay=corrected.is_replay)
    return Answer(_render(corrected.correction), status, headers)


def _render(correction: Correction) -> SettlementCorrectionAnswer:
    return SettlementCorrectionAnswer(**correction._asdict())


def _own(correction: Correction) -> OwnCorrectionAnswer:
    return OwnCorrectionAnswer(
        id=correction.id,
        settlement_id=correction.settlement_id,
        points=correction.points,
        reason=correction.reason,
        outcome=correction.outcome,
        proposed_at=correction.proposed_at,
        decided_at=correction.decided_at,
    )
