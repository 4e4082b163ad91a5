"""Waiting until everything is decided, then the operator's and the public's numbers."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Self

from sqlalchemy.ext.asyncio import AsyncEngine

from backend.demo.citizen import ACTIONS
from backend.demo.city import DISTRICTS
from backend.demo.client import Client
from backend.demo.screen import Screen
from backend.demo.tally import Tally
from backend.events import CREDIT, REPORT, SCORE
from backend.outbox import backlog, dead_letters
from backend.units import shanghai_day

DRAIN_S_MAX = 180.0  # 527 photos wait for the last one seconds, not minutes
LOOK_EVERY_S = 0.1
DAYS_BACK = 30  # evidence of the demo is hours old


@dataclass(frozen=True, slots=True)
class Totals:
    """The operator's numbers; those of one run are a difference, for a folder may have had more."""

    credited: int
    in_review: int
    rejected: int
    grams: int
    points: int

    @classmethod
    def of(cls, summary: Mapping[str, Any]) -> Self:
        """The numbers of `GET /v1/operator/summary`."""
        return cls(**{name: summary[name] for name in cls.__dataclass_fields__})

    def since(self, before: Self) -> Self:
        """What was added."""
        names = type(self).__dataclass_fields__
        return type(self)(**{name: getattr(self, name) - getattr(before, name) for name in names})

    @property
    def decided(self) -> int:
        """How many check-ins have an outcome."""
        return self.credited + self.in_review + self.rejected


async def summary_of(operator: Client, now: datetime) -> Mapping[str, Any]:
    """The operator's summary of the days around the demo; a night that ends is still inside."""
    since, until = _days_around(now)
    return await operator.need(f"/v1/operator/summary?since={since}&until={until}")


async def payments_of(operator: Client, now: datetime) -> Mapping[str, Any]:
    """The sponsors' statement of the same days: which fund has paid whom for what."""
    first, last = _days_around(now)
    path = "/v1/operator/sponsor-statement"
    return await operator.need(f"{path}?first_day={first}&last_day={last}")


def _days_around(now: datetime) -> tuple[date, date]:
    today = shanghai_day(now)
    return today - timedelta(days=DAYS_BACK), today + timedelta(days=1)


async def drain(engine: AsyncEngine, screen: Screen) -> None:
    """Wait until the work table is empty; what is late or given up is said, and missing below."""
    limit, most = time.monotonic() + DRAIN_S_MAX, 0
    while (waiting := await _waiting(engine)) and time.monotonic() < limit:
        most = max(most, waiting)
        screen.progress("入账与汇总 credits and totals", most - waiting, most)
        await asyncio.sleep(LOOK_EVERY_S)
    if waiting:
        screen.say(f"  ✗ {waiting} 项未完成 still waiting after {DRAIN_S_MAX:.0f} s")
    async with engine.connect() as conn:
        for dead in await dead_letters(conn):
            screen.say(f"  ✗ 已放弃 given up: {dead.step} {dead.error} (tanhui outbox)")


async def _waiting(engine: AsyncEngine) -> int:
    async with engine.connect() as conn:
        return sum([await backlog(conn, step) for step in (SCORE, CREDIT, REPORT)])


def show_totals(
    screen: Screen,
    summary: Mapping[str, Any],
    payments: Mapping[str, Any],
    public: Mapping[str, Any],
) -> None:
    """Write what operators and the public see."""
    screen.title("运营汇总 Operator summary")
    active = summary["active_members"]
    screen.say(
        f"  减碳量 Reduction: {summary['reduction_text']}"
        f" ({summary['grams']:,} 克 g, {_tonnes(summary['grams'])})"
        f" · 碳普惠积分 Points: {summary['points']}"
        f" · 活跃居民 Active members: {'<10' if active is None else active}"
    )
    for head, group, words in (
        ("减排场景 action", "by_action", ACTIONS),
        ("城区 district", "by_district", DISTRICTS),
        ("日期 day", "by_day", {}),
    ):
        rows = [
            (
                _named(each["name"], words),
                each["credits"],
                each["reduction_text"],
                each["points"],
            )
            for each in summary[group]
        ]
        screen.table((head, "入账 credited", "减碳量 reduction", "积分 points"), rows)
    paid = [
        (each["fund"], each["payee"], each["reward"], each["net_points"])
        for each in payments["items"]
    ]
    screen.table(("经费 fund", "付给 paid to", "权益 reward", "积分 points"), paid)
    screen.title("公众总量 Public total")
    screen.say(
        f"  减碳量 Reduction: {public['reduction_text']} · 入账 Credited: {public['credited']}"
    )
    screen.say(f"  {public['note']}")


def show_agreement(screen: Screen, tally: Tally, totals: Totals) -> bool:
    """Compare what was acknowledged with what the operator counts; False when they differ."""
    taken = len(tally.check_ins)
    screen.title("核对 Agreement")
    screen.say(
        f"  已受理 acknowledged {taken} = 已入账 credited {totals.credited}"
        f" + 人工复核中 in review {totals.in_review} + 本次未计入 not counted {totals.rejected}"
    )
    screen.say(
        f"  重复照片已拒 duplicates refused {tally.duplicates_refused}"
        f" · 重复上报只计一次 repeated reports counted once {tally.replays}"
    )
    if taken != totals.decided:
        screen.say(f"  ✗ 不一致 They differ: {taken} ≠ {totals.decided}")
    return taken == totals.decided


def _tonnes(grams: int) -> str:
    return f"{grams // 1_000_000}.{grams % 1_000_000 // 1_000:03d} 吨 t"


def _named(code: str, words: Mapping[str, str]) -> str:
    return f"{words[code]} {code}" if code in words else code
