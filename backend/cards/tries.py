"""A PIN is tried: counted first, compared outside any transaction, forgiven if it is right."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backend.cards.pins import check_pin, hash_pin, is_pin
from backend.cards.refusals import CardLocked, CardNotValid, PinWrong
from backend.partners.cards import (
    PIN_TRIES_MAX,
    Pin,
    forgive_tries,
    lock_card,
    record_card_change,
    take_try,
)
from backend.writing import write_alone

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Pins:
    """What trying and setting PINs needs."""

    engine: AsyncEngine
    key: bytes
    clock_shift_s: int = 0

    async def hashed(self, pin: str) -> Pin:
        """What will be kept of a new PIN.

        Raises:
            PinTooSimple: Everybody tries it first.
        """
        check_pin(pin)
        return await asyncio.to_thread(hash_pin, self.key, pin)

    async def check(self, card_id: UUID, pin: str, *, by: str) -> None:
        """Compare a PIN; a crash in between costs the holder one try, never gives a free one.

        Raises:
            PinWrong: With the tries that are left.
            CardLocked: That was the last one, or there was none left.
            CardNotValid: The card does not work.
        """
        row = await self._taken(card_id)
        if await asyncio.to_thread(is_pin, self.key, pin, Pin(row.pin_salt, row.pin_hash)):
            await self._alone(lambda conn, _: forgive_tries(conn, card_id, row.pin_hash))
            return
        if row.pin_tries < PIN_TRIES_MAX:
            raise PinWrong(tries_left=PIN_TRIES_MAX - row.pin_tries)
        await self._alone(
            lambda conn, now: record_card_change(conn, card_id, "locked", by=by, now=now)
        )
        raise CardLocked

    async def _taken(self, card_id: UUID) -> Row[Any]:
        async def take(conn: AsyncConnection, _: datetime) -> Row[Any]:
            row = await take_try(conn, card_id)
            if row is not None:
                return row
            card = await lock_card(conn, card_id)
            if card is not None and card.status == "active" and card.is_locked:
                raise CardLocked
            raise CardNotValid

        return await self._alone(take)

    async def _alone(
        self, make: Callable[[AsyncConnection, datetime], Awaitable[Result]]
    ) -> Result:
        return await write_alone(self.engine, make, clock_shift_s=self.clock_shift_s)
