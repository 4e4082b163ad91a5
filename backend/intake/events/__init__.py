"""The inlet of partners' events: CloudEvents in, one answer each, and every event counts once."""
