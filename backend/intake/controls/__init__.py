"""Reconciliation: what a partner says it has sent of a day, against what is on record here."""
