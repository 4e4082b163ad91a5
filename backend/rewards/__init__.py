"""Merchants and what they honour: rewards, redemption, vouchers, settlement, statements."""
