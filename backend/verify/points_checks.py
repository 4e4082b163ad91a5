"""Checks of the life of points: rules, queues and expiry."""

from backend.verify.check import Check

# A walk that is finished has met neither points nor holds; what comes back later expires at once.
_EXPIRED_LOTS = """
SELECT account_id, kept.lot_id, posted, kept.held FROM account_lot AS kept
JOIN lot_pass ON lot_pass.lot_id = kept.lot_id JOIN account ON account.id = account_id
WHERE task = 'expire' AND finished_at IS NOT NULL AND posted > kept.held AND kind = 'member'
"""

_EXPIRIES_MOVED = """
WITH moves AS (SELECT * FROM transfer WHERE purpose = 'expire')
SELECT coalesce(expiry.id, cause_id) AS expiry_id, points, amount
FROM expiry FULL JOIN moves ON cause_id = expiry.id AND moves.account_id = expiry.account_id
  AND moves.lot_id = expiry.lot_id
LEFT JOIN lot ON lot.id = expiry.lot_id
WHERE expiry.id IS NULL OR points IS DISTINCT FROM amount
   OR (expires_on < CAST(expired_at AT TIME ZONE 'Asia/Shanghai' AS date)) IS NOT TRUE
"""

_RULES_DISTINCT = """
WITH rules AS (
  SELECT name, version, is_default, region, valid_from, coalesce(valid_until, 'infinity') AS last,
         action
  FROM campaign JOIN campaign_action ON campaign_id = campaign.id WHERE approved_at IS NOT NULL
)
SELECT one.name, one.version, other.name AS meets, other.version AS meets_version, one.action
FROM rules AS one JOIN rules AS other USING (is_default, region, action)
WHERE (one.name, one.version) < (other.name, other.version)
  AND greatest(one.valid_from, other.valid_from) <= least(one.last, other.last)
"""

POINTS_CHECKS = (
    Check(
        "expired_lots_empty",
        "已过期批次除冻结外不再有积分",
        "A lot that was expired holds nothing but what vouchers hold",
        _EXPIRED_LOTS,
    ),
    Check(
        "expiries_moved",
        "每笔过期都有等额流水,且其批次已过最后一日",
        "Every expiry moved exactly its points, after the last day of their lot",
        _EXPIRIES_MOVED,
    ),
    Check(
        "rules_distinct",
        "同一场景、地区、日期没有两条同级积分规则",
        "No two rules that are equally narrow cover one action, region and day",
        _RULES_DISTINCT,
    ),
)
