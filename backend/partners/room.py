"""The room put together."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from backend.http.routes import Route
from backend.partners.desk import known_of
from backend.partners.desk_routes import PartnerDesk
from backend.partners.link_routes import LinkDesk
from backend.partners.own_key_routes import OwnKeys
from backend.sealing import Sealer


def partner_routes(
    engine: AsyncEngine,
    sealer: Sealer,
    event_types: Iterable[str],
    *,
    clock_shift_s: int,
) -> Sequence[Route[Any, Any]]:
    """Partners, their keys and their customers' links; a key may open what any route asks for."""
    links = LinkDesk(engine, clock_shift_s).routes()
    own = OwnKeys(engine, sealer).routes()
    return [*links, *own, *PartnerDesk(engine, sealer, known_of(event_types)).routes()]
