"""The routes of this room, in the order in which material goes through them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from backend.http.routes import Route
from backend.marine.custody_routes import CustodyDesk
from backend.marine.hand_in_routes import ShoreDesk
from backend.marine.payout_routes import PayoutDesk
from backend.marine.trace_routes import TraceReader
from backend.marine.withdrawal_routes import WithdrawalDesk
from backend.paper import Letterhead


def marine_routes(
    engine: AsyncEngine, clock_shift_s: int, *, letterhead: Letterhead
) -> Sequence[Route[Any, Any]]:
    """Give hand-ins, lots and steps, payouts and traces."""
    return [
        *ShoreDesk(engine, clock_shift_s).routes(),
        *CustodyDesk(engine, clock_shift_s).routes(),
        *WithdrawalDesk(engine, clock_shift_s).routes(),
        *PayoutDesk(engine, clock_shift_s).routes(),
        *TraceReader(engine, letterhead).routes(),
    ]
