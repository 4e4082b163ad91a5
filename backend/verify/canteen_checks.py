"""Checks of trays and of the devices that saw them."""

from backend.verify.check import Check

_TRAYS = """
SELECT tray.id AS tray_id, tray.status, check_in.id AS check_in_id, check_in.natural_key
FROM (SELECT * FROM tray WHERE status = 'joined') AS tray
FULL JOIN (SELECT * FROM check_in WHERE natural_key LIKE 'tray:%') AS check_in
  ON check_in.id = tray.check_in_id
WHERE tray.id IS NULL OR check_in.id IS NULL
   OR check_in.natural_key <> concat_ws(':', 'tray', tray.device_id, tray.sequence)
   OR (check_in.reported_by, check_in.tier, check_in.meal_window)
      <> ('device', 'documented', tray.meal_window)
"""

# A device stands in a canteen of its partner, and its key is one of that partner's devices.
_DEVICES = """
SELECT device.id AS device_id, device.partner_id, canteen.id AS canteen_id, device.key_id
FROM device LEFT JOIN canteen ON canteen.id = device.place_id
LEFT JOIN partner_key AS key ON key.id = device.key_id
WHERE canteen.partner_id IS DISTINCT FROM device.partner_id
   OR (device.key_id IS NOT NULL
       AND (key.partner_id, key.kind, key.algorithm)
           IS DISTINCT FROM (device.partner_id, 'device', 'v1a'))
UNION ALL
SELECT tray.device_id, NULL, tray.canteen_id, NULL FROM tray
LEFT JOIN device ON device.id = tray.device_id
WHERE device.place_id IS DISTINCT FROM tray.canteen_id
"""

_WASTE = """
SELECT canteen_id, day, count(*) AS entries, max(entry) AS last_entry FROM waste_entry
GROUP BY canteen_id, day HAVING count(*) <> max(entry)
"""

# What an event says of a tray is true of its own partner's trays only.
_MEAL_EVENTS = """
SELECT event.source, event.event_id, event.check_in_id, told.awaited, tray.id AS tray_id
FROM partner_event AS event LEFT JOIN parked_event AS told USING (partner_id, source, event_id)
LEFT JOIN tray ON (event.check_in_id IS NOT NULL AND tray.check_in_id = event.check_in_id)
  OR (told.waits_for = 'score' AND concat(tray.device_id, ':', tray.sequence) = told.awaited)
LEFT JOIN device ON device.id = tray.device_id
WHERE event.type = 'tanhui.meal.returned.v1'
  AND (event.check_in_id IS NOT NULL OR told.waits_for = 'score')
  AND (tray.check_in_id IS NULL OR device.partner_id IS DISTINCT FROM event.partner_id)
"""

CANTEEN_CHECKS = (
    Check(
        "trays_are_check_ins",
        "已归属的餐盘与设备上报的打卡一一对应",
        "A tray of a member is exactly one check-in by its device, and every such one has a tray",
        _TRAYS,
    ),
    Check(
        "devices_in_their_place",
        "设备、食堂、密钥和餐盘属于同一合作方",
        "A device, its canteen, its key and its trays belong together",
        _DEVICES,
    ),
    Check(
        "meal_events_have_trays",
        "计入的餐盘事件都对应本合作方设备拍摄的餐盘",
        "An event about a meal that counted, or waits for its score, has a tray of its own partner",
        _MEAL_EVENTS,
    ),
    Check(
        "waste_keeps_its_corrections",
        "厨余量的每次填报与更正都有记录",
        "The figures of a day are numbered without a gap, so no correction has gone",
        _WASTE,
    ),
)
