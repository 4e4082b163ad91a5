"""The room put together."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from backend.http.routes import Route
from backend.sealing import Sealer
from backend.webhooks.delivery_routes import DeliveryDesk
from backend.webhooks.endpoint_routes import EndpointDesk


def webhook_routes(
    engine: AsyncEngine, sealer: Sealer, *, is_anywhere: bool
) -> Sequence[Route[Any, Any]]:
    """Its routes; what sends is opened by `deliverer`."""
    return [
        *EndpointDesk(engine, sealer, is_anywhere).routes(),
        *DeliveryDesk(engine).routes(),
    ]
