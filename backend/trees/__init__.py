"""Trees: pledges, what partners planted for them, certificates. Grams come from verified life."""
