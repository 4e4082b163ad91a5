"""People without a phone: a card and its PIN, bound at a desk, read by devices, spent at tills."""
