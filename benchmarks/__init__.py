"""Programs that answer one question each and print one JSON object."""
