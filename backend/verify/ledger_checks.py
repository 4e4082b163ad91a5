"""Checks of accounts, lots, holds, transfers and funds; none knows what a check-in is."""

from backend.verify.check import Check

# Sums go through whole tables once and are joined as sets: no statement probes row by row.

_MEMBER_BALANCES = """
SELECT account_id, lot_id, coalesce(posted, 0) AS posted,
       coalesce(moved, 0)::bigint AS by_transfers
FROM (SELECT account_id, lot_id,
             sum(CASE WHEN credit = account_id THEN amount ELSE -amount END) AS moved
      FROM transfer GROUP BY account_id, lot_id) AS moves
FULL JOIN account_lot USING (account_id, lot_id)
LEFT JOIN account ON account.id = account_id
WHERE coalesce(kind, 'member') IN ('member', 'fund')
  AND coalesce(posted, 0) <> coalesce(moved, 0)
"""

# Issuance and merchants are the other side of members' rows. Issuance is debit-normal: its balance
# is what it has given. What the roller has not folded yet counts as posted.
_SHARED_BALANCES = """
WITH shared AS (SELECT id FROM account WHERE kind IN ('issuance', 'merchant')),
moves AS (
  SELECT CASE WHEN debit = account_id THEN credit ELSE debit END AS account_id, lot_id,
         CASE WHEN (debit = account_id) = (lot_id <> 0) THEN amount ELSE -amount END AS amount
  FROM transfer
  UNION ALL
  SELECT account_id, lot_id, CASE WHEN credit = account_id THEN amount ELSE -amount END
  FROM transfer
), explained AS (
  SELECT account_id, lot_id, sum(amount) AS moved FROM moves
  WHERE account_id IN (SELECT id FROM shared) GROUP BY account_id, lot_id
), actual AS (
  SELECT account_id, lot_id, sum(amount) AS posted FROM (
    SELECT account_id, lot_id, posted AS amount FROM account_lot
    UNION ALL SELECT account_id, lot_id, amount FROM account_delta
  ) AS parts WHERE account_id IN (SELECT id FROM shared) GROUP BY account_id, lot_id
)
SELECT account_id, lot_id, coalesce(posted, 0)::bigint AS posted_and_pending,
       coalesce(moved, 0)::bigint AS by_transfers
FROM actual FULL JOIN explained USING (account_id, lot_id)
WHERE coalesce(posted, 0) <> coalesce(moved, 0)
"""

_AVAILABLE = """
SELECT account_id, lot_id, posted, held FROM account_lot WHERE held < 0 OR posted < held
"""

_HELD = """
SELECT account_id, lot_id, coalesce(held, 0) AS held, coalesce(in_holds, 0)::bigint AS in_holds
FROM (SELECT account_id, lot_id, sum(amount) AS in_holds
      FROM hold JOIN hold_line ON hold_id = hold.id GROUP BY account_id, lot_id) AS open_holds
FULL JOIN account_lot USING (account_id, lot_id)
WHERE coalesce(held, 0) <> coalesce(in_holds, 0)
"""

_FUNDS_SPENT = """
WITH left_over AS (SELECT fund_id, sum(available) AS available FROM fund_slice GROUP BY fund_id),
moves AS (
  SELECT fund.id AS fund_id, amount FROM transfer JOIN fund ON fund.id = debit WHERE lot_id <> 0
  UNION ALL
  SELECT fund.id, -amount FROM transfer JOIN fund ON fund.id = credit WHERE lot_id <> 0
), spent AS (SELECT fund_id, sum(amount) AS spent FROM moves GROUP BY fund_id),
pending AS (
  SELECT fund_id, sum(points) AS pending FROM pending_points WHERE is_funded GROUP BY fund_id
)
SELECT fund.id AS fund_id, budget, coalesce(available, 0)::bigint AS available,
       coalesce(spent, 0)::bigint AS spent, coalesce(pending, 0)::bigint AS pending
FROM fund LEFT JOIN left_over ON left_over.fund_id = fund.id
LEFT JOIN spent ON spent.fund_id = fund.id LEFT JOIN pending ON pending.fund_id = fund.id
WHERE budget - coalesce(available, 0) <> coalesce(spent, 0) + coalesce(pending, 0)
"""

