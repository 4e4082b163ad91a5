"""Checks of bookings, their reversals, debts and totals."""

from backend.verify.check import Check

_LIVE = "NOT EXISTS (SELECT FROM reversal WHERE reversal.credit_id = credit.id)"

# Holds for reversed bookings too: history stays as it was booked, but points that were pending at
# the reversal were never paid. Of points that repay a debt the whole amount is credited first; what
# came back from a voucher repays too, and has a check of its own.
# Points that waited for money until their lot was over are in a later one.
_CREDITS_TRANSFERRED = """
WITH moves AS (
  SELECT account_id, cause_id,
         sum(amount) FILTER (WHERE purpose = 'credit' AND lot_id = 0) AS grams,
         sum(amount) FILTER (WHERE purpose = 'credit' AND lot_id <> 0) AS points,
         sum(amount) FILTER (WHERE purpose = 'repay') AS repaid,
         max(lot_id) AS lot_id, max(booked_at) AS booked_at
  FROM transfer WHERE purpose = 'credit'
     OR (purpose = 'repay' AND EXISTS (SELECT FROM credit WHERE credit.id = cause_id))
  GROUP BY account_id, cause_id
)
SELECT coalesce(credit.id, cause_id) AS credit_id, credit.grams, moves.grams::bigint AS moved_grams,
       credit.points, moves.points::bigint AS moved_points, pending.points AS pending,
       moves.repaid::bigint AS repaid
FROM credit FULL JOIN moves ON cause_id = credit.id AND moves.account_id = credit.account_id
LEFT JOIN pending_points AS pending ON credit_id = credit.id
LEFT JOIN reversal ON reversal.credit_id = credit.id
WHERE credit.id IS NULL OR credit.grams <> coalesce(moves.grams, 0)
   OR credit.points < coalesce(moves.points, 0)
   OR (reversal.id IS NULL
       AND credit.points <> coalesce(moves.points, 0) + coalesce(pending.points, 0))
   OR coalesce(moves.repaid, 0) > credit.points
   OR (moves.points > 0 AND moves.lot_id <> credit.lot_id AND NOT EXISTS (
         SELECT FROM lot WHERE lot.id = credit.lot_id
         AND expires_on < CAST(moves.booked_at AT TIME ZONE 'Asia/Shanghai' AS date)))
"""

_REVERSALS_TAKE_BACK = """
WITH moves AS (
  SELECT cause_id, sum(amount) FILTER (WHERE lot_id = 0) AS grams,
         sum(amount) FILTER (WHERE lot_id <> 0) AS points
  FROM transfer WHERE purpose IN ('reverse', 'claw_back') GROUP BY cause_id
)
SELECT reversal.id AS reversal_id, coalesce(reversal.credit_id, cause_id) AS credit_id,
       credit.grams, moves.grams::bigint AS taken_grams, credit.points,
       moves.points::bigint AS taken_points
FROM reversal LEFT JOIN credit ON credit.id = reversal.credit_id
FULL JOIN moves ON cause_id = reversal.id
WHERE reversal.id IS NULL OR credit.id IS NULL
   OR credit.grams <> coalesce(moves.grams, 0) OR coalesce(moves.points, 0) > credit.points
"""

_PENDING_IS_OF_CREDITS = f"""
SELECT pending.credit_id, pending.points, credit.points AS points_of_credit
FROM pending_points AS pending LEFT JOIN credit ON credit.id = credit_id
LEFT JOIN lot ON lot.id = pending.lot_id
WHERE credit.id IS NULL OR NOT {_LIVE}
   OR (pending.account_id, pending.lot_id, pending.occurred_on, pending.fund_id)
      IS DISTINCT FROM (credit.account_id, credit.lot_id, credit.occurred_on, lot.fund_id)
   OR pending.points > credit.points
"""

_ONE_LIVE = f"""
SELECT check_in_id, count(*) AS live FROM credit WHERE {_LIVE}
GROUP BY check_in_id HAVING count(*) > 1
"""

_BOOKINGS_NUMBERED = """
SELECT check_in_id, min(booking) AS first, max(booking) AS last, count(*) AS bookings FROM credit
GROUP BY check_in_id HAVING min(booking) <> 1 OR max(booking) <> count(*)
"""

