"""The check-in: its record, its life cycle, and the score of its photo."""
