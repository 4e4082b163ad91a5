"""Calls to systems of others: signed, to checked addresses, with a limit on everything."""
