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
)
