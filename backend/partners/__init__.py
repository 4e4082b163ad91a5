"""Organisations and devices that report for members: keys, scopes, and links to accounts."""
