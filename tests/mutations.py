"""Ways to break the books, each with the check of `tanhui verify` that must see it.

A name may be followed by a second one where the same breach cannot avoid it.
"""

from tests.canteen_mutations import CANTEEN_MUTATIONS
from tests.money_mutations import MONEY_MUTATIONS
from tests.partner_mutations import PARTNER_MUTATIONS

LIVE = "NOT EXISTS (SELECT FROM reversal WHERE credit_id = credit.id)"
ONCE = f"booking = 1 AND {LIVE} AND action = 'clean_plate'"
# Of the bookings that the report step has taken in.
REPORTED = "NOT EXISTS (SELECT FROM work WHERE step = 'report' AND credit.id = ANY(ids))"

MUTATIONS = {
    **CANTEEN_MUTATIONS,
    **PARTNER_MUTATIONS,
    **MONEY_MUTATIONS,
    "a member's grams raised": (
        "member_balances",
        (
            "UPDATE account_lot SET posted = posted + 1 WHERE (account_id, lot_id) = (SELECT"
            " account_id, lot_id FROM account_lot JOIN account ON id = account_id"
            " WHERE kind = 'member' AND lot_id = 0 LIMIT 1)"
        ),
    ),
    "a version published after it was used": (
        "versions_in_force",
        (
            "UPDATE methodology_version SET published_at = now() + interval '1 day'"
            " WHERE methodology_id = 'TPH-FOOD-01'"
        ),
    ),
    "a version withdrawn before it was used": (
        "versions_in_force",
        (
            "UPDATE methodology_version SET status = 'withdrawn',"
            " status_since = '2026-02-01 00:00+08' WHERE methodology_id = 'TPH-MOB-05'"
        ),
    ),
    "a member's balance gone": (
        "member_balances",
        (
            "DELETE FROM account_lot WHERE lot_id = 0 AND account_id = (SELECT account_id FROM"
            " account_lot JOIN account ON id = account_id WHERE kind = 'member' AND lot_id = 0"
            " AND posted > 0 LIMIT 1)"
        ),
    ),
    "a delta lost": (
        "shared_balances",
        "DELETE FROM account_delta WHERE id = (SELECT min(id) FROM account_delta)",
    ),
    "what was issued lowered": (
        "shared_balances",
        (
            "UPDATE account_lot SET posted = posted - 1 FROM account"
            " WHERE id = account_id AND kind = 'issuance'"
        ),
    ),
    "a merchant paid less": (
        "shared_balances",
        (
            "UPDATE account_delta SET amount = amount - 1 FROM account"
            " WHERE account.id = account_id AND kind = 'merchant'"
        ),
    ),
    "more held than there is": (
        "available_not_negative",
        (
            "ALTER TABLE account_lot DROP CONSTRAINT ck_account_lot_available_not_negative;"
            "WITH one AS (UPDATE hold_line SET amount = amount + 10000 WHERE hold_id = (SELECT id"
            " FROM hold LIMIT 1) RETURNING *)"
            " UPDATE account_lot SET held = held + 10000 FROM one JOIN hold"
            " ON hold.id = hold_id WHERE account_lot.account_id = hold.account_id"
            " AND account_lot.lot_id = one.lot_id"
        ),
    ),
    "a hold's line gone": (
        "held_is_open_holds",
        "DELETE FROM hold_line WHERE hold_id = (SELECT id FROM hold LIMIT 1)",
    ),
    "points held by nobody": (
        "held_is_open_holds",
        (
            "UPDATE account_lot SET held = held + 1 WHERE (account_id, lot_id) ="
            " (SELECT account_id, lot_id FROM account_lot WHERE lot_id <> 0 AND posted > held"
            " LIMIT 1)"
        ),
    ),
    "a slice raised": (
        "funds_spent",
        "UPDATE fund_slice SET available = available + 1 WHERE slice = 3",
    ),
    "a budget lowered": ("funds_spent", "UPDATE fund SET budget = budget - 1"),
    "more owed than funded": (
        "points_funded",
        (
            "UPDATE fund SET budget = 0;"
            "ALTER TABLE fund_slice DROP CONSTRAINT ck_fund_slice_available_not_negative;"
            "DELETE FROM fund_slice WHERE slice > 0;"
            "UPDATE fund_slice SET available = -(SELECT sum(CASE WHEN debit = fund_id THEN amount"
            " WHEN credit = fund_id THEN -amount ELSE 0 END) FROM transfer WHERE lot_id <> 0)"
        ),
        "slices_not_negative",
    ),
    "a slice below nothing": (
        "slices_not_negative",
        (
            "ALTER TABLE fund_slice DROP CONSTRAINT ck_fund_slice_available_not_negative;"
            "UPDATE fund_slice SET available = available + CASE slice WHEN 0 THEN -9000"
            " WHEN 1 THEN 9000 ELSE 0 END"
        ),
    ),
    "a lot that nobody made": (
        "lots_known",
        f"UPDATE credit SET lot_id = 999 WHERE points = 0 AND {LIVE}",
    ),
    "a lot without a fund": (
        "lots_known",
        (
            "INSERT INTO lot (fund_id, expires_on)"
            " SELECT id, DATE '2030-01-01' FROM account WHERE kind = 'issuance'"
        ),
    ),
    "a check-in of nobody": (
        "accounts_known",
        "UPDATE check_in SET account_id = uuidv7() WHERE status = 'rejected'",
    ),
    "a transfer without its booking": (
        "credits_transferred",
        (
            "UPDATE transfer SET cause_id = uuidv7() WHERE (account_id, cause_id) ="
            f" (SELECT account_id, id FROM credit WHERE {LIVE} AND grams > 0 LIMIT 1)"
            " AND lot_id = 0"
        ),
    ),
    "points in another lot": (
        "credits_transferred",
        (
            "UPDATE credit SET lot_id = (SELECT max(id) FROM lot WHERE id <> credit.lot_id)"
            f" WHERE id = (SELECT id FROM credit WHERE {LIVE} AND points > 0 LIMIT 1)"
        ),
    ),
    "grams that a reversal left": (
        "reversals_take_back",
        (
            "UPDATE transfer SET cause_id = uuidv7() WHERE purpose = 'reverse' AND lot_id = 0"
            " AND cause_id = (SELECT cause_id FROM transfer WHERE purpose = 'reverse'"
            " AND lot_id = 0 LIMIT 1)"
        ),
    ),
    "points in a lot that is over": (
        "expired_lots_empty",
        (
            "INSERT INTO lot_pass (lot_id, task, due_at, finished_at) SELECT lot_id, 'expire',"
            " now(), now() FROM account_lot JOIN account ON account.id = account_id"
            " WHERE kind = 'member' AND lot_id <> 0 AND posted > held LIMIT 1"
        ),
    ),
    "an expiry that moved nothing": (
        "expiries_moved",
        (
            "INSERT INTO expiry (id, account_id, lot_id, points, expired_at)"
            " SELECT uuidv7(), account_id, lot_id, 1, now() FROM account_lot LIMIT 1"
        ),
    ),
    "two rules for one ride": (
        "rules_distinct",
        (
            "CREATE TEMP TABLE rival ON COMMIT DROP AS SELECT * FROM campaign;"
            "UPDATE rival SET id = uuidv7(), name = 'rival';"
            "INSERT INTO campaign SELECT * FROM rival;"
            "INSERT INTO campaign_action (campaign_id, action, points)"
            " SELECT id, 'metro', 1 FROM rival"
        ),
        "priced",
    ),
    "pending points of another day": (
        "pending_is_of_credits",
        (
            "UPDATE pending_points SET occurred_on = occurred_on + 1 WHERE credit_id ="
            " (SELECT credit_id FROM pending_points LIMIT 1)"
        ),
    ),
    "a second booking of one check-in": (
        "one_live_credit",
        # Another one over the cap changes neither grams nor what recomputing gives.
        (
            "CREATE TEMP TABLE copy ON COMMIT DROP AS SELECT * FROM credit"
            f" WHERE reason = 'cap_reached' AND grams = 0 AND {LIVE}"
            " AND occurred_at = (SELECT max(occurred_at) FROM credit AS day"
            " WHERE day.account_id = credit.account_id"
            " AND day.period = credit.period AND day.action = credit.action) LIMIT 1;"
            "UPDATE copy SET id = uuidv7(), natural_key = 'copy', booking = booking + 1,"
            " occurred_at = occurred_at + interval '1 second';"
            "INSERT INTO credit SELECT * FROM copy;"
            "INSERT INTO daily_total SELECT occurred_on, region, action, tier, 1, 0, 0"
            " FROM copy"
            " ON CONFLICT (occurred_on, region, action, tier)"
            " DO UPDATE SET credits = daily_total.credits + 1"
        ),
    ),
    "a gap in the bookings": (
        "bookings_numbered",
        (
            "UPDATE credit SET booking = 2 WHERE id = (SELECT id FROM credit"
            f" WHERE {ONCE} AND {REPORTED} LIMIT 1)"
        ),
    ),
    "a debt forgiven": (
        "debts_explained",
        "UPDATE account SET points_debt = points_debt - 1 WHERE points_debt > 0",
    ),
    "a debt invented": (
        "debts_explained",
        (
            "UPDATE account SET points_debt = 3 WHERE id = (SELECT id FROM account"
            " WHERE kind = 'member' AND points_debt = 0 LIMIT 1)"
        ),
    ),
    "a total raised": (
        "totals_are_credits",
        (
            "UPDATE daily_total SET grams = grams + 1 WHERE (occurred_on, region, action, tier) ="
            " (SELECT occurred_on, region, action, tier FROM daily_total LIMIT 1)"
        ),
    ),
    "a report that never comes": (
        "totals_are_credits",
        "DELETE FROM work WHERE id = (SELECT max(id) FROM work WHERE step = 'report')",
    ),
    "a credited check-in rejected": (
        "credited_has_credit",
        (
            "UPDATE check_in SET status = 'rejected' WHERE id = (SELECT check_in_id FROM credit"
            f" WHERE {ONCE} LIMIT 1)"
        ),
    ),
    "a rejected check-in credited": (
        "credited_has_credit",
        (
            "INSERT INTO claim SELECT sha256('meal'), id, now() FROM check_in"
            " WHERE status = 'rejected';"
            "UPDATE check_in SET status = 'credited' WHERE status = 'rejected'"
        ),
    ),
    "a check-in moved to another place": (
        "credit_is_of_its_check_in",
        (
            "UPDATE check_in SET region = '110000' WHERE id = (SELECT check_in_id FROM credit"
            f" WHERE {ONCE} LIMIT 1)"
        ),
    ),
    "evidence free to be used again": (
        "evidence_claimed",
        (
            "DELETE FROM claim WHERE check_in_id = (SELECT id FROM check_in"
            " WHERE status = 'credited' AND evidence_sha256 IS NOT NULL)"
        ),
    ),
    "a claim of nothing": (
        "evidence_claimed",
        "INSERT INTO claim VALUES (sha256('x'), uuidv7(), now())",
    ),
    "a photo that nobody scores": ("waiting_has_work", "DELETE FROM work WHERE step = 'score'"),
    "a score that nobody credits": ("waiting_has_work", "DELETE FROM work WHERE step = 'credit'"),
    "work about nothing": (
        "work_is_known",
        "UPDATE work SET ids = ids || uuidv7() WHERE step = 'credit'",
    ),
    "a report about nothing": (
        "work_is_known",
        "INSERT INTO work (step, event, ids) VALUES ('report', 'CreditBooked', ARRAY[uuidv7()])",
    ),
    "a weighed bag unweighed": (
        "bags_follow_check_ins",
        "UPDATE bag SET weighed_at = NULL, mass_g = NULL WHERE code = 'BAG0'",
        "bag_chains_are_whole",
    ),
    "a bag that weighs more than the scale said": (
        "bag_chains_are_whole",
        "UPDATE bag SET mass_g = mass_g + 1 WHERE code = 'BAG0'",
    ),
    "a link of a chain lost": (
        "bag_chains_are_whole",
        "DELETE FROM bag_custody WHERE (code, step) = ('BAG6', 'lapsed')",
    ),
    "a bag handed in before it was bound": (
        "bag_chains_are_whole",
        (
            "UPDATE bag_custody SET occurred_at = occurred_at - interval '20 days'"
            " WHERE step = 'handed_in'"
        ),
    ),
    "glass that was never weighed": (
        "sorted_is_what_was_weighed",
        (
            "UPDATE bag_custody SET quantities = quantities || '{\"mass_g.glass\": 2900}',"
            " mass_g = mass_g + 1000 WHERE step = 'sorted'"
        ),
    ),
    "a residue forgotten": (
        "sorted_is_what_was_weighed",
        "UPDATE bag_custody SET residue_g = 0 WHERE step = 'sorted'",
    ),
    "a doubt opened again": (
        "doubts_hold_bags_back",
        (
            "UPDATE bag_doubt SET outcome = 'pending', decided_by = NULL, decided_at = NULL,"
            " mass_g_decided = NULL WHERE outcome = 'credited'"
        ),
    ),
    "a pickup done by nobody": (
        "pickups_follow_reports",
        "DELETE FROM pickup_report WHERE kind = 'done'",
    ),
    "a bag that lapsed and waits": (
        "bags_follow_check_ins",
        (
            "UPDATE check_in SET status = 'bound' FROM bag WHERE check_in.id = check_in_id"
            " AND code = 'BAG6'"
        ),
    ),
    "the wrong one yields": (
        "look_alikes_yield",
        "UPDATE near_match SET yields = CASE yields WHEN first_id THEN second_id ELSE first_id END",
    ),
    "a cause gone": (
        "reversals_have_a_cause",
        "DELETE FROM restatement WHERE reason = 'late_activity'",
    ),
    "a cause of somebody else": (
        "reversals_have_a_cause",
        "UPDATE restatement SET account_id = uuidv7() WHERE reason = 'partner_corrected'",
    ),
    "a cause of nothing": (
        "reversals_have_a_cause",
        (
            "INSERT INTO restatement (id, check_in_id, account_id, reason, restated_at)"
            " SELECT uuidv7(), check_in_id, account_id, 'late_activity', now() FROM restatement"
            " LIMIT 1"
        ),
    ),
    "another reason than was decided": (
        "reversed_says_why",
        "UPDATE check_in SET reason = 'partner_corrected' WHERE status = 'reversed'",
    ),
    "decided and still in review": (
        "reviews_decide",
        (
            "INSERT INTO review_decision SELECT uuidv7(), id, false, 'rejected', 'leftover', NULL,"
            " 'somebody', NULL, now() FROM check_in WHERE status = 'in_review'"
        ),
    ),
    "an appeal that nobody decided": (
        "reviews_decide",
        (
            "INSERT INTO appeal SELECT id, NULL, 'leftovers', now() FROM check_in"
            " WHERE status = 'rejected'"
        ),
    ),
    "doubt that nobody decided": (
        "reviews_decide",
        (
            "INSERT INTO score SELECT id, 'x', '{0,0,0,0,0}', 0, 'in_review', 'uncertain', now()"
            " FROM check_in WHERE status = 'rejected'"
        ),
    ),
    "a photo lost from the queue": (
        "queue_is_complete",
        "UPDATE check_in SET in_review_since = NULL WHERE status = 'in_review'",
    ),
    "a photo of no plate that stays": (
        "no_plate_goes",
        "UPDATE check_in SET reason = 'no_plate' WHERE status = 'rejected'",
    ),
    "a photo of no plate forgotten": (
        "no_plate_goes",
        (
            "UPDATE check_in SET reason = 'no_plate', evidence_until = now() - interval '3 hours'"
            " WHERE status = 'rejected'"
        ),
    ),
    "a photo deleted that somebody has to see": (
        "no_plate_goes",
        (
            "INSERT INTO evidence_deletion SELECT id, now(), now() FROM check_in"
            " WHERE status = 'in_review'"
        ),
    ),
    "a reversal that nobody agreed on": (
        "requests_are_carried_out",
        (
            "UPDATE reversal_request SET outcome = 'done', decided_by = 'x', decided_at = now()"
            " WHERE outcome = 'pending'"
        ),
    ),
    "a reversal by somebody else": (
        "requests_are_carried_out",
        "UPDATE reversal_request SET requested_by = 'x' WHERE outcome = 'done'",
    ),
    "a total that no device told": (
        "tallies_are_counted",
        "UPDATE tally SET amount = amount + 1 WHERE source = 'phone'",
    ),
    "an odometer of another day": (
        "no_drive_days_have_two_photos",
        "UPDATE capture SET meal_window = '2026-01-01/evening' WHERE meal_window LIKE '%/evening'",
    ),
    "an odometer photo lost": (
        "no_drive_days_have_two_photos",
        "DELETE FROM check_in_evidence WHERE part = 'morning'",
    ),
    "a digit changed": (
        "recomputed",
        (
            "UPDATE credit SET unrounded = unrounded || '1' WHERE id = (SELECT id FROM credit"
            f" WHERE {LIVE} LIMIT 1)"
        ),
    ),
    "an allowance changed": (
        "recomputed",
        (
            "UPDATE credit SET allowed = '{\"meals\": 7}' WHERE id = (SELECT id FROM credit"
            f" WHERE {ONCE} LIMIT 1)"
        ),
    ),
    "another engine": (
        "recomputed",
        f"UPDATE credit SET engine = 99 WHERE id = (SELECT id FROM credit WHERE {ONCE} LIMIT 1)",
    ),
    "a voucher that says it holds less": (
        "vouchers_held",
        "UPDATE voucher SET points = points - 1 WHERE status = 'issued'",
        "vouchers_as_offered",
    ),
    "an ended voucher that can be used again": (
        "vouchers_held",
        "UPDATE voucher SET status = 'issued', ended_at = NULL WHERE status = 'voided'",
        "stock_adds_up",
    ),
    "a voucher paid for that the partner refused": (
        "partner_calls_end_vouchers",
        (
            "UPDATE partner_call SET status = 'refused', reference = NULL, reason = 'no'"
            " WHERE status = 'fulfilled'"
        ),
    ),
    "a voucher that no partner was called for": (
        "partner_calls_end_vouchers",
        "DELETE FROM partner_call WHERE status = 'calling'",
    ),
    "a settlement that says more": (
        "settlements_moved",
        (
            "UPDATE settlement SET points = points + 1 WHERE NOT EXISTS"
            " (SELECT FROM settlement_undo WHERE settlement_id = settlement.id)"
        ),
        "shifts_are_settlements",
    ),
    "an undo that says more": (
        "settlements_moved",
        "UPDATE settlement_undo SET points = points + 1",
        "shifts_are_settlements",
    ),
    "a refund to another lot": (
        "refunds_same_lots",
        (
            "UPDATE transfer SET lot_id = other.id FROM lot AS other WHERE purpose = 'refund'"
            " AND other.id <> lot_id"
        ),
        "member_balances",
        "shared_balances",
    ),
    "a settled voucher without its settlement": (
        "voucher_states",
        (
            "DELETE FROM settlement WHERE NOT EXISTS"
            " (SELECT FROM settlement_undo WHERE settlement_id = settlement.id)"
        ),
        "shifts_are_settlements",
        "payees_are_owed",
        "statements_complete",
    ),
    "an undo with an approver and no proposal": (
        "corrections_by_two",
        "UPDATE settlement_undo SET approved_by = 'somebody'",
    ),
    "a correction that took nothing back": (
        "corrections_by_two",
        (
            "INSERT INTO settlement_correction (id, settlement_id, merchant_id, points, reason,"
            " proposed_by, proposed_at, outcome, decided_by, decided_at) SELECT id, id,"
            " merchant_id, points, '错', 'op', now(), 'done', 'op-2', now() FROM settlement"
            " WHERE NOT EXISTS"
            " (SELECT FROM settlement_undo WHERE settlement_id = settlement.id)"
        ),
        "webhooks_made",
    ),
    "an undone voucher that looks settled": (
        "voucher_states",
        "UPDATE voucher SET status = 'settled' WHERE status = 'undone'",
        "stock_adds_up",
    ),
    "a piece lost": (
        "stock_adds_up",
        "UPDATE reward_stock SET available = available - 1",
    ),
    "a statement that pays more": (
        "statements_are_transfers",
        "UPDATE settlement_statement SET settled_points = settled_points + 1",
    ),
    "a line of a statement lost": (
        "statements_are_transfers",
        "DELETE FROM statement_line WHERE points < 0",
        "statements_complete",
    ),
    "a shift that hands over less": (
        "shifts_are_settlements",
        "UPDATE shift SET settled_points = settled_points - 1",
    ),
    "a line of a shift changed": (
        "shifts_are_settlements",
        "UPDATE shift_line SET points = points - 1 WHERE points > 0",
    ),
    "a donation that says more": (
        "donations_moved",
        "UPDATE donation SET points = points + 1",
    ),
    "an endpoint that changed hands": (
        "webhooks_to_their_owner",
        "UPDATE webhook_endpoint SET owner_id = uuidv7()",
    ),
    "a delivery about somebody else's ride": (
        "webhooks_to_their_owner",
        (
            "INSERT INTO webhook_delivery (id, endpoint_id, event_type, subject_id, body, status,"
            " due_at, give_up_at, created_at) SELECT uuidv7(), endpoint.id, 'check_in.credited',"
            " credit.id, '{}', 'pending', now(), now(), now() FROM webhook_endpoint AS endpoint,"
            " credit WHERE owner_kind = 'partner' AND action = 'clean_plate' LIMIT 1"
        ),
    ),
    "a delivery that was never made": (
        "webhooks_made",
        "DELETE FROM webhook_delivery WHERE event_type = 'check_in.credited'",
    ),
    "a settlement that no merchant was told of": (
        "webhooks_made",
        "DELETE FROM webhook_delivery WHERE event_type = 'voucher.settled'",
    ),
    "a merchant who was not told what became of a correction": (
        "webhooks_made",
        "DELETE FROM webhook_delivery WHERE event_type = 'settlement.correction_decided'",
    ),
    "a pool code taken back": (
        "pool_codes_given",
        "UPDATE pool_code SET voucher_id = NULL, taken_at = NULL",
    ),
    "a lot of which more is left": (
        "marine_lots_left",
        "UPDATE marine_lot SET left_g = left_g + 1 WHERE left_g < mass_g",
    ),
    "a taking nobody remembers": (
        "marine_lots_left",
        "DELETE FROM marine_taken",
        "marine_steps_balance",
    ),
    "a loss that was not stated": (
        "marine_steps_balance",
        (
            "ALTER TABLE marine_step DROP CONSTRAINT ck_marine_step_mass_balances;"
            "UPDATE marine_step SET loss_g = loss_g - 1 WHERE loss_g > 0"
        ),
    ),
    "a hand-in that left its lot": (
        "marine_steps_balance",
        (
            "DELETE FROM marine_gathered WHERE hand_in_id ="
            " (SELECT hand_in_id FROM marine_gathered LIMIT 1)"
        ),
    ),
    "grams taken by a step that was withdrawn": (
        "marine_lots_left",
        (
            "UPDATE marine_lot SET left_g = mass_g WHERE step_id IN"
            " (SELECT step_id FROM marine_withdrawal)"
        ),
    ),
    "a hand-in that a withdrawn step still holds": (
        "marine_withdrawals_hold",
        "UPDATE marine_gathered SET is_withdrawn = false WHERE is_withdrawn",
    ),
    "a step in the place of one that stands": (
        "marine_withdrawals_hold",
        (
            "UPDATE marine_step SET replaces = (SELECT id FROM marine_step WHERE kind = 'gathered'"
            " AND id NOT IN (SELECT step_id FROM marine_withdrawal)) WHERE replaces IS NOT NULL"
        ),
    ),
    "a hand-in credited to somebody else": (
        "marine_hand_ins_credited",
        "UPDATE marine_hand_in SET account_id = uuidv7() WHERE account_id IS NOT NULL",
    ),
    "a payout for more than was weighed": (
        "marine_payouts_follow_the_scale",
        "UPDATE marine_payout SET mass_g = 2000, amount_fen = 266",
    ),
    "a pledge that was never planted": (
        "tree_pledges_fulfilled",
        "UPDATE tree_pledge SET fulfilled = fulfilled + 1",
    ),
    "a dead tree forgotten": ("tree_deaths_add_up", "UPDATE tree_planting SET dead = dead - 1"),
    "trees of another partner": (
        "trees_planted_by_their_project",
        (
            "UPDATE tree_planting SET partner_id = (SELECT id FROM partner"
            " WHERE id <> tree_planting.partner_id LIMIT 1)"
        ),
    ),
    "a waiting event without its body": (
        "parked_events_wait",
        "DELETE FROM parked_event",
    ),
    "an event that counted for nobody": (
        "events_became_check_ins",
        "UPDATE partner_event SET check_in_id = uuidv7() WHERE outcome = 'credited'",
    ),
    "a withdrawal that took nothing back": (
        "events_became_check_ins",
        (
            "UPDATE partner_event SET outcome = 'withdrawn' WHERE role = 'reported'"
            " AND check_in_id IN (SELECT id FROM check_in WHERE status = 'credited')"
        ),
    ),
}
