"""A card at the till: the cashier scans it and picks the reward, the holder types her PIN.

The card stands in for the rotating member code and the PIN for the tap on the phone; everything
else is the settlement request that other members confirm.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backend.batches import BUSY, Batcher
from backend.cards.bodies import CardRequestBody, PinConfirmationBody
from backend.cards.queries import CardRequest, find_card_request, insert_card_request
from backend.cards.refusals import CardLocked, CardNotValid, PinWrong, RequestElsewhere
from backend.cards.tries import Pins
from backend.db import clock
from backend.errors import NotFound
from backend.http.routes import Answer, Call, Route
from backend.partners.cards import lock_card_of_token
from backend.rewards.counters import counter_of
from backend.rewards.refusals import (
    NotStaff,
    RequestDecided,
    RequestExpired,
    RewardNotOffered,
    TillUnknown,
)
from backend.rewards.request_bodies import RequestAnswer, render_request
from backend.rewards.request_queries import shown_request
from backend.rewards.requests import Confirmation, Confirmed, ask_member, check_offered
from backend.rewards.route_kinds import SETTLES, makes
from backend.rewards.voucher_routes import WHY_NOT
from backend.writing import Made, intention_of, write_once


@dataclass(frozen=True, slots=True)
class CardTill:
    """What spending by card needs."""

    engine: AsyncEngine
    pins: Pins
    confirmations: Batcher[Confirmation, Confirmed]
    clock_shift_s: int = 0

    def routes(self) -> Sequence[Route[Any, Any]]:
        """Give the routes of tills."""
        return [
            makes(
                "/v1/card-requests",
                self.post_request,
                policy=SETTLES,
                body=CardRequestBody,
                answer=RequestAnswer,
                words=("Ask for the PIN of the card that was scanned", "扫卡发起兑换"),
                problems=(
                    *(NotFound, NotStaff, TillUnknown),
                    *(CardNotValid, CardLocked, RewardNotOffered),
                ),
                idempotency="optional",
            ),
            Route(
                "POST",
                "/v1/card-requests/{id}/pin",
                self.post_pin,
                policy=SETTLES,
                summary="Redeem and settle with the PIN that the holder has typed",
                summary_zh="持卡人输入密码,兑换并核销",
                body=PinConfirmationBody,
                answers={200: RequestAnswer},
                problems=(
                    *(NotStaff, TillUnknown, RequestElsewhere, RequestDecided, RequestExpired),
                    *(CardNotValid, CardLocked, PinWrong, *WHY_NOT, *BUSY),
                ),
            ),
        ]

    async def post_request(self, call: Call[CardRequestBody, None]) -> Answer:
        """Make a request for the holder of a card; nothing is held before her PIN."""
        body = call.body

        async def make(conn: AsyncConnection, now: datetime) -> UUID:
            counter = await counter_of(conn, call.principal, body.till_key)
            await check_offered(conn, counter, body.reward_id)
            card = await lock_card_of_token(conn, body.card_token)
            if card is None or card.status != "active" or card.account_id is None:
                raise CardNotValid
            if card.is_locked:
                raise CardLocked
            request_id = await ask_member(
                conn, card.account_id, counter=counter, reward_id=body.reward_id, now=now
            )
            await insert_card_request(conn, request_id, card.id)
            return request_id

        shift = self.clock_shift_s
        made = await write_once(self.engine, intention_of(call), make, clock_shift_s=shift)
        return Answer(await self._rendered(call, made.id), 201, made.headers)

    async def post_pin(self, call: Call[PinConfirmationBody, None]) -> Answer:
        """Confirm by PIN; a request that was confirmed before is shown again and tries nothing."""
        request = await self._waiting(call)
        if request.status == "confirmed":
            made = Made(call.path_id(), is_replay=True)
            return Answer(await self._rendered(call, made.id), headers=made.headers)
        await self.pins.check(request.card_id, call.body.pin, by=call.principal.id)
        # A desk has seen the holder, which is more than a verified phone number says.
        confirmation = Confirmation(call.path_id(), request.account_id, is_phone_verified=True)
        made = Made(*await self.confirmations.submit(confirmation))
        return Answer(await self._rendered(call, made.id), headers=made.headers)

    async def _waiting(self, call: Call[PinConfirmationBody, None]) -> CardRequest:
        """The request, if this till may have its PIN typed; a refusal here costs no try."""
        async with self.engine.connect() as conn:
            counter = await counter_of(conn, call.principal, call.body.till_key)
            request = await find_card_request(conn, call.path_id())
            now = await clock(conn, self.clock_shift_s)
        if request is None or request.merchant_id != counter.merchant_id:
            raise NotFound
        if request.requested_by != counter.settled_by:
            raise RequestElsewhere
        if request.status == "declined":
            raise RequestDecided
        if request.status == "pending" and now >= request.expires_at:
            raise RequestExpired
        return request

    async def _rendered(self, call: Call[Any, Any], request_id: UUID) -> RequestAnswer:
        async with self.engine.connect() as conn:
            row = await shown_request(conn, request_id)
            now = await clock(conn, self.clock_shift_s)
        assert row is not None, "it was just written, or found"
        return render_request(row, call.language, now)
