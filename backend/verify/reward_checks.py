"""Checks of vouchers, settlements, stock and statements against the ledger."""

from backend.verify.check import Check

_HELD_FOR_VOUCHERS = """
WITH held AS (SELECT hold_id, sum(amount) AS held FROM hold_line GROUP BY hold_id)
SELECT voucher.id AS voucher_id, status, points, coalesce(held, 0)::bigint AS held
FROM voucher LEFT JOIN held ON hold_id = voucher.id
WHERE coalesce(held, 0) <> CASE WHEN status = 'issued' THEN points ELSE 0 END
"""

# A settlement moves its points from the voucher's account to the merchant, and its undo moves them
# back, lot by lot.
_SETTLED_MOVED = """
WITH moved AS (
  SELECT cause_id, account_id, debit, credit, purpose, sum(amount) AS points FROM transfer
  WHERE purpose IN ('settle', 'refund') GROUP BY cause_id, account_id, debit, credit, purpose
)
SELECT settlement.id AS cause_id, settlement.points, coalesce(moved.points, 0)::bigint AS moved
FROM settlement LEFT JOIN voucher ON voucher.id = voucher_id
LEFT JOIN moved ON cause_id = settlement.id AND purpose = 'settle'
  AND moved.debit = voucher.account_id AND moved.credit = settlement.merchant_id
WHERE coalesce(moved.points, 0) <> settlement.points
   OR settlement.points <> coalesce(voucher.points, 0)
UNION ALL
SELECT undo.id, undo.points, coalesce(moved.points, 0)::bigint
FROM settlement_undo AS undo JOIN settlement ON settlement.id = settlement_id
LEFT JOIN voucher ON voucher.id = voucher_id
LEFT JOIN moved ON cause_id = undo.id AND purpose = 'refund'
  AND moved.debit = undo.merchant_id AND moved.credit = voucher.account_id
WHERE coalesce(moved.points, 0) <> undo.points OR undo.points <> settlement.points
"""

_REFUNDED_LOTS = """
SELECT undo.id AS undo_id, lot_id, sum(amount)::bigint AS not_returned FROM (
  SELECT undo.id, lot_id, amount FROM settlement_undo AS undo
  JOIN transfer ON cause_id = undo.settlement_id AND purpose = 'settle'
  UNION ALL
  SELECT undo.id, lot_id, -amount FROM settlement_undo AS undo
  JOIN transfer ON cause_id = undo.id AND purpose = 'refund'
) AS undo GROUP BY undo.id, lot_id HAVING sum(amount) <> 0
"""

_VOUCHER_STATES = """
SELECT voucher.id AS voucher_id, status, settlement.id AS settlement_id, undo.id AS undo_id
FROM voucher LEFT JOIN settlement ON voucher_id = voucher.id
LEFT JOIN settlement_undo AS undo ON settlement_id = settlement.id
WHERE (status IN ('settled', 'undone')) <> (settlement.id IS NOT NULL)
   OR (status = 'undone') <> (undo.id IS NOT NULL)
"""

_STOCK = """
WITH left_over AS (
  SELECT reward_id, sum(available) AS pieces FROM reward_stock GROUP BY reward_id
), out AS (
  SELECT reward_id, count(*) AS pieces FROM voucher
  WHERE status IN ('issued', 'settled') GROUP BY reward_id
)
SELECT reward.id AS reward_id, stock, coalesce(left_over.pieces, 0)::bigint AS available,
       coalesce(out.pieces, 0) AS redeemed
FROM reward LEFT JOIN left_over ON left_over.reward_id = reward.id
LEFT JOIN out ON out.reward_id = reward.id
WHERE stock IS NOT NULL AND stock <> coalesce(left_over.pieces, 0) + coalesce(out.pieces, 0)
"""

REWARD_CHECKS = (
    Check(
        "vouchers_held",
        "每张待使用的券都冻结等额积分,已结束的券不再冻结",
        "Every voucher that can be used holds its points, and no other one holds any",
        _HELD_FOR_VOUCHERS,
    ),
    Check(
        "settlements_moved",
        "每笔核销和撤销都有等额流水",
        "Every settlement moved its points to the merchant, and every undo moved them back",
        _SETTLED_MOVED,
    ),
    Check(
        "refunds_same_lots",
        "撤销核销时积分退回原批次",
        "An undo returns points to the lots that they came from",
        _REFUNDED_LOTS,
    ),
    Check(
        "voucher_states",
        "券的状态与其核销和撤销记录一致",
        "A voucher is settled or undone exactly when it has such a row",
        _VOUCHER_STATES,
    ),
    Check(
        "stock_adds_up",
        "剩余库存加已兑换数等于投放总数",
        "Pieces that are left and pieces that are out add up to those put up",
        _STOCK,
    ),
)
