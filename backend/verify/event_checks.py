"""Checks of partners' events: what counted is a check-in, and what waits is kept."""

from backend.verify.check import Check

# A correction stays one when its activity is withdrawn or reversed later.
_BECAME = """
SELECT source, event_id, outcome, partner_event.check_in_id, status
FROM partner_event LEFT JOIN check_in ON check_in.id = partner_event.check_in_id
WHERE outcome IN ('credited', 'corrected', 'withdrawn')
  AND (coalesce(status, 'missing') NOT IN ('credited', 'reversed')
       OR (outcome = 'withdrawn' AND status <> 'reversed'))
"""

_WAITING = """
SELECT source, event_id, outcome, parked_event.waits_for
FROM partner_event LEFT JOIN parked_event USING (partner_id, source, event_id)
WHERE (outcome = 'parked') <> (parked_event.waits_for IS NOT NULL)
"""

EVENT_CHECKS = (
    Check(
        "events_became_check_ins",
        "计入的合作方事件都有对应打卡,撤回的已更正",
        "A partner's event that counted has its check-in, and what was withdrawn is reversed",
        _BECAME,
    ),
    Check(
        "parked_events_wait",
        "等待中的合作方事件都保留了内容,其他的没有",
        "A partner's event that waits is kept with its body, and no other one is",
        _WAITING,
    ),
)
