"""Reading check-ins and their calculations."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.checkins.domain import CheckIn, outcomes_after
from backend.checkins.queries import find_by_natural_key, get_check_in, list_check_ins
from backend.checkins.waiting import OutcomeWaiters
from backend.crediting.answers import CheckInAnswer, render
from backend.crediting.domain import activity_of, reduction_of
from backend.crediting.queries import live_credit_of, live_credits_of
from backend.errors import DomainError, NotFound
from backend.http.cursors import PageQuery, cursor_at, position_of
from backend.http.principal import roles
from backend.http.routes import Answer, Call, Route
from scoring.methodology import Catalogue, explain


class NothingCalculated(DomainError):
    """This check-in has not been credited, so there is no calculation yet."""


class CheckInPage(msgspec.Struct, kw_only=True):
    """One page of a member's check-ins, newest first."""

    items: list[CheckInAnswer]
    next_cursor: str | None


class CalculationAnswer(msgspec.Struct, kw_only=True):
    """Everything that is needed to repeat the arithmetic by hand."""

    check_in_id: UUID
    credit_id: UUID
    booking: int
    calculation: dict[str, Any]
    sentences: list[str]


class CheckInQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`natural_key` finds the one check-in of a capture or bag whose answer was lost."""

    natural_key: Annotated[str, msgspec.Meta(min_length=1, max_length=128)] | None = None


@dataclass(frozen=True, slots=True)
class CheckInReader:
    """What reading check-ins needs."""

    engine: AsyncEngine
    waiters: OutcomeWaiters
    catalogue: Catalogue

    def routes(self) -> Sequence[Route[Any, Any]]:
        """Give the read side of check-ins."""
        reads = roles("member")
        return [
            Route(
                "GET",
                "/v1/check-ins",
                self.list_own,
                policy=reads,
                summary="List my check-ins, newest first",
                summary_zh="我的打卡记录",
                query=CheckInQuery,
                answers={200: CheckInPage},
            ),
            Route(
                "GET",
                "/v1/check-ins/{id}",
                self.get_own,
                policy=reads,
                summary="See one of my check-ins, waiting for its outcome if asked to",
                summary_zh="查看一次打卡,可等待结果",
                answers={200: CheckInAnswer},
                problems=(NotFound,),
                waits=True,
                deadline_s=15.0,
            ),
            Route(
                "GET",
                "/v1/check-ins/{id}/calculation",
                self.get_calculation,
                policy=reads,
                summary="See how the grams of one of my check-ins were calculated",
                summary_zh="查看减碳量的计算过程",
                answers={200: CalculationAnswer},
                problems=(NotFound, NothingCalculated),
            ),
        ]

    async def list_own(self, call: Call[None, CheckInQuery]) -> Answer:
        """Answer one page of the caller's check-ins."""
        before = position_of(call, UUID)
        account_id, limit = call.principal.own_account, call.query.limit
        async with self.engine.connect() as conn:
            if call.query.natural_key is None:
                found = await list_check_ins(conn, account_id, before_id=before, limit=limit + 1)
            else:
                one = await find_by_natural_key(conn, account_id, call.query.natural_key)
                found = [one] if one else []
            page = found[:limit]
            credits = await live_credits_of(conn, [check_in.id for check_in in page])
        more = len(found) > limit
        return Answer(
            CheckInPage(
                items=[render(each, credits.get(each.id), call.language) for each in page],
                next_cursor=cursor_at(call, page[-1].id) if more else None,
            )
        )

    async def get_own(self, call: Call[None, None]) -> Answer:
        """Answer one check-in; with `wait`, once it is decided or the time is over."""
        check_in = await self._own(call)
        outcomes = outcomes_after(check_in.status)
        if call.wait_s and check_in.status not in outcomes:
            await self.waiters.wait(check_in.id, call.wait_s, outcomes)
        return Answer(await load_answer(self.engine, check_in.id, call))

    async def get_calculation(self, call: Call[None, None]) -> Answer:
        """Answer the whole calculation of a credited check-in."""
        check_in = await self._own(call)
        async with self.engine.connect() as conn:
            booked = await live_credit_of(conn, check_in.id)
        if booked is None:
            raise NothingCalculated
        credit = booked.credit
        calculation = explain(activity_of(credit), reduction_of(credit), self.catalogue)
        return Answer(
            CalculationAnswer(
                check_in_id=check_in.id,
                credit_id=credit.id,
                booking=credit.booking,
                calculation=calculation,
                sentences=list(calculation["sentences"][call.language]),
            )
        )

    async def _own(self, call: Call[Any, Any]) -> CheckIn:
        """The caller's check-in; somebody else's is as absent as one that never was."""
        async with self.engine.connect() as conn:
            check_in = await get_check_in(conn, call.path_id())
        if check_in is None or check_in.account_id != call.principal.own_account:
            raise NotFound
        return check_in


async def load_answer(
    engine: AsyncEngine,
    check_in_id: UUID,
    call: Call[Any, Any],
    expected_seconds: int | None = None,
) -> CheckInAnswer:
    """Load one check-in with its live credit, in one transaction, and render it."""
    async with engine.connect() as conn:
        check_in = await get_check_in(conn, check_in_id)
        booked = await live_credit_of(conn, check_in_id)
    if check_in is None:
        raise NotFound
    return render(check_in, booked.credit if booked else None, call.language, expected_seconds)
