"""The desk over HTTP: bind, replace, block, set a PIN, and show a holder what she has."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backend.batches import BUSY
from backend.cards.bodies import (
    BalanceAnswer,
    BalanceBody,
    BindingBody,
    CardAnswer,
    CardChangeAnswer,
    CardChangeBody,
    CardChangePage,
    CardPage,
    CardQuery,
    PinBody,
    ReplacementBody,
    render_card,
)
from backend.cards.refusals import (
    CardHeld,
    CardLocked,
    CardNotBlank,
    CardNotHeld,
    CardNotValid,
    PinTooSimple,
    PinWrong,
)
from backend.cards.steps import Desk, bind, change_pin, change_status, replace
from backend.cards.tries import Pins
from backend.db import clock
from backend.errors import DomainError, NotFound
from backend.http.cursors import PageQuery, cursor_at, position_of
from backend.http.principal import roles
from backend.http.routes import Answer, Call, Route
from backend.ledger.queries import grams_balance, point_lots
from backend.partners.cards import card_changes, card_of_token, shown_card, shown_cards
from backend.rewards.refusals import MemberCodeNotValid
from backend.rewards.route_kinds import lists, makes
from backend.units import format_reduction, shanghai_day
from backend.writing import intention_of, write_alone, write_once

DESK = roles("desk", "operator", "admin")
_ON_BLANK = (CardNotValid, CardNotBlank, PinTooSimple)

Act = Callable[[AsyncConnection, Desk], Awaitable[UUID]]


@dataclass(frozen=True, slots=True)
class CardDesk:
    """What a desk needs."""

    engine: AsyncEngine
    pins: Pins
    clock_shift_s: int = 0

    def routes(self) -> Sequence[Route[Any, Any]]:
        """Give the routes of desks."""
        return [*self._reads(), *self._bindings(), *self._changes()]

    def _reads(self) -> Sequence[Route[Any, Any]]:
        return [
            lists(
                "/v1/desk/cards",
                self.list_cards,
                policy=DESK,
                page=CardPage,
                words=("List cards, newest first, or find one by its number", "按卡号查找卡"),
                query=CardQuery,
            ),
            lists(
                "/v1/desk/cards/{id}/changes",
                self.list_changes,
                policy=DESK,
                page=CardChangePage,
                words=("List what was done with a card, newest first", "卡的变更记录"),
                problems=(NotFound,),
            ),
            self._post(
                "/v1/desk/card-balances",
                self.post_balance,
                body=BalanceBody,
                answer=BalanceAnswer,
                words=("Show a holder what she has, after her PIN", "持卡人输入密码后查询余额"),
                problems=(CardNotValid, CardLocked, PinWrong),
            ),
        ]

    def _bindings(self) -> Sequence[Route[Any, Any]]:
        return [
            makes(
                "/v1/desk/cards",
                self.post_binding,
                policy=DESK,
                body=BindingBody,
                answer=CardAnswer,
                words=("Bind a blank card to a member or to a new one", "为会员或新会员办卡"),
                problems=(*_ON_BLANK, CardHeld, MemberCodeNotValid),
            ),
            makes(
                "/v1/desk/cards/{id}/replacements",
                self.post_replacement,
                policy=DESK,
                body=ReplacementBody,
                answer=CardAnswer,
                words=("Replace a lost card; the old one is dead at once", "补卡,旧卡立即失效"),
                problems=(*_ON_BLANK, NotFound, CardNotHeld),
            ),
        ]

    def _changes(self) -> Sequence[Route[Any, Any]]:
        return [
            self._post(
                "/v1/desk/cards/{id}/changes",
                self.post_change,
                body=CardChangeBody,
                answer=CardAnswer,
                words=("Block a card, or let it work again", "冻结或恢复卡"),
                problems=(NotFound, CardNotHeld),
            ),
            self._post(
                "/v1/desk/cards/{id}/pin",
                self.post_pin,
                body=PinBody,
                answer=CardAnswer,
                words=("Set another PIN, which unlocks the card", "重设密码并解锁"),
                problems=(NotFound, CardNotHeld, PinTooSimple),
            ),
        ]

    def _post(
        self,
        path: str,
        handler: Any,
        *,
        body: Any,
        answer: Any,
        words: tuple[str, str],
        problems: tuple[type[DomainError], ...],
    ) -> Route[Any, Any]:
        return Route(
            "POST",
            path,
            handler,
            policy=DESK,
            summary=words[0],
            summary_zh=words[1],
            body=body,
            answers={200: answer},
            problems=(*problems, *BUSY),
        )

    async def post_binding(self, call: Call[BindingBody, None]) -> Answer:
        """Bind a card."""
        body, pin = call.body, await self.pins.hashed(call.body.pin)
        return await self._once(
            call,
            lambda conn, desk: bind(
                conn, desk, token=body.card_token, pin=pin, member_code=body.member_code
            ),
        )

    async def post_replacement(self, call: Call[ReplacementBody, None]) -> Answer:
        """Replace a card; the answer is the new one."""
        body, pin = call.body, await self.pins.hashed(call.body.pin)
        return await self._once(
            call,
            lambda conn, desk: replace(conn, desk, call.path_id(), token=body.card_token, pin=pin),
        )

    async def post_change(self, call: Call[CardChangeBody, None]) -> Answer:
        """Block or unblock a card."""
        body = call.body
        return await self._alone(
            call,
            lambda conn, desk: change_status(
                conn, desk, call.path_id(), status=body.status, note=body.note
            ),
        )

    async def post_pin(self, call: Call[PinBody, None]) -> Answer:
        """Set a PIN."""
        pin = await self.pins.hashed(call.body.pin)
        return await self._alone(
            call, lambda conn, desk: change_pin(conn, desk, call.path_id(), pin)
        )

    async def post_balance(self, call: Call[BalanceBody, None]) -> Answer:
        """Answer what the holder has; a wrong PIN uses up a try, as at a till."""
        async with self.engine.connect() as conn:
            card = await card_of_token(conn, call.body.card_token)
        if card is None or card.account_id is None:
            raise CardNotValid
        await self.pins.check(card.id, call.body.pin, by=call.principal.id)
        async with self.engine.connect() as conn:
            today = shanghai_day(await clock(conn, self.clock_shift_s))
            grams = await grams_balance(conn, card.account_id)
            lots = (await point_lots(conn, [card.account_id]))[card.account_id]
        points = sum(lot.spendable_on(today) for lot in lots)
        said = format_reduction(grams, call.language)
        return Answer(BalanceAnswer(grams=grams, reduction_text=said, points=points))

    async def list_cards(self, call: Call[None, CardQuery]) -> Answer:
        """Answer one page of cards."""
        query, before = call.query, position_of(call, UUID)
        async with self.engine.connect() as conn:
            rows = await shown_cards(
                conn, number=query.number, before_id=before, limit=query.limit + 1
            )
        items = [render_card(row, call.language) for row in rows[: query.limit]]
        cursor = cursor_at(call, items[-1].id) if len(rows) > query.limit else None
        return Answer(CardPage(items=items, next_cursor=cursor))

    async def list_changes(self, call: Call[None, PageQuery]) -> Answer:
        """Answer one page of the history of a card."""
        limit, before = call.query.limit, position_of(call, UUID)
        async with self.engine.connect() as conn:
            if await shown_card(conn, call.path_id()) is None:
                raise NotFound
            rows = await card_changes(conn, call.path_id(), before_id=before, limit=limit + 1)
        items = [CardChangeAnswer(**row._mapping) for row in rows[:limit]]  # noqa: SLF001
        cursor = cursor_at(call, items[-1].id) if len(rows) > limit else None
        return Answer(CardChangePage(items=items, next_cursor=cursor))

    async def _once(self, call: Call[Any, None], act: Act) -> Answer:
        async def make(conn: AsyncConnection, now: datetime) -> UUID:
            return await act(conn, Desk(call.principal.id, now))

        shift = self.clock_shift_s
        made = await write_once(self.engine, intention_of(call), make, clock_shift_s=shift)
        return Answer(await self._shown(call, made.id), 201, made.headers)

    async def _alone(self, call: Call[Any, None], act: Act) -> Answer:
        async def make(conn: AsyncConnection, now: datetime) -> UUID:
            return await act(conn, Desk(call.principal.id, now))

        card_id = await write_alone(self.engine, make, clock_shift_s=self.clock_shift_s)
        return Answer(await self._shown(call, card_id))

    async def _shown(self, call: Call[Any, Any], card_id: UUID) -> CardAnswer:
        async with self.engine.connect() as conn:
            row = await shown_card(conn, card_id)
        assert row is not None, "it was just written, or found"
        return render_card(row, call.language)
