"""The room put together."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from backend.batches import Batcher
from backend.cards.desk_routes import CardDesk
from backend.cards.pins import pin_key
from backend.cards.till_routes import CardTill
from backend.cards.tries import Pins
from backend.crediting.steps import Rulebook
from backend.http.routes import Route
from backend.rewards.requests import Confirmation, Confirmed


def card_routes(
    engine: AsyncEngine, rules: Rulebook, confirmations: Batcher[Confirmation, Confirmed]
) -> Sequence[Route[Any, Any]]:
    """Wire the room; `confirmations` are the members' own, so both share a batch."""
    shift = rules.clock_shift_s
    pins = Pins(engine, pin_key(rules.claim_secret), shift)
    return [
        *CardDesk(engine, pins, shift).routes(),
        *CardTill(engine, pins, confirmations, shift).routes(),
    ]
