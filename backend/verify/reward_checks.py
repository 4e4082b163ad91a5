"""Checks of vouchers, settlements, stock and statements against the ledger."""

from backend.verify.check import Check

_HELD_FOR_VOUCHERS = """
WITH held AS (SELECT hold_id, sum(amount) AS held FROM hold_line GROUP BY hold_id)
SELECT voucher.id AS voucher_id, status, points, coalesce(held, 0)::bigint AS held
FROM voucher LEFT JOIN held ON hold_id = voucher.id
WHERE coalesce(held, 0) <> CASE WHEN status IN ('issued', 'fulfilling') THEN points ELSE 0 END
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
  WHERE status IN ('issued', 'fulfilling', 'settled') GROUP BY reward_id
)
SELECT reward.id AS reward_id, stock, coalesce(left_over.pieces, 0)::bigint AS available,
       coalesce(out.pieces, 0) AS redeemed
FROM reward LEFT JOIN left_over ON left_over.reward_id = reward.id
LEFT JOIN out ON out.reward_id = reward.id
WHERE stock IS NOT NULL AND stock <> coalesce(left_over.pieces, 0) + coalesce(out.pieces, 0)
"""

# Totals against the ledger itself: what transfers moved for the causes of the lines.
_STATEMENTS = """
WITH moved AS (
  SELECT cause_id, sum(CASE WHEN purpose = 'settle' THEN amount ELSE -amount END) AS points
  FROM transfer WHERE purpose IN ('settle', 'refund') GROUP BY cause_id
), lines AS (
  SELECT statement_id, sum(line.points) AS listed, sum(moved.points) AS moved,
         coalesce(sum(moved.points) FILTER (WHERE moved.points > 0), 0) AS settled
  FROM statement_line AS line LEFT JOIN moved ON moved.cause_id = line.cause_id
  GROUP BY statement_id
)
SELECT statement.id AS statement_id, settled_points - undone_points AS due_points,
       coalesce(listed, 0)::bigint AS listed, coalesce(moved, 0)::bigint AS moved
FROM settlement_statement AS statement FULL JOIN lines ON statement_id = statement.id
WHERE statement.id IS NULL OR settled_points <> coalesce(settled, 0)
   OR settled_points - undone_points <> coalesce(moved, 0)
   OR coalesce(listed, 0) <> coalesce(moved, 0)
"""

_SHIFTS = """
WITH lines AS (
  SELECT shift_id, sum(line.points) AS listed,
         sum(coalesce(settlement.points, -undo.points)) AS made
  FROM shift_line AS line LEFT JOIN settlement ON settlement.id = line.cause_id
  LEFT JOIN settlement_undo AS undo ON undo.id = line.cause_id GROUP BY shift_id
)
SELECT shift.id AS shift_id, settled_points - undone_points AS due_points,
       listed::bigint AS listed, made::bigint AS made
FROM shift FULL JOIN lines ON shift_id = shift.id
WHERE settled_points - undone_points IS DISTINCT FROM listed OR listed IS DISTINCT FROM made
"""

_DONATIONS = """
WITH moved AS (
  SELECT cause_id, account_id, credit, sum(amount) AS points FROM transfer
  WHERE purpose = 'settle' GROUP BY cause_id, account_id, credit
)
SELECT donation.id AS donation_id, donation.points, coalesce(moved.points, 0)::bigint AS moved
FROM donation LEFT JOIN moved ON cause_id = donation.id
  AND moved.account_id = donation.account_id AND credit = project_id
WHERE coalesce(moved.points, 0) <> donation.points
"""

_POOL = """
SELECT voucher.id AS voucher_id, code.id AS code_id, status
FROM voucher JOIN reward ON reward.id = reward_id AND fulfilment = 'pool'
LEFT JOIN pool_code AS code ON code.voucher_id = voucher.id
  AND code.reward_id = voucher.reward_id
WHERE status <> 'settled' OR code.id IS NULL
UNION ALL
SELECT code.voucher_id, code.id, NULL FROM pool_code AS code
WHERE code.voucher_id IS NOT NULL
  AND NOT EXISTS (SELECT FROM voucher WHERE voucher.id = code.voucher_id)
"""

# What a partner has said, or a person has found out, is what its voucher became.
_PARTNER_CALLS = """
SELECT voucher.id AS voucher_id, voucher.status, call.status AS call_status
FROM voucher JOIN reward ON reward.id = reward_id AND fulfilment = 'partner_call'
LEFT JOIN partner_call AS call ON call.voucher_id = voucher.id
WHERE call.status IS NULL OR voucher.status <> ALL (CASE call.status
  WHEN 'fulfilled' THEN ARRAY['settled', 'undone'] WHEN 'refused' THEN ARRAY['returned']
  ELSE ARRAY['fulfilling'] END)
UNION ALL
SELECT call.voucher_id, NULL, call.status FROM partner_call AS call WHERE NOT EXISTS (
  SELECT FROM voucher JOIN reward ON reward.id = reward_id AND fulfilment = 'partner_call'
  WHERE voucher.id = call.voucher_id)
UNION ALL
SELECT voucher.id, voucher.status, NULL FROM voucher
JOIN reward ON reward.id = reward_id AND fulfilment <> 'partner_call'
WHERE status IN ('fulfilling', 'returned')
"""

# A till undoes within ten minutes; later, or with an approver, it is the correction of two persons.
_CORRECTIONS = """
SELECT coalesce(undo.settlement_id, correction.settlement_id) AS settlement_id, undone_by,
       approved_by, proposed_by, decided_by
FROM (SELECT undo.*, settled_at FROM settlement_undo AS undo
      JOIN settlement ON settlement.id = settlement_id) AS undo
FULL JOIN (SELECT * FROM settlement_correction WHERE outcome = 'done') AS correction
  ON correction.settlement_id = undo.settlement_id
WHERE CASE WHEN correction.id IS NULL
  THEN approved_by IS NOT NULL OR undone_at > settled_at + interval '10 minutes'
  ELSE (undone_by, approved_by, undo.points)
    IS DISTINCT FROM (proposed_by, decided_by, correction.points) END
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
        "corrections_by_two",
        "每项生效的核销更正对应一笔撤销,提出人与批准人一致",
        "A correction that was approved is one undo, by the same two persons",
        _CORRECTIONS,
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
    Check(
        "pool_codes_given",
        "券码池的每张券都有且只有一个券码",
        "Every voucher of a code pool has one code, and no code is given to nobody",
        _POOL,
    ),
    Check(
        "partner_calls_end_vouchers",
        "直充券的状态与商户系统的答复一致",
        "A voucher that a partner fulfils is what the partner has said, and held until then",
        _PARTNER_CALLS,
    ),
    Check(
        "statements_are_transfers",
        "结算单合计等于其明细对应的流水",
        "A statement's totals are what the transfers of its lines moved",
        _STATEMENTS,
    ),
    Check(
        "shifts_are_settlements",
        "交班合计等于其核销与撤销之和",
        "A shift's totals are its settlements less its undos",
        _SHIFTS,
    ),
    Check(
        "donations_moved",
        "每笔捐赠都有等额流水",
        "Every donation moved its points to its project",
        _DONATIONS,
    ),
)
