"""The reviewer's routes, and the member's appeal: parse, hand to a batch or read, answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from prometheus_client import Counter, Histogram
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backend.batches import BUSY, Batcher
from backend.crediting.answers import CheckInAnswer
from backend.crediting.routes import load_answer
from backend.errors import NotFound
from backend.evidence_store import EvidenceMissing, EvidenceStore, EvidenceUnavailable
from backend.http.cursors import cursor_at, position_of
from backend.http.principal import roles
from backend.http.routes import Answer, Call, Route, replayed
from backend.members.steps import find_account
from backend.review.answers import (
    AppealBody,
    CaseAnswer,
    DecisionAnswer,
    DecisionBody,
    EvidenceQuery,
    LeaseAnswer,
    QueuePage,
    QueueQuery,
    render_case,
    render_decision,
)
from backend.review.domain import (
    STAND_IN_AFTER,
    AppealRequest,
    DecisionRequest,
    Lease,
    LeaseRequest,
    Outcome,
    Reviewer,
)
from backend.review.queue_queries import (
    Place,
    Wanted,
    find_evidence,
    find_open,
    list_queue,
    look_alikes_of,
)
from backend.review.refusals import (
    AlreadyAppealed,
    AlreadyDecided,
    AppealClosed,
    AppealNotOverdue,
    DecidedBefore,
    DecisionNotClear,
    NotAppealable,
    NotInReview,
    OwnCheckIn,
    TakenByAnother,
)
from backend.review.steps import Appealed, Decided
from scoring.model_card import ModelCard

REVIEWER = "reviewer"
# Operators stand in where a programme has no second reviewer; for overdue appeals alone.
REVIEWS = roles(REVIEWER, "operator")
OUTCOME_OF = {"accept": Outcome.ACCEPTED, "reject": Outcome.REJECTED}
HOUR_S, DAY_S = 3_600, 86_400

_CASE_PROBLEMS = (
    *(NotFound, OwnCheckIn, NotInReview, TakenByAnother, DecidedBefore),
    AppealNotOverdue,
)
_decisions = Counter(
    "tanhui_review_decisions", "Decisions of reviewers", ["outcome", "label", "on_appeal"]
)
_waited = Histogram(
    "tanhui_review_wait_seconds",
    "From entering the queue to the decision",
    buckets=(60, 600, HOUR_S, 6 * HOUR_S, DAY_S, 2 * DAY_S, 7 * DAY_S),
)


@dataclass(frozen=True, slots=True)
class ReviewDesk:
    """What reviewing over HTTP needs; one per process.

    Attributes:
        methodologies: Methodology id by action.
        card: Of the model that this process knows; None where there is none.
    """

    engine: AsyncEngine
    store: EvidenceStore
    decisions: Batcher[DecisionRequest, Decided]
    leases: Batcher[LeaseRequest, Lease]
    appeals: Batcher[AppealRequest, Appealed]
    methodologies: Mapping[str, str]
    card: ModelCard | None
    clock_shift_s: int = 0
    stand_in_after: timedelta = STAND_IN_AFTER

    def routes(self) -> Sequence[Route[Any, Any]]:
        """Give the routes of reviewers, and the member's appeal."""
        return [*self._reading_routes(), *self._writing_routes()]

    def _reading_routes(self) -> Sequence[Route[Any, Any]]:
        return [
            Route(
                "GET",
                "/v1/review/check-ins",
                self.list_queue,
                policy=REVIEWS,
                summary="List what waits for a reviewer, longest first",
                summary_zh="待复核的打卡,等待最久的在前",
                query=QueueQuery,
                answers={200: QueuePage},
            ),
            Route(
                "GET",
                "/v1/review/check-ins/{id}",
                self.get_case,
                policy=REVIEWS,
                summary="See one check-in that waits for a reviewer",
                summary_zh="查看一次待复核的打卡",
                answers={200: CaseAnswer},
                problems=(NotFound, OwnCheckIn),
            ),
            Route(
                "GET",
                "/v1/review/check-ins/{id}/evidence",
                self.get_evidence,
                policy=REVIEWS,
                summary="See the photo, while there is one",
                summary_zh="查看照片(保存期内)",
                query=EvidenceQuery,
                answers={200: bytes},
                problems=(NotFound, OwnCheckIn, EvidenceMissing, EvidenceUnavailable),
            ),
        ]

    def _writing_routes(self) -> Sequence[Route[Any, Any]]:
        return [
            Route(
                "PUT",
                "/v1/review/check-ins/{id}/lease",
                self.put_lease,
                policy=REVIEWS,
                summary="Take a check-in for ten minutes, so that nobody else looks at it too",
                summary_zh="领取一次复核,十分钟内他人不再处理",
                answers={200: LeaseAnswer},
                problems=(*_CASE_PROBLEMS, *BUSY),
            ),
            Route(
                "POST",
                "/v1/review/check-ins/{id}/decisions",
                self.post_decision,
                policy=REVIEWS,
                summary="Accept or reject a check-in, and say what the photo shows",
                summary_zh="复核:通过或不计入,并标注照片内容",
                body=DecisionBody,
                answers={201: DecisionAnswer},
                problems=(*_CASE_PROBLEMS, AlreadyDecided, DecisionNotClear, *BUSY),
            ),
            Route(
                "POST",
                "/v1/check-ins/{id}/appeal",
                self.post_appeal,
                policy=roles("member"),
                summary="Ask a person to look again at a photo that was not counted, once",
                summary_zh="申诉:请人工再看一次,每次打卡一次机会",
                body=AppealBody,
                answers={201: CheckInAnswer},
                problems=(NotFound, AlreadyAppealed, NotAppealable, AppealClosed, *BUSY),
            ),
        ]

    async def list_queue(self, call: Call[None, QueueQuery]) -> Answer:
        """Answer one page of the queue, without the reviewer's own check-ins."""
        after, limit, query = position_of(call, Place), call.query.limit, call.query
        async with self.engine.connect() as conn:
            reviewer = await self._reviewer(conn, call)
            wanted = Wanted(
                query.reason,
                query.region,
                self._actions(query.methodology),
                reviewer.account_id,
                _overdue_s(reviewer),
            )
            found = await list_queue(
                conn, wanted, after=after, limit=limit + 1, clock_shift_s=self.clock_shift_s
            )
            page = found[:limit]
            items = await self._render(conn, page, call)
        more = len(found) > limit
        last = Place(page[-1].in_review_since, page[-1].id) if more else None
        return Answer(QueuePage(items=items, next_cursor=cursor_at(call, last) if last else None))

    async def get_case(self, call: Call[None, None]) -> Answer:
        """Answer one check-in of the queue."""
        async with self.engine.connect() as conn:
            reviewer = await self._reviewer(conn, call)
            row = await self._open(conn, call, reviewer)
            if row is None:
                raise NotFound
            if row.account_id == reviewer.account_id:
                raise OwnCheckIn
            [answer] = await self._render(conn, [row], call)
        return Answer(answer)

    async def get_evidence(self, call: Call[None, EvidenceQuery]) -> Answer:
        """Answer the photo itself; no cache may keep it."""
        async with self.engine.connect() as conn:
            reviewer = await self._reviewer(conn, call)
            if reviewer.stands_in_after and not await self._open(conn, call, reviewer):
                raise NotFound
            evidence = await find_evidence(conn, call.path_id(), call.query.part)
        if evidence is None:
            raise NotFound
        if evidence.account_id == reviewer.account_id:
            raise OwnCheckIn
        jpeg = await self.store.get(evidence.account_id, evidence.sha256)
        headers = {"Content-Type": "image/jpeg", "Cache-Control": "private, no-store"}
        return Answer(jpeg, headers=headers)

    async def put_lease(self, call: Call[None, None]) -> Answer:
        """Lend a check-in to the caller."""
        reviewer = await self._caller(call)
        lease = await self.leases.submit(LeaseRequest(call.path_id(), reviewer))
        return Answer(LeaseAnswer(expires_at=lease.expires_at, is_mine=True))

    async def post_decision(self, call: Call[DecisionBody, None]) -> Answer:
        """Decide a check-in; the same decision again is answered with the one that was made."""
        body, reviewer = call.body, await self._caller(call)
        request = DecisionRequest(
            call.path_id(), reviewer, OUTCOME_OF[body.outcome], body.label, body.note
        )
        decided = await self.decisions.submit(request)
        decision = decided.decision
        if not decided.is_replay:
            labels = (decision.outcome, decision.label, str(decision.is_on_appeal).lower())
            _decisions.labels(*labels).inc()
            _waited.observe(decided.waited.total_seconds())
        return Answer(render_decision(decision), 201, replayed(is_replay=decided.is_replay))

    async def post_appeal(self, call: Call[AppealBody, None]) -> Answer:
        """Send the caller's check-in to a person; the same appeal again changes nothing."""
        request = AppealRequest(call.path_id(), call.principal.own_account, call.body.text)
        appealed = await self.appeals.submit(request)
        answer = await load_answer(self.engine, call.path_id(), call)
        return Answer(answer, 201, replayed(is_replay=appealed.is_replay))

    async def _caller(self, call: Call[Any, Any]) -> Reviewer:
        async with self.engine.connect() as conn:
            return await self._reviewer(conn, call)

    async def _reviewer(self, conn: AsyncConnection, call: Call[Any, Any]) -> Reviewer:
        """The caller, with the account that the same person has as a member, in whatever role."""
        account_id: UUID | None = await find_account(conn, call.principal.id)
        is_reviewer = REVIEWER in call.principal.roles
        return Reviewer(call.principal.id, account_id, None if is_reviewer else self.stand_in_after)

    async def _open(
        self, conn: AsyncConnection, call: Call[Any, Any], reviewer: Reviewer
    ) -> Row[Any] | None:
        overdue_s, shift_s = _overdue_s(reviewer), self.clock_shift_s
        return await find_open(conn, call.path_id(), overdue_s=overdue_s, clock_shift_s=shift_s)

    async def _render(
        self, conn: AsyncConnection, rows: Sequence[Any], call: Call[Any, Any]
    ) -> list[CaseAnswer]:
        look_alikes = await look_alikes_of(conn, [row.id for row in rows])
        return [
            render_case(
                row,
                look_alikes.get(row.id, ()),
                reviewer=call.principal.id,
                language=call.language,
                methodologies=self.methodologies,
                card=self.card,
            )
            for row in rows
        ]

    def _actions(self, methodology: str | None) -> Sequence[str] | None:
        if methodology is None:
            return None
        return [action for action, each in self.methodologies.items() if each == methodology]


def _overdue_s(who: Reviewer) -> float | None:
    return who.stands_in_after.total_seconds() if who.stands_in_after else None