_POINTS_FUNDED = """
WITH owed AS (
  SELECT fund_id, sum(amount) AS owed FROM (
    SELECT lot_id, posted AS amount FROM account_lot
    UNION ALL SELECT lot_id, amount FROM account_delta
    UNION ALL SELECT lot_id, points FROM pending_points WHERE is_funded
  ) AS parts JOIN lot ON lot.id = lot_id GROUP BY fund_id
)
SELECT fund.id AS fund_id, budget, owed::bigint AS owed FROM owed JOIN fund ON fund.id = fund_id
WHERE owed > budget
"""

_SLICES = """
SELECT fund_id, slice, available FROM fund_slice WHERE available < 0
"""

_LOTS_KNOWN = """
SELECT named_in, lot_id FROM (
  SELECT DISTINCT 'account_lot' AS named_in, lot_id FROM account_lot
  UNION ALL SELECT DISTINCT 'account_delta', lot_id FROM account_delta
  UNION ALL SELECT DISTINCT 'transfer', lot_id FROM transfer
  UNION ALL SELECT DISTINCT 'credit', lot_id FROM credit
  UNION ALL SELECT DISTINCT 'pending_points', lot_id FROM pending_points
) AS named LEFT JOIN lot ON lot.id = lot_id WHERE lot.id IS NULL AND lot_id <> 0
UNION ALL
SELECT 'lot', lot.id FROM lot LEFT JOIN fund ON fund.id = fund_id WHERE fund.id IS NULL
"""

_ACCOUNTS_KNOWN = """
SELECT named_in, account_id FROM (
  SELECT DISTINCT 'account_lot' AS named_in, account_id FROM account_lot
  UNION ALL SELECT DISTINCT 'account_delta', account_id FROM account_delta
  UNION ALL SELECT DISTINCT 'transfer', debit FROM transfer
  UNION ALL SELECT DISTINCT 'transfer', credit FROM transfer
  UNION ALL SELECT DISTINCT 'hold', account_id FROM hold
  UNION ALL SELECT DISTINCT 'credit', account_id FROM credit
  UNION ALL SELECT DISTINCT 'check_in', account_id FROM check_in
  UNION ALL SELECT DISTINCT 'capture', account_id FROM capture
) AS named LEFT JOIN account ON account.id = account_id WHERE account.id IS NULL
"""

LEDGER_CHECKS = (
    Check(
        "member_balances",
        "每个个人账户批次的余额等于其全部流水之和",
        "Every lot of a member holds what its transfers add up to",
        _MEMBER_BALANCES,
    ),
    Check(
        "shared_balances",
        "签发账户和商户的余额加待汇总变动等于其全部流水之和",
        "Issuance and merchants hold, with pending deltas, what transfers add up to",
        _SHARED_BALANCES,
    ),
    Check(
        "available_not_negative",
        "任何账户的可用积分都不为负",
        "Nobody has less than nothing available",
        _AVAILABLE,
    ),
    Check(
        "held_is_open_holds",
        "冻结积分等于未了结冻结的合计",
        "What is held is the sum of the open holds",
        _HELD,
    ),
    Check(
        "funds_spent",
        "活动经费的预算减去余额等于净发放的积分加已预留的待发放积分",
        "A fund's budget less what is left is what it has given, net, and what it has set aside",
        _FUNDS_SPENT,
    ),
    Check(
        "points_funded",
        "待兑付积分不超过已注入的经费",
        "Points owed never exceed what was funded",
        _POINTS_FUNDED,
    ),
    Check(
        "slices_not_negative",
        "经费的任何一份都不为负",
        "No slice of a fund is below nothing",
        _SLICES,
    ),
    Check(
        "lots_known",
        "流水、余额和入账所指的批次都存在并属于某项经费",
        "Every lot that is named exists and belongs to a fund",
        _LOTS_KNOWN,
    ),
    Check(
        "accounts_known",
        "所有记录所指的账户都存在",
        "Every account that is named exists",
        _ACCOUNTS_KNOWN,
    ),
)
