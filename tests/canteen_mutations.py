"""Ways to break the books of canteens and cards; joined with the others in `mutations`."""

CANTEEN_MUTATIONS = {
    "an event that waits for the score of a tray that nobody has": (
        "meal_events_have_trays",
        "UPDATE parked_event SET awaited = concat(awaited, '9') WHERE waits_for = 'score'",
    ),
    "a meal that counted without a tray": (
        "meal_events_have_trays",
        (
            "UPDATE partner_event SET type = 'tanhui.meal.returned.v1' WHERE (source, event_id) ="
            " (SELECT source, event_id FROM partner_event WHERE outcome = 'credited'"
            " AND type = 'tanhui.trip.v1' LIMIT 1)"
        ),
    ),
    "a tray that became another check-in": (
        "trays_are_check_ins",
        "UPDATE tray SET sequence = sequence + 100 WHERE status = 'joined'",
        "meal_events_have_trays",
    ),
    "a camera's check-in without its tray": (
        "trays_are_check_ins",
        "DELETE FROM tray WHERE status = 'joined'",
        "meal_events_have_trays",
    ),
    "a device that reports for another partner": (
        "devices_in_their_place",
        "UPDATE device SET partner_id = (SELECT id FROM partner WHERE id <> partner_id LIMIT 1)",
        "meal_events_have_trays",
    ),
    "a tray seen elsewhere": (
        "devices_in_their_place",
        "UPDATE tray SET canteen_id = uuidv7() WHERE status = 'waiting'",
    ),
    "a card that nobody bound": (
        "cards_have_holders",
        "DELETE FROM card_change WHERE what = 'bound'",
    ),
    "a new card that took the lost one's place for somebody else": (
        "cards_have_holders",
        (
            "UPDATE card SET account_id = (SELECT id FROM account WHERE kind = 'member'"
            " AND id NOT IN (SELECT account_id FROM card WHERE account_id IS NOT NULL) LIMIT 1)"
            " WHERE status = 'active'"
        ),
    ),
    "a request made with somebody else's card": (
        "card_requests_are_holders",
        (
            "UPDATE settlement_request SET account_id = (SELECT id FROM account"
            " WHERE kind = 'member' AND id <> settlement_request.account_id LIMIT 1)"
            " WHERE id IN (SELECT request_id FROM card_request)"
        ),
    ),
    "a figure of waste that was corrected away": (
        "waste_keeps_its_corrections",
        "DELETE FROM waste_entry WHERE entry = 1",
    ),
}
