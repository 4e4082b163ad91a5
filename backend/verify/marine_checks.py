"""Checks of the custody of marine plastic: every gram is in a lot or is a stated loss."""

from backend.verify.check import Check

_LOTS_LEFT = """
WITH gone AS (
  SELECT lot_id, sum(mass_g) AS taken_g FROM marine_taken AS taken
  WHERE NOT EXISTS (SELECT FROM marine_withdrawal WHERE step_id = taken.step_id)
  GROUP BY lot_id
)
SELECT lot.id AS lot_id, mass_g, left_g, coalesce(taken_g, 0)::bigint AS taken_g,
       withdrawal.step_id AS withdrawn_step_id
FROM marine_lot AS lot LEFT JOIN gone ON lot_id = lot.id
LEFT JOIN marine_withdrawal AS withdrawal ON withdrawal.step_id = lot.step_id
WHERE left_g <> CASE WHEN withdrawal.step_id IS NULL THEN mass_g - coalesce(taken_g, 0) ELSE 0 END
   OR (withdrawal.step_id IS NOT NULL AND taken_g > 0)
"""

# What a withdrawn step gathered is free again, and its heir is at the same site.
_WITHDRAWALS = """
SELECT gathered.step_id, hand_in_id, NULL AS heir_id
FROM marine_gathered AS gathered
LEFT JOIN marine_withdrawal AS withdrawal ON withdrawal.step_id = gathered.step_id
WHERE is_withdrawn <> (withdrawal.step_id IS NOT NULL)
UNION ALL
SELECT step.id, NULL, heir.id
FROM marine_step AS heir JOIN marine_step AS step ON step.id = heir.replaces
LEFT JOIN marine_withdrawal AS withdrawal ON withdrawal.step_id = step.id
WHERE withdrawal.step_id IS NULL OR heir.site_id <> step.site_id
"""

# What went in comes from lots, or from hand-ins where the way begins.
_STEPS_BALANCE = """
WITH taken AS (
  SELECT step_id, sum(mass_g) AS mass_g FROM marine_taken GROUP BY step_id
  UNION ALL
  SELECT step_id, sum(mass_g) FROM marine_gathered
  JOIN marine_hand_in AS hand_in ON hand_in.id = hand_in_id GROUP BY step_id
), made AS (SELECT step_id, sum(mass_g) AS mass_g FROM marine_lot GROUP BY step_id)
SELECT step.id AS step_id, taken_g, coalesce(taken.mass_g, 0)::bigint AS taken_of_lots,
       made_g, coalesce(made.mass_g, 0)::bigint AS made_of_lots, loss_g
FROM marine_step AS step LEFT JOIN taken ON taken.step_id = step.id
LEFT JOIN made ON made.step_id = step.id
WHERE taken_g <> coalesce(taken.mass_g, 0) OR made_g <> coalesce(made.mass_g, 0)
   OR taken_g <> made_g + loss_g
"""

_HAND_INS_CREDITED = """
SELECT hand_in.id AS hand_in_id, hand_in.check_in_id, hand_in.account_id,
       check_in.account_id AS credited_account_id
FROM marine_hand_in AS hand_in LEFT JOIN check_in ON check_in.id = check_in_id
WHERE mass_g IS NOT NULL AND hand_in.account_id IS NOT NULL
  AND (check_in.account_id IS DISTINCT FROM hand_in.account_id OR action <> 'marine_waste')
"""

_PAYOUTS = """
SELECT hand_in_id, payout.mass_g, hand_in.mass_g AS weighed_g, amount_fen, fen_per_kg
FROM marine_payout AS payout JOIN marine_hand_in AS hand_in ON hand_in.id = hand_in_id
WHERE (payout.mass_g, payout.site_id, payout.kept_by)
      IS DISTINCT FROM (hand_in.mass_g, hand_in.site_id, hand_in.kept_by)
   OR amount_fen <> payout.mass_g * fen_per_kg / 1000
"""

MARINE_CHECKS = (
    Check(
        "marine_lots_left",
        "每个海洋塑料批次的余量等于其质量减去取出量",
        "What is left of a lot is its mass less what was taken out of it",
        _LOTS_LEFT,
    ),
    Check(
        "marine_steps_balance",
        "每一步流转的投入等于产出与损耗之和",
        "What a step takes is what it makes and what it states as lost",
        _STEPS_BALANCE,
    ),
    Check(
        "marine_withdrawals_hold",
        "撤回的流转不再占用交投,替代步骤在同一站点",
        "What a withdrawn step gathered is free, and the step in its place is at the same site",
        _WITHDRAWALS,
    ),
    Check(
        "marine_hand_ins_credited",
        "会员已称重的交投都有其本人的打卡",
        "Every weighed hand-in of a member has a check-in of that member",
        _HAND_INS_CREDITED,
    ),
    Check(
        "marine_payouts_follow_the_scale",
        "付款按称重质量计算",
        "A payout is for what the scale showed, at its price",
        _PAYOUTS,
    ),
)
