"""Checks of bags: their chains are whole, nothing appears between scale and sorting table."""

from backend.verify.check import Check

_CHAINS_ARE_WHOLE = """
SELECT bag.code, told.step, told.at AS bag_says, link.occurred_at AS chain_says
FROM bag CROSS JOIN LATERAL (VALUES ('bound', bound_at), ('weighed', weighed_at),
  ('sorted', sorted_at), ('lost', lost_at), ('lapsed', lapsed_at)) AS told(step, at)
LEFT JOIN bag_custody AS link ON link.code = bag.code AND link.step = told.step
WHERE (told.at IS NULL) <> (link.code IS NULL)
   OR (told.step = 'weighed' AND link.mass_g <> bag.mass_g)
UNION ALL
SELECT link.code, link.step, earlier.occurred_at, link.occurred_at
FROM bag_custody AS link LEFT JOIN bag_custody AS earlier ON earlier.code = link.code
  AND earlier.step = CASE link.step WHEN 'sorted' THEN 'weighed' ELSE 'bound' END
WHERE link.step <> 'bound' AND (earlier.code IS NULL OR link.occurred_at < earlier.occurred_at)
"""

# A stated loss leaves nothing open; else the tolerance of `backend.recycling.domain.tolerance_g`.
_SORTED_IS_WHAT_WAS_WEIGHED = """
SELECT sorted.code, weighed.mass_g AS weighed_g, sorted.mass_g AS sorted_g, sorted.quantities
FROM bag_custody AS sorted LEFT JOIN bag_custody AS weighed
  ON weighed.code = sorted.code AND weighed.step = 'weighed'
WHERE sorted.step = 'sorted'
  AND (weighed.code IS NULL
       OR abs(sorted.mass_g + coalesce(sorted.loss_g, 0) - weighed.mass_g)
          > CASE WHEN sorted.loss_g IS NULL THEN greatest(100, weighed.mass_g * 5 / 100) ELSE 0 END
       OR sorted.mass_g <> sorted.residue_g
          + (SELECT sum(CAST(value AS bigint)) FROM jsonb_each_text(sorted.quantities)))
"""

_DOUBTS_HOLD_BACK = """
SELECT bag_doubt.id, bag_doubt.code, outcome, bag.mass_g FROM bag_doubt JOIN bag USING (code)
WHERE (outcome = 'pending' AND num_nonnulls(bag.weighed_at, lapsed_at, lost_at) > 0)
   OR (outcome = 'credited' AND bag.weighed_at IS NULL)
"""

_PICKUPS_FOLLOW_REPORTS = """
SELECT pickup.id, pickup.status, NULL AS code FROM pickup
WHERE pickup.status = 'done' AND NOT EXISTS (
  SELECT FROM pickup_report WHERE pickup_id = pickup.id AND kind = 'done')
UNION ALL
SELECT pickup.id, pickup.status, NULL FROM pickup JOIN pickup_report ON pickup_id = pickup.id
WHERE kind = 'done' AND closed_at IS NULL
UNION ALL
SELECT pickup_id, pickup_report.kind, pickup_report.code FROM pickup_report
LEFT JOIN bag_custody AS link ON link.code = pickup_report.code AND link.step = 'picked_up'
WHERE kind = 'picked_up' AND link.code IS NULL
"""

RECYCLING_CHECKS = (
    Check(
        "bag_chains_are_whole",
        "回收袋的每一步都有流转记录,时间先后一致",
        "Each step of a bag is in its chain of custody once, in order and with its weight",
        _CHAINS_ARE_WHOLE,
    ),
    Check(
        "sorted_is_what_was_weighed",
        "分拣、残渣与损耗合计与称重一致(未报损耗时在允许误差内)",
        "Sorted materials, residue and loss are what was weighed; without a loss within tolerance",
        _SORTED_IS_WHAT_WAS_WEIGHED,
    ),
    Check(
        "doubts_hold_bags_back",
        "待核实的称重没有入账",
        "A weight in doubt is not credited before an operator has looked",
        _DOUBTS_HOLD_BACK,
    ),
    Check(
        "pickups_follow_reports",
        "上门收取的状态与收运员上报一致",
        "A pickup is done as its collector says, and each bag picked up is in its chain",
        _PICKUPS_FOLLOW_REPORTS,
    ),
)
