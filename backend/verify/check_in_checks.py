"""Checks of check-ins, claims, bags, look-alike photos and the work that waits for them."""

from backend.verify.check import Check

_LIVE = (
    "SELECT * FROM credit"
    " WHERE NOT EXISTS (SELECT FROM reversal WHERE reversal.credit_id = credit.id)"
)

_CREDITED_HAS_CREDIT = f"""
SELECT coalesce(check_in.id, live.check_in_id) AS check_in_id, status, live.id AS credit_id
FROM (SELECT id, status FROM check_in) AS check_in
FULL JOIN ({_LIVE}) AS live ON live.check_in_id = check_in.id
WHERE (live.id IS NOT NULL) <> (coalesce(status, 'missing') = 'credited')
"""

# Place and time are not compared: a bag is bound before it is weighed.
_CREDIT_IS_OF_ITS_CHECK_IN = f"""
SELECT check_in.id AS check_in_id, live.id AS credit_id
FROM check_in JOIN ({_LIVE}) AS live ON live.check_in_id = check_in.id
WHERE (check_in.account_id, check_in.action, check_in.tier, check_in.region, check_in.quantities)
   <> (live.account_id, live.action, live.tier, live.region, live.quantities)
"""

# A photo has claimed its capture and its pixels at intake, and its meal when it was credited; a
# trip or a bag has claimed itself. The keys are HMACs, so they are counted rather than compared.
_CLAIMED = """
WITH claims AS (SELECT check_in_id, count(*) AS claims FROM claim GROUP BY check_in_id)
SELECT check_in.id AS check_in_id, status, coalesce(claims, 0) AS claims
FROM check_in LEFT JOIN claims ON claims.check_in_id = check_in.id
WHERE coalesce(claims, 0) < (CASE WHEN evidence_sha256 IS NULL THEN 0 ELSE 2 END)
   + (CASE WHEN status = 'credited' AND (evidence_sha256 IS NULL OR meal_window IS NOT NULL)
           THEN 1 ELSE 0 END)
UNION ALL
SELECT claim.check_in_id, NULL, count(*) FROM claim
LEFT JOIN check_in ON check_in.id = claim.check_in_id
WHERE check_in.id IS NULL GROUP BY claim.check_in_id
"""

_WAITING_HAS_WORK = """
WITH waiting AS (
  SELECT step, check_in_id FROM work CROSS JOIN LATERAL unnest(ids) AS named(check_in_id)
  WHERE step IN ('score', 'credit')
)
SELECT check_in.id AS check_in_id, status FROM check_in
LEFT JOIN waiting ON waiting.check_in_id = check_in.id
  AND step = CASE status WHEN 'received' THEN 'score' ELSE 'credit' END
WHERE status IN ('received', 'scored') AND step IS NULL
"""

_WORK_IS_KNOWN = """
SELECT work.id AS work_id, step, named.id AS names
FROM work CROSS JOIN LATERAL unnest(ids) AS named(id)
LEFT JOIN check_in ON check_in.id = named.id AND step IN ('score', 'credit')
LEFT JOIN credit ON credit.id = named.id AND step = 'report'
LEFT JOIN reversal ON reversal.id = named.id AND step = 'report'
WHERE step IN ('score', 'credit', 'report')
  AND check_in.id IS NULL AND credit.id IS NULL AND reversal.id IS NULL
"""

_BAGS = """
SELECT code, bag.check_in_id, status, mass_g FROM bag
LEFT JOIN check_in ON check_in.id = bag.check_in_id AND check_in.account_id = bag.account_id
WHERE bag.check_in_id IS NOT NULL
  AND (status IS NULL OR (weighed_at IS NULL) <> (status IN ('bound', 'lapsed'))
       OR (status = 'lapsed') <> (num_nonnulls(lapsed_at, lost_at) = 1))
"""

# Whoever yields stops, a copy for good but for an appeal, until a person passes it on. Photos that
# are only alike raise the risk: where its line was is in the card of that time.
_LOOK_ALIKES = """
SELECT first_id, second_id, yields, kind, stopped.status FROM near_match
LEFT JOIN check_in AS first ON first.id = first_id
LEFT JOIN check_in AS second ON second.id = second_id
LEFT JOIN check_in AS stopped ON stopped.id = yields
WHERE first.id IS NULL OR second.id IS NULL OR yields NOT IN (first_id, second_id)
   OR (kind <> 'alike' AND stopped.status IN ('scored', 'credited') AND NOT EXISTS (
     SELECT FROM review_decision
     WHERE review_decision.check_in_id = yields AND outcome = 'accepted'))
   OR (kind = 'copy' AND stopped.status = 'in_review'
     AND NOT EXISTS (SELECT FROM appeal WHERE appeal.check_in_id = yields))
"""

CHECK_IN_CHECKS = (
    Check(
        "credited_has_credit",
        "已入账的打卡都有一笔有效入账,反之亦然",
        "A check-in is credited exactly when it has a booking that counts",
        _CREDITED_HAS_CREDIT,
    ),
    Check(
        "credit_is_of_its_check_in",
        "有效入账的账户、场景、等级、地区和数量与其打卡一致",
        "A booking that counts has the account, action, tier, region and amounts of its check-in",
        _CREDIT_IS_OF_ITS_CHECK_IN,
    ),
    Check(
        "evidence_claimed",
        "每份证据都已登记,每项登记都有打卡",
        "Evidence is claimed by its check-in, and every claim has one",
        _CLAIMED,
    ),
    Check(
        "waiting_has_work",
        "待识别或待入账的打卡都有待办",
        "A check-in that waits has work that will move it on, or a dead letter",
        _WAITING_HAS_WORK,
    ),
    Check(
        "work_is_known",
        "待办所指的打卡或入账都存在",
        "Work names check-ins and bookings that exist",
        _WORK_IS_KNOWN,
    ),
    Check(
        "bags_follow_check_ins",
        "绑定的回收袋与其打卡状态一致",
        "A bag is bound or weighed as its check-in says",
        _BAGS,
    ),
    Check(
        "look_alikes_yield",
        "相似照片中恰有一张让行,未经人工不入账",
        "Of two photos that look alike exactly one yields, and only a person passes it on",
        _LOOK_ALIKES,
    ),
)
