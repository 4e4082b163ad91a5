"""Governing versions: what is on record, who proposes what, and who agrees."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backend.batches import run_batch
from backend.db import clock
from backend.errors import DomainError, NotFound, SecondPersonNeeded
from backend.http.cursors import cursor_at, position_of
from backend.http.principal import roles
from backend.http.routes import Answer, Call, Route, replayed
from backend.idempotency import IdempotencyKeyReused, Intention
from backend.methodologies.domain import (
    MOVES,
    ConsultationTooShort,
    FileStillDraft,
    FirstDayPassed,
    NotSimulated,
    ProposalDecided,
    ProposalOpen,
    Standing,
    Status,
    StatusMoveNotAllowed,
    SuccessionNotPossible,
    VersionNotInstalled,
    is_closed,
    was_in_force,
)
from backend.methodologies.governance_answers import (
    STATUS_WORDS,
    ChangeAnswer,
    LifeAnswer,
    NewDecision,
    NewProposal,
    ProposalAnswer,
    ProposalPage,
    ProposalQuery,
    StandingAnswer,
    StandingPage,
    VersionQuery,
    render_proposal,
)
from backend.methodologies.queries import (
    VersionFilter,
    find_version,
    history_of,
    is_simulated,
    list_proposals,
    list_versions,
    open_proposal_of,
)
from backend.methodologies.register import CreditingCatalogue, catalogue_on_record, installed
from backend.methodologies.steps import Asked, Decided, Proposed, decide, propose
from backend.units import shanghai_day

HASH_PATTERN = "[0-9a-f]{64}"
READERS = roles("operator", "auditor", "admin")
GOVERNORS = roles("operator", "admin")


_DECISION_REFUSED = (
    NotFound,
    SecondPersonNeeded,
    ProposalDecided,
    StatusMoveNotAllowed,
    ConsultationTooShort,
    FirstDayPassed,
    FileStillDraft,
    VersionNotInstalled,
    SuccessionNotPossible,
)


@dataclass(frozen=True, slots=True)
class Governance:
    """What governing versions needs."""

    engine: AsyncEngine
    catalogue: CreditingCatalogue
    clock_shift_s: int = 0

    def routes(self) -> Sequence[Route[Any, Any]]:
        """Give the routes of those who run and audit the programme."""
        return [*self._reads(), *self._writes()]

    def _reads(self) -> Sequence[Route[Any, Any]]:
        return [
            Route(
                "GET",
                "/v1/operator/methodology-versions",
                self.list_versions,
                policy=READERS,
                summary="List versions of methodologies with their status",
                summary_zh="方法学版本及状态",
                query=VersionQuery,
                answers={200: StandingPage},
            ),
            Route(
                "GET",
                "/v1/operator/methodology-versions/{hash}",
                self.get_version,
                policy=READERS,
                parameters={"hash": HASH_PATTERN},
                summary="See the life of a version: history, proposal, next steps",
                summary_zh="查看方法学版本的状态历史",
                answers={200: LifeAnswer},
                problems=(NotFound,),
            ),
            Route(
                "GET",
                "/v1/operator/methodology-proposals",
                self.list_proposals,
                policy=READERS,
                summary="List proposed changes of status, newest first",
                summary_zh="状态变更提议",
                query=ProposalQuery,
                answers={200: ProposalPage},
            ),
        ]

    def _writes(self) -> Sequence[Route[Any, Any]]:
        return [
            Route(
                "POST",
                "/v1/operator/methodology-versions/{hash}/proposals",
                self.propose,
                policy=GOVERNORS,
                parameters={"hash": HASH_PATTERN},
                summary="Propose the next status of a version",
                summary_zh="提议变更方法学版本的状态",
                body=NewProposal,
                answers={201: ProposalAnswer},
                idempotency="required",
                problems=(
                    NotFound,
                    IdempotencyKeyReused,
                    StatusMoveNotAllowed,
                    NotSimulated,
                    ProposalOpen,
                    VersionNotInstalled,
                ),
            ),
            Route(
                "POST",
                "/v1/operator/methodology-proposals/{id}/decision",
                self.decide,
                policy=GOVERNORS,
                summary="Approve or decline a proposal, as the second person",
                summary_zh="批准或否决提议",
                body=NewDecision,
                answers={200: ProposalAnswer},
                problems=_DECISION_REFUSED,
            ),
        ]

    async def list_versions(self, call: Call[None, VersionQuery]) -> Answer:
        """Answer one page of versions on record."""
        after = position_of(call, tuple[str, date, str])
        wanted = VersionFilter(call.query.methodology_id, call.query.status)
        limit = call.query.limit
        async with self.engine.connect() as conn:
            found = await list_versions(conn, wanted, after=after, limit=limit + 1)
            today = await self._today(conn)
        page = found[:limit]
        last = page[-1] if len(found) > limit else None
        at = (last.methodology_id, last.valid_from, last.hash) if last else None
        return Answer(
            StandingPage(
                items=[self._render(each, today, call) for each in page],
                next_cursor=cursor_at(call, at) if at else None,
            )
        )

    async def get_version(self, call: Call[None, None]) -> Answer:
        """Answer one version with its history."""
        hash = call.path["hash"]
        async with self.engine.connect() as conn:
            standing = await find_version(conn, hash)
            if standing is None:
                raise NotFound
            waiting = await open_proposal_of(conn, hash)
            history = await history_of(conn, hash)
            simulated = await is_simulated(conn, hash)
            today = await self._today(conn)
        return Answer(
            LifeAnswer(
                standing=self._render(standing, today, call),
                is_simulated=simulated,
                next_statuses=sorted(MOVES[standing.status]),
                open_proposal=render_proposal(waiting) if waiting else None,
                history=[
                    ChangeAnswer(
                        from_status=each.from_status,
                        to_status=each.to_status,
                        proposed_by=each.proposed_by,
                        approved_by=each.approved_by,
                        reason=each.reason,
                        changed_at=each.changed_at,
                    )
                    for each in history
                ],
            )
        )

    async def list_proposals(self, call: Call[None, ProposalQuery]) -> Answer:
        """Answer one page of proposals."""
        before, limit = position_of(call, UUID), call.query.limit
        async with self.engine.connect() as conn:
            found = await list_proposals(
                conn, is_open=call.query.is_open, before=before, limit=limit + 1
            )
        page = found[:limit]
        more = len(found) > limit
        return Answer(
            ProposalPage(
                items=[render_proposal(each) for each in page],
                next_cursor=cursor_at(call, page[-1].id) if more else None,
            )
        )

    async def propose(self, call: Call[NewProposal, None]) -> Answer:
        """Write a proposal; a repeated request answers the same one."""
        principal = call.principal.id
        intention = Intention(principal, call.idempotency_key or "", call.request_hash)
        asked = Asked(
            principal,
            call.path["hash"],
            Status(call.body.to_status),
            call.body.reason,
            intention,
        )
        write = partial(propose, packaged=self.catalogue.packaged, clock_shift_s=self.clock_shift_s)
        [answer] = await run_batch(self.engine, write, [asked])
        done = await self._settled(answer)
        headers = replayed(is_replay=done.is_replay)
        return Answer(render_proposal(done.proposal), 201, headers)

    async def decide(self, call: Call[NewDecision, None]) -> Answer:
        """Write a decision; the same one again answers the same proposal."""
        decided = Decided(
            call.principal.id, call.path_id(), is_approval=call.body.decision == "approve"
        )
        write = partial(decide, packaged=self.catalogue.packaged, clock_shift_s=self.clock_shift_s)
        [answer] = await run_batch(self.engine, write, [decided])
        return Answer(render_proposal((await self._settled(answer)).proposal))

    async def _settled(self, answer: Proposed | DomainError) -> Proposed:
        """Raise a refusal; else take up in this process what the record says."""
        if isinstance(answer, DomainError):
            raise answer
        async with self.engine.connect() as conn:
            newer = await catalogue_on_record(
                conn, self.catalogue.packaged, clock_shift_s=self.clock_shift_s
            )
        self.catalogue.adopt(newer)
        return answer

    async def _today(self, conn: AsyncConnection) -> date:
        return shanghai_day(await clock(conn, self.clock_shift_s))

    def _render(self, standing: Standing, today: date, call: Call[Any, Any]) -> StandingAnswer:
        hashes = {each.hash for each in installed(self.catalogue.packaged)}
        words = STATUS_WORDS[standing.status]
        return StandingAnswer(
            **standing._asdict(),
            status_text=words[0] if call.language == "zh" else words[1],
            is_open=was_in_force(standing) and not is_closed(standing, today),
            is_installed=standing.hash in hashes,
            is_review_overdue=standing.status is Status.PUBLISHED and today > standing.review_due,
        )
