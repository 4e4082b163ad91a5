"""Accounts, lots, holds and transfers; it has never heard of a check-in."""
