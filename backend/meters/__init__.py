"""Meters: what was read of them, what a city uses on average, and the baseline that follows."""
