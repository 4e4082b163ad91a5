"""Settlement statements over HTTP: drafted by operators, confirmed by merchants, then paid."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backend.batches import BUSY
from backend.errors import NotFound
from backend.http.cursors import PageQuery, cursor_at, position_of
from backend.http.principal import Policy
from backend.http.routes import Answer, Call, Route
from backend.rewards.domain import MANAGER
from backend.rewards.refusals import (
    NotStaff,
    PeriodNotOver,
    PeriodStated,
    StatementDecided,
    StatementTooLong,
)
from backend.rewards.route_kinds import (
    AUDITS,
    MANAGES,
    OPERATES,
    lists,
    makes,
    merchant_of,
)
from backend.rewards.statement_bodies import (
    DisputeBody,
    LinePage,
    PaymentBody,
    StatementAnswer,
    StatementBody,
    StatementPage,
    StatementQuery,
    render_line,
    render_statement,
)
from backend.rewards.statement_queries import lines_of, shown_statement, shown_statements
from backend.rewards.statements import (
    confirm_statement,
    dispute_statement,
    make_statement,
    pay_statement,
)
from backend.spreadsheets import (
    CSV_TYPE,
    FILE_LINES_MAX,
    XLSX_TYPE,
    Cell,
    as_csv,
    as_xlsx,
)
from backend.units import SHANGHAI
from backend.writing import Made, intention_of, write_alone, write_once

FILE_DEADLINE_S = 60.0
READS = MANAGES | AUDITS
_HEADINGS = {
    "zh": ("编号", "入账时间", "类型", "门店", "收银台", "小票号", "权益", "积分", "原因"),
    "en": ("id", "booked at", "kind", "store", "till", "ticket", "reward", "points", "reason"),
}
_KINDS = {"zh": ("核销", "撤销核销"), "en": ("settlement", "undo")}


@dataclass(frozen=True, slots=True)
class StatementDesk:
    """What statements need."""

    engine: AsyncEngine
    clock_shift_s: int

    def routes(self) -> Sequence[Route[Any, Any]]:
        """Give the routes of statements."""
        path = "/v1/settlement-statements"
        return [
            makes(
                f"/v1/operator{path[3:]}",
                self.post_statement,
                policy=OPERATES,
                body=StatementBody,
                answer=StatementAnswer,
                words=("Draft a merchant's statement up to a day", "生成商户结算单"),
                problems=(NotFound, PeriodNotOver, PeriodStated),
            ),
            lists(
                path,
                self.list_statements,
                policy=READS,
                page=StatementPage,
                words=("List statements: a merchant its own, an operator all", "结算单列表"),
                problems=(NotStaff,),
                query=StatementQuery,
            ),
            self._reads(f"{path}/{{id}}", self.get_statement, StatementAnswer, "See a statement"),
            lists(
                f"{path}/{{id}}/lines",
                self.list_lines,
                policy=READS,
                page=LinePage,
                words=("List what a statement is the sum of", "结算单明细"),
                problems=(NotStaff, NotFound),
            ),
            self._reads(f"{path}/{{id}}/lines.csv", self.get_csv, bytes, "Lines as CSV"),
            self._reads(f"{path}/{{id}}/lines.xlsx", self.get_xlsx, bytes, "Lines as XLSX"),
            *self._moving_routes(path),
        ]

    def _reads(self, path: str, handler: Any, answer: Any, summary: str) -> Route[None, None]:
        return Route(
            "GET",
            path,
            handler,
            policy=READS,
            summary=summary,
            summary_zh="结算单",
            answers={200: answer},
            problems=(NotStaff, NotFound, StatementTooLong),
            deadline_s=FILE_DEADLINE_S,
        )

    def _moving_routes(self, path: str) -> Sequence[Route[Any, Any]]:
        moves: list[tuple[str, Any, Any, Policy, str, str]] = [
            ("confirm", self.post_confirm, None, MANAGES, "Agree with a statement", "确认结算单"),
            ("dispute", self.post_dispute, DisputeBody, MANAGES, "Disagree, and say why", "异议"),
            ("pay", self.post_payment, PaymentBody, OPERATES, "Write that it was paid", "付款登记"),
        ]
        return [
            Route(
                "POST",
                f"{path}/{{id}}/{verb}",
                handler,
                policy=policy,
                summary=summary,
                summary_zh=summary_zh,
                body=body,
                answers={200: StatementAnswer},
                problems=(NotStaff, NotFound, StatementDecided, *BUSY),
            )
            for verb, handler, body, policy, summary, summary_zh in moves
        ]

    async def post_statement(self, call: Call[StatementBody, None]) -> Answer:
        """Draft a statement."""
        body = call.body

        async def make(conn: AsyncConnection, now: datetime) -> UUID:
            return await make_statement(conn, body.merchant_id, body.last_day, now)

        made = await write_once(
            self.engine, intention_of(call), make, clock_shift_s=self.clock_shift_s
        )
        return await self._rendered(call, made, 201)

    async def list_statements(self, call: Call[None, StatementQuery]) -> Answer:
        """Answer one page of statements."""
        limit, before = call.query.limit, position_of(call, UUID)
        async with self.engine.connect() as conn:
            merchant_id = await self._merchant_of(conn, call) or call.query.merchant_id
            rows = await shown_statements(conn, merchant_id, before_id=before, limit=limit + 1)
        page = rows[:limit]
        cursor = cursor_at(call, page[-1].id) if len(rows) > limit else None
        items = [render_statement(row, call.language) for row in page]
        return Answer(StatementPage(items=items, next_cursor=cursor))

    async def get_statement(self, call: Call[None, None]) -> Answer:
        """Answer one statement."""
        return Answer(render_statement(await self._visible(call), call.language))

    async def list_lines(self, call: Call[None, PageQuery]) -> Answer:
        """Answer one page of lines."""
        statement, after = await self._visible(call), position_of(call, UUID)
        limit = call.query.limit
        async with self.engine.connect() as conn:
            rows = await lines_of(conn, statement.id, after_id=after, limit=limit + 1)
        page = rows[:limit]
        cursor = cursor_at(call, page[-1].cause_id) if len(rows) > limit else None
        items = [render_line(row, call.language) for row in page]
        return Answer(LinePage(items=items, next_cursor=cursor))

    async def get_csv(self, call: Call[None, None]) -> Answer:
        """Answer all lines as CSV."""
        rows, name = await self._rows(call)
        return _file(await asyncio.to_thread(as_csv, rows), CSV_TYPE, f"{name}.csv")

    async def get_xlsx(self, call: Call[None, None]) -> Answer:
        """Answer all lines as a spreadsheet."""
        rows, name = await self._rows(call)
        return _file(await asyncio.to_thread(as_xlsx, rows, "lines"), XLSX_TYPE, f"{name}.xlsx")

    async def post_confirm(self, call: Call[None, None]) -> Answer:
        """The merchant agrees."""

        async def confirm(conn: AsyncConnection, now: datetime) -> bool:
            merchant_id = await merchant_of(conn, call, MANAGER)
            who = call.principal.id
            return await confirm_statement(conn, call.path_id(), merchant_id, who, now)

        return await self._moved(call, confirm)

    async def post_dispute(self, call: Call[DisputeBody, None]) -> Answer:
        """The merchant disagrees."""

        async def dispute(conn: AsyncConnection, now: datetime) -> bool:
            merchant_id = await merchant_of(conn, call, MANAGER)
            reason = call.body.reason
            return await dispute_statement(conn, call.path_id(), merchant_id, reason, now)

        return await self._moved(call, dispute)

    async def post_payment(self, call: Call[PaymentBody, None]) -> Answer:
        """The operator has paid."""

        async def pay(conn: AsyncConnection, now: datetime) -> bool:
            who, reference = call.principal.id, call.body.reference
            return await pay_statement(conn, call.path_id(), reference, who, now)

        return await self._moved(call, pay)

    async def _moved(
        self, call: Call[Any, None], move: Callable[[AsyncConnection, datetime], Awaitable[bool]]
    ) -> Answer:
        is_replay = await write_alone(self.engine, move, clock_shift_s=self.clock_shift_s)
        return await self._rendered(call, Made(call.path_id(), is_replay), 200)

    async def _rendered(self, call: Call[Any, Any], made: Made, status: int) -> Answer:
        async with self.engine.connect() as conn:
            row = await shown_statement(conn, made.id)
        assert row is not None, "it was just written, or found"
        return Answer(render_statement(row, call.language), status, made.headers)

    async def _merchant_of(self, conn: AsyncConnection, call: Call[Any, Any]) -> UUID | None:
        """None for an operator or auditor, who sees the statements of all."""
        if AUDITS.allows(call.principal):
            return None
        return await merchant_of(conn, call, MANAGER)

    async def _visible(self, call: Call[Any, Any]) -> Row[Any]:
        async with self.engine.connect() as conn:
            merchant_id = await self._merchant_of(conn, call)
            row = await shown_statement(conn, call.path_id())
        if row is None or merchant_id not in {None, row.merchant_id}:
            raise NotFound
        return row

    async def _rows(self, call: Call[None, None]) -> tuple[list[Sequence[Cell]], str]:
        statement = await self._visible(call)
        if statement.settled_count + statement.undone_count > FILE_LINES_MAX:
            raise StatementTooLong(lines_max=FILE_LINES_MAX)
        async with self.engine.connect() as conn:
            lines = await lines_of(conn, statement.id, after_id=None, limit=FILE_LINES_MAX)
        rows: list[Sequence[Cell]] = [_HEADINGS[call.language]]
        for row in lines:
            line = render_line(row, call.language)
            kind = _KINDS[call.language][line.points < 0]
            where = (line.store, line.till, line.ticket)
            # A bookkeeper compares it with the till: the till's day, and no fractions.
            when = line.booked_at.astimezone(SHANGHAI).isoformat(" ", "seconds")
            rows.append(
                (str(line.cause_id), when, kind, *where, line.reward, line.points, line.reason)
            )
        return rows, f"statement-{statement.first_day}-{statement.last_day}"


def _file(content: bytes, content_type: str, name: str) -> Answer:
    disposition = f'attachment; filename="{name}"'
    return Answer(
        content, headers={"Content-Type": content_type, "Content-Disposition": disposition}
    )
