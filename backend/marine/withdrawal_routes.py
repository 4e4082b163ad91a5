"""An operator withdraws a step that was recorded wrongly.

One person does it and gives the reason to all who see the step: it moves neither grams of members
nor money, and the mass is where it was before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backend.batches import BUSY
from backend.errors import NotFound
from backend.http.routes import Answer, Call, Route
from backend.marine.bodies import StepAnswer, WithdrawalBody
from backend.marine.domain import StepBuiltUpon
from backend.marine.lot_queries import shown_step
from backend.marine.route_kinds import OPERATES
from backend.marine.withdrawing import Withdrawal, withdraw_step
from backend.writing import write_alone


@dataclass(frozen=True, slots=True)
class WithdrawalDesk:
    """What withdrawing steps needs."""

    engine: AsyncEngine
    clock_shift_s: int

    def routes(self) -> Sequence[Route[Any, Any]]:
        """Give the one route."""
        return [
            Route(
                "POST",
                "/v1/operator/marine/steps/{id}/withdrawal",
                self.post_withdrawal,
                policy=OPERATES,
                summary="Withdraw a step that was recorded wrongly; it stays on record",
                summary_zh="撤回登记有误的流转记录,记录与原因保留",
                body=WithdrawalBody,
                answers={200: StepAnswer},
                problems=(NotFound, StepBuiltUpon, *BUSY),
            )
        ]

    async def post_withdrawal(self, call: Call[WithdrawalBody, None]) -> Answer:
        """Withdraw a step; the second time is the same answer."""
        asked = Withdrawal(call.path_id(), call.body.reason, call.principal.id)

        async def make(conn: AsyncConnection, now: datetime) -> None:
            await withdraw_step(conn, asked, now)

        await write_alone(self.engine, make, clock_shift_s=self.clock_shift_s)
        async with self.engine.connect() as conn:
            row = await shown_step(conn, asked.step_id)
        return Answer(StepAnswer(**row._mapping))  # noqa: SLF001
