"""The operator's first numbers, and the public total."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, Literal

import msgspec
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backend.db import clock, snapshot
from backend.errors import DomainError
from backend.http.principal import PUBLIC, roles
from backend.http.problem import Language
from backend.http.routes import Answer, Call, Route
from backend.reports.queries import (
    active_members,
    corrections_reported,
    is_closed,
    public_totals,
    totals,
    undecided,
)
from backend.reports.shared_answers import SharedAnswers
from backend.units import format_reduction, shanghai_day

PERIOD_DAYS_MAX = 366  # a year by day is what a screen can show; longer periods are exports
# Fewer people than this are not counted out loud: with a district and a day, they could be named.
ACTIVE_MEMBERS_SHOWN_MIN = 10

DISCLAIMER_ZH = "减碳量按公开方法学估算,不是核证减排量,不可交易。"
DISCLAIMER_EN = (
    "Reductions are estimated by public methodologies; they are not certified and not tradable."
)


class PeriodNotValid(DomainError):
    """A period begins on or before its end and is at most 366 days long."""


class SummaryQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """First and last Shanghai day of the activities; by default the thirty days up to today.

    `published` shows closed months as they were closed, `known_now` with all corrections since.
    """

    since: date | None = None
    until: date | None = None
    basis: Literal["published", "known_now"] = "published"


class TotalAnswer(msgspec.Struct, kw_only=True):
    """Totals of one action, district or day."""

    name: str
    credits: int
    grams: int
    points: int
    reduction_text: str


class CorrectionAnswer(msgspec.Struct, kw_only=True):
    """What an open month reports of a day whose own month was closed before; may be negative."""

    reported_in: date
    occurred_on: date
    action: str
    credits: int
    grams: int
    points: int


class SummaryAnswer(msgspec.Struct, kw_only=True):
    """Aggregate reductions of a period as they were at `as_of`.

    `active_members` is null below ten people. They are counted apart, once for all who ask, and the
    count is kept twenty times as long as it took: a moment, or a minute where it takes seconds. So
    it may be that much older than `as_of`.

    `corrections` are reported in the months of this period and belong to days of closed ones; no
    total of this answer includes them, but those of their own days with `basis=known_now`.
    """

    since: date
    until: date
    basis: str
    as_of: datetime
    closed: bool
    credited: int
    in_review: int
    rejected: int
    active_members: int | None
    grams: int
    points: int
    reduction_text: str
    by_action: list[TotalAnswer]
    by_district: list[TotalAnswer]
    by_day: list[TotalAnswer]
    corrections: list[CorrectionAnswer]
    note: str


class PublicTotalsAnswer(msgspec.Struct, kw_only=True):
    """All that the programme had credited at `as_of`.

    It is added up once for all who ask, and kept twenty times as long as that took, so that `as_of`
    is the time of the sum and not of the request.
    """

    as_of: datetime
    closed: bool
    credited: int
    grams: int
    reduction_text: str
    note: str


@dataclass(frozen=True, slots=True)
class TotalsReader:
    """What reading totals needs."""

    engine: AsyncEngine
    shared: SharedAnswers = field(default_factory=SharedAnswers)

    def routes(self) -> Sequence[Route[Any, Any]]:
        """Give totals."""
        return [
            Route(
                "GET",
                "/v1/operator/summary",
                self.get_summary,
                policy=roles("operator", "auditor", "admin"),
                summary="See aggregate reductions by action, district and day",
                summary_zh="按场景、区县、日期汇总减碳量",
                query=SummaryQuery,
                answers={200: SummaryAnswer},
                problems=(PeriodNotValid,),
            ),
            Route(
                "GET",
                "/v1/public/totals",
                self.get_public_totals,
                policy=PUBLIC,
                summary="See what the whole programme has credited",
                summary_zh="全项目累计减碳量",
                answers={200: PublicTotalsAnswer},
            ),
        ]

    async def get_summary(self, call: Call[None, SummaryQuery]) -> Answer:
        """Answer the totals of a period from one snapshot, beside the latest count of members."""
        async with snapshot(self.engine) as conn:
            as_of = await clock(conn, 0)
            since, until = _period(call.query, shanghai_day(as_of))
            groups = await _groups(conn, call, since, until)
            corrections = await corrections_reported(conn, since=since, until=until)
            closed = await is_closed(conn, since=since, until=until)
            open_ones = await undecided(conn, since=since, until=until)
        # Only now: who waits for the count must not hold the connection that it may need.
        count = partial(self._active_members, since, until)
        active = await self.shared.of(("active_members", since, until), count)
        grams = sum(total.grams for total in groups["action"])
        return Answer(
            SummaryAnswer(
                since=since,
                until=until,
                basis=call.query.basis,
                as_of=as_of,
                closed=closed,
                credited=sum(total.credits for total in groups["action"]),
                in_review=open_ones.in_review,
                rejected=open_ones.rejected,
                active_members=active if active >= ACTIVE_MEMBERS_SHOWN_MIN else None,
                grams=grams,
                points=sum(total.points for total in groups["action"]),
                reduction_text=format_reduction(grams, call.language),
                by_action=groups["action"],
                by_district=groups["district"],
                by_day=groups["day"],
                corrections=[_correction(row) for row in corrections],
                note=DISCLAIMER_ZH if call.language == "zh" else DISCLAIMER_EN,
            )
        )

    async def get_public_totals(self, call: Call[None, None]) -> Answer:
        """Answer the public total with the sentence that belongs under it."""
        row = await self.shared.of("public_totals", self._public_totals)
        answer = PublicTotalsAnswer(
            as_of=row.as_of,
            closed=False,
            credited=row.credits,
            grams=row.grams,
            reduction_text=format_reduction(row.grams, call.language),
            note=DISCLAIMER_ZH if call.language == "zh" else DISCLAIMER_EN,
        )
        headers = {"Cache-Control": "public, max-age=30", "Vary": "Accept-Language"}
        return Answer(answer, headers=headers)

    async def _active_members(self, since: date, until: date) -> int:
        async with self.engine.connect() as conn:
            return await active_members(conn, since=since, until=until)

    async def _public_totals(self) -> Row[Any]:
        async with self.engine.connect() as conn:
            return await public_totals(conn)


async def _groups(
    conn: AsyncConnection, call: Call[None, SummaryQuery], since: date, until: date
) -> dict[str, list[TotalAnswer]]:
    known = call.query.basis == "known_now"
    groups: dict[str, list[TotalAnswer]] = {"action": [], "district": [], "day": []}
    for row in await totals(conn, since=since, until=until, as_known_now=known):
        groups[row.by].append(_total(row, call.language))
    return groups


def _period(query: SummaryQuery, today: date) -> tuple[date, date]:
    until = query.until or today
    try:
        since = query.since or until - timedelta(days=29)
    except OverflowError:  # the first days of the year 1
        raise PeriodNotValid from None
    if not timedelta(0) <= until - since < timedelta(days=PERIOD_DAYS_MAX):
        raise PeriodNotValid
    return since, until


def _total(row: Any, language: Language) -> TotalAnswer:
    return TotalAnswer(
        name=row.name,
        credits=row.credits,
        grams=row.grams,
        points=row.points,
        reduction_text=format_reduction(row.grams, language),
    )


def _correction(row: Any) -> CorrectionAnswer:
    return CorrectionAnswer(
        reported_in=row.reported_in,
        occurred_on=row.occurred_on,
        action=row.action,
        credits=row.credits,
        grams=row.grams,
        points=row.points,
    )
