"""Checks of restatements: every change has a cause, and check-ins say what was decided."""

from backend.verify.check import Check

_REVERSALS_HAVE_A_CAUSE = """
SELECT reversal.id AS reversal_id, restatement.id AS restatement_id
FROM reversal JOIN credit ON credit.id = credit_id
FULL JOIN restatement ON restatement.id = restatement_id
WHERE reversal.id IS NULL OR restatement.id IS NULL
   OR restatement.account_id <> credit.account_id
"""

_REVERSED_SAYS_WHY = """
SELECT check_in.id AS check_in_id, check_in.reason FROM check_in
WHERE status = 'reversed' AND NOT EXISTS (
  SELECT FROM restatement WHERE check_in_id = check_in.id AND restatement.reason = check_in.reason)
"""

_REQUESTS_ARE_CARRIED_OUT = """
SELECT request.id AS request_id, outcome, check_in.status FROM reversal_request AS request
LEFT JOIN check_in ON check_in.id = request.check_in_id
LEFT JOIN restatement ON restatement.id = request.id
  AND (restatement.check_in_id, restatement.decided_by, restatement.reason)
    = (request.check_in_id, request.requested_by, request.reason)
  AND restatement.approved_by IS NOT DISTINCT FROM request.decided_by
WHERE (outcome = 'done') <> (restatement.id IS NOT NULL)
   OR (outcome = 'done' AND coalesce(status, '') <> 'reversed')
"""

RESTATEMENT_CHECKS = (
    Check(
        "reversals_have_a_cause",
        "每笔冲正都有同一账户的更正原因,每个原因都有冲正",
        "Every reversal has a cause on the same account, and every cause has reversed something",
        _REVERSALS_HAVE_A_CAUSE,
    ),
    Check(
        "reversed_says_why",
        "每次被更正的打卡都写明其更正原因",
        "A check-in that was reversed carries the reason of its own restatement",
        _REVERSED_SAYS_WHY,
    ),
    Check(
        "requests_are_carried_out",
        "每项已完成的冲正申请都已执行,未完成的都未执行",
        "A reversal that was agreed on was carried out, by those who agreed, and no other was",
        _REQUESTS_ARE_CARRIED_OUT,
    ),
)
