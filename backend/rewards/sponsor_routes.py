"""The sponsor's statement: which fund has paid which merchant for what."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.http.problem import Fault
from backend.http.refusals import ValidationFailed
from backend.http.routes import Answer, Call, Route
from backend.rewards.refusals import StatementTooLong
from backend.rewards.route_kinds import AUDITS
from backend.rewards.statement_bodies import SponsorAnswer, SponsorQuery, render_paid
from backend.rewards.statement_queries import paid_by_funds
from backend.rewards.statements import day_begins
from backend.spreadsheets import CSV_TYPE, Cell, as_csv

DAYS_MAX = 366
YEARS = range(2000, 9000)  # midnight of other years may have no name in UTC
ROWS_MAX = 5_000  # funds × merchants × rewards of a large city
DEADLINE_S = 60.0
_HEADINGS = {
    "zh": ("经费", "收款方", "权益", "已付积分", "退回积分", "净额"),
    "en": ("fund", "payee", "reward", "paid points", "returned points", "net points"),
}


@dataclass(frozen=True, slots=True)
class SponsorDesk:
    """What the sponsor's statement needs."""

    engine: AsyncEngine

    def routes(self) -> Sequence[Route[Any, Any]]:
        """Give the statement as JSON and as CSV."""
        return [
            self._route("/v1/operator/sponsor-statement", self.get_json, SponsorAnswer),
            self._route("/v1/operator/sponsor-statement.csv", self.get_csv, bytes),
        ]

    def _route(self, path: str, handler: Any, answer: Any) -> Route[None, SponsorQuery]:
        return Route(
            "GET",
            path,
            handler,
            policy=AUDITS,
            summary="See which fund has paid whom for what",
            summary_zh="资方对账单:谁为哪项权益付了多少积分",
            query=SponsorQuery,
            answers={200: answer},
            problems=(StatementTooLong,),
            deadline_s=DEADLINE_S,
        )

    async def get_json(self, call: Call[None, SponsorQuery]) -> Answer:
        """Answer all rows of the period."""
        items = [render_paid(row, call.language) for row in await self._rows(call)]
        return Answer(
            SponsorAnswer(
                first_day=call.query.first_day,
                last_day=call.query.last_day,
                items=items,
                net_points=sum(item.net_points for item in items),
            )
        )

    async def get_csv(self, call: Call[None, SponsorQuery]) -> Answer:
        """Answer the same as CSV."""
        rows: list[Sequence[Cell]] = [_HEADINGS[call.language]]
        for row in await self._rows(call):
            paid = render_paid(row, call.language)
            points = (paid.paid_points, paid.returned_points, paid.net_points)
            rows.append((paid.fund, paid.payee, paid.reward, *points))
        return Answer(as_csv(rows), headers={"Content-Type": CSV_TYPE})

    async def _rows(self, call: Call[None, SponsorQuery]) -> Sequence[Row[Any]]:
        first, last = call.query.first_day, call.query.last_day
        is_known = first.year in YEARS and last.year in YEARS
        if not is_known or not timedelta(0) <= last - first < timedelta(days=DAYS_MAX):
            raise ValidationFailed(errors=(Fault("/last_day", "out_of_range"),))
        async with self.engine.connect() as conn:
            rows = await paid_by_funds(
                conn,
                since=day_begins(first),
                until=day_begins(last + timedelta(days=1)),
                limit=ROWS_MAX + 1,
            )
        if len(rows) > ROWS_MAX:
            raise StatementTooLong(lines_max=ROWS_MAX)
        return rows
