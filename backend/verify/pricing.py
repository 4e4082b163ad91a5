"""Every booking that counts, priced again by the points rules of its day.

Rules change for days that have not begun, so what a booking was worth is what it is worth now.
"""

from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.campaigns.domain import PointsRules
from backend.campaigns.points_rules import read_points_rules
from backend.db import fetch
from backend.verify.check import Finding
from scoring.methodology import Tier

NAME = "priced"
ZH = "每笔有效入账的积分都由当日积分规则给出,出自该规则的经费,更正后不增加"
EN = (
    "Every booking that counts gave the points of its day's rule, from its fund; no re-booking more"
)

# All that a price depends on: thousands of bookings a day are a few rows.
_KINDS = """
SELECT action, region, occurred_on, tier, grams > 0 AS has_grams, booking = 1 AS is_first, points,
       points_rule, fund_id, count(*) AS bookings, any_value(credit.id) AS credit_id
FROM credit LEFT JOIN lot ON lot.id = lot_id
WHERE NOT EXISTS (SELECT FROM reversal WHERE reversal.credit_id = credit.id)
GROUP BY action, region, occurred_on, tier, has_grams, is_first, points, points_rule, fund_id
"""


async def reprice(conn: AsyncConnection, *, examples_max: int) -> Finding:
    """The finding of `tanhui verify` over all bookings that count."""
    rules = await read_points_rules(conn)
    wrong = [kind for kind in await fetch(conn, _KINDS) if not _is_priced(kind, rules)]
    count = sum(kind.bookings for kind in wrong)
    examples = [dict(kind._mapping) for kind in wrong[:examples_max]]  # noqa: SLF001  # public name
    return Finding(NAME, ZH, EN, count, examples)


def _is_priced(kind: Row[Any], rules: PointsRules) -> bool:
    is_documented = kind.tier == Tier.DOCUMENTED
    price = rules.price(kind.action, kind.region, kind.occurred_on, is_documented=is_documented)
    points = price.points if kind.has_grams else 0
    if not kind.is_first:
        # A re-booking keeps its lot, and of its points what the correction leaves.
        return bool(kind.points <= points)
    is_paid_by_its_fund = not points or kind.fund_id == price.fund_id
    return (kind.points, kind.points_rule) == (points, price.rule) and is_paid_by_its_fund
