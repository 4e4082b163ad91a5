"""What the processor repeats so that promises are kept.

Points vest, are paid and expire; bags lapse; members are reminded and operators warned; small
pictures of photos are forgotten.
Each duty is one small transaction that can be made twice; several processors may do it at once.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import NamedTuple

import structlog
from prometheus_client import Counter, Gauge
from sqlalchemy.ext.asyncio import AsyncEngine

from backend.bell import raise_if_cancelled
from backend.campaigns.budgets import all_fund_rows, raise_alerts
from backend.campaigns.domain import used_percent
from backend.campaigns.pending import fundable_queues
from backend.canteens.joining import join_waiting, lapse_waiting
from backend.canteens.told_meals import settle_told_meals
from backend.checkins.resemblance_queries import THUMBNAIL_KEPT_H, forget_thumbnails
from backend.crediting.expiry import expire_next
from backend.crediting.steps import Rulebook
from backend.crediting.vesting import fund_queue, pay_due
from backend.db import clock
from backend.evidence_store import EvidenceStore
from backend.intake.handing_over import lapse_next
from backend.intake.pickup_steps import expire_pickups
from backend.notices.bag_notices import remind_of_bags
from backend.notices.steps import remind_next
from backend.rewards.stock_alerts import watch_stock

PAY_EVERY_S = 2.0  # a member who waited a day for points does not wait for ours
EXPIRE_EVERY_S = 60.0  # expired points cannot be spent meanwhile: holds look at the day
WATCH_EVERY_S = 60.0
BAGS_EVERY_S = 60.0  # a late weight is refused from its last moment on, duty or no duty
JOIN_TRAYS_EVERY_S = 2.0  # a member who has just linked her card looks at her phone
LAPSE_TRAYS_EVERY_S = 60.0
FORGET_EVERY_S = 60.0
FORGOTTEN_AT_ONCE_MAX = 1_000  # 12 MB of small pictures: a short transaction
# All are due when a processor starts, and requests need connections too. Two of them may be slow:
# files in a bucket, and a sweep of the evidence.
DUTIES_AT_ONCE = 4

_log = structlog.get_logger(__name__)
_fund_used = Gauge("tanhui_fund_used_percent", "Part of a fund's budget that was drawn", ["fund"])
_stock_alerts = Counter("tanhui_stock_alerts", "Rewards whose stock has run low")
_fund_alerts = Counter("tanhui_fund_alerts", "Alerts of funds that pass a mark", ["percent"])


class Duty(NamedTuple):
    """Something that is done again and again.

    Attributes:
        act: Does one portion and says how many things it did; it is called again until there are
            none.
        pause_s: Until the next look.
    """

    name: str
    act: Callable[[], Awaitable[int]]
    pause_s: float


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What the duties need."""

    engine: AsyncEngine
    clock_shift_s: int = 0

    def duties(self) -> Sequence[Duty]:
        """All of them, with how often they look."""
        return [
            Duty("pay_due", self.pay_due_once, PAY_EVERY_S),
            Duty("fund_queues", self.fund_queues_once, PAY_EVERY_S),
            Duty("expire_points", self.expire_once, EXPIRE_EVERY_S),
            Duty("remind", self.remind_once, EXPIRE_EVERY_S),
            Duty("lapse_bags", self.lapse_bags_once, BAGS_EVERY_S),
            Duty("expire_pickups", self.expire_pickups_once, BAGS_EVERY_S),
            Duty("remind_of_bags", self.remind_of_bags_once, BAGS_EVERY_S),
            Duty("watch_stock", self.watch_stock_once, WATCH_EVERY_S),
            Duty("watch_funds", self.watch_funds_once, WATCH_EVERY_S),
            Duty("forget_thumbnails", self.forget_thumbnails_once, FORGET_EVERY_S),
        ]

    async def pay_due_once(self) -> int:
        """Pay points that have vested; return how many rows."""
        async with self.engine.begin() as conn:
            return await pay_due(conn, clock_shift_s=self.clock_shift_s)

    async def fund_queues_once(self) -> int:
        """Give money to points that wait for it; return how many rows got some.

        A fund that fails is told of and looked at the next time: it holds back its own queue only.
        """
        async with self.engine.connect() as conn:
            funds = await fundable_queues(conn)
        done = 0
        for fund_id in funds:
            try:
                async with self.engine.begin() as conn:
                    done += await fund_queue(conn, fund_id)
            except Exception as error:  # noqa: BLE001  # whatever it is, the others go on
                raise_if_cancelled()
                _log.warning("fund_queue_failed", fund=str(fund_id), error=repr(error))
        return done

    async def expire_once(self) -> int:
        """Expire one portion of a lot that is over; return how many accounts were seen."""
        async with self.engine.begin() as conn:
            return await expire_next(conn, clock_shift_s=self.clock_shift_s)

    async def remind_once(self) -> int:
        """Remind one portion of the holders of points that expire soon."""
        async with self.engine.begin() as conn:
            return await remind_next(conn, clock_shift_s=self.clock_shift_s)

    async def lapse_bags_once(self) -> int:
        """Let one portion of bags lapse that nobody weighed in time; return how many."""
        async with self.engine.begin() as conn:
            return await lapse_next(conn, clock_shift_s=self.clock_shift_s)

    async def expire_pickups_once(self) -> int:
        """Close one portion of pickups that nobody came to; return how many."""
        async with self.engine.begin() as conn:
            return await expire_pickups(conn, clock_shift_s=self.clock_shift_s)

    async def remind_of_bags_once(self) -> int:
        """Remind one portion of members whose bags lapse soon; return how many bags."""
        async with self.engine.begin() as conn:
            return await remind_of_bags(conn, clock_shift_s=self.clock_shift_s)

    async def watch_stock_once(self) -> int:
        """Tell merchants whose stock has run low, once per crossing; always pauses afterwards."""
        async with self.engine.begin() as conn:
            raised = await watch_stock(conn, await clock(conn, self.clock_shift_s))
        _stock_alerts.inc(raised)
        return 0

    async def forget_thumbnails_once(self) -> int:
        """Delete one portion of the thumbnails that no copy can be counted beside any more."""
        async with self.engine.begin() as conn:
            now = await clock(conn, self.clock_shift_s)
            before = now - timedelta(hours=THUMBNAIL_KEPT_H)
            return await forget_thumbnails(conn, before=before, limit=FORGOTTEN_AT_ONCE_MAX)

    async def watch_funds_once(self) -> int:
        """Measure the funds and raise new alerts; always pauses afterwards."""
        async with self.engine.begin() as conn:
            raised = await raise_alerts(conn, await clock(conn, self.clock_shift_s))
            rows = await all_fund_rows(conn)
        for row in rows:
            _fund_used.labels(str(row.id)).set(used_percent(row.budget, row.available))
        for alert in raised:
            _fund_alerts.labels(str(alert.percent)).inc()
            _log.warning(
                "fund_alert",
                fund=str(alert.fund_id),
                percent=alert.percent,
                available=alert.available,
                runs_out_on=str(alert.runs_out_on),
            )
        return 0


def taking_turns(duties: Sequence[Duty]) -> Sequence[Duty]:
    """The same, of which at most `DUTIES_AT_ONCE` act at a time."""
    slots = asyncio.Semaphore(DUTIES_AT_ONCE)

    async def act_in_turn(act: Callable[[], Awaitable[int]]) -> int:
        async with slots:
            return await act()

    return [each._replace(act=partial(act_in_turn, each.act)) for each in duties]


def tray_duties(engine: AsyncEngine, store: EvidenceStore, rules: Rulebook) -> Sequence[Duty]:
    """What is repeated for trays that wait for their members."""

    async def join() -> int:
        return await join_waiting(engine, store, rules)

    async def settle() -> int:
        return await settle_told_meals(engine, rules)

    async def lapse() -> int:
        return await lapse_waiting(engine, rules.clock_shift_s)

    return [
        Duty("join_trays", join, JOIN_TRAYS_EVERY_S),
        Duty("settle_told_meals", settle, JOIN_TRAYS_EVERY_S),
        Duty("lapse_trays", lapse, LAPSE_TRAYS_EVERY_S),
    ]
