"""Checks of what people decided, of the queue, and of the photos that have to go."""

from backend.verify.check import Check

# The last decision of a check-in, on an appeal if there was one.
_LAST = """
SELECT DISTINCT ON (check_in_id) check_in_id, outcome, is_on_appeal FROM review_decision
ORDER BY check_in_id, is_on_appeal DESC
"""

# An accepted one may still be rejected by the credit step, whose reason is not about the photo.
_DECIDED = f"""
SELECT check_in.id AS check_in_id, status, check_in.reason, verdict, outcome, is_on_appeal,
       appealed_at
FROM check_in LEFT JOIN ({_LAST}) AS last ON last.check_in_id = check_in.id
LEFT JOIN appeal ON appeal.check_in_id = check_in.id
LEFT JOIN score ON score.check_in_id = check_in.id
WHERE (outcome IS NOT NULL OR appealed_at IS NOT NULL OR verdict IN ('in_review', 'rejected'))
  AND CASE
    WHEN status = 'received' THEN outcome IS NOT NULL OR appealed_at IS NOT NULL
    WHEN status = 'in_review' THEN
      outcome IS NOT NULL AND (appealed_at IS NULL OR is_on_appeal)
    WHEN appealed_at IS NOT NULL AND NOT coalesce(is_on_appeal, false) THEN true
    WHEN status IN ('scored', 'credited', 'reversed') THEN outcome IS DISTINCT FROM 'accepted'
    WHEN check_in.reason = 'copy_of_earlier_photo' THEN false
    ELSE verdict = 'in_review' AND outcome IS NULL
  END
"""

_QUEUE = """
SELECT id AS check_in_id, status, in_review_since FROM check_in
WHERE (in_review_since IS NOT NULL) <> (status = 'in_review')
   OR (appeal_until IS NOT NULL AND status <> 'rejected')
"""

# Two hours more than the processor takes at most; the row of the deletion is what says that the
# evidence is gone.
_NO_PLATE = """
SELECT check_in.id AS check_in_id, status, reason, evidence_until, due_at, deleted_at FROM check_in
LEFT JOIN evidence_deletion ON check_in_id = check_in.id
WHERE (evidence_sha256 IS NOT NULL AND status = 'rejected' AND reason = 'no_plate'
       AND evidence_until IS NULL AND due_at IS NULL)
   OR (due_at IS NOT NULL AND (status, reason) IS DISTINCT FROM ('rejected', 'no_plate'))
   OR evidence_until < now() - interval '2 hours'
   OR (deleted_at IS NULL AND due_at < now() - interval '2 hours')
"""

REVIEW_CHECKS = (
    Check(
        "reviews_decide",
        "离开复核的打卡都有且只有一个终审结果",
        "A check-in that left review has exactly one decision that stands, and is where it says",
        _DECIDED,
    ),
    Check(
        "queue_is_complete",
        "复核队列恰好包含复核中的打卡",
        "The queue holds exactly what is in review, and only what was rejected can be appealed",
        _QUEUE,
    ),
    Check(
        "no_plate_goes",
        "非餐盘照片按期删除",
        "A photo of no plate is deleted in time, and nothing else is",
        _NO_PLATE,
    ),
)
