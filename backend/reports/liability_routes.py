"""What is owed in points, what is funded, what expires: the operator's sheet of liabilities."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.db import clock
from backend.http.principal import roles
from backend.http.routes import Answer, Call, Route
from backend.reports.liability_queries import expiring, liability


class ExpiringAnswer(msgspec.Struct, kw_only=True):
    """Points whose last day is in this month."""

    month: str
    points: int


class OwedAnswer(msgspec.Struct, kw_only=True):
    """Points of one fund, one sponsor, or all.

    `owed` is `posted` (of which `held` for vouchers) and `pending`, which were drawn but are not
    due; `queued` ones wait for money and come on top. `budget` = `available` + `owed` + `redeemed`.
    """

    budget: int
    available: int
    owed: int
    posted: int
    held: int
    pending: int
    queued: int
    redeemed: int


class FundLiabilityAnswer(OwedAnswer, kw_only=True):
    """One fund, with the campaigns that it pays for."""

    fund_id: UUID
    name: str
    sponsor: str
    campaigns: list[str]
    stops_on: date | None
    expiring: list[ExpiringAnswer]


class SponsorLiabilityAnswer(OwedAnswer, kw_only=True):
    """All funds of one sponsor; the programme itself has an empty name."""

    sponsor: str


class LiabilityAnswer(msgspec.Struct, kw_only=True):
    """The sheet at one moment."""

    as_of: datetime
    total: OwedAnswer
    funds: list[FundLiabilityAnswer]
    sponsors: list[SponsorLiabilityAnswer]
    expiring: list[ExpiringAnswer]


@dataclass(frozen=True, slots=True)
class LiabilityReader:
    """What the sheet needs."""

    engine: AsyncEngine
    clock_shift_s: int = 0

    def routes(self) -> Sequence[Route[Any, Any]]:
        """Give the sheet."""
        return [
            Route(
                "GET",
                "/v1/operator/liability",
                self.get_liability,
                policy=roles("operator", "auditor", "admin"),
                summary="See what is owed in points, what is funded and what expires",
                summary_zh="待兑付积分:应付、已注资、即将过期",
                answers={200: LiabilityAnswer},
            )
        ]

    async def get_liability(self, call: Call[None, None]) -> Answer:
        """Answer all sums from one snapshot."""
        async with self.engine.connect() as fresh:
            conn = await fresh.execution_options(isolation_level="REPEATABLE READ")
            as_of = await clock(conn, self.clock_shift_s)
            rows = await liability(conn)
            months = await expiring(conn)
        is_zh = call.language == "zh"
        by_sponsor: dict[str, list[Row[Any]]] = defaultdict(list)
        for row in rows:
            by_sponsor[row.sponsor_zh if is_zh else row.sponsor_en].append(row)
        return Answer(
            LiabilityAnswer(
                as_of=as_of,
                total=OwedAnswer(**_sums(rows)),
                funds=[_fund(row, months, is_zh=is_zh) for row in rows],
                sponsors=[
                    SponsorLiabilityAnswer(sponsor=sponsor, **_sums(theirs))
                    for sponsor, theirs in sorted(by_sponsor.items())
                ],
                expiring=_by_month(months),
            )
        )


def _sums(rows: Sequence[Row[Any]]) -> dict[str, int]:
    names = ("budget", "available", "posted", "held", "pending", "queued", "redeemed")
    sums = {name: sum(getattr(row, name) for row in rows) for name in names}
    return {**sums, "owed": sums["posted"] + sums["pending"]}


def _fund(row: Row[Any], months: Sequence[Row[Any]], *, is_zh: bool) -> FundLiabilityAnswer:
    return FundLiabilityAnswer(
        fund_id=row.id,
        name=row.name_zh if is_zh else row.name_en,
        sponsor=row.sponsor_zh if is_zh else row.sponsor_en,
        campaigns=list(row.campaigns),
        stops_on=row.stops_on,
        expiring=_by_month([each for each in months if each.fund_id == row.id]),
        **_sums([row]),
    )


def _by_month(months: Sequence[Row[Any]]) -> list[ExpiringAnswer]:
    points: dict[str, int] = defaultdict(int)
    for each in months:
        points[each.month] += each.points
    return [ExpiringAnswer(month=month, points=owed) for month, owed in sorted(points.items())]
