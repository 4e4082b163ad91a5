"""Checks of members' own reports: tallies say what was counted, pairs of photos are whole."""

from backend.verify.check import Check

# Of each source the latest reading is kept, and of several sources the highest counts.
_TALLIES_ARE_COUNTED = """
WITH told AS (
  SELECT account_id, action, day, check_in_id, max(amount) AS amount, count(*) OVER (
           PARTITION BY account_id, action, day) AS check_ins
  FROM tally GROUP BY account_id, action, day, check_in_id
)
SELECT told.check_in_id, told.action, told.day, told.amount, check_in.quantities
FROM told LEFT JOIN check_in ON check_in.id = told.check_in_id
  AND (check_in.account_id, check_in.action) = (told.account_id, told.action)
  AND check_in.natural_key = told.action || ':' || told.day
WHERE check_ins <> 1 OR check_in.id IS NULL
   OR (status <> 'reversed' AND NOT EXISTS (
         SELECT FROM jsonb_each_text(quantities) WHERE value = told.amount::text))
"""

_NO_DRIVE_DAYS_HAVE_TWO_PHOTOS = """
SELECT check_in.id AS check_in_id, count(part) AS photos,
       count(DISTINCT left(capture.meal_window, 10)) AS days
FROM check_in LEFT JOIN check_in_evidence AS pair ON pair.check_in_id = check_in.id
LEFT JOIN capture ON capture.id = pair.capture_id
  AND capture.account_id = check_in.account_id AND capture.action = check_in.action
  AND split_part(capture.meal_window, '/', 2) = part
WHERE check_in.action = 'no_drive_day' AND reported_by = 'member'
GROUP BY check_in.id
HAVING count(capture.id) <> 2 OR count(DISTINCT left(capture.meal_window, 10)) <> 1
UNION ALL
SELECT pair.check_in_id, 1, 0 FROM check_in_evidence AS pair
JOIN check_in ON check_in.id = pair.check_in_id WHERE check_in.action <> 'no_drive_day'
"""

OWN_REPORT_CHECKS = (
    Check(
        "tallies_are_counted",
        "每天的合计等于各来源最近读数中的最大值",
        "A day's total is the highest of its sources' latest readings, in one check-in",
        _TALLIES_ARE_COUNTED,
    ),
    Check(
        "no_drive_days_have_two_photos",
        "每个停驶日都有同一天早晚各一张里程表照片",
        "A no-drive day has its owner's odometer photos of one morning and one evening",
        _NO_DRIVE_DAYS_HAVE_TWO_PHOTOS,
    ),
)
