"""Ways to take money that leave every sum as it was, each with the check that must see it.

Whoever may write to the database keeps balances, deltas, slices and totals in step.
"""

# One point of somebody who has one available, and the fund that gave it.
_ONE_POINT = (
    "CREATE TEMP TABLE one ON COMMIT DROP AS SELECT uuidv7() AS cause_id, account_id, lot_id,"
    " fund_id, (SELECT id FROM merchant ORDER BY id LIMIT 1) AS merchant_id FROM account_lot"
    " JOIN lot ON lot.id = lot_id JOIN account ON account.id = account_id"
    " WHERE kind = 'member' AND posted > held LIMIT 1;"
    "UPDATE account_lot SET posted = posted - 1 FROM one"
    " WHERE (account_lot.account_id, account_lot.lot_id) = (one.account_id, one.lot_id);"
)

MONEY_MUTATIONS = {
    "a debt repaid by nothing that came": (
        "repaid_from_what_came",
        "UPDATE transfer SET cause_id = uuidv7() WHERE purpose = 'repay'",
    ),
    "points that another member gave": (
        "transfers_have_their_sides",
        (
            "CREATE TEMP TABLE given ON COMMIT DROP AS SELECT * FROM transfer"
            " WHERE purpose = 'credit' AND lot_id <> 0 LIMIT 1;"
            "UPDATE transfer SET debit = (SELECT id FROM account WHERE kind = 'member'"
            " AND id <> given.account_id LIMIT 1) FROM given"
            " WHERE (transfer.account_id, transfer.cause_id, transfer.purpose, transfer.lot_id)"
            " = (given.account_id, given.cause_id, given.purpose, given.lot_id);"
            "UPDATE fund_slice SET available = available + amount FROM given"
            " WHERE fund_id = given.debit AND slice = 0"
        ),
    ),
    "a merchant paid for nothing": (
        "payees_are_owed",
        (
            f"{_ONE_POINT}"
            "INSERT INTO transfer SELECT account_id, cause_id, 'settle', lot_id, account_id,"
            " merchant_id, 1, current_date, now() FROM one;"
            "INSERT INTO account_delta (account_id, lot_id, amount)"
            " SELECT merchant_id, lot_id, 1 FROM one"
        ),
    ),
    "a settlement that pays another merchant": (
        "vouchers_as_offered",
        (
            "CREATE TEMP TABLE taken ON COMMIT DROP AS SELECT cause_id, merchant_id, lot_id,"
            " amount, (SELECT merchant_id FROM settlement WHERE settled_by = 'partner_call'"
            " LIMIT 1) AS thief_id FROM settlement JOIN transfer ON cause_id = settlement.id"
            " WHERE settled_by = 'pool';"
            "UPDATE settlement SET merchant_id = thief_id FROM taken WHERE id = cause_id;"
            "UPDATE transfer SET credit = thief_id FROM taken"
            " WHERE transfer.cause_id = taken.cause_id;"
            "INSERT INTO account_delta (account_id, lot_id, amount)"
            " SELECT merchant_id, lot_id, -amount FROM taken"
            " UNION ALL SELECT thief_id, lot_id, amount FROM taken"
        ),
    ),
    "a voucher at another price": (
        "vouchers_as_offered",
        "UPDATE reward SET points = points + 1",
    ),
    "an undo that a statement forgets": (
        "statements_complete",
        (
            "DELETE FROM statement_line WHERE points < 0;"
            "UPDATE settlement_statement SET undone_count = 0, undone_points = 0"
        ),
    ),
    "settlements that another merchant is paid for": (
        "statements_complete",
        (
            "UPDATE settlement_statement SET merchant_id = (SELECT id FROM merchant"
            " WHERE id <> settlement_statement.merchant_id LIMIT 1)"
        ),
    ),
    "points that expired before their day": (
        "expiries_moved",
        (
            f"{_ONE_POINT}"
            "INSERT INTO transfer SELECT account_id, cause_id, 'expire', lot_id, account_id,"
            " fund_id, 1, current_date, now() FROM one;"
            "INSERT INTO expiry SELECT cause_id, account_id, lot_id, 1, now() FROM one;"
            "UPDATE fund_slice SET available = available + 1 FROM one"
            " WHERE fund_slice.fund_id = one.fund_id AND slice = 0"
        ),
    ),
    "a ride that gave more points than its rule": (
        "priced",
        (
            "CREATE TEMP TABLE more ON COMMIT DROP AS SELECT credit.* FROM credit"
            " JOIN transfer ON cause_id = credit.id AND purpose = 'credit'"
            " AND transfer.lot_id <> 0 WHERE booking = 1 AND NOT EXISTS"
            " (SELECT FROM reversal WHERE credit_id = credit.id) AND NOT EXISTS"
            " (SELECT FROM work WHERE step = 'report' AND credit.id = ANY(ids)) LIMIT 1;"
            "UPDATE credit SET points = credit.points + 7 FROM more WHERE credit.id = more.id;"
            "UPDATE transfer SET amount = amount + 7 FROM more WHERE cause_id = more.id"
            " AND purpose = 'credit' AND transfer.lot_id <> 0;"
            "UPDATE account_lot SET posted = posted + 7 FROM more WHERE"
            " (account_lot.account_id, account_lot.lot_id) = (more.account_id, more.lot_id);"
            "UPDATE fund SET budget = budget + 7 FROM lot JOIN more ON lot.id = more.lot_id"
            " WHERE fund.id = fund_id;"
            "UPDATE daily_total SET points = daily_total.points + 7 FROM more WHERE"
            " (daily_total.occurred_on, daily_total.region, daily_total.action, daily_total.tier)"
            " = (more.occurred_on, more.region, more.action, more.tier)"
        ),
    ),
}
