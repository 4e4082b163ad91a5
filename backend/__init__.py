"""The service: HTTP API, processor and the rooms of the product (`docs/architecture.md` shows the way)."""