_DEBTS = """
WITH taken AS (
  SELECT cause_id, sum(amount) AS points FROM transfer
  WHERE lot_id <> 0 AND purpose IN ('reverse', 'claw_back') GROUP BY cause_id
), paid AS (
  SELECT cause_id, sum(amount) AS points FROM transfer
  WHERE lot_id <> 0 AND purpose = 'credit' GROUP BY cause_id
), missing AS (
  SELECT credit.account_id, sum(coalesce(paid.points, 0) - coalesce(taken.points, 0)) AS points
  FROM reversal JOIN credit ON credit.id = reversal.credit_id
  LEFT JOIN paid ON paid.cause_id = credit.id
  LEFT JOIN taken ON taken.cause_id = reversal.id GROUP BY credit.account_id
), repaid AS (
  SELECT account_id, sum(amount) AS points FROM transfer WHERE purpose = 'repay' GROUP BY account_id
)
SELECT account.id AS account_id, points_debt, coalesce(missing.points, 0)::bigint AS not_taken,
       coalesce(repaid.points, 0)::bigint AS repaid
FROM account LEFT JOIN missing ON missing.account_id = account.id
LEFT JOIN repaid ON repaid.account_id = account.id
WHERE points_debt <> coalesce(missing.points, 0) - coalesce(repaid.points, 0)
"""

# Work that waits, dead letters too, has yet to be added: the same sum as the report step makes.
_TOTALS = f"""
WITH pending AS (
  SELECT DISTINCT named_id FROM work CROSS JOIN LATERAL unnest(ids) AS waiting(named_id)
  WHERE step = 'report'
), parts AS (
  SELECT occurred_on, region, action, tier, credits, grams, points FROM daily_total
  UNION ALL
  SELECT occurred_on, region, action, tier, credits, grams, points FROM total_correction
  UNION ALL
  SELECT occurred_on, region, action, tier, 1, grams, points
  FROM pending JOIN credit ON credit.id = named_id
  UNION ALL
  SELECT occurred_on, region, action, tier, -1, -grams, -points
  FROM pending JOIN reversal ON reversal.id = named_id JOIN credit ON credit.id = credit_id
  UNION ALL
  SELECT occurred_on, region, action, tier, -count(*), -sum(grams), -sum(points)
  FROM credit WHERE {_LIVE} GROUP BY occurred_on, region, action, tier
)
SELECT occurred_on, region, action, tier, sum(credits)::bigint AS credits_too_many,
       sum(grams)::bigint AS grams_too_many, sum(points)::bigint AS points_too_many
FROM parts GROUP BY occurred_on, region, action, tier
HAVING sum(credits) <> 0 OR sum(grams) <> 0 OR sum(points) <> 0
"""

# Every process takes up a withdrawal within seconds and a new day within as many, so there is some
# slack; a re-booking computes a past day again, by the version of that day, whenever it comes.
_VERSIONS_IN_FORCE = """
SELECT credit.id AS credit_id, credit.version, status, booked_at, published_at, grace_until
FROM credit LEFT JOIN methodology_version ON hash = credit.version
WHERE published_at IS NULL OR booked_at < published_at
   OR (booking = 1 AND status = 'superseded'
       AND CAST(booked_at AT TIME ZONE 'Asia/Shanghai' AS date) > grace_until + 1)
   OR (booking = 1 AND status = 'withdrawn' AND booked_at > status_since + interval '5 minutes')
"""

CREDIT_CHECKS = (
    Check(
        "credits_transferred",
        "每笔入账的克数和积分都有等额流水或待发放记录",
        "Every booking moved exactly its grams and points, in its lot, or its points are pending",
        _CREDITS_TRANSFERRED,
    ),
    Check(
        "pending_is_of_credits",
        "每笔待发放积分都属于一笔有效入账",
        "Pending points belong to a booking that counts, in its lot, and are no more than it gave",
        _PENDING_IS_OF_CREDITS,
    ),
    Check(
        "reversals_take_back",
        "每笔冲正都收回原入账的全部克数",
        "Every reversal took back all grams of what it reverses, and no more points than it gave",
        _REVERSALS_TAKE_BACK,
    ),
    Check(
        "one_live_credit",
        "每次打卡至多有一笔有效入账",
        "A check-in has at most one booking that counts",
        _ONE_LIVE,
    ),
    Check(
        "bookings_numbered",
        "同一打卡的入账从 1 起连续编号",
        "Bookings of a check-in are numbered from one without a gap",
        _BOOKINGS_NUMBERED,
    ),
    Check(
        "versions_in_force",
        "每笔入账所用的方法学版本都有记录,且入账时已发布或在宽限期内",
        "Every booking names a version on record that was published, or in its grace, by then",
        _VERSIONS_IN_FORCE,
    ),
    Check(
        "debts_explained",
        "积分欠额等于未能收回的积分减去已偿还的积分",
        "Points owed by an account are what reversals could not take, less what was repaid",
        _DEBTS,
    ),
    Check(
        "totals_are_credits",
        "每日汇总加待处理部分等于有效入账之和",
        "Daily totals, with what waits to be added, are the sums of the bookings that count",
        _TOTALS,
    ),
)
