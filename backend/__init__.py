"""The service: HTTP API, processor and the rooms of the product; see `docs/architecture.md`."""
