"""Canteens: the camera at the tray return, what it saw, and what was thrown away."""
