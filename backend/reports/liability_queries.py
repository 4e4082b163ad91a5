"""What the programme owes in points, fund by fund, from one snapshot of the ledger."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.db import fetch

# Sums go through whole tables once, as those of `tanhui verify` do: an operator asks now and then.
_LIABILITY = """
WITH lots AS (
  SELECT fund_id, sum(posted) FILTER (WHERE kind = 'member') AS posted,
         sum(held) FILTER (WHERE kind = 'member') AS held,
         sum(posted) FILTER (WHERE kind = 'merchant') AS redeemed
  FROM account_lot JOIN account ON account.id = account_id JOIN lot ON lot.id = lot_id
  GROUP BY fund_id
), deltas AS (
  SELECT fund_id, sum(amount) AS redeemed FROM account_delta JOIN lot ON lot.id = lot_id
  GROUP BY fund_id
), pending AS (
  SELECT fund_id, sum(points) FILTER (WHERE is_funded) AS pending,
         sum(points) FILTER (WHERE NOT is_funded) AS queued
  FROM pending_points GROUP BY fund_id
), slices AS (SELECT fund_id, sum(available) AS available FROM fund_slice GROUP BY fund_id)
SELECT fund.id, name_zh, name_en, sponsor_zh, sponsor_en, budget, stops_on,
       coalesce(available, 0)::bigint AS available, coalesce(posted, 0)::bigint AS posted,
       coalesce(held, 0)::bigint AS held, coalesce(pending, 0)::bigint AS pending,
       coalesce(queued, 0)::bigint AS queued,
       (coalesce(lots.redeemed, 0) + coalesce(deltas.redeemed, 0))::bigint AS redeemed,
       ARRAY(SELECT DISTINCT name FROM campaign WHERE fund_id = fund.id
             AND approved_at IS NOT NULL ORDER BY name) AS campaigns
FROM fund LEFT JOIN lots ON lots.fund_id = fund.id LEFT JOIN deltas ON deltas.fund_id = fund.id
LEFT JOIN pending ON pending.fund_id = fund.id LEFT JOIN slices ON slices.fund_id = fund.id
ORDER BY fund.id
"""

_EXPIRING = """
SELECT fund_id, to_char(expires_on, 'YYYY-MM') AS month, sum(points)::bigint AS points FROM (
  SELECT lot_id, posted AS points FROM account_lot JOIN account ON account.id = account_id
  WHERE kind = 'member' AND lot_id <> 0 AND posted > 0
  UNION ALL SELECT lot_id, points FROM pending_points WHERE is_funded
) AS owed JOIN lot ON lot.id = lot_id GROUP BY 1, 2 ORDER BY 2, 1
"""


async def liability(conn: AsyncConnection) -> Sequence[Row[Any]]:
    """Each fund: budget, what is left, what members have, hold and wait for, what was redeemed."""
    return await fetch(conn, _LIABILITY)


async def expiring(conn: AsyncConnection) -> Sequence[Row[Any]]:
    """Points owed by month of their expiry and fund."""
    return await fetch(conn, _EXPIRING)
