"""From accepted activities to booked credits: claims, the day rule, transfers and points."""
