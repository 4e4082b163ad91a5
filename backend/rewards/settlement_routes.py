"""Settling over HTTP: at a till, by a point of sale, and taking it back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.batches import BUSY, Batcher
from backend.errors import NotFound
from backend.http.cursors import PageQuery, cursor_at, position_of
from backend.http.principal import scopes
from backend.http.routes import Answer, Call, Route
from backend.rewards.codes import DIGITS_PATTERN, are_digits_good, plain_code
from backend.rewards.counters import Asked
from backend.rewards.domain import CASHIER, MANAGER
from backend.rewards.ends import Ended, Undoing
from backend.rewards.merchant_queries import Counter
from backend.rewards.refusals import (
    NotStaff,
    TicketAlreadyUsed,
    TillUnknown,
    UndoElsewhere,
    UndoTooLate,
    VoucherCodeMistyped,
)
from backend.rewards.route_kinds import (
    SETTLES,
    VOUCHER_SETTLE,
    WORKS,
    lists,
    makes,
)
from backend.rewards.settle import Settled, Settling
from backend.rewards.settlement_bodies import (
    TICKET_PATTERN,
    PosSettlementBody,
    SettlementAnswer,
    SettlementBody,
    SettlementPage,
    UndoBody,
    render_settlement,
)
from backend.rewards.settlement_queries import (
    shown_by_ticket,
    shown_settlement,
    shown_settlements,
)
from backend.rewards.staff_queries import staff_of
from backend.rewards.voucher_routes import NOT_USABLE
from backend.writing import Made, intention_of

_SETTLING = (*NOT_USABLE, NotFound, NotStaff, TillUnknown, VoucherCodeMistyped)
_POS = scopes(VOUCHER_SETTLE)


@dataclass(frozen=True, slots=True)
class SettlementDesk:
    """What settling needs."""

    engine: AsyncEngine
    settlements: Batcher[Settling, Settled]
    undos: Batcher[Undoing, Ended]
    counters: Batcher[Asked, Counter]

    def routes(self) -> Sequence[Route[Any, Any]]:
        """Give the routes of tills and points of sale."""
        return [
            makes(
                "/v1/settlements",
                self.post_settlement,
                policy=SETTLES,
                body=SettlementBody,
                answer=SettlementAnswer,
                words=("Settle a voucher, once", "核销兑换券"),
                problems=_SETTLING,
                idempotency="optional",
            ),
            lists(
                "/v1/settlements",
                self.list_settlements,
                policy=WORKS,
                page=SettlementPage,
                words=(
                    "List my settlements, a manager those of the merchant, newest first",
                    "核销记录",
                ),
                problems=(NotStaff,),
            ),
            Route(
                "GET",
                "/v1/settlements/{id}",
                self.get_settlement,
                policy=SETTLES,
                summary="See one settlement of my merchant",
                summary_zh="查看一笔核销",
                answers={200: SettlementAnswer},
                problems=(NotFound, NotStaff, TillUnknown),
            ),
            *self._undo_routes(),
            *self._pos_routes(),
        ]

    def _undo_routes(self) -> Sequence[Route[Any, Any]]:
        return [
            Route(
                "POST",
                "/v1/settlements/{id}/undo",
                self.post_undo,
                policy=SETTLES,
                summary="Take a settlement back at the same till, within ten minutes",
                summary_zh="撤销核销(同一收银台,10 分钟内)",
                body=UndoBody,
                answers={200: SettlementAnswer},
                problems=(NotFound, NotStaff, TillUnknown, UndoElsewhere, UndoTooLate, *BUSY),
            ),
        ]

    def _pos_routes(self) -> Sequence[Route[Any, Any]]:
        return [
            Route(
                "POST",
                "/v1/pos/settlements",
                self.post_pos,
                policy=_POS,
                summary="Settle a voucher for a ticket; the same ticket again is the same answer",
                summary_zh="收银系统按小票号核销",
                body=PosSettlementBody,
                answers={200: SettlementAnswer, 201: SettlementAnswer},
                problems=(*_SETTLING, TicketAlreadyUsed, *BUSY),
            ),
            Route(
                "GET",
                "/v1/pos/settlements/{ticket}",
                self.get_pos,
                policy=_POS,
                summary="See what a ticket of this store has settled, after a timeout",
                summary_zh="按小票号查询核销结果",
                parameters={"ticket": TICKET_PATTERN},
                answers={200: SettlementAnswer},
                problems=(NotFound, TillUnknown),
            ),
        ]

    async def post_settlement(self, call: Call[SettlementBody, None]) -> Answer:
        """Settle the voucher that the caller was shown."""
        counter = await self._counter(call, call.body.till_key)
        settling = Settling(_code(call.body.code), counter, None, intention_of(call))
        settled = await self.settlements.submit(settling)
        return await self._rendered(call, Made(*settled), 201)

    async def post_pos(self, call: Call[PosSettlementBody, None]) -> Answer:
        """Settle for a ticket of the store in which the till stands."""
        counter = await self._counter(call, None)
        settling = Settling(_code(call.body.code), counter, call.body.ticket, None)
        settled = await self.settlements.submit(settling)
        return await self._rendered(call, Made(*settled), 200 if settled.is_replay else 201)

    async def get_pos(self, call: Call[None, None]) -> Answer:
        """Answer what a ticket has settled; 404 says that it may be sent again."""
        counter = await self._counter(call, None)
        assert counter.store_id is not None, "a till stands in a store"
        async with self.engine.connect() as conn:
            row = await shown_by_ticket(conn, counter.store_id, call.path["ticket"])
        if row is None:
            raise NotFound
        return Answer(render_settlement(row, call.language))

    async def list_settlements(self, call: Call[None, PageQuery]) -> Answer:
        """Answer one page of settlements."""
        limit, before = call.query.limit, position_of(call, UUID)
        async with self.engine.connect() as conn:
            staff = await staff_of(conn, call.principal.id, MANAGER, CASHIER)
            rows = await shown_settlements(
                conn,
                staff.merchant_id,
                settled_by=None if staff.role == MANAGER else call.principal.id,
                before_id=before,
                limit=limit + 1,
            )
        page = rows[:limit]
        cursor = cursor_at(call, page[-1].id) if len(rows) > limit else None
        items = [render_settlement(row, call.language) for row in page]
        return Answer(SettlementPage(items=items, next_cursor=cursor))

    async def get_settlement(self, call: Call[None, None]) -> Answer:
        """Answer one settlement of the caller's merchant."""
        counter = await self._counter(call, None)
        row = await self._shown(call.path_id())
        if row is None or row.merchant_id != counter.merchant_id:
            raise NotFound
        return Answer(render_settlement(row, call.language))

    async def post_undo(self, call: Call[UndoBody, None]) -> Answer:
        """Take back what this till has settled."""
        counter = await self._counter(call, call.body.till_key)
        undoing = Undoing(call.path_id(), counter, call.principal.id, call.body.reason)
        return await self._rendered(call, Made(*await self.undos.submit(undoing)), 200)

    async def _counter(self, call: Call[Any, Any], till_key: str | None) -> Counter:
        return await self.counters.submit(Asked(call.principal, till_key))

    async def _shown(self, settlement_id: UUID) -> Row[Any] | None:
        async with self.engine.connect() as conn:
            return await shown_settlement(conn, settlement_id)

    async def _rendered(self, call: Call[Any, Any], made: Made, status: int) -> Answer:
        row = await self._shown(made.id)
        assert row is not None, "it was just written, or found"
        return Answer(render_settlement(row, call.language), status, made.headers)


def _code(typed: str) -> str:
    """The code as it is stored.

    Raises:
        VoucherCodeMistyped: Twelve digits whose check digit is wrong: no voucher is looked for.
    """
    code = plain_code(typed)
    if DIGITS_PATTERN.fullmatch(code) and not are_digits_good(code):
        raise VoucherCodeMistyped
    return code
