"""The points rules in force, as this process knows them.

Rules change for days that have not begun, and at the earliest a minute ahead. So a process that
reads them every few seconds always knows the rule of the day that it credits, and a batch needs no
statement of its own.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from weakref import WeakKeyDictionary

from sqlalchemy import Engine
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.campaigns.domain import PointsRule, PointsRules
from backend.db import fetch

RULES_KEPT = timedelta(seconds=5)  # far below `RULES_AHEAD`
RULES_AHEAD = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class _Kept:
    rules: PointsRules
    read_at: datetime


# One entry per database that this process talks to; it goes away with its engine.
_kept: WeakKeyDictionary[Engine, _Kept] = WeakKeyDictionary()


async def points_rules(conn: AsyncConnection, now: datetime) -> PointsRules:
    """The rules that count at `now`, at most `RULES_KEPT` old."""
    engine = conn.sync_engine
    kept = _kept.get(engine)
    if kept is None or not timedelta(0) <= now - kept.read_at < RULES_KEPT:
        kept = _kept[engine] = _Kept(await read_points_rules(conn), now)
    return kept.rules


async def read_points_rules(conn: AsyncConnection) -> PointsRules:
    """All approved rules."""
    rows = await fetch(
        conn,
        "SELECT CASE version WHEN 1 THEN name ELSE name || '/' || version END AS label, fund_id,"
        " is_default, region, valid_from, valid_until, action, points, multiplier_percent,"
        " self_declared_points, stops_on FROM campaign"
        " JOIN campaign_action ON campaign_id = campaign.id JOIN fund ON fund.id = fund_id"
        " WHERE approved_at IS NOT NULL",
    )
    return PointsRules([PointsRule._make(row) for row in rows])
