"""Telling merchants' and partners' systems what happened, signed, at least once."""
