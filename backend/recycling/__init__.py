"""Recycling bags: which codes exist, who bound one, when it was weighed."""
