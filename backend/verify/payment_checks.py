"""Checks of who pays whom: between which accounts points move, and what merchants are paid for."""

from backend.verify.check import Check

# Points come from the fund of their lot and go back to it, or to whoever is paid with them; grams
# come from issuance. What people book by hand (`adjust`) moves between the same sides.
_SIDES = """
SELECT move.account_id, cause_id, purpose, lot_id, other_side, kind FROM (
  SELECT *, credit = account_id AS is_received,
         CASE WHEN credit = account_id THEN debit ELSE credit END AS other_side FROM transfer
) AS move LEFT JOIN lot ON lot.id = lot_id LEFT JOIN account AS other ON other.id = other_side
WHERE (CASE
  WHEN purpose IN ('settle', 'refund')
    THEN lot_id <> 0 AND kind = 'merchant' AND is_received = (purpose = 'refund')
  WHEN lot_id = 0 AND purpose NOT IN ('credit', 'reverse', 'adjust') THEN false
  WHEN purpose = 'adjust' OR is_received = (purpose = 'credit')
    THEN CASE lot_id WHEN 0 THEN kind = 'issuance' ELSE other_side = fund_id END
  ELSE false END) IS NOT TRUE
"""

_OWED = """
WITH payee AS (SELECT id FROM merchant UNION ALL SELECT id FROM charity_project),
moves AS (
  SELECT account_id, cause_id, purpose, lot_id, amount,
         CASE purpose WHEN 'settle' THEN credit ELSE debit END AS payee_id
  FROM transfer WHERE purpose IN ('settle', 'refund')
), owed AS (
  SELECT account_id, settlement.id AS cause_id, 'settle' AS purpose,
         settlement.merchant_id AS payee_id, true AS is_owed
  FROM settlement JOIN voucher ON voucher.id = voucher_id
  UNION ALL
  SELECT account_id, undo.id, 'refund', undo.merchant_id, true FROM settlement_undo AS undo
  JOIN settlement ON settlement.id = settlement_id JOIN voucher ON voucher.id = voucher_id
  UNION ALL
  SELECT account_id, id, 'settle', project_id, true FROM donation
)
SELECT account_id, cause_id, purpose, lot_id, amount, payee_id
FROM moves LEFT JOIN owed USING (account_id, cause_id, purpose, payee_id)
WHERE is_owed IS NULL AND payee_id IN (SELECT id FROM payee)
"""

# The price of a reward never changes, and nobody but who offers it is paid for it.
_AS_OFFERED = """
SELECT voucher.id AS voucher_id, voucher.points, reward.points AS price, voucher.merchant_id,
       reward.merchant_id AS offered_by, settlement.merchant_id AS settled_by,
       undo.merchant_id AS undone_by
FROM voucher LEFT JOIN reward ON reward.id = reward_id
LEFT JOIN settlement ON voucher_id = voucher.id
LEFT JOIN settlement_undo AS undo ON settlement_id = settlement.id
WHERE (voucher.points, voucher.merchant_id) IS DISTINCT FROM (reward.points, reward.merchant_id)
   OR (settlement.id IS NOT NULL AND (settlement.reward_id, settlement.merchant_id)
       IS DISTINCT FROM (voucher.reward_id, voucher.merchant_id))
   OR (undo.id IS NOT NULL AND undo.merchant_id IS DISTINCT FROM settlement.merchant_id)
"""

_STATED = """
WITH causes AS (
  SELECT id, merchant_id, settled_at AS made_at FROM settlement
  UNION ALL SELECT id, merchant_id, undone_at FROM settlement_undo
), stated AS (
  SELECT merchant_id, max(last_day) AS last_day FROM settlement_statement GROUP BY merchant_id
)
SELECT coalesce(causes.id, line.cause_id) AS cause_id, causes.merchant_id, statement_id,
       statement.merchant_id AS stated_to
FROM causes FULL JOIN statement_line AS line ON line.cause_id = causes.id
LEFT JOIN settlement_statement AS statement ON statement.id = statement_id
LEFT JOIN stated ON stated.merchant_id = causes.merchant_id
WHERE CASE WHEN line.cause_id IS NULL
  THEN CAST(causes.made_at AT TIME ZONE 'Asia/Shanghai' AS date) <= stated.last_day
  ELSE causes.merchant_id IS DISTINCT FROM statement.merchant_id END
"""

# New points repay under their booking, points that were held or spent under what brought them back.
_REPAID = """
WITH repaid AS (
  SELECT account_id, cause_id, sum(amount)::bigint AS repaid FROM transfer
  WHERE purpose = 'repay' AND NOT EXISTS (SELECT FROM credit WHERE credit.id = cause_id)
  GROUP BY account_id, cause_id
), came_back AS (
  SELECT account_id, id AS cause_id, points FROM voucher
  WHERE status IN ('voided', 'expired', 'returned')
  UNION ALL
  SELECT account_id, undo.id, undo.points FROM settlement_undo AS undo
  JOIN settlement ON settlement.id = settlement_id JOIN voucher ON voucher.id = voucher_id
)
SELECT account_id, cause_id, repaid, points AS came_back
FROM repaid LEFT JOIN came_back USING (account_id, cause_id)
WHERE points IS NULL OR repaid > points
"""

PAYMENT_CHECKS = (
    Check(
        "repaid_from_what_came",
        "偿还欠额的积分都出自入账,或出自退回的券和撤销的核销",
        "What repays a debt is of a booking, or of a voucher or an undo that brought points back",
        _REPAID,
    ),
    Check(
        "transfers_have_their_sides",
        "每笔流水都在其用途规定的双方之间,积分只出自并退回所属批次的经费",
        "Every transfer is between the sides of its purpose, points from and to their lot's fund",
        _SIDES,
    ),
    Check(
        "payees_are_owed",
        "商户和公益项目的每笔收付都有核销、撤销或捐赠",
        "What a merchant or project got or gave back is of a settlement, an undo or a donation",
        _OWED,
    ),
    Check(
        "vouchers_as_offered",
        "券的积分和商户与其权益一致,只有该商户得到结算",
        "A voucher costs what its reward does, and only the merchant who offers it is paid for it",
        _AS_OFFERED,
    ),
    Check(
        "statements_complete",
        "每笔核销与撤销都列入本商户的结算单,已结期间没有遗漏",
        "Settlements and undos stand in statements of their own merchant, with none left out",
        _STATED,
    ),
)
