"""Ways to break links, keys and meters; joined with the others in `mutations`."""

PARTNER_MUTATIONS = {
    "a customer who was linked twice at a time": (
        "links_one_at_a_time",
        "UPDATE ended_link SET unlinked_at = unlinked_at + interval '1 day'",
    ),
    "a link that ended before it began": (
        "links_one_at_a_time",
        "UPDATE ended_link SET unlinked_at = linked_at - interval '1 second'",
    ),
    "a link that has ended and stands": (
        "links_one_at_a_time",
        (
            "UPDATE partner_link SET id = ended_link.id FROM ended_link"
            " WHERE ended_link.subject_token = partner_link.subject_token"
        ),
    ),
    "a rotated key that never ends": (
        "rotated_keys_end",
        "UPDATE partner_key SET expires_at = NULL",
    ),
    "a rotated key that overlaps too long": (
        "rotated_keys_end",
        "UPDATE partner_key SET expires_at = expires_at + interval '1 hour'",
    ),
    "a rotated key that may do more": (
        "rotated_keys_end",
        "UPDATE partner_key SET scopes = '{event.send,bag.weigh}' WHERE replaces IS NOT NULL",
    ),
    "a reading of days to come": (
        "readings_of_days_past",
        "UPDATE meter_reading SET told_at = told_at - interval '30 days'",
    ),
    "a saving without a reading": ("savings_have_baselines", "DELETE FROM meter_reading"),
    "a saving below every average": (
        "savings_have_baselines",
        "UPDATE meter_average SET average_wh_or_l = average_wh_or_l + 1",
    ),
    "a saving of more days than were read": (
        "savings_have_baselines",
        (
            "UPDATE partner_event SET amounts = jsonb_set(amounts, '{days}', '2')"
            " WHERE type = 'tanhui.meter.reading.v1'"
        ),
    ),
}
