"""Checks of meters: readings are of days that were over, and what was saved has its baseline."""

from backend.verify.check import Check

# The tolerance of clocks is that of `backend.intake.domain.CLOCK_TOLERANCE`.
_READINGS = """
SELECT id AS reading_id, first_day, days, told_at FROM meter_reading
WHERE CAST(first_day + days AS timestamp) AT TIME ZONE 'Asia/Shanghai'
      > told_at + interval '5 minutes'
"""

# Saved and used together are the baseline or more, and a baseline is never below the average that
# it was made of: below all that were proposed by then it was made of none. Which of them was in
# force at that moment, and what the week before looked like, later readings may have changed.
_SAVINGS = """
WITH saving AS (
  SELECT source, event_id, event.partner_id, check_in_id, day, region, check_in.received_at,
         split_part(action, '_', 1) AS medium, CAST(amounts ->> 'days' AS bigint) AS days,
         CAST(amounts ->> 'persons' AS bigint) AS persons,
         CAST(coalesce(amounts ->> 'used_wh', amounts ->> 'used_l') AS bigint) AS used,
         CAST(quantities ->> 'days' AS bigint) AS credited_days,
         CAST(coalesce(quantities ->> 'energy_wh', quantities ->> 'volume_l') AS bigint) AS saved
  FROM partner_event AS event JOIN check_in ON check_in.id = check_in_id
  WHERE type = 'tanhui.meter.reading.v1' AND outcome = 'credited' AND day IS NOT NULL
    AND NOT EXISTS (
      SELECT FROM partner_event AS change
      WHERE (change.partner_id, change.source, change.about)
            = (event.partner_id, event.source, event.event_id) AND change.outcome = 'corrected')
)
SELECT source, event_id, check_in_id, day, days, credited_days, used, saved
FROM saving
WHERE days <> credited_days
   OR (saved + used >= (
        SELECT min(average_wh_or_l) * persons * days FROM meter_average AS average
        WHERE approved_by IS NOT NULL AND average.medium = saving.medium
          AND average.region IN (saving.region, left(saving.region, 4) || '00',
                                 left(saving.region, 2) || '0000')
          AND valid_from <= day AND proposed_at <= saving.received_at)) IS NOT TRUE
   OR NOT EXISTS (
        SELECT FROM meter_reading AS reading
        WHERE (reading.partner_id, reading.medium, first_day)
              = (saving.partner_id, saving.medium, day))
"""

METER_CHECKS = (
    Check(
        "readings_of_days_past",
        "抄表读数只涉及已经过去的日期",
        "A meter's reading is of days that were over when it was told",
        _READINGS,
    ),
    Check(
        "savings_have_baselines",
        "每次计入的节约都有读数,且不低于公布的人均用量基准",
        "What was saved has its reading, its days, and a baseline that was published",
        _SAVINGS,
    ),
)
