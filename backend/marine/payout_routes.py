"""Payouts over HTTP: recorded by the station, listed and added up for who must account for them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backend.batches import BUSY
from backend.http.cursors import PageQuery, page_of, position_of
from backend.http.routes import Answer, Call, Route
from backend.marine.bodies import Moment
from backend.marine.domain import (
    FEN_PER_KG_MAX,
    HandInNotWeighed,
    HandInPaid,
    HandInUnknown,
    PayoutPeriodNotValid,
    PayoutsTooMany,
    SiteElsewhere,
    StepOutOfOrder,
)
from backend.marine.payouts import Paying, list_payouts, pay_hand_in, payout_totals, shown_payout
from backend.marine.route_kinds import KEEPS, READS, recorder_of, sees_only
from backend.partners.domain import RegionNotGranted
from backend.spreadsheets import CSV_TYPE, FILE_LINES_MAX, Cell, as_csv
from backend.writing import write_alone

PERIOD_DAYS_MAX = 366  # a year's accounts; longer ones are several files
FILE_DEADLINE_S = 60.0
_HEADINGS = {
    "zh": (
        "交投编号",
        "站点",
        "经手",
        "质量(克)",
        "单价(分/千克)",
        "金额(分)",
        "凭证号",
        "付款时间",
    ),
    "en": (
        "hand-in",
        "site",
        "keeper",
        "mass_g",
        "fen_per_kg",
        "amount_fen",
        "reference",
        "paid at",
    ),
}


class PayoutBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What was paid: fen per kilogram, and the payer's own reference of the payment."""

    fen_per_kg: Annotated[int, msgspec.Meta(ge=1, le=FEN_PER_KG_MAX)]
    reference: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    paid_at: Moment


class PayoutAnswer(msgspec.Struct, kw_only=True):
    """A payout; `amount_fen` is rounded down to whole fen."""

    id: UUID
    partner_id: UUID
    site_id: UUID
    kept_by: str
    mass_g: int
    fen_per_kg: int
    amount_fen: int
    reference: str
    paid_at: datetime
    recorded_at: datetime


class PayoutPage(msgspec.Struct, kw_only=True):
    """One page of payouts, newest hand-in first."""

    items: list[PayoutAnswer]
    next_cursor: str | None


class PeriodQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """First and last Shanghai day of the payments."""

    since: date
    until: date


class PayoutQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """First and last Shanghai day of the payments."""

    since: date
    until: date


class KeeperTotal(msgspec.Struct, kw_only=True):
    """What went through one keeper's hands at one site."""

    site_id: UUID
    kept_by: str
    hand_ins: int
    mass_g: int
    amount_fen: int


class PayoutTotals(msgspec.Struct, kw_only=True):
    """Totals per site and keeper, and of all of them."""

    since: date
    until: date
    keepers: list[KeeperTotal]
    hand_ins: int
    mass_g: int
    amount_fen: int


