"""Reading check-ins; how their grams came about is in `calculation_routes`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.campaigns.pending import pending_of
from backend.checkins.domain import CheckIn, outcomes_after
from backend.checkins.queries import find_by_natural_key, get_check_in, list_check_ins
from backend.checkins.waiting import OutcomeWaiters
from backend.crediting.answers import CheckInAnswer, render, show_pending
from backend.crediting.history import history_of
from backend.crediting.queries import live_credit_of, live_credits_of
from backend.errors import NotFound
from backend.http.cursors import PageQuery, cursor_at, position_of
from backend.http.principal import roles
from backend.http.routes import Answer, Call, Route


class CheckInPage(msgspec.Struct, kw_only=True):
    """One page of a member's check-ins, newest first."""

    items: list[CheckInAnswer]
    next_cursor: str | None


class CheckInQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`natural_key` finds the one check-in of a capture or bag whose answer was lost."""

    natural_key: Annotated[str, msgspec.Meta(min_length=1, max_length=128)] | None = None


@dataclass(frozen=True, slots=True)
class CheckInReader:
    """What reading check-ins needs."""

    engine: AsyncEngine
    waiters: OutcomeWaiters

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
            pending = await pending_of(conn, [credit.id for credit in credits.values()])
        more = len(found) > limit
        items = []
        for each in page:
            credit = credits.get(each.id)
            answer = render(each, credit, call.language)
            items.append(show_pending(answer, pending.get(credit.id) if credit else None))
        return Answer(
            CheckInPage(
                items=items,
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
        pending = await pending_of(conn, [booked.credit.id]) if booked else {}
        history = await history_of(conn, check_in_id, call.language)
    if check_in is None:
        raise NotFound
    credit = booked.credit if booked else None
    answer = render(check_in, credit, call.language, expected_seconds)
    answer.history = history
    return show_pending(answer, pending.get(credit.id) if credit else None)