@dataclass(frozen=True, slots=True)
class PayoutDesk:
    """What payouts need."""

    engine: AsyncEngine
    clock_shift_s: int

    def routes(self) -> Sequence[Route[Any, Any]]:
        """Give the routes of payouts."""
        return [
            Route(
                "POST",
                "/v1/marine/hand-ins/{id}/payout",
                self.post_payout,
                policy=KEEPS,
                summary="Record what a hand-in was paid; the same again changes nothing",
                summary_zh="登记交投付款",
                body=PayoutBody,
                answers={200: PayoutAnswer},
                problems=(
                    HandInUnknown,
                    HandInNotWeighed,
                    HandInPaid,
                    SiteElsewhere,
                    RegionNotGranted,
                    StepOutOfOrder,
                    *BUSY,
                ),
            ),
            self._reads("", self.list_payouts, PayoutPage, PayoutQuery, "List payouts", "付款列表"),
            self._reads(
                "/totals",
                self.get_totals,
                PayoutTotals,
                PeriodQuery,
                "Payouts per keeper",
                "付款合计",
            ),
            self._reads(".csv", self.get_csv, bytes, PeriodQuery, "Payouts as CSV", "付款明细 CSV"),
        ]

    def _reads(
        self, end: str, handler: Any, answer: Any, query: type[Any], *words: str
    ) -> Route[None, Any]:
        return Route(
            "GET",
            f"/v1/marine/payouts{end}",
            handler,
            policy=READS,
            summary=f"{words[0]}: a partner its own, an operator all",
            summary_zh=words[1],
            query=query,
            answers={200: answer},
            problems=(PayoutPeriodNotValid, PayoutsTooMany),
            deadline_s=FILE_DEADLINE_S,
        )

    async def post_payout(self, call: Call[PayoutBody, None]) -> Answer:
        """Record one payout."""
        body, recorder = call.body, recorder_of(call)
        asked = Paying(call.path_id(), body.fen_per_kg, body.reference, body.paid_at)

        async def pay(conn: AsyncConnection, now: datetime) -> bool:
            return await pay_hand_in(conn, asked, recorder, now)

        await write_alone(self.engine, pay, clock_shift_s=self.clock_shift_s)
        async with self.engine.connect() as conn:
            row = await shown_payout(conn, asked.hand_in_id)
        assert row is not None, "it was just written, or found"
        return Answer(PayoutAnswer(**row._mapping))  # noqa: SLF001

    async def list_payouts(self, call: Call[None, PayoutQuery]) -> Answer:
        """Answer one page of payouts."""
        query, before = call.query, position_of(call, UUID)
        _check_period(query.since, query.until)
        async with self.engine.connect() as conn:
            rows = await list_payouts(
                conn,
                sees_only(call.principal),
                since=query.since,
                until=query.until,
                before_id=before,
                limit=query.limit + 1,
            )
        items, cursor = page_of(call, rows, lambda row: PayoutAnswer(**row._mapping))  # noqa: SLF001
        return Answer(PayoutPage(items=items, next_cursor=cursor))

    async def get_totals(self, call: Call[None, PeriodQuery]) -> Answer:
        """Answer totals per site and keeper."""
        query = call.query
        _check_period(query.since, query.until)
        async with self.engine.connect() as conn:
            rows = await payout_totals(
                conn, sees_only(call.principal), since=query.since, until=query.until
            )
        keepers = [KeeperTotal(**row._mapping) for row in rows]  # noqa: SLF001
        return Answer(
            PayoutTotals(
                since=query.since,
                until=query.until,
                keepers=keepers,
                hand_ins=sum(each.hand_ins for each in keepers),
                mass_g=sum(each.mass_g for each in keepers),
                amount_fen=sum(each.amount_fen for each in keepers),
            )
        )

    async def get_csv(self, call: Call[None, PeriodQuery]) -> Answer:
        """Answer all payouts of the period as CSV."""
        query = call.query
        _check_period(query.since, query.until)
        async with self.engine.connect() as conn:
            paid = await list_payouts(
                conn,
                sees_only(call.principal),
                since=query.since,
                until=query.until,
                before_id=None,
                limit=FILE_LINES_MAX + 1,
            )
        if len(paid) > FILE_LINES_MAX:
            raise PayoutsTooMany(lines_max=FILE_LINES_MAX)
        rows: list[Sequence[Cell]] = [_HEADINGS[call.language]]
        for each in paid:
            where = (str(each.id), str(each.site_id), each.kept_by)
            money = (each.mass_g, each.fen_per_kg, each.amount_fen)
            rows.append((*where, *money, each.reference, each.paid_at.isoformat()))
        name = f"payouts-{query.since}-{query.until}.csv"
        disposition = f'attachment; filename="{name}"'
        headers = {"Content-Type": CSV_TYPE, "Content-Disposition": disposition}
        return Answer(await asyncio.to_thread(as_csv, rows), headers=headers)


def _check_period(since: date, until: date) -> None:
    if not timedelta(0) <= until - since < timedelta(days=PERIOD_DAYS_MAX):
        raise PayoutPeriodNotValid
